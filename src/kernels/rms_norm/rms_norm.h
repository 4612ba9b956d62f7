// Root-mean-square norm (spec 2.1), the order of its sum and its roundings.
//
// y[i] = (x[i] * f) * weight[i], or x[i] * f without a weight, with
// f = 1 / sqrt(sum / dim + eps), each operation rounded to float32.
// rms_norm_cpu sums in sixteen accumulators that begin at 0: acc[i mod 16] =
// fma(x[i], x[i], acc[i mod 16]) in increasing i; then for h = 8, 4, 2, 1:
// acc[i] += acc[i + h] for i < h; sum = acc[0]. The reference sums in plain
// order.
#pragma once

#include "base/thread_team.h"
#include "kernels/rms_norm/rms_norm_params.h"

namespace hadal {

void rms_norm_reference(const RmsNormParams& params, ThreadTeam& team);
// The same bits on every instruction set; a row's result depends on the row
// alone.
void rms_norm_cpu(const RmsNormParams& params, ThreadTeam& team);

}  // namespace hadal
