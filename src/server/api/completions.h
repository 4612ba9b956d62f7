// POST /v1/completions (spec/text.md 4.4): raw text, the caller owns the
// template. With `suffix` the model fills in the middle (2.12).
#pragma once

#include <memory>

#include "server/api/api_call.h"
#include "server/api/api_error.h"
#include "server/api/served_model.h"
#include "server/service.h"
#include "text/json_value.h"

namespace hadal {

// `served` must outlive the call.
ApiResult<std::unique_ptr<ApiCall>> read_completions(
    const JsonValue& body, const HttpRequest& http, const ServedModel& served);

}  // namespace hadal
