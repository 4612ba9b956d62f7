// A pass of a backend that may put off its work.
#pragma once

#include "kernels/backend.h"

namespace hadal {

// What was put off is dropped unless the pass comes to its end.
class BackendPass {
 public:
  BackendPass(const Backend& backend, bool repeats) : backend_(backend) {
    backend.begin(repeats);
  }
  ~BackendPass() {
    if (!ended_)
      backend_.drop();
  }
  BackendPass(const BackendPass&) = delete;
  BackendPass& operator=(const BackendPass&) = delete;
  void end() {
    backend_.end();
    ended_ = true;
  }

 private:
  const Backend& backend_;
  bool ended_ = false;
};

}  // namespace hadal
