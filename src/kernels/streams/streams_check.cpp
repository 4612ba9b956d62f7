// embed and add_to_streams of a backend: copies and one addition, so equal to
// the bit.
#include "kernels/case_tools.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/random_weight.h"
#include "kernels/streams/streams.h"

namespace hadal {
namespace {

struct EmbedCase {
  const char* name;
  WeightView weight;
};

std::vector<EmbedCase> embed_cases() {
  constexpr int64_t kRows = 40;
  return {
      {"embed, bf16",
       {.format = WeightFormat::bf16, .rows = kRows, .cols = 384}},
      {"embed, f32, odd width",
       {.format = WeightFormat::f32, .rows = kRows, .cols = 37}},
      {"embed, affine 4",
       {.format = WeightFormat::affine,
        .scale_format = ScaleFormat::bf16,
        .bits = 4,
        .group = 64,
        .rows = kRows,
        .cols = 256}},
      {"embed, affine 6",
       {.format = WeightFormat::affine,
        .scale_format = ScaleFormat::bf16,
        .bits = 6,
        .group = 32,
        .rows = kRows,
        .cols = 96}},
      {"embed, mxfp8",
       {.format = WeightFormat::mxfp8,
        .scale_format = ScaleFormat::e8m0,
        .rows = kRows,
        .cols = 64}},
  };
}

void check_embed(
    const Backend& backend,
    ThreadTeam& team,
    std::vector<KernelCheck>& checks) {
  constexpr int32_t kIds[] = {3, 0, 39, 3, 17};
  constexpr int64_t kTokens = std::size(kIds);
  constexpr int64_t kCopies = 4;
  for (const EmbedCase& the_case : embed_cases()) {
    const RandomWeight weight(the_case.weight, 1);
    const int64_t dim = the_case.weight.cols;
    const auto size = static_cast<size_t>(kTokens * kCopies * dim);
    checks.push_back(check_case(
        "streams",
        the_case.name,
        1.0,
        0.0,
        [&] {
          std::vector<float> out(size);
          for (int64_t t = 0; t < kTokens; ++t)
            for (int64_t k = 0; k < kCopies; ++k)
              dequantize_row(
                  weight.view(), kIds[t], out.data() + (t * kCopies + k) * dim);
          return out;
        },
        [&] {
          std::vector<float> out(size);
          backend.embed(
              {.weight = weight.view(),
               .ids = kIds,
               .tokens = kTokens,
               .copies = kCopies,
               .out = out.data()},
              team);
          return out;
        }));
  }
}

}  // namespace

void check_streams(
    const Backend& backend,
    ThreadTeam& team,
    std::vector<KernelCheck>& checks) {
  check_embed(backend, team, checks);
  constexpr int64_t kTokens = 5;
  constexpr int64_t kStreams = 4;
  constexpr int64_t kDim = 70;
  const std::vector<float> a = random_values(kTokens * kStreams * kDim, 1);
  const std::vector<float> b = random_values(kTokens * kDim, 2);
  const auto run = [&](auto* add) {
    std::vector<float> out(a.size());
    add(
        AddToStreamsParams{
            .a = a.data(),
            .b = b.data(),
            .tokens = kTokens,
            .n = kStreams,
            .dim = kDim,
            .out = out.data()},
        team);
    return out;
  };
  checks.push_back(check_case(
      "streams",
      "add",
      1.0,
      0.0,
      [&] { return run(add_to_streams_cpu); },
      [&] { return run(backend.add_to_streams); }));
}

}  // namespace hadal
