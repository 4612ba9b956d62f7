// Adds up a CheckpointReport while a model is bound. Internal to this folder.
#pragma once

#include <array>

#include "kernels/weight_view.h"
#include "weights/checkpoint_report.h"
#include "weights/checkpoint_storage.h"
#include "weights/weight_reader.h"

namespace hadal {

class ReportBuilder {
 public:
  ReportBuilder(const ModelConfig& config, const CheckpointFiles& files);

  // A stored `mtp.*` tensor; all others are the trunk's.
  void count_mtp_tensor(const StoredTensor& tensor);

  // One logical tensor (an expert, a group count by themselves), with the share
  // of stored tensors and bytes that is its own. `view` tells the format; an
  // empty one means a table of ids.
  void count_logical(
      TensorId id,
      BlockIndex block,
      const WeightView& view,
      int64_t matrices,
      const StoredParts& parts);

  CheckpointReport finish(CheckpointLayout layout, uint64_t copied_bytes);
  void note(std::string sentence);

 private:
  struct FormatKey {
    bool ids = false;
    WeightFormat format{};
    ScaleFormat scale{};
    int bits = 0;
    int group = 0;
    bool operator==(const FormatKey&) const = default;
  };
  struct FormatSum {
    FormatKey key;
    int64_t matrices = 0;
    uint64_t bytes = 0;
  };
  struct GroupSum {
    int64_t tensors = 0;
    int64_t parameters = 0;
    uint64_t bytes = 0;
    std::vector<FormatSum> formats;
  };
  static std::string format_text(const FormatKey& key);
  uint64_t read_per_token(TensorGroup group, uint64_t bytes) const;

  const ModelConfig& config_;
  CheckpointReport report_;
  std::array<GroupSum, kTensorGroupCount> trunk_{};
  std::array<GroupSum, kTensorGroupCount> mtp_{};
};

}  // namespace hadal
