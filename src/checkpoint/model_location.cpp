#include "checkpoint/model_location.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "hadal/error.h"

namespace hadal {
namespace {

namespace fs = std::filesystem;

// The value of a variable that is set and not empty.
std::optional<std::string> variable(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr || *value == '\0')
    return std::nullopt;
  return value;
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

fs::path hub_cache() {
  if (const auto hub = variable("HF_HUB_CACHE"))
    return *hub;
  if (const auto home = variable("HF_HOME"))
    return fs::path(*home) / "hub";
  if (const auto cache = variable("XDG_CACHE_HOME"))
    return fs::path(*cache) / "huggingface" / "hub";
  return fs::path(variable("HOME").value_or(".")) / ".cache" / "huggingface" /
         "hub";
}

// "org/name": two parts of letters, digits, '-', '_' and '.', the first not
// starting with a dot as a relative path may.
bool is_repository(std::string_view name) {
  const size_t slash = name.find('/');
  if (slash == 0 || slash == std::string_view::npos ||
      slash + 1 == name.size() || name.front() == '.' || name.front() == '~')
    return false;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                      c == '.';
    if (!word && i != slash)
      return false;
  }
  return true;
}

// The snapshot that branch main points to; without that reference the only
// snapshot there is.
std::optional<fs::path> snapshot_of(const fs::path& repository) {
  const fs::path snapshots = repository / "snapshots";
  std::string commit;
  if (std::ifstream(repository / "refs" / "main") >> commit) {
    if (is_folder(snapshots / commit))
      return snapshots / commit;
    return std::nullopt;
  }
  std::vector<fs::path> found;
  std::error_code error;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(snapshots, error))
    found.push_back(entry.path());
  if (found.size() == 1)
    return found.front();
  return std::nullopt;
}

fs::path locate_in_hub(std::string_view name) {
  std::string folder = "models--" + std::string(name);
  folder.replace(folder.find('/'), 1, "--");
  const fs::path repository = hub_cache() / folder;
  if (const auto snapshot = snapshot_of(repository))
    return *snapshot;
  throw Error(
      ErrorCode::not_found,
      fmt::format(
          "model {}: no such directory, and not in the Hugging Face cache "
          "({}); download it with: hf download {}",
          name,
          repository.string(),
          name));
}

// The program's folder, "" where the system does not say.
fs::path program_folder() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path() : program.parent_path();
}

}  // namespace

fs::path find_model(std::string_view name) {
  std::string wanted(name);
  if (wanted.empty())
    wanted = variable("HADAL_MODEL").value_or("");
  if (wanted.empty())
    return bundled_model();
  if (is_folder(wanted))
    return wanted;
  if (fs::exists(wanted))
    throw Error(
        ErrorCode::not_found,
        fmt::format(
            "model {}: found a file, expected the directory with config.json "
            "and the shards",
            wanted));
  if (is_repository(wanted))
    return locate_in_hub(wanted);
  throw Error(
      ErrorCode::not_found,
      fmt::format(
          "model {}: no such directory; give a directory with config.json, or "
          "org/name for one in the Hugging Face cache",
          wanted));
}

fs::path bundled_model() {
  const fs::path beside = program_folder();
  const std::vector<fs::path> places = {
      beside / "models" / "nano",
      fs::path(HADAL_SOURCE_MODELS) / "nano",
      beside.parent_path() / "share" / "hadal" / "models" / "nano",
      fs::path(HADAL_INSTALLED_MODELS) / "nano",
  };
  std::string looked;
  for (const fs::path& place : places) {
    if (fs::exists(place / "config.json"))
      return place;
    looked += (looked.empty() ? "" : ", ") + place.string();
  }
  throw Error(
      ErrorCode::not_found,
      fmt::format(
          "the bundled nano model is in none of {}; name a model with --model "
          "or HADAL_MODEL",
          looked));
}

}  // namespace hadal
