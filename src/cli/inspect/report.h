// What `inspect` prints.
#pragma once

#include <iosfwd>

#include "weights/load_checkpoint.h"
#include "weights/memory_plan.h"

namespace hadal::cli {

// For people. `tensors`: a line for each one, too.
void print_text(
    const LoadedModel& model,
    const MemoryPlan& plan,
    bool tensors,
    std::ostream& out);

// For programs (docs/cli.md).
void print_json(
    const LoadedModel& model,
    const MemoryPlan& plan,
    bool tensors,
    std::ostream& out);

}  // namespace hadal::cli
