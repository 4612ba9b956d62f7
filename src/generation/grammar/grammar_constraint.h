// A grammar as the engine sees it: token by token, after the reasoning.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "generation/grammar/grammar_state.h"
#include "generation/token_constraint.h"

namespace hadal {

struct ConstraintTokens {
  int32_t end_of_sentence = 1;
  int32_t think_close = -1;
};

class GrammarConstraint : public TokenConstraint {
 public:
  enum class Begin {
    at_once,  // the output follows the grammar from its first token
    // Any text; from the first "<" with the DSML marker on, the grammar, which
    // begins with these two.
    at_markup,
  };
  GrammarConstraint(
      std::shared_ptr<const Grammar> grammar,
      const ConstraintTokens& tokens,
      Begin begin,
      bool starts_in_reasoning);

  TokenMask mask() override;
  void accept(int32_t token) override;
  bool wants_greedy() const override;
  std::unique_ptr<TokenConstraint> clone() const override;

 private:
  enum class Phase { reasoning, free_text, grammar, ended };
  void accept_free(int32_t token);
  [[noreturn]] void not_allowed(int32_t token) const;

  GrammarState state_;
  std::shared_ptr<const TokenTrie> trie_;
  ConstraintTokens tokens_;
  Begin begin_;
  Phase phase_;
  std::string tail_;  // of free text: its last bytes
  std::vector<uint64_t> mask_;
};

}  // namespace hadal
