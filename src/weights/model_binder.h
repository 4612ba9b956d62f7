// Finds every tensor of a model in its files and makes the typed weights.
// Internal to this folder; load_checkpoint.h is the way in.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "weights/model_weights.h"
#include "weights/report_builder.h"
#include "weights/weight_reader.h"

namespace hadal {

class ModelBinder {
 public:
  // All are outlived by the binder's caller. `config` is completed: the format
  // of the experts where it does not state it, MTP stages that are DSpark.
  ModelBinder(
      ModelConfig& config,
      CheckpointStorage& storage,
      const QuantizationPlan* plan);

  // Throws Error(corrupt): a tensor is missing, unexpected or there twice, or
  // has a wrong shape or dtype. `storage` of the result is left empty.
  ModelWeights bind();
  // After bind().
  CheckpointReport report();
  // All scale tensors that the weights use, in file order.
  const std::vector<const StoredTensor*>& scales() const { return scales_; }

 private:
  // What the files have for one block: whole tensors, and those that are apart
  // by expert or group.
  struct Slots {
    std::array<StoredParts, kTensorIdCount> whole;
    std::map<TensorId, std::vector<StoredParts>> items;
    bool used = false;
  };

  void recognise_dspark();
  void collect();
  bool expected(const TensorPlace& place) const;
  void store(const TensorPlace& place, const StoredTensor& tensor);
  Slots& slots(BlockIndex block);
  void settle_expert_format();
  void throw_if_incomplete() const;

  bool has_weight(TensorId id, BlockIndex block, StoredParts& parts);
  WeightView matrix(TensorId id, BlockIndex block);
  WeightView plain(TensorId id, BlockIndex block);
  const float* floats(TensorId id, BlockIndex block);
  std::vector<WeightView> stack(TensorId id, BlockIndex block);
  std::vector<WeightView> apart(TensorId id, BlockIndex block);
  // Throw when a second form of some weights is there.
  void require_absent(const StoredParts& parts) const;
  void require_absent(TensorId id, BlockIndex block);
  void split_gate_up(BlockIndex block, MoeWeights& moe);

  LayerWeights bind_layer(BlockIndex block);
  AttentionWeights bind_attention(BlockIndex block);
  MoeWeights bind_moe(BlockIndex block);
  HyperConnectionWeights bind_hyper_connection(
      BlockIndex block, TensorId fn, TensorId base, TensorId scale);
  MtpWeights bind_mtp(BlockIndex block);

  ModelConfig& config_;
  CheckpointStorage& storage_;
  WeightReader reader_;
  ReportBuilder report_;
  CheckpointLayout layout_ = CheckpointLayout::release;
  std::vector<Slots> blocks_;  // the model, then the layers, then the stages
  std::vector<const StoredTensor*> scales_;
  std::vector<std::string> missing_;
  std::vector<const StoredTensor*> unexpected_;
  int64_t ignored_mtp_tensors_ = 0;
};

}  // namespace hadal
