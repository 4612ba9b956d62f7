#include "executor/native_executor.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "executor/backend_pass.h"
#include "hadal/error.h"
#include "model/forward.h"
#include "model/head.h"

namespace hadal {
namespace {

// Chunks of so many tokens and more take long enough to be stopped inside.
constexpr int64_t kStopTokens = 256;

// Steps of so few tokens come again and again: sequences that decode.
constexpr int64_t kDecodeTokens = 64;

const ChunkBudget& budget_of(const MemorySource& memory) {
  return memory.host_visible() ? kHostBudget : kDeviceBudget;
}

// Where a run stands: entries before `entry` are done, and `offset` tokens of
// that one.
struct Cursor {
  size_t entry = 0;
  int64_t offset = 0;
};

void add_segment(
    Chunk& chunk, SequenceCache& cache, std::span<const int32_t> tokens) {
  const int64_t position = cache.length();
  chunk.segments.push_back(
      {.cache = &cache,
       .row = chunk.tokens(),
       .tokens = static_cast<int64_t>(tokens.size()),
       .position = position});
  for (size_t i = 0; i < tokens.size(); ++i) {
    chunk.ids.push_back(tokens[i]);
    chunk.positions.push_back(position + static_cast<int64_t>(i));
  }
}

// Takes the next tokens of the batch, at most `limit`, and lists in `rows` the
// chunk rows whose logits are wanted.
Chunk next_chunk(
    std::span<const BatchEntry> batch,
    int64_t limit,
    Cursor& cursor,
    std::vector<int64_t>& rows) {
  Chunk chunk;
  while (cursor.entry < batch.size() && chunk.tokens() < limit) {
    const BatchEntry& entry = batch[cursor.entry];
    const auto total = static_cast<int64_t>(entry.tokens.size());
    const int64_t count =
        std::min(limit - chunk.tokens(), total - cursor.offset);
    for (int64_t wanted : entry.logits_at)
      if (wanted >= cursor.offset && wanted < cursor.offset + count)
        rows.push_back(chunk.tokens() + wanted - cursor.offset);
    add_segment(
        chunk,
        *entry.cache,
        entry.tokens.subspan(
            static_cast<size_t>(cursor.offset), static_cast<size_t>(count)));
    cursor.offset += count;
    if (cursor.offset == total)
      cursor = {.entry = cursor.entry + 1, .offset = 0};
  }
  return chunk;
}

}  // namespace

NativeExecutor::NativeExecutor(
    std::shared_ptr<const Network> network,
    const Backend& backend,
    const ThreadTeamOptions& team,
    MemorySource& memory)
    : network_(std::move(network)),
      backend_(backend),
      team_(team),
      work_(memory),
      mtp_streams_(memory),
      logits_(memory),
      plan_(plan_chunks(network_->config, false, budget_of(memory))),
      mtp_plan_(plan_chunks(network_->config, true, budget_of(memory))) {
  work_.tile_tokens = plan_.tile_tokens;
}

Pass NativeExecutor::pass(const Chunk& chunk) {
  return {*network_, backend_, team_, work_, chunk};
}

void NativeExecutor::run(
    std::span<const BatchEntry> batch,
    float* logits,
    const RunHooks& hooks,
    int64_t chunk_tokens) {
  const std::lock_guard lock(mutex_);
  const ThreadTeam::Caller caller(team_);
  int64_t total = 0;
  int64_t limit = plan_.chunk_tokens;
  for (const BatchEntry& entry : batch) {
    HADAL_CHECK(!entry.tokens.empty());
    total += static_cast<int64_t>(entry.tokens.size());
    if (entry.cache->layout().mtp_stages > 0)
      limit = mtp_plan_.chunk_tokens;
  }
  if (chunk_tokens > 0)
    limit = std::min(limit, chunk_tokens);
  Cursor cursor;
  int64_t done = 0;
  while (cursor.entry < batch.size()) {
    if (hooks.stop.stop_requested())
      throw Error(ErrorCode::cancelled, "stopped");
    std::vector<int64_t> rows;
    const auto first_entry = static_cast<int64_t>(cursor.entry);
    const Chunk chunk = next_chunk(batch, limit, cursor, rows);
    run_chunk(chunk, rows, logits, hooks, first_entry);
    logits += static_cast<int64_t>(rows.size()) * network_->config.vocab_size;
    done += chunk.tokens();
    if (hooks.on_progress)
      hooks.on_progress(done, total);
  }
}

void NativeExecutor::run_chunk(
    const Chunk& chunk,
    std::span<const int64_t> rows,
    float* logits,
    const RunHooks& hooks,
    int64_t first_entry) {
  std::vector<PassGuard> guards;
  guards.reserve(chunk.segments.size());
  for (const Segment& segment : chunk.segments)
    guards.emplace_back(*segment.cache, segment.tokens);

  BackendPass at_work(
      backend_, chunk.tokens() <= kDecodeTokens && !hooks.on_layer);
  run_layers(chunk, hooks, first_entry);
  if (!network_->mtp.empty() &&
      chunk.segments.front().cache->layout().mtp_stages > 0)
    feed_mtp(chunk);
  const auto wanted = static_cast<int64_t>(rows.size());
  run_head(
      pass(chunk),
      network_->weights.hc_head,
      network_->norm,
      work_.streams.data(),
      rows,
      head_output(wanted, logits));
  at_work.end();
  read_logits(wanted, logits);
  for (PassGuard& guard : guards)
    guard.finish();
}

void NativeExecutor::run_layers(
    const Chunk& chunk, const RunHooks& hooks, int64_t first_entry) {
  LayerHook on_layer;
  const bool may_stop =
      hooks.stop.stop_possible() && chunk.tokens() >= kStopTokens;
  if (hooks.on_layer || may_stop)
    on_layer = [&](int64_t layer, const float* streams) {
      if (may_stop && hooks.stop.stop_requested())
        throw Error(ErrorCode::cancelled, "stopped");
      if (hooks.on_layer)
        show_layer(chunk, hooks, first_entry, layer, streams);
    };
  run_trunk(pass(chunk), on_layer);
}

void NativeExecutor::show_layer(
    const Chunk& chunk,
    const RunHooks& hooks,
    int64_t first_entry,
    int64_t layer,
    const float* streams) {
  const int64_t row_size =
      network_->config.hc_mult * network_->config.hidden_size;
  backend_.flush();
  std::vector<float> seen;
  if (!work_.memory.host_visible()) {
    seen.resize(static_cast<size_t>(chunk.tokens() * row_size));
    work_.memory.copy(seen.data(), streams, seen.size() * sizeof(float));
    streams = seen.data();
  }
  for (size_t i = 0; i < chunk.segments.size(); ++i) {
    const Segment& segment = chunk.segments[i];
    hooks.on_layer(
        layer,
        first_entry + static_cast<int64_t>(i),
        segment.position,
        {streams + segment.row * row_size,
         static_cast<size_t>(segment.tokens * row_size)});
  }
}

float* NativeExecutor::head_output(int64_t rows, float* logits) {
  return work_.memory.host_visible()
             ? logits
             : logits_.reserve(rows * network_->config.vocab_size);
}

void NativeExecutor::read_logits(int64_t rows, float* logits) {
  if (!work_.memory.host_visible() && rows > 0)
    work_.memory.copy(
        logits,
        logits_.data(),
        static_cast<size_t>(rows * network_->config.vocab_size) *
            sizeof(float));
}

}  // namespace hadal
