// Attention and indexer of Flash's sizes on a GPU: decode steps of several
// sequences and chunks of prompts, at several contexts. Calls are replayed as
// a graph, as in a decode step, and go from layer to layer, each with rows of
// its own, so that rows come from memory.
//   hadal_cuda_attention_bench [words]   only lines that hold one of the words
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "kernels/cuda/bench_memory.h"
#include "kernels/cuda/find_device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/pass_timing.h"
#include "kernels/random_weight.h"
#include "kernels/rotary/rotary.h"

namespace hadal {
namespace {

constexpr int64_t kHeads = 64;
constexpr int64_t kDim = 512;
constexpr int64_t kRotary = 64;
constexpr int64_t kWindow = 128;
constexpr int64_t kIndexDim = 128;
constexpr int64_t kTopK = 512;
constexpr int64_t kBytesAtMost = int64_t{12} << 30;

struct Shape {
  int64_t sequences;
  int64_t tokens;  // of each
  int64_t context;
  int64_t ratio;  // 0: the window alone
};

std::string name_of(const char* what, const Shape& shape) {
  return fmt::format(
      "{} ratio {}, {} x {} tokens at {}",
      what,
      shape.ratio,
      shape.sequences,
      shape.tokens,
      shape.context);
}

int layers_for(double bytes) {
  return std::clamp(
      static_cast<int>(static_cast<double>(kBytesAtMost) / bytes), 1, 16);
}

// Enough that starting and ending a pass does not count.
int calls_for(const Shape& shape, int layers) {
  return shape.tokens == 1 ? 96 / layers * layers : layers;
}

void time_attention(const Shape& shape) {
  const RowLayout layout{RowFormat::fp8, kDim, kRotary};
  const int64_t row_bytes = layout.row_bytes();
  const int64_t first = shape.context - shape.tokens;
  const int64_t rows = shape.ratio == 0 ? 1 : shape.context / shape.ratio;
  const int64_t keys = std::min(kWindow, shape.context) +
                       (shape.ratio == 0   ? 0
                        : shape.ratio == 4 ? std::min(kTopK, rows)
                                           : rows);
  const int64_t tokens = shape.sequences * shape.tokens;
  const int layers = layers_for(
      static_cast<double>(shape.sequences * rows * row_bytes) +
      static_cast<double>(tokens * kHeads * kDim * 8));
  cuda::BenchMemory memory;
  const std::vector<float> some = random_values(1 << 20, 2);
  const auto floats = [&](int64_t count) {
    return static_cast<float*>(memory.repeat(
        some.data(), some.size() * 4, static_cast<size_t>(count) * 4));
  };
  const float* const sinks = floats(kHeads);
  const float* const frequencies =
      memory.copy(rotary_frequencies(10000.0, kRotary));
  float* const out = floats(tokens * kHeads * kDim);
  const float* const q = floats(tokens * kHeads * kDim);
  std::vector<int32_t> selected;
  RandomNumbers random(3);
  for (int64_t i = 0; i < shape.tokens * kTopK; ++i)
    selected.push_back(
        static_cast<int32_t>(random.bits() % static_cast<uint64_t>(rows)));
  const int32_t* const selected_rows = memory.copy(selected);
  const int32_t* const counts = memory.copy(std::vector<int32_t>(
      static_cast<size_t>(shape.tokens),
      static_cast<int32_t>(std::min(kTopK, rows))));
  std::vector<std::vector<SparseAttentionParams>> calls(
      static_cast<size_t>(layers));
  for (auto& all : calls)
    for (int64_t s = 0; s < shape.sequences; ++s) {
      const int64_t offset = s * shape.tokens * kHeads * kDim;
      SparseAttentionParams params;
      params.q = q + offset;
      params.out = out + offset;
      params.tokens = shape.tokens;
      params.heads = kHeads;
      params.dim = kDim;
      params.first_position = first;
      params.window = kWindow;
      params.sink = sinks;
      params.scale = 1.0F / std::sqrt(static_cast<float>(kDim));
      params.window_layout = layout;
      params.chunk_rows = memory.stored(layout, shape.tokens);
      params.ring = memory.stored(layout, kWindow);
      params.ring_capacity = kWindow;
      params.ratio = shape.ratio;
      params.compressed = memory.rows(layout, rows);
      if (shape.ratio == 4) {
        params.selected = selected_rows;
        params.selected_stride = kTopK;
        params.counts = counts;
      }
      params.output_rotary = kRotary;
      params.output_frequencies = frequencies;
      all.push_back(params);
    }
  const double seconds = cuda::seconds_of(calls_for(shape, layers), [&](int i) {
    sparse_attention_many_cuda(calls[static_cast<size_t>(i % layers)]);
  });
  const double pairs = static_cast<double>(tokens * keys);
  fmt::print(
      "{:48} {:9.2f} us, {:6.1f} GB/s of rows, {:6.1f} TFLOP/s\n",
      name_of("attention", shape),
      seconds * 1e6,
      pairs * static_cast<double>(row_bytes) / seconds / 1e9,
      pairs * kHeads * kDim * 4 / seconds / 1e12);
}

void time_indexer(const Shape& shape) {
  const RowLayout layout{RowFormat::fp4, kIndexDim, 0};
  const int64_t rows = std::max<int64_t>(1, shape.context / shape.ratio);
  const int64_t tokens = shape.sequences * shape.tokens;
  const int layers = layers_for(
      static_cast<double>(shape.sequences * rows * layout.row_bytes()) +
      static_cast<double>(tokens * kHeads * kIndexDim * 4));
  cuda::BenchMemory memory;
  const std::vector<float> q = random_values(tokens * kHeads * kIndexDim, 2);
  const float* const queries = memory.copy(q);
  const float* const weights = memory.copy(random_values(tokens * kHeads, 4));
  int32_t* const selected =
      memory.copy(std::vector<int32_t>(static_cast<size_t>(tokens * kTopK)));
  int32_t* const counts =
      memory.copy(std::vector<int32_t>(static_cast<size_t>(tokens)));
  std::vector<std::vector<IndexerParams>> calls(static_cast<size_t>(layers));
  for (auto& all : calls)
    for (int64_t s = 0; s < shape.sequences; ++s) {
      const int64_t token = s * shape.tokens;
      IndexerParams params;
      params.q = queries + token * kHeads * kIndexDim;
      params.weights = weights + token * kHeads;
      params.tokens = shape.tokens;
      params.heads = kHeads;
      params.dim = kIndexDim;
      params.first_position = shape.context - shape.tokens;
      params.ratio = shape.ratio;
      params.rows = memory.rows(layout, rows);
      params.top_k = kTopK;
      params.selected = selected + token * kTopK;
      params.counts = counts + token;
      all.push_back(params);
    }
  const double seconds = cuda::seconds_of(
      layers, [&](int i) { indexer_many_cuda(calls[static_cast<size_t>(i)]); });
  const double pairs = static_cast<double>(tokens * rows);
  fmt::print(
      "{:48} {:9.2f} us, {:6.1f} GB/s of rows, {:6.1f} TFLOP/s\n",
      name_of("indexer", shape),
      seconds * 1e6,
      pairs * static_cast<double>(layout.row_bytes()) / seconds / 1e9,
      pairs * kHeads * kIndexDim * 2 / seconds / 1e12);
}

void run(int argc, char** argv) {
  if (const std::string reason = missing_cuda_device(); !reason.empty()) {
    fmt::print("{}\n", reason);
    return;
  }
  const auto wanted = [&](const std::string& name) {
    bool found = argc < 2;
    for (int i = 1; i < argc; ++i)
      found = found || name.find(argv[i]) != std::string::npos;
    return found;
  };
  constexpr int64_t kContexts[] = {1024, 65'536, 1'048'576};
  for (const int64_t sequences : {1, 4, 16, 64})
    for (const int64_t context : kContexts) {
      for (const int64_t ratio : {0, 4, 128}) {
        const Shape shape{sequences, 1, context, ratio};
        if ((ratio != 0 || context == 1024) &&
            (sequences == 1 || context < 1'000'000) &&
            wanted(name_of("attention", shape)))
          time_attention(shape);
      }
      const Shape shape{sequences, 1, context, 4};
      if (wanted(name_of("indexer", shape)))
        time_indexer(shape);
    }
  for (const int64_t context : {2048, 65'536, 262'144}) {
    for (const int64_t ratio : {4, 128}) {
      const Shape shape{1, 2048, context, ratio};
      if (wanted(name_of("attention", shape)))
        time_attention(shape);
    }
    const Shape shape{1, 2048, context, 4};
    if (wanted(name_of("indexer", shape)))
      time_indexer(shape);
  }
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  try {
    hadal::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
