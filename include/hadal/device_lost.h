// A GPU that failed for good.
#pragma once

#include <string>

#include "hadal/error.h"

namespace hadal {

// After an error in a kernel (a bad address, a memory fault that the hardware
// saw, ...) CUDA refuses everything to the process that had it. What ran is
// lost, what does not need the GPU goes on; a new process may use it again. The
// code is ErrorCode::resource: the machine lacks what it had.
class DeviceLost : public Error {
 public:
  explicit DeviceLost(const std::string& message)
      : Error(ErrorCode::resource, message) {}
};

}  // namespace hadal
