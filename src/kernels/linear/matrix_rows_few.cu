// The row kernels for blocks of 8 prepared tokens.
#include "kernels/linear/matrix_rows_kernel.cuh"

namespace hadal::cuda {

RowsKernel rows_kernel_few(int rows) {
  return rows == 8 ? matrix_rows_kernel<1, 1, false>
                   : matrix_rows_kernel<2, 1, false>;
}

}  // namespace hadal::cuda
