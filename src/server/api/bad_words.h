// `bad_words`: texts that must not be generated, as sequences of tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "generation/token_constraint.h"
#include "hadal/tokenizer.h"

namespace hadal {

// Forbids the last token of a sequence where the tokens before it were just
// written. A word is a sequence as it stands at the start of a line and behind
// a space, so another division into tokens is not caught: this is what vLLM's
// field of the same name does. Where a grammar leaves nothing else, its mask
// stands.
class BadWordsConstraint : public TokenConstraint {
 public:
  // `inner` may be null. `vocabulary` is the number of ids.
  BadWordsConstraint(
      std::vector<std::vector<int32_t>> sequences,
      int64_t vocabulary,
      std::unique_ptr<TokenConstraint> inner);

  TokenMask mask() override;
  void accept(int32_t token) override;
  bool wants_greedy() const override;
  std::unique_ptr<TokenConstraint> clone() const override;

 private:
  bool just_written(const std::vector<int32_t>& sequence) const;

  std::vector<std::vector<int32_t>> sequences_;
  int64_t vocabulary_;
  std::unique_ptr<TokenConstraint> inner_;
  size_t longest_ = 0;
  std::vector<int32_t> written_;  // the last ones
  std::vector<uint64_t> words_;
};

// The sequences of these words: each alone and behind a space, without
// repetitions.
std::vector<std::vector<int32_t>> bad_word_sequences(
    const std::vector<std::string>& words, const Tokenizer& tokenizer);

}  // namespace hadal
