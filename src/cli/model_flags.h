// The flags of every verb that loads a model.
#pragma once

#include <memory>

#include "hadal/model.h"

namespace CLI {
class App;
}

namespace hadal::cli {

// --model alone: for verbs that read a checkpoint but do not run it.
void add_model_flag(CLI::App& app, std::string& checkpoint);

// --model, --device, --threads, --pin, --numa, --context, --precision,
// --kv-fp8,
// --index-fp4, --gemm-fp8, --reference.
std::shared_ptr<ModelOptions> add_model_flags(CLI::App& app);

// A switch that takes a value: --name on|off.
void add_on_off(
    CLI::App& app, const std::string& name, bool& value, const char* what);

}  // namespace hadal::cli
