// What the server tells of its model and of what it does: /v1/models, /props,
// /slots.
#pragma once

#include <string>
#include <string_view>

#include "engine/engine.h"
#include "server/api/api_error.h"
#include "server/api/served_model.h"

namespace hadal {

// GET /v1/models: the name and its aliases.
std::string models_json(const ServedModel& served);
// GET /v1/models/{id}: one of them; 404 for another name.
ApiResult<std::string> model_json(
    std::string_view id, const ServedModel& served);

// GET /props: model, revision, context, defaults of sampling and thinking,
// version.
std::string props_json(const ServedModel& served);

// GET /slots: what each sequence is doing, an array, oldest first.
std::string slots_json(const EngineStatus& status, const ServedModel& served);

}  // namespace hadal
