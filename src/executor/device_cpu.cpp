#include "base/memory_info.h"
#include "executor/device.h"

namespace hadal {

ExecutionDevice cpu_device(bool reference) {
  return {
      .name = "cpu",
      .backend = reference ? &reference_backend() : &cpu_backend(),
      .memory = &host_memory(),
      .available_bytes = [] {
        return static_cast<int64_t>(memory_info().available_bytes);
      }};
}

}  // namespace hadal
