// The row kernels for one token.
#include "kernels/linear/matrix_rows_kernel.cuh"

namespace hadal::cuda {

RowsKernel rows_kernel_alone(int rows) {
  return rows == 8 ? matrix_rows_kernel<1, 1, true>
                   : matrix_rows_kernel<2, 1, true>;
}

}  // namespace hadal::cuda
