// The tensors of a loaded model, one by one, in the order in which they are
// written.
#pragma once

#include <cstdint>
#include <vector>

#include "weights/load_checkpoint.h"

namespace hadal {

struct SourceTensor {
  TensorId id{};
  BlockIndex block;
  // One view a tensor; of experts and of the groups of wo_a one an item. Empty
  // for a table of ids.
  std::vector<WeightView> items;
  // A table of ids [rows, cols], I64 or I32.
  const std::byte* ids = nullptr;
  bool ids_are_64_bit = true;
  LogicalShape shape;  // of one item
};

// Every tensor: the model's, then layer by layer, then the next-token modules.
// The views lead into `model`, which must outlive them.
std::vector<SourceTensor> source_tensors(const LoadedModel& model);

}  // namespace hadal
