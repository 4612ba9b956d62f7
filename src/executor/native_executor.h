// Runs batches with our own kernels: splits them into chunks that fit the
// scratch memory, and owns threads and scratch.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "base/memory_source.h"
#include "base/thread_team.h"
#include "executor/batch.h"
#include "kernels/backend.h"
#include "model/network.h"
#include "model/pass.h"
#include "model/workspace.h"

namespace hadal {

class NativeExecutor {
 public:
  // `memory`: where scratch lies; the backend's kernels must see it, as well as
  // the sequences' pages and the network's weights.
  NativeExecutor(
      std::shared_ptr<const Network> network,
      const Backend& backend,
      const ThreadTeamOptions& team,
      MemorySource& memory = host_memory());
  NativeExecutor(
      std::shared_ptr<const Network> network,
      const Backend& backend,
      int threads)
      : NativeExecutor(
            std::move(network),
            backend,
            ThreadTeamOptions{.threads = threads}) {}

  // Appends every entry's tokens to its sequence and writes the wanted logits
  // [all wanted, vocabulary], entry by entry. Sequences are distinct and were
  // made for this network. `chunk_tokens` > 0 bounds the chunks; no bit depends
  // on it. Callers on several threads take turns. When it throws, a sequence is
  // whole at the last finished chunk, or poisoned.
  void run(
      std::span<const BatchEntry> batch,
      float* logits,
      const RunHooks& hooks = {},
      int64_t chunk_tokens = 0);

  // Logits [vocabulary] of the MTP stage for the token after `next`, which
  // follows the sequence's last token. The sequence's length stays.
  void draft(SequenceCache& cache, int32_t next, float* logits);

  const Network& network() const { return *network_; }
  const Backend& backend() const { return backend_; }
  int threads() const { return team_.size(); }
  // The most tokens of a chunk; `mtp`: of sequences that feed the next-token
  // module.
  int64_t chunk_tokens(bool mtp = false) const {
    return mtp ? mtp_plan_.chunk_tokens : plan_.chunk_tokens;
  }

 private:
  Pass pass(const Chunk& chunk);
  // Appends the chunk, whose first segment is of batch entry `first_entry`, and
  // writes the logits of `rows`.
  void run_chunk(
      const Chunk& chunk,
      std::span<const int64_t> rows,
      float* logits,
      const RunHooks& hooks,
      int64_t first_entry);
  void run_layers(
      const Chunk& chunk, const RunHooks& hooks, int64_t first_entry);
  // The streams after a layer, for those who watch.
  void show_layer(
      const Chunk& chunk,
      const RunHooks& hooks,
      int64_t first_entry,
      int64_t layer,
      const float* streams);
  // Where the head writes `rows` rows of logits: the caller's array, or memory
  // that the kernels see.
  float* head_output(int64_t rows, float* logits);
  // After the pass, to the caller's array.
  void read_logits(int64_t rows, float* logits);
  void feed_mtp(const Chunk& chunk);

  std::shared_ptr<const Network> network_;
  const Backend& backend_;
  ThreadTeam team_;
  Workspace work_;
  SourcedBuffer<float> mtp_streams_;
  SourcedBuffer<float> logits_;  // where kernels do not see callers' arrays
  ChunkPlan plan_;
  ChunkPlan mtp_plan_;  // of sequences that feed the next-token module
  std::mutex mutex_;
};

}  // namespace hadal
