// An instance of the experts' kernels (expert_instances.h).
#pragma once

#include <algorithm>

#include "kernels/experts/expert_ring.cuh"
#include "kernels/experts/expert_stream.cuh"

namespace hadal::cuda {

template <class Routed, class Shared>
ExpertKernel expert_kernel_of() {
  return {
      .ring = expert_ring_kernel<Routed, Shared>,
      .ring_bytes =
          [](const ExpertLaunch& launch) {
            const int parts =
                std::max(launch.routed.input.parts, launch.shared.input.parts);
            return kPartials * kExpertDepth *
                   (std::max(
                        RingRows<Routed>::kBytes, RingRows<Shared>::kBytes) +
                    launch.columns * expert_column_bytes(parts));
          },
      .stream = expert_stream_kernel<Routed, Shared>,
      .stage_bytes =
          [](const ExpertLaunch& launch) {
            const auto bytes = [&]<class Rows>(const ExpertSide& side) {
              return side.exists
                         ? piece_layout<Rows>(side, launch.columns).bytes
                         : 0;
            };
            const int most = std::max(
                bytes.template operator()<Routed>(launch.routed),
                bytes.template operator()<Shared>(launch.shared));
            return (most + 127) / 128 * 128;
          }};
}

}  // namespace hadal::cuda
