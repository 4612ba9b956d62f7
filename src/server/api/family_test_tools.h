// What the tests of the Responses and Messages APIs share: a served model with
// a clock and ids that can be foretold, calls driven by hand, transcripts.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "server/api/api_call.h"
#include "server/api/api_error.h"
#include "server/api/served_model.h"
#include "text/test_files.h"

namespace hadal {

inline const Tokenizer& family_tokenizer() {
  static const Tokenizer tokenizer =
      Tokenizer::load(HADAL_SOURCE_DIR "/models/nano");
  return tokenizer;
}

// Ids are the prefix and 1, 2, ...; each model counts for itself.
inline ServedModel family_model() {
  ServedModel served(family_tokenizer());
  served.name = "nano";
  served.info.context = 8192;
  served.sources.unix_seconds = [] { return int64_t{1790000000}; };
  auto count = std::make_shared<int>(0);
  served.sources.make_id = [count](std::string_view prefix) {
    return std::string(prefix) + std::to_string(++*count);
  };
  served.sources.make_seed = [] { return uint64_t{7}; };
  return served;
}

inline JsonValue json_of(std::string_view text) {
  Result<JsonValue> value = parse_json(text);
  EXPECT_TRUE(value.has_value()) << text << "\n" << value.error().message;
  return value.has_value() ? *value : JsonValue::object({});
}

// The text of the prompt that a call asks for, control tokens spelled out.
inline std::string prompt_of(const ApiCall& call) {
  return family_tokenizer().decode(call.choices.at(0).engine.prompt);
}

// "param: message" of an error; its status where it is not 400.
inline std::string told(const ApiError& error) {
  std::string text =
      error.status == 400 ? "" : "(" + std::to_string(error.status) + ") ";
  return text + (error.message.starts_with(error.param)
                     ? error.message
                     : error.param + "| " + error.message);
}

using Events = std::vector<ChatEvent>;

inline ChatEvent thinks(std::string text) {
  return {ChatEvent::Kind::reasoning, std::move(text), 0, "", ""};
}
inline ChatEvent says(std::string text) {
  return {ChatEvent::Kind::content, std::move(text), 0, "", ""};
}
inline ChatEvent begins(int call, std::string name) {
  return {
      ChatEvent::Kind::tool_call_begin,
      "",
      call,
      "call_" + std::to_string(call),
      std::move(name)};
}
inline ChatEvent argues(int call, std::string text) {
  return {ChatEvent::Kind::tool_call_arguments, std::move(text), call, "", ""};
}
inline ChatEvent ends(int call) {
  return {ChatEvent::Kind::tool_call_end, "", call, "", ""};
}

inline ChoiceEnd end_with(ChatFinish finish) {
  ChoiceEnd end;
  end.finish = finish;
  end.prompt_tokens = 100;
  end.cached_tokens = 64;
  end.generated_tokens = 50;
  end.reasoning_tokens = 30;
  return end;
}

// Everything that a call sends for an answer of these events, each an update of
// its own.
inline std::string drive(
    ApiCall& call, const Events& events, const ChoiceEnd& end) {
  std::string sent = call.begin();
  EngineStart start;
  start.prompt_tokens = end.prompt_tokens;
  start.cached_tokens = end.cached_tokens;
  sent += call.started(0, start);
  for (const ChatEvent& event : events)
    sent += call.update(0, std::span(&event, 1), {});
  sent += call.end_choice(0, end);
  return sent + call.finish();
}

// Compares with tests/data/server/golden/NAME. With HADAL_WRITE_GOLDEN set in
// the environment the file is written instead, and the test fails.
inline void expect_golden(const std::string& name, const std::string& sent) {
  std::string path = HADAL_SOURCE_DIR "/tests/data/server/golden/" + name;
  if (std::getenv("HADAL_WRITE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << sent;
    ADD_FAILURE() << name << " was written";
    return;
  }
  EXPECT_EQ(sent, read_test_file("server/golden/" + name)) << name;
}

// The types of a stream's events, in order; comments as they stand.
inline std::vector<std::string> event_types(const std::string& stream) {
  std::vector<std::string> types;
  std::istringstream lines(stream);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("event: "))
      types.push_back(line.substr(7));
    if (line.starts_with(":"))
      types.push_back(line);
  }
  return types;
}

}  // namespace hadal
