// Weights that are NaN or infinite end a conversion. Internal to this folder.
#pragma once

#include <span>

#include "convert/row_encoder.h"

namespace hadal {

// Looks at the stored bytes of a job's rows: codes, scales and biases. Throws
// Error(corrupt) with the tensor's name, row and column.
void require_finite_bytes(const PlannedModule& module, const RowJob& job);

// The same for decoded numbers of one row.
void require_finite_values(
    const PlannedModule& module,
    const RowJob& job,
    int64_t row,
    std::span<const float> values);

}  // namespace hadal
