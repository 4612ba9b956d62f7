// The control tokens that serving needs by id, found by their spelling: their
// ids differ between checkpoints.
#pragma once

#include <cstdint>
#include <vector>

#include "hadal/tokenizer.h"

namespace hadal {

// -1 for a token that the vocabulary lacks.
struct ControlTokens {
  int32_t bos = -1;
  int32_t eos = -1;
  int32_t pad = -1;
  int32_t user = -1;
  int32_t assistant = -1;
  int32_t think_open = -1;
  int32_t think_close = -1;
  // A newline and the end of the reasoning: fed when its budget is used up.
  std::vector<int32_t> forced_think_close;
  // End of sentence, and what never stands inside an answer: beginning of
  // sentence, padding, <｜User｜>, <｜Assistant｜> (spec/text.md 3.6).
  std::vector<int32_t> end_tokens;
};

ControlTokens find_control_tokens(const Tokenizer& tokenizer);

}  // namespace hadal
