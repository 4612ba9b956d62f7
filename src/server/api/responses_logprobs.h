// Which tokens belong to the text of a message: log-probabilities come for all
// tokens, also those of reasoning and markup, and text may be held back for a
// while after its tokens.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "hadal/tokenizer.h"
#include "server/api/api_call.h"

namespace hadal {

class ResponsesLogprobs {
 public:
  explicit ResponsesLogprobs(Tokenizer tokenizer)
      : tokenizer_(std::move(tokenizer)) {}

  // Tokens up to the end of the reasoning are forgotten.
  void add(std::span<const TokenInfo> tokens);
  // What was added became something else than text.
  void clear() { waiting_.clear(); }
  // The tokens of the next `text` of the message, as JSON values with commas
  // between: {"token","logprob","bytes","top_logprobs"}. Tokens that are not of
  // the text are dropped; one that reaches beyond it counts here.
  std::string take(std::string_view text);

 private:
  Tokenizer tokenizer_;
  std::deque<TokenInfo> waiting_;
  size_t told_ahead_ = 0;  // bytes of the last token that text has not reached
};

}  // namespace hadal
