// What a request's output must look like, token by token.
#pragma once

#include <cstdint>
#include <memory>

#include "generation/token_mask.h"

namespace hadal {

// Owned by one thread. The state after the accepted tokens.
class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;
  // The tokens allowed next; everything() while unconstrained (inside the
  // reasoning). End tokens are allowed exactly where the output may end. Never
  // empty. The words are valid until the next call of any function.
  virtual TokenMask mask() = 0;
  // `token` was sampled (or forced). It was allowed; else Error(internal).
  virtual void accept(int32_t token) = 0;
  // The text must be written literally and has one spelling (DSML tags): sample
  // greedily here (spec/text.md 3.7).
  virtual bool wants_greedy() const { return false; }
  virtual std::unique_ptr<TokenConstraint> clone() const = 0;
};

}  // namespace hadal
