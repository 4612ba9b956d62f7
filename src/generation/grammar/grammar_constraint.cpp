// Phases of an output: reasoning, free text, grammar, end.
#include "generation/grammar/grammar_constraint.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "hadal/error.h"
#include "text/prompt_format.h"

namespace hadal {
namespace {

constexpr char kMarker[] = {'<', static_cast<char>(kMarkerByte), 0};

}  // namespace

GrammarConstraint::GrammarConstraint(
    std::shared_ptr<const Grammar> grammar,
    const ConstraintTokens& tokens,
    Begin begin,
    bool starts_in_reasoning)
    : state_(grammar),
      trie_(grammar->trie),
      tokens_(tokens),
      begin_(begin),
      phase_(Phase::grammar) {
  if (starts_in_reasoning)
    phase_ = Phase::reasoning;
  else if (begin == Begin::at_markup)
    phase_ = Phase::free_text;
}

TokenMask GrammarConstraint::mask() {
  if (phase_ == Phase::reasoning || phase_ == Phase::free_text)
    return {};
  mask_.assign((static_cast<size_t>(trie_->vocabulary()) + 63) / 64, 0);
  if (phase_ == Phase::grammar)
    state_.add_tokens(mask_);
  if (phase_ == Phase::ended || state_.may_end())
    mask_[static_cast<size_t>(tokens_.end_of_sentence) / 64] |=
        uint64_t{1} << (tokens_.end_of_sentence % 64);
  return {mask_};
}

void GrammarConstraint::accept(int32_t token) {
  switch (phase_) {
    case Phase::reasoning:
      if (token == tokens_.think_close)
        phase_ = begin_ == Begin::at_markup ? Phase::free_text : Phase::grammar;
      return;
    case Phase::free_text:
      return accept_free(token);
    case Phase::grammar:
      if (token == tokens_.end_of_sentence && state_.may_end()) {
        phase_ = Phase::ended;
        return;
      }
      if (token < 0 || token >= trie_->vocabulary() ||
          trie_->spelling(token).empty() ||
          !state_.push(trie_->spelling(token)))
        not_allowed(token);
      return;
    case Phase::ended:
      if (token != tokens_.end_of_sentence)
        not_allowed(token);
      return;
  }
}

// The marker is one token, but a model may also spell it with others.
void GrammarConstraint::accept_free(int32_t token) {
  if (token == tokens_.end_of_sentence) {
    phase_ = Phase::ended;
    return;
  }
  if (token < 0 || token >= trie_->vocabulary())
    not_allowed(token);
  std::string_view bytes = trie_->spelling(token);
  const size_t before = tail_.size();
  tail_ += token == trie_->marker_token() ? kDsmlMarker : bytes;
  const std::string opening = dsml_open("");
  size_t found = tail_.rfind(opening);
  if (found != std::string::npos && found + opening.size() > before) {
    GrammarState state = state_;
    if (state.push(kMarker) &&
        state.push(tail_.substr(found + opening.size()))) {
      state_ = std::move(state);
      phase_ = Phase::grammar;
      tail_.clear();
      return;
    }
  }
  if (tail_.size() > opening.size())
    tail_.erase(0, tail_.size() - opening.size());
}

bool GrammarConstraint::wants_greedy() const {
  return phase_ == Phase::grammar && state_.is_markup();
}

std::unique_ptr<TokenConstraint> GrammarConstraint::clone() const {
  return std::make_unique<GrammarConstraint>(*this);
}

void GrammarConstraint::not_allowed(int32_t token) const {
  throw Error(
      ErrorCode::internal,
      fmt::format(
          "token {} was accepted, but the grammar does not allow it; sample "
          "with the constraint's mask",
          token));
}

}  // namespace hadal
