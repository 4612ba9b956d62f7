// Scratch arrays of a forward pass, reused from chunk to chunk.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/memory_source.h"
#include "checkpoint/model_config.h"

namespace hadal {

// Rows are the chunk's tokens unless said otherwise, or those of a tile of it,
// in which attention goes through a long chunk. Names as in the spec.
struct Workspace {
  explicit Workspace(MemorySource& source) : memory(source) {}

  MemorySource& memory;
  int64_t tile_tokens = 128;  // at most, of a tile

  SourcedBuffer<float> streams{memory};  // [tokens, n, D] the residual state
  SourcedBuffer<float> x{memory};        // [tokens, D] input of a sub-layer
  SourcedBuffer<float> y{memory};        // [tokens, D] its output
  SourcedBuffer<float> post{memory};     // [tokens, n]
  SourcedBuffer<float> comb{memory};     // [tokens, n, n]
  SourcedBuffer<float> rounded{memory};  // [tokens, widest product input]
  SourcedBuffer<float> a{memory};        // [tile, qr]
  SourcedBuffer<float> q{memory};        // [tile, H, head_dim]
  SourcedBuffer<float> kv{memory};       // [tokens, head_dim]
  SourcedBuffer<std::byte> kv_rows{memory};    // [tokens] stored rows
  SourcedBuffer<float> o{memory};              // [tile, H, head_dim]
  SourcedBuffer<float> u{memory};              // [tile, G * o_lora_rank]
  SourcedBuffer<float> z{memory};              // [tokens, channels]
  SourcedBuffer<float> g{memory};              // [tokens, channels]
  SourcedBuffer<float> index_z{memory};        // [tokens, index channels]
  SourcedBuffer<float> index_g{memory};        // [tokens, index channels]
  SourcedBuffer<float> pooled{memory};         // [windows, dim]
  SourcedBuffer<float> index_q{memory};        // [tile, index heads, index dim]
  SourcedBuffer<float> index_weights{memory};  // [tile, index heads]
  SourcedBuffer<int32_t> selected{memory};     // [tile, index_topk]
  SourcedBuffer<int32_t> counts{memory};       // [tile]
  SourcedBuffer<float> gate{memory};           // [tokens, experts]
  SourcedBuffer<int32_t> experts{memory};      // [tokens, per token]
  SourcedBuffer<float> expert_weights{memory};  // [tokens, per token]
  SourcedBuffer<float> head_streams{memory};    // [wanted, n, D]
  SourcedBuffer<float> head_x{memory};          // [wanted, D]
  SourcedBuffer<float> embedded{memory};        // MTP: [tokens, D]
};

// How a pass is cut so that its scratch memory stays small.
struct ChunkPlan {
  int64_t chunk_tokens = 0;
  int64_t tile_tokens = 0;
};

// The scratch memory that a plan may take, and where more would not help.
struct ChunkBudget {
  int64_t chunk_bytes = 0;
  int64_t tile_bytes = 0;
  int64_t most_chunk_tokens = 0;
  int64_t most_tile_tokens = 0;
};
// Long chunks, since the weights are read once a chunk and most of a long
// prompt's experts see only a few dozen of its tokens.
inline constexpr ChunkBudget kHostBudget{
    .chunk_bytes = int64_t{336} << 20,
    .tile_bytes = int64_t{64} << 20,
    .most_chunk_tokens = 2048,
    .most_tile_tokens = 256};
// A GPU wants a hundred tokens and more for each expert.
inline constexpr ChunkBudget kDeviceBudget{
    .chunk_bytes = int64_t{1408} << 20,
    .tile_bytes = int64_t{832} << 20,
    .most_chunk_tokens = 8192,
    .most_tile_tokens = 2048};

// `mtp`: the sequences feed the next-token module, too, which needs more a
// token. Results do not depend on the plan.
ChunkPlan plan_chunks(
    const ModelConfig& config,
    bool mtp,
    const ChunkBudget& budget = kHostBudget);

}  // namespace hadal
