#include "kernels/finish_rows/finish_rows.h"

#include "kernels/backend.h"

namespace hadal {
namespace {

void round_rows(
    const Backend& steps, const FinishRowsParams& params, ThreadTeam& team) {
  const int64_t dim = params.finish.dim;
  switch (params.finish.rounding) {
    case RowRounding::none:
      return;
    case RowRounding::fp8:
      return steps.fp8_round_trip(
          {.x = params.x,
           .stride = dim,
           .rows = params.rows,
           .cols = dim - params.finish.rotary_dim,
           .block = 64},
          team);
    case RowRounding::hadamard_fp4:
      return steps.hadamard_fp4(
          {.x = params.x, .stride = dim, .rows = params.rows, .dim = dim},
          team);
  }
}

void encode_rows(const FinishRowsParams& params, ThreadTeam& team) {
  constexpr int64_t kGrain = 8;  // a row is about a microsecond
  const int64_t row_bytes = params.layout.row_bytes();
  team.parallel_for(
      params.rows, kGrain, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t r = begin; r < end; ++r)
          encode_row(
              params.layout,
              params.x + r * params.finish.dim,
              params.encoded + r * row_bytes);
      });
}

void finish(
    const Backend& steps, const FinishRowsParams& params, ThreadTeam& team) {
  const RowFinish& how = params.finish;
  const int64_t dim = how.dim;
  if (params.rows == 0)
    return;
  if (how.norm)
    steps.rms_norm(
        {.x = params.x,
         .x_stride = dim,
         .y = params.x,
         .y_stride = dim,
         .rows = params.rows,
         .dim = dim,
         .weight = how.norm_weight,
         .eps = how.norm_eps},
        team);
  if (how.rotary_dim > 0)
    steps.rotary(
        {.x = params.x,
         .x_stride = params.heads * dim,
         .tokens = params.rows / params.heads,
         .heads = params.heads,
         .dim = dim,
         .rotary_dim = how.rotary_dim,
         .positions = params.positions,
         .frequencies = how.frequencies},
        team);
  round_rows(steps, params, team);
  if (params.encoded != nullptr)
    encode_rows(params, team);
}

}  // namespace

void finish_rows_by_steps(
    const Backend& steps,
    std::span<const FinishRowsParams> all,
    ThreadTeam& team) {
  for (const FinishRowsParams& params : all)
    finish(steps, params, team);
}

void finish_rows_reference(
    std::span<const FinishRowsParams> all, ThreadTeam& team) {
  finish_rows_by_steps(reference_backend(), all, team);
}

void finish_rows_cpu(std::span<const FinishRowsParams> all, ThreadTeam& team) {
  finish_rows_by_steps(cpu_backend(), all, team);
}

}  // namespace hadal
