// Decides after each sampled token whether the generation goes on.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "generation/stop_strings.h"
#include "hadal/sampling.h"

namespace hadal {

enum class StopReason {
  end_token,    // one of the end tokens
  stop_string,  // its text is not emitted
  max_tokens,
};

struct StopStep {
  std::string text;                  // ready to be emitted
  std::optional<StopReason> reason;  // the generation is over
  int32_t end_token = -1;            // with StopReason::end_token
  int64_t stop_string = -1;          // index, with StopReason::stop_string
  // The thinking budget is used up: feed a newline and the end of thinking
  // instead of sampling. Said once.
  bool end_thinking = false;
};

// Owned by one thread. Text comes out as the tokens' bytes, so a character may
// still be cut at the end of a step.
class StopChecker {
 public:
  // end_tokens: the model's end of sentence and what else never occurs inside
  // an answer (spec/text.md 3.6), in addition to those of the options.
  // max_thinking_tokens -1: no budget. Throws Error(invalid_argument) with the
  // field's name when an option is out of range.
  StopChecker(
      const StopOptions& options,
      std::span<const int32_t> end_tokens,
      int64_t vocabulary,
      int64_t max_thinking_tokens = -1);

  // Tokens that must not be sampled now: the end tokens while fewer than
  // min_tokens came.
  std::span<const int32_t> banned() const;

  // The next token with its bytes. Stop strings apply to content, not to
  // thinking: `thinking` says which of the two the token belongs to. The end
  // of thinking itself counts as thinking. An end token has no text; it counts
  // as a token. Before min_tokens neither end tokens nor stop strings stop.
  StopStep push(int32_t token, std::string_view bytes, bool thinking = false);

  // What is still held back, when something else ends the generation.
  std::string flush();

  int64_t tokens() const { return tokens_; }
  int64_t thinking_tokens() const { return thinking_tokens_; }

 private:
  bool is_end_token(int32_t token) const;

  int64_t max_tokens_;
  int64_t min_tokens_;
  int64_t max_thinking_tokens_;
  std::vector<int32_t> end_tokens_;  // sorted
  StopStrings strings_;
  int64_t tokens_ = 0;
  int64_t thinking_tokens_ = 0;
};

}  // namespace hadal
