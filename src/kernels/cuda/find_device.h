// Is there a GPU that the CUDA kernels run on?
#pragma once

#include <string>

namespace hadal {

// Why there is none, as a sentence for the user; empty when there is one.
std::string missing_cuda_device();

// "NVIDIA H100 80GB HBM3"; only where there is one.
std::string cuda_device_name();

}  // namespace hadal
