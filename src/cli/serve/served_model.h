// A loaded model as the APIs see it.
#pragma once

#include <memory>

#include "cli/serve/serve_flags.h"
#include "hadal/model.h"
#include "server/api/served_model.h"

namespace hadal::cli {

// Reads the tokenizer, the sampling defaults and the checkpoint's headers.
// `constraints` and `replay` are left to the caller. Throws Error.
std::unique_ptr<ServedModel> served_model(
    const Model& model, const ServeFlags& flags);

}  // namespace hadal::cli
