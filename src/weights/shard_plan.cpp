#include "weights/shard_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "hadal/error.h"

namespace hadal {
namespace {

constexpr int64_t kBlockRows = 128;  // of the release's FP8 scales

// Part `rank` of `total` in units of `unit`; the first ranks get one more.
ShardRange part(int64_t total, int64_t unit, int64_t rank, int64_t ranks) {
  const int64_t units = (total + unit - 1) / unit;
  const auto begin = [&](int64_t r) {
    return std::min(
        total, (units / ranks * r + std::min(r, units % ranks)) * unit);
  };
  return {begin(rank), begin(rank + 1) - begin(rank)};
}

void check_ranks(const ModelConfig& config, int64_t ranks) {
  if (ranks < 1)
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("devices: found {}, expected at least 1", ranks));
  if (config.o_groups % ranks != 0)
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "devices: found {}, but the model's {} groups of heads can only be "
            "shared out evenly; use a number that divides {}",
            ranks,
            config.o_groups,
            config.o_groups));
}

}  // namespace

ShardPlan make_shard_plan(const ModelConfig& config, int64_t ranks) {
  check_ranks(config, ranks);
  const int64_t heads_per_group = config.num_attention_heads / config.o_groups;
  ShardPlan plan;
  int64_t most_vocabulary = 0;
  for (int64_t rank = 0; rank < ranks; ++rank) {
    Shard shard;
    shard.groups = part(config.o_groups, 1, rank, ranks);
    shard.heads = {
        shard.groups.first * heads_per_group,
        shard.groups.count * heads_per_group};
    shard.experts = part(config.n_routed_experts, 1, rank, ranks);
    shard.inner = part(
        config.moe_intermediate_size * config.n_shared_experts,
        kBlockRows,
        rank,
        ranks);
    shard.vocabulary = part(config.vocab_size, kBlockRows, rank, ranks);
    most_vocabulary = std::max(most_vocabulary, shard.vocabulary.count);
    plan.ranks.push_back(shard);
  }
  if (ranks > 1)
    plan.layer = {
        {"the output projection", Collective::sum, config.hidden_size},
        {"the experts", Collective::sum, config.hidden_size}};
  plan.head = {"the head", Collective::gather, most_vocabulary};
  return plan;
}

}  // namespace hadal
