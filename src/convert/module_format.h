// One module of a plan: what it is called, which form it gets and what its
// stored tensors look like. Internal to this folder.
#pragma once

#include <string>

#include "convert/plan.h"

namespace hadal {

// Sets name and path. `item` is the expert in layouts that keep them apart.
void name_module(CheckpointLayout layout, int64_t item, PlannedModule& module);

// Sets encoding, format, exact, rerounded and the parts' declarations. Throws
// Error(invalid_argument) as make_plan says.
void choose_format(
    CheckpointLayout layout, const TargetFormat& target, PlannedModule& module);

// Sets the parts' declarations from encoding and format; choose_format calls
// it.
void declare_parts(CheckpointLayout layout, PlannedModule& module);

// Whether the source's numbers of this module are not the release's own any
// more: affine words, or an mx format where the release has another one.
bool rounded_before(const PlannedModule& module, const PlanOptions& options);

// "fp8 128x128", "mxfp4", "affine 4 bit g64", "bf16", "i64".
std::string source_format_text(const PlannedModule& module);
std::string output_format_text(const PlannedModule& module);

// Bytes of one row of each part; for scales of the 128 x 128 form, of one row
// of blocks.
struct RowBytes {
  int64_t weight = 0;
  int64_t scales = 0;
  int64_t biases = 0;
};
RowBytes row_bytes(const PlannedModule& module);

}  // namespace hadal
