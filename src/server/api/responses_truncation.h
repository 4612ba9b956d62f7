// `truncation` of the Responses API: with "auto" a conversation that does not
// fit into the context loses its oldest turns instead of being refused.
#pragma once

#include "server/api/prepare.h"
#include "text/json_value.h"

namespace hadal {

// Whether the request says "auto". Throws RequestError for words that the API
// does not know.
bool read_truncation(const JsonValue& body);

// As prepare_chat, of what is left when as few of the oldest turns went as
// have to. The system text and the last user turn with all that follows it
// stay: when they alone do not fit, the error says so. A turn goes as a whole,
// so no call loses its output.
ApiResult<PreparedChat> prepare_truncated(
    const ChatRequest& request,
    const GenerationFields& fields,
    const ServedModel& served);

}  // namespace hadal
