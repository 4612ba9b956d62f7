// The typed weights of a model: every pointer leads into the mapped files.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "checkpoint/model_config.h"
#include "kernels/weight_view.h"

namespace hadal {

// fn [24, 4D] (head: [4, 4D]), base [24] ([4]), scale [3] ([1]); spec 2.4, 2.6.
struct HyperConnectionWeights {
  WeightView fn;
  const float* base = nullptr;
  const float* scale = nullptr;
};

// Spec 3.7. `channels` = overlap * dim.
struct CompressorWeights {
  WeightView wkv;    // [channels, D]
  WeightView wgate;  // [channels, D]
  WeightView ape;    // f32 or bf16 [ratio, channels]
  WeightView norm;   // [1, dim]
};

// Spec 3.8, ratio 4 only.
struct IndexerWeights {
  WeightView wq_b;          // [index_heads * index_dim, qr]
  WeightView weights_proj;  // [index_heads, D]
  CompressorWeights compressor;
};

// Spec 3.1. `wo_a` is one matrix a group, [o_lora_rank, group_width] each.
struct AttentionWeights {
  WeightView wq_a;
  WeightView q_norm;  // [1, qr]
  WeightView wq_b;
  WeightView wkv;
  WeightView kv_norm;  // [1, head_dim]
  std::vector<WeightView> wo_a;
  WeightView wo_b;
  WeightView attn_sink;          // f32 [1, heads]
  CompressorWeights compressor;  // empty views in a window layer
  IndexerWeights indexer;        // empty views unless the layer is sparse
};

// Tables of a layer's experts where a device's kernels see them; null where the
// kernels run on the host (device_tables.h).
struct DeviceTables {
  ExpertWeights experts;               // arrays of views in device memory
  const std::byte* tid2eid = nullptr;  // a copy; hash layers
};

// Spec 5.
struct MoeWeights {
  WeightView gate;                     // [experts, D]
  WeightView gate_bias;                // f32 [1, experts]; empty in hash layers
  const std::byte* tid2eid = nullptr;  // [vocabulary, per token]; hash layers
  bool tid2eid_is_64_bit = true;
  std::vector<WeightView> expert_gate;  // [experts]
  std::vector<WeightView> expert_up;
  std::vector<WeightView> expert_down;
  WeightView shared_gate;
  WeightView shared_up;
  WeightView shared_down;
  DeviceTables device;

  ExpertWeights experts() const {
    return {
        expert_gate.data(),
        expert_up.data(),
        expert_down.data(),
        static_cast<int64_t>(expert_gate.size())};
  }
};

struct LayerWeights {
  WeightView attn_norm;  // [1, D]
  WeightView ffn_norm;   // [1, D]
  HyperConnectionWeights hc_attn;
  HyperConnectionWeights hc_ffn;
  AttentionWeights attention;
  MoeWeights moe;
};

// The next-token module (spec 6.2).
struct MtpWeights {
  LayerWeights block;
  WeightView e_proj;
  WeightView h_proj;
  WeightView enorm;
  WeightView hnorm;
  WeightView norm;
  HyperConnectionWeights hc_head;
};

struct ModelWeights {
  WeightView embed;  // [vocabulary, D], any format
  WeightView head;   // [vocabulary, D]
  WeightView norm;   // [1, D]
  HyperConnectionWeights hc_head;
  std::vector<LayerWeights> layers;
  std::vector<MtpWeights> mtp;  // empty when the checkpoint has none
  // Keeps the mappings (and the few small tensors that had to be widened to
  // float32) alive, and what lies on a device.
  std::shared_ptr<const void> storage;
};

}  // namespace hadal
