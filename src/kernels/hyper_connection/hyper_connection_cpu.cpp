// The hyper-connections on the CPU, piece of the channels by piece: the last
// sub-layer's output is mixed in and the piece multiplied with the mixing
// matrix while it is in a near cache. A token's coefficients, x and norm
// follow.
#include <algorithm>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "kernels/hyper_connection/hyper_connection.h"
#include "kernels/hyper_connection/stream_mix.h"
#include "kernels/work_items.h"

namespace hadal {
namespace {

constexpr int64_t ceil_div(int64_t value, int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

// Of the calling thread, for all members.
float* shared_lanes(int64_t floats) {
  thread_local AlignedBuffer<float> of_thread;
  return of_thread.reserve(floats);
}

struct MemberScratch {
  AlignedBuffer<float> piece;  // lanes of kMixTokens tokens
  AlignedBuffer<float> lanes;  // of all pieces together
  AlignedBuffer<float> sums;
  AlignedBuffer<float> pre;
};

MemberScratch& member_scratch() {
  thread_local MemberScratch of_thread;
  return of_thread;
}

struct Mixing {  // what the operations that mix down have in common
  const float* streams;
  int64_t tokens;
  int64_t n;
  int64_t dim;
  const WeightView& fn;
  const float* norm_weight;
  float norm_eps;
  float* x;
  const HyperConnectionPostParams* post;  // to be done before, or null

  int64_t channels() const { return n * dim; }
  int64_t pieces() const { return ceil_div(dim, kMixPiece); }
};

void post_piece(
    const HyperConnectionPostParams& params,
    int64_t token,
    int64_t begin,
    int64_t end) {
  const int64_t n = params.n;
  const int64_t dim = params.dim;
  mix_up(
      params.y + token * dim,
      params.streams + token * n * dim,
      params.post + token * n,
      params.comb + token * n * n,
      n,
      dim,
      begin,
      end,
      params.out + token * n * dim);
}

// The lanes of one piece for at most kMixTokens tokens.
void mix_tokens(
    const Mixing& mixing,
    int64_t first,
    int64_t count,
    int64_t piece,
    float* lanes,
    int64_t lane_pitch) {
  const int64_t begin = piece * kMixPiece;
  const int64_t end = std::min(mixing.dim, begin + kMixPiece);
  const float* tokens[kMixTokens];
  for (int64_t t = 0; t < count; ++t) {
    if (mixing.post != nullptr)
      post_piece(*mixing.post, first + t, begin, end);
    tokens[t] = mixing.streams + (first + t) * mixing.channels();
  }
  mix_piece(
      mixing.fn,
      tokens,
      count,
      mixing.n,
      mixing.dim,
      begin,
      end,
      lanes,
      lane_pitch);
}

// From the lanes of at most kMixTokens tokens (a token's pieces lie together)
// to x, with coefficients(sums, first, count, pre) on the way.
template <class Coefficients>
void finish_tokens(
    const Mixing& mixing,
    int64_t first,
    int64_t count,
    const float* lanes,
    int64_t pieces,
    const Coefficients& coefficients) {
  MemberScratch& mine = member_scratch();
  const int64_t rows = mixing.fn.rows;
  float* sums = mine.sums.reserve(kMixTokens * (rows + 1));
  float* pre = mine.pre.reserve(kMixTokens * mixing.n);
  for (int64_t t = 0; t < count; ++t)
    mix_join(
        lanes + t * pieces * mix_lane_floats(rows),
        pieces,
        rows,
        sums + t * (rows + 1));
  coefficients(sums, first, count, pre);
  for (int64_t t = 0; t < count; ++t)
    mix_down(
        mixing.streams + (first + t) * mixing.channels(),
        pre + t * mixing.n,
        mixing.n,
        mixing.dim,
        mixing.norm_weight,
        mixing.norm_eps,
        mixing.x + (first + t) * mixing.dim);
}

// Few tokens: the threads share the pieces, then the tokens.
template <class Coefficients>
void mix_few(
    const Mixing& mixing, ThreadTeam& team, const Coefficients& coefficients) {
  const int64_t pieces = mixing.pieces();
  const int64_t floats = mix_lane_floats(mixing.fn.rows);
  float* lanes = shared_lanes(mixing.tokens * pieces * floats);
  const int64_t groups = ceil_div(mixing.tokens, kMixTokens);
  team.parallel_for(
      groups * pieces, 1, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t item = begin; item < end; ++item) {
          const int64_t first = item / pieces * kMixTokens;
          const int64_t piece = item % pieces;
          mix_tokens(
              mixing,
              first,
              std::min(kMixTokens, mixing.tokens - first),
              piece,
              lanes + (first * pieces + piece) * floats,
              pieces * floats);
        }
      });
  team.parallel_for(
      mixing.tokens, 1, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t first = begin; first < end; first += kMixTokens)
          finish_tokens(
              mixing,
              first,
              std::min(kMixTokens, end - first),
              lanes + first * pieces * floats,
              pieces,
              coefficients);
      });
}

// Many tokens: the threads share groups of them, of about equal size.
template <class Coefficients>
void mix_many(
    const Mixing& mixing, ThreadTeam& team, const Coefficients& coefficients) {
  const int64_t rows = mixing.fn.rows;
  const int64_t floats = mix_lane_floats(rows);
  const int64_t rounds =
      ceil_div(ceil_div(mixing.tokens, kMixTokens), team.size());
  const int64_t group = ceil_div(mixing.tokens, rounds * team.size());
  for_each_item(team, ceil_div(mixing.tokens, group), [&](int64_t item) {
    const int64_t first = item * group;
    const int64_t count = std::min(group, mixing.tokens - first);
    MemberScratch& mine = member_scratch();
    float* lanes = mine.lanes.reserve(kMixTokens * floats);
    float* piece_lanes = mine.piece.reserve(kMixTokens * floats);
    mix_tokens(mixing, first, count, 0, lanes, floats);
    for (int64_t piece = 1; piece < mixing.pieces(); ++piece) {
      mix_tokens(mixing, first, count, piece, piece_lanes, floats);
      for (int64_t t = 0; t < count; ++t)
        mix_add(piece_lanes + t * floats, rows, lanes + t * floats);
    }
    finish_tokens(mixing, first, count, lanes, 1, coefficients);
  });
}

template <class Coefficients>
void mix(
    const Mixing& mixing, ThreadTeam& team, const Coefficients& coefficients) {
  HADAL_CHECK(
      mixing.fn.format == WeightFormat::f32 ||
      mixing.fn.format == WeightFormat::bf16);
  if (mixing.tokens == 0)
    return;
  if (mixing.tokens < kMixTokens * team.size())
    mix_few(mixing, team, coefficients);
  else
    mix_many(mixing, team, coefficients);
}

void mix_before_layer(
    const HyperConnectionPreParams& params,
    const HyperConnectionPostParams* post,
    ThreadTeam& team) {
  const int64_t n = params.n;
  const MixScales scales{
      params.base,
      params.scale,
      n,
      params.sinkhorn_iterations,
      n * params.dim,
      params.norm_eps,
      params.hc_eps};
  const Mixing mixing{
      params.streams,
      params.tokens,
      n,
      params.dim,
      params.fn,
      params.norm_weight,
      params.norm_eps,
      params.x,
      post};
  mix(mixing,
      team,
      [&](const float* sums, int64_t first, int64_t count, float* pre) {
        mix_coefficients(
            scales,
            sums,
            count,
            pre,
            params.post + first * n,
            params.comb + first * n * n);
      });
}

}  // namespace

void hyper_connection_pre_cpu(
    const HyperConnectionPreParams& params, ThreadTeam& team) {
  mix_before_layer(params, nullptr, team);
}

void hyper_connection_between_cpu(
    const HyperConnectionBetweenParams& params, ThreadTeam& team) {
  mix_before_layer(params.pre, &params.post, team);
}

void hyper_connection_head_cpu(
    const HyperConnectionHeadParams& params, ThreadTeam& team) {
  if (params.rows != nullptr) {
    const std::vector<float> streams = gathered_streams(params);
    HyperConnectionHeadParams dense = params;
    dense.streams = streams.data();
    dense.rows = nullptr;
    return hyper_connection_head_cpu(dense, team);
  }
  const MixScales scales{
      params.base,
      params.scale,
      params.n,
      0,
      params.n * params.dim,
      params.norm_eps,
      params.hc_eps};
  const Mixing mixing{
      params.streams,
      params.tokens,
      params.n,
      params.dim,
      params.fn,
      params.norm_weight,
      params.norm_eps,
      params.x,
      nullptr};
  mix(mixing,
      team,
      [&](const float* sums, int64_t /*first*/, int64_t count, float* pre) {
        mix_head_coefficients(scales, sums, count, pre);
      });
}

void hyper_connection_post_cpu(
    const HyperConnectionPostParams& params, ThreadTeam& team) {
  const int64_t pieces =
      params.tokens >= team.size() ? 1 : ceil_div(params.dim, kMixPiece);
  const int64_t piece = pieces == 1 ? params.dim : kMixPiece;
  team.parallel_for(
      params.tokens * pieces, 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t item = begin; item < end; ++item) {
          const int64_t first = item % pieces * piece;
          post_piece(
              params,
              item / pieces,
              first,
              std::min(params.dim, first + piece));
        }
      });
}

}  // namespace hadal
