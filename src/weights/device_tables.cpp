#include "weights/device_tables.h"

#include <deque>
#include <utility>

namespace hadal {
namespace {

struct Tables {
  std::deque<SourcedCopy<WeightView>> views;
  std::deque<SourcedCopy<std::byte>> ids;
};

}  // namespace

std::shared_ptr<const void> make_device_tables(
    ModelWeights& weights, const ModelConfig& config, MemorySource& memory) {
  auto tables = std::make_shared<Tables>();
  const auto copy_views = [&](const std::vector<WeightView>& views) {
    return tables->views.emplace_back(views, memory).data();
  };
  const auto copy_all = [&](MoeWeights& moe) {
    moe.device.experts = {
        .gate = copy_views(moe.expert_gate),
        .up = copy_views(moe.expert_up),
        .down = copy_views(moe.expert_down),
        .experts = static_cast<int64_t>(moe.expert_gate.size())};
    if (moe.tid2eid == nullptr)
      return;
    const int64_t bytes = config.vocab_size * config.num_experts_per_tok *
                          (moe.tid2eid_is_64_bit ? 8 : 4);
    moe.device.tid2eid =
        tables->ids
            .emplace_back(
                std::vector<std::byte>(moe.tid2eid, moe.tid2eid + bytes),
                memory)
            .data();
  };
  for (LayerWeights& layer : weights.layers)
    copy_all(layer.moe);
  for (MtpWeights& stage : weights.mtp)
    copy_all(stage.block.moe);
  return tables;
}

}  // namespace hadal
