// What the tests of Responses requests share.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "server/api/family_test_tools.h"
#include "server/api/responses.h"

namespace hadal::responses_test {

struct Server {
  ServedModel served = family_model();
  ResponseStore store;

  std::unique_ptr<ApiCall> call(std::string_view body) {
    auto read = read_responses(json_of(body), {}, served, store);
    EXPECT_TRUE(read.has_value()) << body << "\n" << told(read.error());
    return std::move(*read);
  }
  std::string prompt(std::string_view body) { return prompt_of(*call(body)); }
  std::string refusal(std::string_view body) {
    auto read = read_responses(json_of(body), {}, served, store);
    EXPECT_FALSE(read.has_value()) << body;
    return read.has_value() ? "" : told(read.error());
  }
  // Answers, and gives the response's id.
  std::string answer(
      std::string_view body, const Events& events, const ChoiceEnd& end) {
    JsonValue json = json_of(drive(*call(body), events, end));
    return json.find("id")->as_string();
  }
};

inline constexpr std::string_view kBos = "<｜begin▁of▁sentence｜>";

}  // namespace hadal::responses_test
