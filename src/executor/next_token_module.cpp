// The part of NativeExecutor that runs the next-token module (spec 6.2).
#include "base/check.h"
#include "executor/backend_pass.h"
#include "executor/native_executor.h"
#include "model/head.h"
#include "model/mtp.h"

namespace hadal {
namespace {

constexpr int64_t kFloatBytes = static_cast<int64_t>(sizeof(float));

// One row of `width` floats, copied by a kernel.
StoreRowsParams copy_of(const float* from, float* to, int64_t width) {
  return {
      .ring = {reinterpret_cast<std::byte*>(to), 1, width * kFloatBytes},
      .count = 1,
      .rows = reinterpret_cast<const std::byte*>(from),
      .stride = width * kFloatBytes};
}

}  // namespace

// Pairs the state of every position with the token that follows it (spec 6.2):
// the first pair of a chunk begins at the position before the chunk, and the
// chunk's last state waits for the next chunk.
void NativeExecutor::feed_mtp(const Chunk& chunk) {
  const int64_t row_size =
      network_->config.hc_mult * network_->config.hidden_size;
  const float* const streams = work_.streams.data();
  float* const paired = mtp_streams_.reserve(
      (chunk.tokens() + static_cast<int64_t>(chunk.segments.size())) *
      row_size);
  Chunk pairs;
  std::vector<StoreRowsParams> states;
  for (const Segment& segment : chunk.segments) {
    const int64_t first = std::max<int64_t>(0, segment.position - 1);
    const int64_t count = segment.position + segment.tokens - 1 - first;
    HADAL_CHECK(segment.cache->rewind_mtp(0, first));
    if (count > 0) {
      pairs.segments.push_back(
          {.cache = segment.cache,
           .row = pairs.tokens(),
           .tokens = count,
           .position = first});
      for (int64_t i = first; i < first + count; ++i) {
        const float* const state =
            i < segment.position
                ? segment.cache->hidden(i)
                : streams + (segment.row + i - segment.position) * row_size;
        HADAL_CHECK(state != nullptr);
        states.push_back(
            copy_of(state, paired + pairs.tokens() * row_size, row_size));
        pairs.ids.push_back(chunk.ids[static_cast<size_t>(
            segment.row + i + 1 - segment.position)]);
        pairs.positions.push_back(i);
      }
    }
  }
  backend_.store_rows(states, team_);
  if (!pairs.segments.empty())
    run_mtp(pass(pairs), network_->mtp.front(), paired);
  states.clear();
  for (const Segment& segment : chunk.segments)
    states.push_back(
        {.ring = segment.cache->extend_hidden(segment.position, segment.tokens),
         .first = segment.position,
         .count = segment.tokens,
         .rows = reinterpret_cast<const std::byte*>(
             streams + segment.row * row_size),
         .stride = row_size * kFloatBytes});
  backend_.store_rows(states, team_);
}

void NativeExecutor::draft(SequenceCache& cache, int32_t next, float* logits) {
  const std::lock_guard lock(mutex_);
  const ThreadTeam::Caller caller(team_);
  HADAL_CHECK(!network_->mtp.empty() && cache.layout().mtp_stages > 0);
  HADAL_CHECK(cache.length() > 0);
  const NetworkMtp& stage = network_->mtp.front();
  const int64_t row_size =
      network_->config.hc_mult * network_->config.hidden_size;
  const int64_t position = cache.length() - 1;
  HADAL_CHECK(cache.rewind_mtp(0, position));
  const float* const state = cache.hidden(position);
  HADAL_CHECK(state != nullptr);
  float* const streams = mtp_streams_.reserve(row_size);
  BackendPass at_work(backend_, true);
  const StoreRowsParams copy = copy_of(state, streams, row_size);
  backend_.store_rows({&copy, 1}, team_);
  Chunk chunk;
  chunk.ids = {next};
  chunk.positions = {position};
  chunk.segments = {
      {.cache = &cache, .row = 0, .tokens = 1, .position = position}};
  run_mtp(pass(chunk), stage, streams);
  HADAL_CHECK(cache.rewind_mtp(0, position));
  const int64_t row = 0;
  run_head(
      pass(chunk),
      stage.weights->hc_head,
      stage.norm,
      streams,
      {&row, 1},
      head_output(1, logits));
  at_work.end();
  read_logits(1, logits);
}

}  // namespace hadal
