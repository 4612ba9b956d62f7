// compress of a backend against the reference: two sequences and both
// compressors in one call.
#include <algorithm>

#include "kernels/case_tools.h"
#include "kernels/compress/compress.h"
#include "kernels/compressor_pool/compressor_pool_cases.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

constexpr int64_t kRowsPerPage = 8;

struct CompressCase {
  const char* name;
  RowFormat format;
  // Of what is stored: where values are rounded, a sum in another order may
  // give the neighbouring code, an eighth away (E4M3).
  double tolerance;
};

constexpr CompressCase kCases[] = {
    {"float rows", RowFormat::f32, 1e-5},
    {"fp8 rows", RowFormat::fp8, 0.13},
};

constexpr CompressorPoolCase kShapes[] = {
    {"csa", 4, 512, 1022, 71},
    {"one token, no window", 4, 128, 1, 1},
    {"hca", 128, 128, 100, 200},
    {"one token, one window", 128, 512, 895, 1},
};

// One compressor's arrays, of which the chunk's gates want the bias.
struct Compressor {
  Compressor(const CompressorPoolCase& shape, RowFormat format)
      : inputs(shape),
        layout{format, shape.dim, shape.dim / 2},
        channels(shape.dim * (shape.ratio == 4 ? 2 : 1)),
        bias(random_values(shape.ratio * channels, 7)),
        weight(random_values(shape.dim, 8)),
        frequencies(random_values(shape.dim / 4, 9)),
        pooled(static_cast<size_t>(
            std::max<int64_t>(1, inputs.windows()) * shape.dim)) {
    const int64_t rows = (shape.chunk_start + shape.tokens) / shape.ratio;
    for (int64_t first = 0; first < std::max<int64_t>(rows, 1);
         first += kRowsPerPage)
      memory.emplace_back(
          static_cast<size_t>(kRowsPerPage * layout.row_bytes()));
    for (const std::vector<std::byte>& page : memory)
      pages.push_back(page.data());
  }

  CompressParams params() {
    const CompressorPoolCase& shape = inputs.shape();
    return {
        .pool = inputs.chunk(0, shape.tokens, pooled.data()),
        .tokens = shape.tokens,
        .bias = bias.data(),
        .finish =
            {.dim = shape.dim,
             .norm = true,
             .norm_weight = weight.data(),
             .norm_eps = 1e-6F,
             .rotary_dim = shape.dim / 2,
             .frequencies = frequencies.data(),
             .rounding = layout.format == RowFormat::fp8 ? RowRounding::fp8
                                                         : RowRounding::none},
        .rows = {pages.data(), kRowsPerPage, layout}};
  }

  // The rows that the call has stored.
  void append_rows(std::vector<float>& all) const {
    const CompressorPoolCase& shape = inputs.shape();
    std::vector<float> row(static_cast<size_t>(shape.dim));
    const int64_t first = shape.chunk_start / shape.ratio;
    for (int64_t r = first; r < first + inputs.windows(); ++r) {
      decode_row(
          layout,
          pages[static_cast<size_t>(r / kRowsPerPage)] +
              r % kRowsPerPage * layout.row_bytes(),
          row.data());
      all.insert(all.end(), row.begin(), row.end());
    }
  }

  CompressorPoolInputs inputs;
  RowLayout layout;
  int64_t channels;
  std::vector<float> bias;
  std::vector<float> weight;
  std::vector<float> frequencies;
  std::vector<float> pooled;
  std::vector<std::vector<std::byte>> memory;
  std::vector<const std::byte*> pages;
};

std::vector<float> run(
    const CompressCase& the_case,
    void (*function)(std::span<const CompressParams>, ThreadTeam&),
    ThreadTeam& team) {
  std::vector<Compressor> compressors;
  compressors.reserve(std::size(kShapes));
  std::vector<CompressParams> all;
  for (const CompressorPoolCase& shape : kShapes)
    all.push_back(compressors.emplace_back(shape, the_case.format).params());
  function(all, team);
  std::vector<float> rows;
  for (const Compressor& compressor : compressors)
    compressor.append_rows(rows);
  return rows;
}

}  // namespace

void check_compress(
    const Backend& backend,
    ThreadTeam& team,
    std::vector<KernelCheck>& checks) {
  for (const CompressCase& the_case : kCases)
    checks.push_back(check_case(
        "compress",
        the_case.name,
        1.0,
        the_case.tolerance,
        [&] { return run(the_case, compress_reference, team); },
        [&] { return run(the_case, backend.compress, team); }));
}

}  // namespace hadal
