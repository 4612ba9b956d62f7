// Which prompt format a checkpoint was trained on (spec/text.md 0).
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "hadal/chat.h"
#include "text/json_value.h"

namespace hadal {
namespace {

namespace fs = std::filesystem;

// The added token that only v4.1 has, as JSON may spell it.
constexpr std::string_view kSystemToken = "<｜System｜>";
constexpr std::string_view kSystemTokenEscaped = "<\\uff5cSystem\\uff5c>";

std::optional<std::string> read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The explicit names in config.json: ours, and the one of converted
// checkpoints for another engine.
std::optional<std::string> configured_name(const fs::path& folder) {
  std::optional<std::string> text = read_file(folder / "config.json");
  if (!text)
    return std::nullopt;
  Result<JsonValue> config = parse_json(*text);
  if (!config.has_value())
    return std::nullopt;
  const JsonValue* ours = config->find("hadal_revision");
  if (ours != nullptr && ours->is_string())
    return ours->as_string();
  const JsonValue* profile = config->find("dsv4_reasoning_effort_profile");
  if (profile == nullptr || !profile->is_string())
    return std::nullopt;
  if (profile->as_string() == "preview")
    return "v4";
  if (profile->as_string() == "official")
    return "v4-0731";
  return std::nullopt;
}

// Whether <｜System｜> is an added token. The file is large, so it is parsed
// only when the spelling occurs at all.
bool has_system_token(const fs::path& folder) {
  std::optional<std::string> text = read_file(folder / "tokenizer.json");
  if (!text ||
      (!contains(*text, kSystemToken) && !contains(*text, kSystemTokenEscaped)))
    return false;
  Result<JsonValue> tokenizer = parse_json(*text);
  if (!tokenizer.has_value())
    return false;
  const JsonValue* added = tokenizer->find("added_tokens");
  if (added == nullptr || !added->is_array())
    return false;
  for (const JsonValue& token : added->items()) {
    const JsonValue* content = token.find("content");
    if (content != nullptr && content->is_string() &&
        content->as_string() == kSystemToken)
      return true;
  }
  return false;
}

std::string folder_name(const fs::path& folder) {
  fs::path path = folder.lexically_normal();
  if (path.has_filename())
    return path.filename().string();
  return path.parent_path().filename().string();
}

std::string detected_name(const fs::path& folder) {
  if (std::optional<std::string> name = configured_name(folder))
    return *name;
  std::error_code ignored;
  if (fs::exists(folder / "encoding" / "encoding.py", ignored) ||
      has_system_token(folder))
    return "v4.1";
  std::optional<std::string> encoder =
      read_file(folder / "encoding" / "encoding_dsv4.py");
  if (encoder) {
    if (contains(*encoder, "REASONING_EFFORT_PROMPTS") ||
        contains(*encoder, "Beyond maximum"))
      return "v4-0731";
    if (contains(*encoder, "REASONING_EFFORT_MAX"))
      return "v4";
  }
  std::string own_name = folder_name(folder);
  if (contains(own_name, "0731") || contains(own_name, "0813"))
    return "v4-0731";
  return "v4";
}

}  // namespace

std::string_view name(ModelRevision revision) {
  switch (revision) {
    case ModelRevision::v4:
      return "v4";
    case ModelRevision::v4_0731:
      return "v4-0731";
    case ModelRevision::v41:
      return "v4.1";
  }
  return "unknown";
}

Result<ModelRevision> revision_from_name(std::string_view name) {
  if (name == "v4")
    return ModelRevision::v4;
  if (name == "v4-0731")
    return ModelRevision::v4_0731;
  if (name == "v4.1" || name == "v4-vision")
    return Failure{
        ErrorCode::unsupported,
        fmt::format(
            "prompt revision {} is not supported yet; this version renders v4 "
            "and v4-0731 (--revision overrides what was detected)",
            name),
        "revision"};
  return Failure{
      ErrorCode::invalid_argument,
      fmt::format("unknown prompt revision '{}'; expected v4 or v4-0731", name),
      "revision"};
}

Result<ModelRevision> detect_revision(
    std::string_view checkpoint_folder, std::string_view setting) {
  if (!setting.empty())
    return revision_from_name(setting);
  fs::path folder{std::string(checkpoint_folder)};
  Result<ModelRevision> revision = revision_from_name(detected_name(folder));
  if (revision.has_value())
    return revision;
  Failure failure = revision.error();
  failure.message =
      fmt::format("checkpoint {}: {}", checkpoint_folder, failure.message);
  return failure;
}

}  // namespace hadal
