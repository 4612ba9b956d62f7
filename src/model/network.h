// The weights as the forward pass wants them: views for the matrices, float32
// copies of the small vectors where the kernels see them, rotary frequencies.
#pragma once

#include <cstdint>
#include <vector>

#include "base/memory_source.h"
#include "checkpoint/model_config.h"
#include "model/numerics.h"
#include "weights/model_weights.h"

namespace hadal {

using KernelVector = SourcedCopy<float>;

struct CompressorVectors {
  KernelVector ape;   // [ratio, channels]
  KernelVector norm;  // [dim]
};

// One block: a trunk layer or the MTP stage's.
struct NetworkLayer {
  const LayerWeights* weights = nullptr;
  LayerKind kind = LayerKind::window;
  int64_t index = 0;  // in the cache; trunk layers first, then MTP stages
  bool hash_routed = false;
  const float* frequencies = nullptr;  // rotary, [qk_rope_head_dim / 2]

  KernelVector attn_norm;        // [D]
  KernelVector ffn_norm;         // [D]
  KernelVector q_norm;           // [qr]
  KernelVector kv_norm;          // [head_dim]
  KernelVector sink;             // [heads]
  KernelVector gate_bias;        // [experts], empty in hash layers
  CompressorVectors compressor;  // empty in window layers
  CompressorVectors indexer;     // empty unless sparse

  int64_t ratio() const { return static_cast<int64_t>(kind); }
};

struct NetworkMtp {
  const MtpWeights* weights = nullptr;
  NetworkLayer block;
  KernelVector enorm;  // [D]
  KernelVector hnorm;  // [D]
  KernelVector norm;   // [D]
};

// Neither copied nor moved: layers point into `weights` and the tables.
struct Network {
  // The small vectors are copied to `memory`, which must outlive the network;
  // `weights` has its matrices where the kernels see them.
  Network(
      ModelConfig config,
      ModelWeights weights,
      Numerics numerics,
      MemorySource& memory = host_memory());
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  ModelConfig config;
  ModelWeights weights;
  Numerics numerics;
  KernelVector window_frequencies;      // ratio 0 (spec 1.3)
  KernelVector compressed_frequencies;  // ratio 4 and 128
  KernelVector norm;                    // [D]
  std::vector<NetworkLayer> layers;
  std::vector<NetworkMtp> mtp;  // empty or one stage

 private:
  // Copies of the hyper-connections' base and scale, to which `weights` points.
  std::vector<KernelVector> mixing_vectors_;
  void copy_mixing(HyperConnectionWeights& hc, int64_t n, MemorySource& memory);
};

}  // namespace hadal
