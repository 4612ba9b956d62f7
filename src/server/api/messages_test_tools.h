// What the tests of Messages requests share.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/family_test_tools.h"
#include "server/api/messages.h"
#include "server/api/messages_request.h"

namespace hadal::messages_test {

inline constexpr std::string_view kBos = "<｜begin▁of▁sentence｜>";

// A request of these members and max_tokens.
inline std::string with(std::string_view members) {
  return R"({"max_tokens":100,)" + std::string(members) + "}";
}

inline std::unique_ptr<ApiCall> call_of(
    std::string_view body, const ServedModel& served = family_model()) {
  auto read = read_messages(json_of(body), {}, served);
  EXPECT_TRUE(read.has_value()) << body << "\n" << told(read.error());
  return std::move(*read);
}

// The prompt behind BOS.
inline std::string prompt(std::string_view members) {
  std::string text = prompt_of(*call_of(with(members)));
  EXPECT_TRUE(text.starts_with(kBos));
  return text.substr(kBos.size());
}

inline std::string prompt_of_messages(std::string_view messages) {
  return prompt(R"("messages":[)" + std::string(messages) + "]");
}

inline std::string refusal(std::string_view body) {
  ServedModel served = family_model();
  auto read = read_messages(json_of(body), {}, served);
  EXPECT_FALSE(read.has_value()) << body;
  return read.has_value() ? "" : told(read.error());
}

inline std::vector<std::string> warnings_of(std::string_view members) {
  ServedModel served = family_model();
  return read_messages_request(json_of(with(members)), served).chat.warnings;
}

}  // namespace hadal::messages_test
