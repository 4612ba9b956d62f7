// Typed access to the fields of a JSON object, with messages that name the
// file, the path of the field, what was found and what was expected. Internal
// to this folder.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace hadal {

// Configuration files are some 100 KB at most.
inline constexpr size_t kConfigLimitBytes = 16 << 20;
inline constexpr int kJsonDepthLimit = 64;

// Parses JSON text whose top is an object. Throws Error(corrupt): too long, too
// deep, no JSON, no object, or a key twice in one object.
nlohmann::json parse_json_object(
    std::string_view text, std::string_view source);

// A view of one object; the JSON and `source` outlive it. A field whose value
// is null counts as absent. All errors are Error(corrupt) unless said.
class JsonFields {
 public:
  // `path` names the object inside the file: "" or "rope_scaling".
  JsonFields(
      const nlohmann::json& object, std::string_view source, std::string path);

  bool has(std::string_view key) const;
  // Null when absent.
  const nlohmann::json* find(std::string_view key) const;
  const nlohmann::json& require(std::string_view key) const;
  JsonFields object(std::string_view key) const;

  // A whole number (4 or 4.0) in [low, high].
  int64_t integer(std::string_view key, int64_t low, int64_t high) const;
  std::optional<int64_t> optional_integer(
      std::string_view key, int64_t low, int64_t high) const;
  // A finite number greater than zero.
  double positive(std::string_view key) const;
  std::string string(std::string_view key) const;

  // Throws Error(unsupported) when the field is there and not `expected`.
  void expect_string(std::string_view key, std::string_view expected) const;
  void expect_bool(std::string_view key, bool expected) const;

  // "FILE: rope_scaling.type"
  std::string where(std::string_view key) const;
  const std::string& source() const { return source_; }

 private:
  [[noreturn]] void wrong_type(
      std::string_view key,
      const nlohmann::json& found,
      std::string_view expected) const;

  const nlohmann::json* object_;
  std::string source_;
  std::string path_;
};

// JSON text of a value for a message, cut when long.
std::string shown(const nlohmann::json& value);

}  // namespace hadal
