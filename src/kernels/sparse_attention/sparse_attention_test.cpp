// Attention on the CPU: against the reference, and the same bits whatever the
// chunk, the threads and the instruction set.
#include "kernels/sparse_attention/sparse_attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/case_targets.h"
#include "kernels/case_tools.h"
#include "kernels/rotary/rotary.h"
#include "kernels/sparse_attention/sparse_attention_cases.h"

namespace hadal {
namespace {

std::vector<float> attend_part(
    SparseAttentionInputs& inputs,
    ThreadTeam& team,
    int64_t first,
    int64_t count) {
  const SparseAttentionCase& shape = inputs.shape();
  std::vector<float> out(count * shape.heads * shape.dim, -7.0f);
  sparse_attention_cpu(inputs.chunk(first, count, out.data()), team);
  return out;
}

std::vector<float> attend_all(SparseAttentionInputs& inputs, ThreadTeam& team) {
  return attend_part(inputs, team, 0, inputs.shape().tokens);
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(SparseAttention, AgreesWithTheReference) {
  ThreadTeam team(2);
  for (const SparseAttentionCase& shape : kSparseAttentionCases) {
    SparseAttentionInputs inputs(shape);
    std::vector<float> expected(shape.tokens * shape.heads * shape.dim);
    sparse_attention_reference(
        inputs.chunk(0, shape.tokens, expected.data()), team);
    const Comparison comparison = compare_outputs(
        expected, attend_all(inputs, team), kSparseAttentionFloor);
    EXPECT_LE(comparison.max_error, kSparseAttentionTolerance)
        << shape.name << " at " << comparison.worst;
  }
}

TEST(SparseAttention, SameBitsOnEveryInstructionSet) {
  ThreadTeam team(2);
  for (const SparseAttentionCase& shape : kSparseAttentionCases) {
    SparseAttentionInputs inputs(shape);
    const std::vector<float> expected = attend_all(inputs, team);
    for_each_target([&](const char* target) {
      if (shape.heads >= 64 && std::strcmp(target, "SCALAR") == 0)
        return;  // too slow without vectors
      EXPECT_TRUE(same_bits(expected, attend_all(inputs, team)))
          << shape.name << " on " << target;
    });
  }
}

TEST(SparseAttention, SameBitsWithAnyNumberOfThreads) {
  ThreadTeam one(1);
  for (const SparseAttentionCase& shape : kSparseAttentionCases) {
    SparseAttentionInputs inputs(shape);
    const std::vector<float> expected = attend_all(inputs, one);
    for (const int threads : {2, 3, 7}) {
      ThreadTeam team(threads);
      EXPECT_TRUE(same_bits(expected, attend_all(inputs, team)))
          << shape.name << " with " << threads << " threads";
    }
  }
}

// Window rows come from the ring or from the chunk, tokens alone or together.
TEST(SparseAttention, SameBitsForAnyChunk) {
  ThreadTeam team(2);
  for (const SparseAttentionCase& shape : kSparseAttentionCases) {
    SparseAttentionInputs inputs(shape);
    const std::vector<float> expected = attend_all(inputs, team);
    for (int64_t cut = 1; cut < shape.tokens; ++cut) {
      std::vector<float> parts = attend_part(inputs, team, 0, cut);
      const std::vector<float> rest =
          attend_part(inputs, team, cut, shape.tokens - cut);
      parts.insert(parts.end(), rest.begin(), rest.end());
      EXPECT_TRUE(same_bits(expected, parts)) << shape.name << " cut " << cut;
    }
    std::vector<float> singles;
    for (int64_t t = 0; t < shape.tokens; ++t) {
      const std::vector<float> one = attend_part(inputs, team, t, 1);
      singles.insert(singles.end(), one.begin(), one.end());
    }
    EXPECT_TRUE(same_bits(expected, singles)) << shape.name << " one by one";
  }
}

// The rotation has the bits of the operation of its own.
TEST(SparseAttention, UndoesTheRotation) {
  ThreadTeam team(2);
  for (const SparseAttentionCase& shape : kSparseAttentionCases) {
    SparseAttentionInputs inputs(shape);
    std::vector<float> expected(shape.tokens * shape.heads * shape.dim);
    SparseAttentionParams params =
        inputs.chunk(0, shape.tokens, expected.data());
    std::vector<int64_t> positions(shape.tokens);
    for (int64_t t = 0; t < shape.tokens; ++t)
      positions[t] = shape.first_position + t;
    const RotaryParams rotary{
        .x = expected.data(),
        .x_stride = shape.heads * shape.dim,
        .tokens = shape.tokens,
        .heads = shape.heads,
        .dim = shape.dim,
        .rotary_dim = params.output_rotary,
        .positions = positions.data(),
        .frequencies = params.output_frequencies,
        .inverse = true};
    params.output_rotary = 0;
    sparse_attention_cpu(params, team);
    rotary_cpu(rotary, team);
    EXPECT_TRUE(same_bits(expected, attend_all(inputs, team))) << shape.name;
  }
}

// Spec A.4: the window of p is max(0, p - 127) .. p in every form. With q = 0
// all scores are equal, so the output is the mean of the rows in the list.
TEST(SparseAttention, WindowSets) {
  ThreadTeam team(1);
  const RowLayout layout{RowFormat::f32, 64, 0};
  for (const int64_t p : {0, 1, 126, 127, 128, 129, 255, 256, 257}) {
    for (const int64_t chunk_start : {int64_t{0}, p / 2, p}) {
      std::vector<float> ring(128 * 64, NAN);
      std::vector<float> chunk((p - chunk_start + 1) * 64);
      double sum = 0;
      for (int64_t position = 0; position <= p; ++position) {
        float* row = position < chunk_start
                         ? ring.data() + position % 128 * 64
                         : chunk.data() + (position - chunk_start) * 64;
        std::fill_n(row, 64, static_cast<float>(position));
        if (position > p - 128)
          sum += static_cast<double>(position);
      }
      const int64_t tokens = p - chunk_start + 1;
      const std::vector<float> q(tokens * 64, 0.0f);
      std::vector<float> out(tokens * 64);
      const float sink = -INFINITY;
      SparseAttentionParams params;
      params.q = q.data();
      params.out = out.data();
      params.tokens = tokens;
      params.heads = 1;
      params.dim = 64;
      params.first_position = chunk_start;
      params.window = 128;
      params.sink = &sink;
      params.scale = 1;
      params.window_layout = layout;
      params.chunk_rows = reinterpret_cast<const std::byte*>(chunk.data());
      params.ring = reinterpret_cast<const std::byte*>(ring.data());
      params.ring_capacity = 128;
      sparse_attention_cpu(params, team);
      const double keys = static_cast<double>(std::min<int64_t>(p + 1, 128));
      for (int64_t c = 0; c < 64; ++c)
        EXPECT_FLOAT_EQ(
            out[(tokens - 1) * 64 + c], static_cast<float>(sum / keys))
            << "p " << p << " chunk from " << chunk_start;
    }
  }
}

TEST(SparseAttention, SinkTakesItsShareOfTheDenominator) {
  ThreadTeam team(1);
  const std::vector<float> q(2 * 64, 0.0f);
  const std::vector<float> row(64, 3.0f);
  const float sinks[2] = {0.0f, 1000.0f};  // equal share; everything
  std::vector<float> out(2 * 64);
  SparseAttentionParams params;
  params.q = q.data();
  params.out = out.data();
  params.tokens = 1;
  params.heads = 2;
  params.dim = 64;
  params.window = 128;
  params.sink = sinks;
  params.scale = 1;
  params.window_layout = {RowFormat::f32, 64, 0};
  params.chunk_rows = reinterpret_cast<const std::byte*>(row.data());
  sparse_attention_cpu(params, team);
  EXPECT_EQ(out[0], 1.5f);
  EXPECT_EQ(out[64], 0.0f);
}

}  // namespace
}  // namespace hadal
