// For tests: the same call on every instruction set that this machine has.
#pragma once

#include <cstdint>

#include "hwy/targets.h"

namespace hadal {

// Calls body(name) once for every compiled and supported instruction set, with
// Highway's dispatch bound to it, and restores the choice.
template <class Body>
void for_each_target(const Body& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    body(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace hadal
