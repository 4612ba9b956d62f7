// Masks without the last tokens of forbidden sequences.
#include "server/api/bad_words.h"

#include <algorithm>

namespace hadal {

BadWordsConstraint::BadWordsConstraint(
    std::vector<std::vector<int32_t>> sequences,
    int64_t vocabulary,
    std::unique_ptr<TokenConstraint> inner)
    : sequences_(std::move(sequences)),
      vocabulary_(vocabulary),
      inner_(std::move(inner)) {
  for (const std::vector<int32_t>& sequence : sequences_)
    longest_ = std::max(longest_, sequence.size());
}

TokenMask BadWordsConstraint::mask() {
  TokenMask allowed = inner_ ? inner_->mask() : TokenMask{};
  std::vector<int32_t> forbidden;
  for (const std::vector<int32_t>& sequence : sequences_)
    if (just_written(sequence) && allowed.allows(sequence.back()))
      forbidden.push_back(sequence.back());
  if (forbidden.empty())
    return allowed;
  if (allowed.everything()) {
    size_t ids = static_cast<size_t>(vocabulary_);
    words_.assign((ids + 63) / 64, ~uint64_t{0});
    if (ids % 64 != 0)
      words_.back() = (uint64_t{1} << (ids % 64)) - 1;
  } else {
    words_.assign(allowed.words.begin(), allowed.words.end());
  }
  for (int32_t id : forbidden)
    words_[static_cast<size_t>(id) / 64] &= ~(uint64_t{1} << (id % 64));
  bool empty = std::all_of(
      words_.begin(), words_.end(), [](uint64_t word) { return word == 0; });
  return empty ? allowed : TokenMask{words_};
}

void BadWordsConstraint::accept(int32_t token) {
  if (inner_)
    inner_->accept(token);
  written_.push_back(token);
  if (written_.size() >= longest_)
    written_.erase(written_.begin());
}

bool BadWordsConstraint::wants_greedy() const {
  return inner_ != nullptr && inner_->wants_greedy();
}

std::unique_ptr<TokenConstraint> BadWordsConstraint::clone() const {
  auto copy = std::make_unique<BadWordsConstraint>(
      sequences_, vocabulary_, inner_ ? inner_->clone() : nullptr);
  copy->written_ = written_;
  return copy;
}

bool BadWordsConstraint::just_written(
    const std::vector<int32_t>& sequence) const {
  size_t before = sequence.size() - 1;
  return before <= written_.size() &&
         std::equal(
             sequence.begin(),
             sequence.end() - 1,
             written_.end() - static_cast<ptrdiff_t>(before));
}

std::vector<std::vector<int32_t>> bad_word_sequences(
    const std::vector<std::string>& words, const Tokenizer& tokenizer) {
  std::vector<std::vector<int32_t>> sequences;
  for (const std::string& word : words)
    for (const std::string& text : {word, " " + word}) {
      std::vector<int32_t> ids = tokenizer.encode(text, SpecialTokens::as_text);
      if (std::find(sequences.begin(), sequences.end(), ids) == sequences.end())
        sequences.push_back(std::move(ids));
    }
  return sequences;
}

}  // namespace hadal
