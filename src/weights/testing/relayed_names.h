// For tests: the release's module names in other layouts, by the tables of spec
// 7.3 and 7.4.
#pragma once

#include <string>

#include "weights/testing/relay_checkpoint.h"

namespace hadal::testing {

// "layers.0.attn.wq_a" -> "model.layers.0.self_attn.q_a_proj". Names of whole
// tensors without ".weight" (hc_attn_fn, ape) likewise; "....experts.w1" is the
// stack of all experts.
std::string relayed_module(const std::string& release, Spelling spelling);

}  // namespace hadal::testing
