// How a model is divided among several devices: every decision, in one place.
//
// Nothing runs on several devices yet. What a rank holds and what the ranks
// tell each other is decided here, so that executors, weights and caches can be
// built to it.
//
//   what                           a rank holds             then
//   queries: wq_b, sinks           its heads                -
//   output: wo_a, wo_b             its groups' matrices,    sum over ranks
//                                  wo_b's columns of them
//   wq_a, wkv, compressors,        all of it                -
//   indexer, caches
//   routed experts                 its experts              sum over ranks
//   shared expert                  its inner rows, and      (the same sum)
//                                  columns of its down
//   router, norms, mixing          all of it                -
//   head                           its vocabulary           rows joined
//
// All heads share one latent row a token (spec 3.4), so a rank that has some
// heads needs every cached row; keeping the caches whole on every rank costs
// their memory again and no message. Two sums and nothing else a layer.
//
// The sums are over float32 vectors [tokens, hidden] and taken in the order of
// the ranks, so bits depend on the number of ranks and on nothing else (the
// invariance law): an executor gathers the parts and adds them itself, or uses
// a collective that promises an order.
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/model_config.h"

namespace hadal {

// [first, first + count) of something.
struct ShardRange {
  int64_t first = 0;
  int64_t count = 0;

  int64_t end() const { return first + count; }
};

// What one rank holds.
struct Shard {
  ShardRange heads;       // of num_attention_heads: those of its groups
  ShardRange groups;      // of o_groups
  ShardRange experts;     // of n_routed_experts
  ShardRange inner;       // rows of the shared expert's gate and up
  ShardRange vocabulary;  // rows of the head
};

enum class Collective : uint8_t {
  sum,     // every rank gets the sum of all ranks' arrays, in order of rank
  gather,  // every rank gets all ranks' arrays, one after the other
};

// One message of a forward pass.
struct ShardMessage {
  const char* after;  // the step that makes the ranks' arrays
  Collective collective;
  int64_t floats_per_token;  // that a rank gives
};

struct ShardPlan {
  std::vector<Shard> ranks;
  std::vector<ShardMessage> layer;  // of every layer, in this order
  ShardMessage head;                // of the tokens whose logits are wanted
};

// Throws Error(invalid_argument) when `ranks` is not 1 or more, or does not
// divide the groups of the output projection: heads and groups are the one
// thing that cannot be cut anywhere. Experts, inner rows (in blocks of 128, the
// release's scales) and vocabulary are cut as evenly as they can be.
ShardPlan make_shard_plan(const ModelConfig& config, int64_t ranks);

}  // namespace hadal
