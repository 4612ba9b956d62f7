// The parts of single items of a Responses request: texts and arguments, in the
// forms that clients and other services send.
#pragma once

#include <string>
#include <string_view>

#include "text/chat_request.h"
#include "text/json_value.h"

namespace hadal {

// The text of a reasoning item: its `content`, else what we put into
// `encrypted_content`, else its `summary`. What other services encrypted is not
// text and is not read.
std::string reasoning_text(const JsonValue& item, const std::string& path);
// For `encrypted_content`.
std::string packed_reasoning(std::string_view text);

// Of a call or an output: `call_id`, else `id`, else "".
std::string call_id(const JsonValue& item, const std::string& path);

// Arguments as JSON text, though some clients send the object.
JsonValue call_arguments(const JsonValue& item, std::string_view key);

// Of a tool that the service would have run: what its call holds besides
// bookkeeping and results.
JsonValue hosted_arguments(const JsonValue& item);

// Of a call's output: a string, parts, or any JSON.
std::string output_text(
    const JsonValue& item,
    const std::string& path,
    const RequestOptions& options);

}  // namespace hadal
