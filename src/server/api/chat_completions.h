// POST /v1/chat/completions (spec/text.md 4.2 and 4.3).
#pragma once

#include <memory>

#include "server/api/api_call.h"
#include "server/api/api_error.h"
#include "server/api/served_model.h"
#include "server/service.h"
#include "text/json_value.h"

namespace hadal {

// The error's param is the path of the field. `served` must outlive the call.
ApiResult<std::unique_ptr<ApiCall>> read_chat_completions(
    const JsonValue& body, const HttpRequest& http, const ServedModel& served);

}  // namespace hadal
