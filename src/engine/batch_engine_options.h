// What a BatchEngine is made with.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/prefix_store.h"

namespace hadal {

struct BatchEngineOptions {
  int64_t max_sequences = 32;  // that have a place in the batch
  int64_t max_queue = 256;     // that wait for one
  // How long a prompt's piece may keep the others from their next token.
  double max_stall_ms = 250;
  // Of sequences and saved prefixes together; 0: half of the free memory.
  int64_t cache_memory = 0;
  // Long prompts and answers are remembered every so many tokens, and further
  // apart in long ones; a multiple of 128.
  int64_t keep_every = 2048;
  // Requests below scratch_tokens that share next to nothing with a saved
  // prefix may be remembered in this share of the memory alone, so that
  // background requests do not displace conversations.
  int64_t scratch_tokens = 2048;
  double scratch_share = 0.125;
  // Saved prefixes beyond this process; may be null.
  std::shared_ptr<PrefixStore> store;
  // A diagnosis: every use of a saved prefix is computed again from nothing and
  // the bits of its logits are compared. On a difference it is logged and the
  // computed state is used.
  bool verify_hits = false;
};

}  // namespace hadal
