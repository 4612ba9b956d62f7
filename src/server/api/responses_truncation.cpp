// The fewest turns to leave out are found by halving.
#include "server/api/responses_truncation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"
#include "text/request_fields.h"

namespace hadal {
namespace {

// The messages in front that stay.
size_t system_messages(const std::vector<ChatMessage>& messages) {
  const auto turn =
      std::find_if(messages.begin(), messages.end(), [](const ChatMessage& m) {
        return m.role != ChatRole::system && m.role != ChatRole::developer;
      });
  return static_cast<size_t>(turn - messages.begin());
}

// Where a conversation may begin: at each user's message behind the first
// message that is no system text.
std::vector<size_t> beginnings(
    const std::vector<ChatMessage>& messages, size_t first) {
  std::vector<size_t> result;
  for (size_t i = first + 1; i < messages.size(); ++i)
    if (messages[i].role == ChatRole::user)
      result.push_back(i);
  return result;
}

ChatRequest without(ChatRequest request, size_t from, size_t to) {
  const auto at = request.messages.begin();
  request.messages.erase(
      at + static_cast<std::ptrdiff_t>(from),
      at + static_cast<std::ptrdiff_t>(to));
  return request;
}

bool too_long(const ApiResult<PreparedChat>& prepared) {
  return !prepared.has_value() &&
         prepared.error().code == "context_length_exceeded";
}

}  // namespace

bool read_truncation(const JsonValue& body) {
  const std::string word =
      string_field(body, "", "truncation").value_or("disabled");
  if (word != "auto" && word != "disabled")
    refuse(
        "truncation",
        fmt::format("expected auto or disabled, found '{}'", word));
  return word == "auto";
}

ApiResult<PreparedChat> prepare_truncated(
    const ChatRequest& request,
    const GenerationFields& fields,
    const ServedModel& served) {
  ApiResult<PreparedChat> whole = prepare_chat(request, fields, served);
  const size_t first = system_messages(request.messages);
  const std::vector<size_t> cuts = beginnings(request.messages, first);
  if (!too_long(whole) || cuts.empty())
    return whole;
  const auto cut_to = [&](size_t cut) {
    return prepare_chat(without(request, first, cuts[cut]), fields, served);
  };
  // All cuts below `low` are too long; `best` is what the cut at `high` gave.
  size_t low = 0;
  size_t high = cuts.size() - 1;
  ApiResult<PreparedChat> best = cut_to(high);
  if (too_long(best))
    return best;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    ApiResult<PreparedChat> tried = cut_to(middle);
    if (too_long(tried)) {
      low = middle + 1;
    } else {
      best = std::move(tried);
      high = middle;
    }
  }
  log(LogLevel::info,
      "server",
      "{} messages of a conversation that does not fit were left out",
      cuts[high] - first);
  return best;
}

}  // namespace hadal
