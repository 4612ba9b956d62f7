// Checks on the fields of a tokenizer's JSON files, and their error messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hadal/error.h"
#include "text/json_value.h"

namespace hadal {

// The fields of one JSON file: reads them and says what is wrong with them.
class FieldChecker {
 public:
  // path: the file, which begins every message.
  explicit FieldChecker(std::string path) : path_(std::move(path)) {}

  // The member of an object; null when it is absent or `object` is no object.
  static const JsonValue& member(
      const JsonValue& object, std::string_view name);

  // JSON text of a value for a message, cut when it is long.
  static std::string shown(const JsonValue& value);

  // A whole number from 0 to INT32_MAX, or nothing.
  static std::optional<int32_t> id_of(const JsonValue& value);

  // Throws Error(corrupt).
  [[noreturn]] void corrupt(const std::string& message) const;

  // Throws Error(unsupported): the field is valid, but of another tokenizer.
  [[noreturn]] void refuse(
      std::string_view field,
      const JsonValue& found,
      std::string_view expected) const;

  // Refuses the field unless it has this value.
  void require(
      std::string_view field,
      const JsonValue& found,
      const JsonValue& expected) const;
  void require(
      std::string_view field,
      const JsonValue& found,
      std::string_view expected) const {
    require(field, found, JsonValue::string(std::string(expected)));
  }

 private:
  std::string path_;
};

// Everything in a tokenizer.json but the tokens themselves: that it is a
// byte-level BPE with the patterns of pretokenizer.h, and that every option
// with an effect on ids is off. Throws Error(unsupported) otherwise.
void check_tokenizer_kind(const FieldChecker& check, const JsonValue& document);

}  // namespace hadal
