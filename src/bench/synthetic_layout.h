// Where the tensors of a synthetic model lie, in the order in which a step
// reads them. Internal to this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/synthetic_spec.h"
#include "weights/model_weights.h"

namespace hadal {

// What fills a tensor: random numbers, or one float32 everywhere.
enum class SyntheticContent { random, constant };

// Who reads a tensor: kernels, or the network, which keeps copies of the small
// ones (network.h) and reads them on the host.
enum class SyntheticReader { kernels, network };

struct SyntheticPlace {
  WeightView* view = nullptr;
  int64_t offset = 0;  // in its reader's block
  SyntheticReader reader = SyntheticReader::kernels;
  SyntheticContent content = SyntheticContent::random;
  float value = 0;  // of a constant
};

// A hash table, in the network's block.
struct SyntheticTable {
  const std::byte** data = nullptr;  // tid2eid, int64 [vocabulary, per token]
  int64_t offset = 0;
};

// A hyper-connection's vectors, of which the typed weights have bare pointers.
struct SyntheticVectors {
  HyperConnectionWeights* weights = nullptr;
  WeightView base;
  WeightView scale;
};

// Points into the weights that it was made for.
struct SyntheticLayout {
  std::vector<SyntheticPlace> places;
  std::vector<SyntheticTable> tables;
  std::vector<SyntheticVectors> vectors;
  int64_t ends[2] = {};

  // Of the reader's block.
  int64_t bytes(SyntheticReader reader) const {
    return ends[static_cast<size_t>(reader)];
  }
  // Sets the bare pointers, when the views have theirs.
  void finish() const;
};

// Gives every view of `weights` its format and shape.
SyntheticLayout lay_out_model(const SyntheticSpec& spec, ModelWeights& weights);

}  // namespace hadal
