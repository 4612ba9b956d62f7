// Two masks joined.
#include "server/api/either_constraint.h"

#include <algorithm>

namespace hadal {

EitherConstraint::EitherConstraint(
    std::unique_ptr<TokenConstraint> first,
    std::unique_ptr<TokenConstraint> second)
    : first_(std::move(first)), second_(std::move(second)) {}

TokenMask EitherConstraint::mask() {
  if (!second_)
    return first_->mask();
  if (!first_)
    return second_->mask();
  TokenMask first = first_->mask();
  TokenMask second = second_->mask();
  if (first.everything() || second.everything())
    return {};
  words_.assign(first.words.begin(), first.words.end());
  words_.resize(std::max(words_.size(), second.words.size()));
  for (size_t i = 0; i < second.words.size(); ++i)
    words_[i] |= second.words[i];
  return {words_};
}

void EitherConstraint::accept(int32_t token) {
  if (first_ && second_) {
    bool of_first = first_->mask().allows(token);
    bool of_second = second_->mask().allows(token);
    if (of_first && !of_second)
      second_.reset();
    else if (of_second && !of_first)
      first_.reset();
  }
  if (first_)
    first_->accept(token);
  if (second_)
    second_->accept(token);
}

bool EitherConstraint::wants_greedy() const {
  return (!first_ || first_->wants_greedy()) &&
         (!second_ || second_->wants_greedy());
}

std::unique_ptr<TokenConstraint> EitherConstraint::clone() const {
  return std::make_unique<EitherConstraint>(
      first_ ? first_->clone() : nullptr, second_ ? second_->clone() : nullptr);
}

}  // namespace hadal
