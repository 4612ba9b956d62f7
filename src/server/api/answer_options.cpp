// Reading how to answer.
#include "server/api/answer_options.h"

#include <fmt/format.h>

#include "server/api/write_json.h"

namespace hadal {
namespace {

constexpr int64_t kMaxTokens = int64_t{1} << 40;

}  // namespace

AnswerOptions read_answer_options(
    const JsonValue& body, const ServedModel& served, std::string_view prefix) {
  auto flag = [&](std::string_view key) {
    return bool_field(body, "", key).value_or(false);
  };
  AnswerOptions options;
  options.model = string_field(body, "", "model").value_or(served.name);
  options.stream = flag("stream");
  if (const JsonValue* more = object_field(body, "", "stream_options")) {
    constexpr std::string_view kPath = "stream_options";
    options.include_usage =
        bool_field(*more, kPath, "include_usage").value_or(false);
    options.continuous_usage =
        bool_field(*more, kPath, "continuous_usage_stats").value_or(false);
  }
  options.return_progress = flag("return_progress");
  options.return_tokens = flag("return_tokens") || flag("return_token_ids");
  options.timings_per_token = flag("timings_per_token");
  options.id = served.sources.make_id(prefix);
  options.created = served.sources.unix_seconds();
  return options;
}

int64_t read_max_tokens(const JsonValue& body) {
  auto first = integer_field(body, "", "max_completion_tokens", 1, kMaxTokens);
  auto second = integer_field(body, "", "max_tokens", 1, kMaxTokens);
  return first ? *first : second.value_or(-1);
}

int read_choices(const JsonValue& body, const ServedModel& served) {
  auto count = integer_field(body, "", "n", 1, served.limits.max_choices);
  return static_cast<int>(count.value_or(1));
}

std::string answer_head(
    const AnswerOptions& options,
    const ServedModel& served,
    std::string_view object) {
  return fmt::format(
      "{{\"id\":{},\"object\":\"{}\",\"created\":{},\"model\":{},"
      "\"system_fingerprint\":{},",
      json_string(options.id),
      object,
      options.created,
      json_string(options.model),
      json_string(served.fingerprint));
}

}  // namespace hadal
