// The row kernels for blocks of 16 and 32 prepared tokens.
#include "kernels/linear/matrix_rows_kernel.cuh"

namespace hadal::cuda {

RowsKernel rows_kernel_some(int tokens) {
  return tokens == 16 ? matrix_rows_kernel<2, 2, false>
                      : matrix_rows_kernel<2, 4, false>;
}

}  // namespace hadal::cuda
