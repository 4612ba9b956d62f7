// Checks on the fields of a tokenizer's JSON files, and their error messages.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "hadal/error.h"

namespace hadal {

// The fields of one JSON file: reads them and says what is wrong with them.
class FieldChecker {
 public:
  // path: the file, which begins every message.
  explicit FieldChecker(std::string path) : path_(std::move(path)) {}

  // The member of an object; null when it is absent or `object` is no object.
  static const nlohmann::json& member(
      const nlohmann::json& object, std::string_view name);

  // JSON text of a value for a message, cut when it is long.
  static std::string shown(const nlohmann::json& value);

  [[noreturn]] void corrupt(const std::string& message) const;

  // Throws Error(unsupported): the field is valid, but of another tokenizer.
  [[noreturn]] void refuse(
      std::string_view field,
      const nlohmann::json& found,
      std::string_view expected) const;

  // Refuses the field unless it has this value.
  void require(
      std::string_view field,
      const nlohmann::json& found,
      const nlohmann::json& expected) const;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Everything in a tokenizer.json but the tokens themselves: that it is a
// byte-level BPE with the patterns of pretokenizer.h, and that every option
// with an effect on ids is off. Throws Error(unsupported) otherwise.
void check_tokenizer_kind(
    const FieldChecker& check, const nlohmann::json& document);

}  // namespace hadal
