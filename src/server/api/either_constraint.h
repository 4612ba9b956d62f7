// One of two forms: an answer in JSON, or a block of tool calls.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "generation/token_constraint.h"

namespace hadal {

// Allows what one of them allows, until the output has left the other.
class EitherConstraint : public TokenConstraint {
 public:
  EitherConstraint(
      std::unique_ptr<TokenConstraint> first,
      std::unique_ptr<TokenConstraint> second);

  TokenMask mask() override;
  void accept(int32_t token) override;
  bool wants_greedy() const override;
  std::unique_ptr<TokenConstraint> clone() const override;

 private:
  // One of them may be null: the output is of the other form.
  std::unique_ptr<TokenConstraint> first_;
  std::unique_ptr<TokenConstraint> second_;
  std::vector<uint64_t> words_;
};

}  // namespace hadal
