// Scratch arrays of a forward pass, reused from chunk to chunk.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "checkpoint/model_config.h"

namespace hadal {

// Rows are the chunk's tokens unless said otherwise. Names as in the spec.
struct Workspace {
  AlignedBuffer<float> streams;             // [tokens, n, D] the residual state
  AlignedBuffer<float> x;                   // [tokens, D] input of a sub-layer
  AlignedBuffer<float> y;                   // [tokens, D] its output
  AlignedBuffer<float> post;                // [tokens, n]
  AlignedBuffer<float> comb;                // [tokens, n, n]
  AlignedBuffer<float> rounded;             // [tokens, widest product input]
  AlignedBuffer<float> a;                   // [tokens, qr]
  AlignedBuffer<float> q;                   // [tokens, H, head_dim]
  AlignedBuffer<float> kv;                  // [tokens, head_dim]
  AlignedBuffer<std::byte> kv_rows;         // [tokens] stored rows
  AlignedBuffer<float> o;                   // [tokens, H, head_dim]
  AlignedBuffer<float> u;                   // [tokens, G * o_lora_rank]
  AlignedBuffer<float> z;                   // [tokens, channels]
  AlignedBuffer<float> g;                   // [tokens, channels]
  AlignedBuffer<float> pooled;              // [windows, dim]
  AlignedBuffer<int64_t> pooled_positions;  // [windows]
  AlignedBuffer<float> index_q;             // [tokens, index heads, index dim]
  AlignedBuffer<float> index_weights;       // [tokens, index heads]
  AlignedBuffer<int32_t> selected;          // [tokens, index_topk]
  AlignedBuffer<int32_t> counts;            // [tokens]
  AlignedBuffer<float> gate;                // [tokens, experts]
  AlignedBuffer<int32_t> experts;           // [tokens, per token]
  AlignedBuffer<float> expert_weights;      // [tokens, per token]
  AlignedBuffer<float> head_streams;        // [wanted, n, D]
  AlignedBuffer<float> head_x;              // [wanted, D]
  AlignedBuffer<float> embedded;            // MTP: [tokens, D]
};

// The float32 bytes that a chunk needs per token, for choosing its size.
int64_t workspace_bytes_per_token(const ModelConfig& config);

}  // namespace hadal
