// The arguments of one tool call, as JSON text that grows: parameters come in
// one by one, fragments go out, and the fragments joined are valid JSON
// whatever the model wrote (spec/text.md 3.3 and 3.4).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "text/json_value.h"

namespace hadal {

class CallArguments {
 public:
  // `tool` is the function object of the called tool, or null when unknown; it
  // must outlive this object. With `coerce`, text marked as a string becomes
  // the type that the schema states where it can.
  CallArguments(const JsonValue* tool, bool coerce);

  // Each returns the next fragment, which may be empty. A repeated parameter is
  // left out. `is_string` is the parameter's attribute, when it has one.
  std::string begin_parameter(
      std::string_view name, std::optional<bool> is_string);
  std::string add_value(std::string_view text);
  std::string end_parameter();
  // Instead of parameters: the body as one JSON object. Other text becomes one
  // string parameter `arguments`, as it is in the prompt.
  std::string whole_body(std::string_view text);
  // The end of the call.
  std::string end();

 private:
  struct Wrapper {
    std::string name;
    std::string text;
    std::optional<bool> is_string;
  };

  std::string key(std::string_view name);
  bool declares(std::string_view name) const;
  const JsonValue* schema_of(std::string_view name) const;
  bool schema_allows(std::string_view name, std::string_view type) const;
  std::string json_of(
      std::string_view name,
      const std::string& text,
      std::optional<bool> is_string) const;
  std::string coerced(std::string_view name, const std::string& text) const;
  std::string flush_wrapper();

  const JsonValue* tool_;
  bool coerce_;
  std::set<std::string, std::less<>> names_;
  bool is_first_ = true;  // no key has been written

  // The parameter that is being read.
  enum class Mode {
    skipped,   // a repetition
    streamed,  // a string that goes out as it comes
    held,      // its form depends on the whole text
    wrapper,   // held beyond its end: it may be all the arguments
  };
  Mode mode_ = Mode::skipped;
  std::string name_;
  std::optional<bool> is_string_;
  std::string held_;
  std::optional<Wrapper> wrapper_;
};

}  // namespace hadal
