// The weights as the forward pass wants them: views for the matrices, float32
// copies of the small vectors, rotary frequencies.
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/model_config.h"
#include "model/numerics.h"
#include "weights/model_weights.h"

namespace hadal {

struct CompressorVectors {
  std::vector<float> ape;   // [ratio, channels]
  std::vector<float> norm;  // [dim]
};

// One block: a trunk layer or the MTP stage's.
struct NetworkLayer {
  const LayerWeights* weights = nullptr;
  LayerKind kind = LayerKind::window;
  int64_t index = 0;  // in the cache; trunk layers first, then MTP stages
  bool hash_routed = false;
  const float* frequencies = nullptr;  // rotary, [qk_rope_head_dim / 2]

  std::vector<float> attn_norm;  // [D]
  std::vector<float> ffn_norm;   // [D]
  std::vector<float> q_norm;     // [qr]
  std::vector<float> kv_norm;    // [head_dim]
  std::vector<float> sink;       // [heads]
  std::vector<float> gate_bias;  // [experts], empty in hash layers
  CompressorVectors compressor;  // empty in window layers
  CompressorVectors indexer;     // empty unless sparse

  int64_t ratio() const { return static_cast<int64_t>(kind); }
};

struct NetworkMtp {
  const MtpWeights* weights = nullptr;
  NetworkLayer block;
  std::vector<float> enorm;  // [D]
  std::vector<float> hnorm;  // [D]
  std::vector<float> norm;   // [D]
};

// Neither copied nor moved: layers point into `weights` and the tables.
struct Network {
  Network(ModelConfig config, ModelWeights weights, Numerics numerics);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  ModelConfig config;
  ModelWeights weights;
  Numerics numerics;
  std::vector<float> window_frequencies;      // ratio 0 (spec 1.3)
  std::vector<float> compressed_frequencies;  // ratio 4 and 128
  std::vector<float> norm;                    // [D]
  std::vector<NetworkLayer> layers;
  std::vector<NetworkMtp> mtp;  // empty or one stage
};

}  // namespace hadal
