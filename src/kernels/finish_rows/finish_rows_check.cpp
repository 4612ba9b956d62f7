// finish_rows of a backend against the reference. Rounding is checked on rows
// whose values are the same on both sides to the bit: elsewhere a sum in
// another order may push a value over the edge between two codes.
#include "kernels/case_tools.h"
#include "kernels/finish_rows/finish_rows.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

struct FinishRowsCase {
  const char* name;
  int64_t tokens;
  int64_t heads;
  int64_t dim;
  int64_t rotary;
  bool norm;
  bool weighted;
  RowRounding rounding;
  RowFormat stored;  // with `encoded`
  bool encoded;
};

using enum RowRounding;
constexpr FinishRowsCase kCases[] = {
    {"flash queries", 2, 64, 512, 64, true, false, none, RowFormat::f32, false},
    {"flash keys", 5, 1, 512, 64, true, true, none, RowFormat::f32, true},
    {"nano keys", 3, 1, 128, 64, true, true, none, RowFormat::f32, true},
    {"only a norm", 4, 1, 37, 0, true, true, none, RowFormat::f32, false},
    {"fp8 rows", 6, 1, 512, 0, false, false, fp8, RowFormat::fp8, true},
    {"fp8, odd width", 3, 1, 100, 0, false, false, fp8, RowFormat::fp8, true},
    {"bf16 rows", 3, 1, 128, 0, false, false, none, RowFormat::bf16, true},
    {"index rows",
     7,
     1,
     128,
     0,
     false,
     false,
     hadamard_fp4,
     RowFormat::fp4,
     true},
    {"index queries",
     3,
     8,
     64,
     0,
     false,
     false,
     hadamard_fp4,
     RowFormat::f32,
     false},
};

// Sums of 512 squares in another order, then a sine: as rms_norm and rotary.
constexpr double kTolerance = 1e-5;

// The rows, and the stored ones as they read.
std::vector<float> run(
    const FinishRowsCase& shape,
    void (*function)(std::span<const FinishRowsParams>, ThreadTeam&),
    ThreadTeam& team) {
  const int64_t rows = shape.tokens * shape.heads;
  std::vector<float> x = random_values(rows * shape.dim, 1);
  const std::vector<float> weight = random_values(shape.dim, 2);
  const std::vector<float> frequencies = random_values(shape.rotary / 2, 3);
  std::vector<int64_t> positions;
  for (int64_t t = 0; t < shape.tokens; ++t)
    positions.push_back(1000 + 7 * t);
  FinishRowsParams params{
      .x = x.data(),
      .rows = rows,
      .heads = shape.heads,
      .positions = positions.data(),
      .finish =
          {.dim = shape.dim,
           .norm = shape.norm,
           .norm_weight = shape.weighted ? weight.data() : nullptr,
           .norm_eps = 1e-6F,
           .rotary_dim = shape.rotary,
           .frequencies = frequencies.data(),
           .rounding = shape.rounding},
      .layout = {shape.stored, shape.dim, shape.rotary}};
  std::vector<std::byte> stored(
      static_cast<size_t>(rows * params.layout.row_bytes()));
  if (shape.encoded)
    params.encoded = stored.data();
  function({&params, 1}, team);
  std::vector<float> all = x;
  for (int64_t r = 0; shape.encoded && r < rows; ++r) {
    std::vector<float> row(static_cast<size_t>(shape.dim));
    decode_row(
        params.layout,
        stored.data() + r * params.layout.row_bytes(),
        row.data());
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

}  // namespace

void check_finish_rows(
    const Backend& backend,
    ThreadTeam& team,
    std::vector<KernelCheck>& checks) {
  for (const FinishRowsCase& shape : kCases)
    checks.push_back(check_case(
        "finish_rows",
        shape.name,
        1.0,
        kTolerance,
        [&] { return run(shape, finish_rows_reference, team); },
        [&] { return run(shape, backend.finish_rows, team); }));
}

}  // namespace hadal
