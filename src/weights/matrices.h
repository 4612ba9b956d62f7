// The matrices of a model one after the other: what a device needs a copy of.
#pragma once

#include <functional>

#include "weights/model_weights.h"

namespace hadal {

// Calls `visit` with every matrix that kernels read: all views but the norms,
// `ape`, the gates' biases and the sinks, of which the network keeps copies.
// What `visit` changes of a view stays changed.
void for_each_matrix(
    ModelWeights& weights, const std::function<void(WeightView&)>& visit);

}  // namespace hadal
