// Scratch arrays of a forward pass, reused from chunk to chunk.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "checkpoint/model_config.h"

namespace hadal {

// Rows are the chunk's tokens unless said otherwise, or those of a tile of it,
// in which attention goes through a long chunk. Names as in the spec.
struct Workspace {
  int64_t tile_tokens = 128;  // at most, of a tile

  AlignedBuffer<float> streams;             // [tokens, n, D] the residual state
  AlignedBuffer<float> x;                   // [tokens, D] input of a sub-layer
  AlignedBuffer<float> y;                   // [tokens, D] its output
  AlignedBuffer<float> post;                // [tokens, n]
  AlignedBuffer<float> comb;                // [tokens, n, n]
  AlignedBuffer<float> rounded;             // [tokens, widest product input]
  AlignedBuffer<float> a;                   // [tile, qr]
  AlignedBuffer<float> q;                   // [tile, H, head_dim]
  AlignedBuffer<float> kv;                  // [tokens, head_dim]
  AlignedBuffer<std::byte> kv_rows;         // [tokens] stored rows
  AlignedBuffer<float> o;                   // [tile, H, head_dim]
  AlignedBuffer<float> u;                   // [tile, G * o_lora_rank]
  AlignedBuffer<float> z;                   // [tokens, channels]
  AlignedBuffer<float> g;                   // [tokens, channels]
  AlignedBuffer<float> index_z;             // [tokens, index channels]
  AlignedBuffer<float> index_g;             // [tokens, index channels]
  AlignedBuffer<float> pooled;              // [windows, dim]
  AlignedBuffer<int64_t> pooled_positions;  // [windows]
  AlignedBuffer<float> index_q;             // [tile, index heads, index dim]
  AlignedBuffer<float> index_weights;       // [tile, index heads]
  AlignedBuffer<int32_t> selected;          // [tile, index_topk]
  AlignedBuffer<int32_t> counts;            // [tile]
  AlignedBuffer<float> gate;                // [tokens, experts]
  AlignedBuffer<int32_t> experts;           // [tokens, per token]
  AlignedBuffer<float> expert_weights;      // [tokens, per token]
  AlignedBuffer<float> head_streams;        // [wanted, n, D]
  AlignedBuffer<float> head_x;              // [wanted, D]
  AlignedBuffer<float> embedded;            // MTP: [tokens, D]
};

// How a pass is cut so that its scratch memory stays small.
struct ChunkPlan {
  int64_t chunk_tokens = 0;
  int64_t tile_tokens = 0;
};

// Long chunks, since the weights are read once a chunk and most of a long
// prompt's experts see only a few dozen of its tokens: up to 2,048 tokens in
// some 400 MB. `mtp`: the sequences feed the next-token module, too, which
// needs more a token. Results do not depend on the plan.
ChunkPlan plan_chunks(const ModelConfig& config, bool mtp);

}  // namespace hadal
