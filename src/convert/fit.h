// The recipe fit:SIZE: a format for each kind of matrix, so that the loss is as
// small as the size allows.
#pragma once

#include <cstdint>

#include "convert/channel_weights.h"
#include "convert/recipe.h"
#include "kernels/codecs/affine_encode.h"
#include "weights/load_checkpoint.h"

namespace hadal {

struct FitOptions {
  uint64_t bytes = 0;  // of all files of weights together
  AffineRule rule = AffineRule::search;
  const Importance* importance = nullptr;  // may be null
  bool mtp = false;
};

// A kind is a name of spec 7.1 in all layers: "*.attn.wq_a", all experts' w2.
// The loss of a choice is the sum over the kinds of noise over signal of its
// products, measured on sampled rows (format_loss.h), times how much the
// model's predictions suffer from noise there (fit.cpp has the table and says
// where it is from). From the smallest formats on, the step that saves the most
// loss a byte is taken until none fits. The named recipes that fit are
// candidates too, so the estimated loss is never above theirs. Throws
// Error(invalid_argument) when even the smallest formats are larger.
Recipe fit_recipe(const LoadedModel& model, const FitOptions& options);

}  // namespace hadal
