// Attention and indexer of many sequences on a GPU: against the reference, and
// bit for bit a token alone, in a chunk, and among many sequences. Skipped
// where there is no GPU.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/thread_team.h"
#include "kernels/cuda/find_device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/stage_attention.h"
#include "kernels/indexer/indexer.h"
#include "kernels/indexer/indexer_cases.h"
#include "kernels/sparse_attention/sparse_attention.h"
#include "kernels/sparse_attention/sparse_attention_cases.h"

namespace hadal {
namespace {

struct CudaAttention : ::testing::Test {
  void SetUp() override {
    if (const std::string reason = missing_cuda_device(); !reason.empty())
      GTEST_SKIP() << reason;
  }
  ThreadTeam team{ThreadTeamOptions{.threads = 4}};
};

using CudaIndexer = CudaAttention;

// The tokens of a case as sequences of `each` tokens, `copies` times over in
// one call; the outputs of all copies, [copies, tokens, heads, dim].
std::vector<float> attend(
    SparseAttentionInputs& inputs, int64_t each, int64_t copies) {
  const SparseAttentionCase& shape = inputs.shape();
  const int64_t token = shape.heads * shape.dim;
  std::vector<float> out(
      static_cast<size_t>(copies * shape.tokens * token), -1.0F);
  cuda::Stage stage;
  std::vector<SparseAttentionParams> all;
  for (int64_t copy = 0; copy < copies; ++copy)
    for (int64_t t = 0; t < shape.tokens; t += each) {
      const int64_t count = std::min(each, shape.tokens - t);
      all.push_back(cuda::stage_in(
          stage,
          inputs.chunk(
              t, count, out.data() + (copy * shape.tokens + t) * token)));
      // The next chunk() writes the ring that is being copied.
      cuda::check(cudaStreamSynchronize(cuda::stream()), "copying a case");
    }
  sparse_attention_many_cuda(all);
  stage.finish();
  return out;
}

// Lists that end inside a tile, at one, and in several spans.
constexpr SparseAttentionCase kLongCases[] = {
    {"many spans",
     8,
     128,
     64,
     300'000,
     2,
     128,
     0,
     RowFormat::fp8,
     RowFormat::fp8},
    {"many spans, f32",
     20,
     64,
     16,
     300'000,
     2,
     128,
     0,
     RowFormat::fp8,
     RowFormat::f32},
    {"flash, 1 M",
     64,
     512,
     64,
     1'048'000,
     1,
     128,
     0,
     RowFormat::fp8,
     RowFormat::fp8},
    {"whole tiles",
     64,
     512,
     64,
     8190,
     3,
     128,
     0,
     RowFormat::fp8,
     RowFormat::bf16},
};

void expect_alone_as_among_others(const SparseAttentionCase& shape) {
  SparseAttentionInputs inputs(shape);
  const std::vector<float> one = attend(inputs, shape.tokens, 1);
  const size_t bytes = one.size() * sizeof(float);
  const int64_t groups = (shape.heads + 15) / 16;
  const int64_t work = groups * shape.tokens;
  // Few and many blocks are launched differently.
  for (const int64_t copies : {int64_t{1}, 100 / work + 1, 400 / work + 1}) {
    if (copies > 1 && shape.first_position > 500'000)
      continue;
    const std::vector<float> many = attend(inputs, 1, copies);
    for (int64_t copy = 0; copy < copies; ++copy)
      EXPECT_EQ(
          std::memcmp(one.data(), many.data() + copy * one.size(), bytes), 0)
          << shape.name << ", copy " << copy << " of " << copies;
  }
}

TEST_F(CudaAttention, ATokenStandsAlone) {
  for (const SparseAttentionCase& shape : kSparseAttentionCases)
    expect_alone_as_among_others(shape);
  for (const SparseAttentionCase& shape : kLongCases)
    expect_alone_as_among_others(shape);
}

TEST_F(CudaAttention, AgreesWithTheReference) {
  const auto expect_near = [&](const SparseAttentionCase& shape) {
    SparseAttentionInputs inputs(shape);
    std::vector<float> expected(
        static_cast<size_t>(shape.tokens * shape.heads * shape.dim));
    sparse_attention_reference(
        inputs.chunk(0, shape.tokens, expected.data()), team);
    const std::vector<float> out = attend(inputs, 2, 1);
    double error = 0;
    for (size_t i = 0; i < out.size(); ++i)
      error =
          std::max(error, std::abs(static_cast<double>(out[i]) - expected[i]));
    EXPECT_LE(error, kSparseAttentionTolerance) << shape.name;
    RecordProperty(shape.name, std::to_string(error));
  };
  for (const SparseAttentionCase& shape : kSparseAttentionCases)
    expect_near(shape);
  for (const SparseAttentionCase& shape : kLongCases)
    expect_near(shape);
}

struct Selection {
  std::vector<int32_t> rows;    // [copies, tokens, top_k], -1 where none is
  std::vector<int32_t> counts;  // [copies, tokens]
  bool operator==(const Selection&) const = default;
};

Selection room_for(const IndexerCase& shape, int64_t copies) {
  const auto tokens = static_cast<size_t>(copies * shape.tokens);
  return {
      std::vector<int32_t>(tokens * static_cast<size_t>(shape.top_k), -1),
      std::vector<int32_t>(tokens, -1)};
}

Selection select(
    const IndexerInputs& inputs,
    int64_t each,
    int64_t copies,
    float weight_scale = 1) {
  const IndexerCase& shape = inputs.shape();
  Selection result = room_for(shape, copies);
  cuda::Stage stage;
  std::vector<IndexerParams> all;
  for (int64_t copy = 0; copy < copies; ++copy)
    for (int64_t t = 0; t < shape.tokens; t += each) {
      const int64_t token = copy * shape.tokens + t;
      IndexerParams params = inputs.chunk(
          t,
          std::min(each, shape.tokens - t),
          result.rows.data() + token * shape.top_k,
          result.counts.data() + token);
      params.weight_scale = weight_scale;
      all.push_back(cuda::stage_in(stage, params));
    }
  indexer_many_cuda(all);
  stage.finish();
  return result;
}

// Lists of one stretch and of many, with many ties.
constexpr IndexerCase kLongLists[] = {
    {"flash, 64 K", 64, 128, 65'530, 3, 512, RowFormat::fp4},
    {"flash, 200 K", 64, 128, 200'001, 2, 512, RowFormat::fp4},
    {"flash, 1 M", 64, 128, 1'048'000, 1, 512, RowFormat::fp4},
    {"pro, 600 K", 64, 128, 600'003, 1, 1024, RowFormat::fp4},
    {"nano, 200 K", 8, 64, 200'000, 2, 64, RowFormat::fp4},
    {"many chosen", 2, 32, 150'000, 1, 3000, RowFormat::fp4},
    {"equal, 100 K",
     3,
     64,
     100'000,
     2,
     512,
     RowFormat::fp4,
     IndexerNumbers::equal},
    {"equal, f32",
     3,
     64,
     40'000,
     2,
     100,
     RowFormat::f32,
     IndexerNumbers::equal},
};

TEST_F(CudaIndexer, SelectsAsTheReference) {
  const auto expect_same = [&](const IndexerCase& shape) {
    const IndexerInputs inputs(shape);
    for (const float scale : {1.0F, 0.25F}) {
      Selection expected = room_for(shape, 1);
      IndexerParams params = inputs.chunk(
          0, shape.tokens, expected.rows.data(), expected.counts.data());
      params.weight_scale = scale;
      indexer_cpu(params, team);
      EXPECT_EQ(select(inputs, shape.tokens, 1, scale), expected)
          << shape.name << ", " << scale;
    }
  };
  for (const IndexerCase& shape : kIndexerCases)
    if (has_exact_sums(shape))
      expect_same(shape);
  for (const IndexerCase& shape : kLongLists)
    expect_same(shape);
}

TEST_F(CudaIndexer, ATokenStandsAlone) {
  for (const IndexerCase& shape : kIndexerCases) {
    const IndexerInputs inputs(shape);
    const Selection one = select(inputs, shape.tokens, 1, 0.011F);
    for (const int64_t copies : {int64_t{1}, 70 / shape.tokens + 1}) {
      const Selection many = select(inputs, 1, copies, 0.011F);
      for (int64_t copy = 0; copy < copies; ++copy) {
        const auto rows = many.rows.begin() + copy * one.rows.size();
        EXPECT_TRUE(std::equal(one.rows.begin(), one.rows.end(), rows))
            << shape.name << ", copy " << copy << " of " << copies;
      }
    }
  }
}

}  // namespace
}  // namespace hadal
