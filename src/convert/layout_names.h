// What a tensor is called in the layouts that are written (spec 7.1, 7.4).
#pragma once

#include <string>

#include "weights/tensor_registry.h"

namespace hadal {

// The path of a module or the whole name of a tensor without ".weight":
// "model.layers.3.attn.wq_a", "lm_head", "model.layers.0.attn_hc.fn". All
// experts of a layer are one module, "....ffn.switch_mlp.gate_proj". The
// next-token module, which MLX's files do not have, keeps the release's place:
// "mtp.0....".
std::string mlx_path(TensorId id, BlockIndex block);

}  // namespace hadal
