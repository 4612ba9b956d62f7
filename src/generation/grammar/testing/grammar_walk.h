// What the grammar's tests share: feeding texts, and writing random outputs the
// way the engine does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "generation/grammar/constraint_factory.h"
#include "hadal/tokenizer.h"

namespace hadal {

// The tokens of `text` byte by byte, the DSML marker as its own token.
std::vector<int32_t> byte_tokens(
    const Tokenizer& tokenizer, std::string_view text);

// Whether every one of the tokens is allowed in turn; accepts them.
bool follows(TokenConstraint& constraint, const std::vector<int32_t>& tokens);
// Whether the whole output may be `text`, byte by byte.
bool accepts_text(
    const TokenConstraint& constraint,
    const Tokenizer& tokenizer,
    std::string_view text);

struct WalkOptions {
  uint64_t seed = 1;
  float temperature = 1.5F;
  int max_tokens = 400;
  // From this token on, closing quotes and brackets become ever more likely, so
  // that outputs end.
  int patience = 50;
  // By how much a token's logit rises with each of its bytes: long tokens find
  // other ways through a grammar than short ones.
  float per_byte = 0;
};

struct WalkResult {
  std::vector<int32_t> tokens;  // without the end of sentence
  std::string text;
  bool ended = false;  // false: max_tokens came first
};

// Samples with the project's Sampler from random logits under the constraint's
// masks.
WalkResult random_walk(
    TokenConstraint& constraint,
    const Tokenizer& tokenizer,
    const WalkOptions& options);

}  // namespace hadal
