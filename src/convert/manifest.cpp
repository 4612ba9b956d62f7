#include "convert/manifest.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/mapped_file.h"
#include "checkpoint/safetensors.h"
#include "hadal/error.h"

namespace hadal {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kFormat = "hadal-manifest-1";

std::string_view text_of(const MappedFile& file) {
  return {
      reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

Manifest parse(const Json& json) {
  Manifest manifest;
  manifest.key.source = json.at("source").get<std::string>();
  manifest.key.recipe = json.at("recipe").dump();
  manifest.key.options = json.at("options").dump();
  manifest.rerounded = json.at("rerounded").get<std::set<std::string>>();
  for (const auto& [file, hash] : json.at("files").items())
    manifest.files.emplace(file, hash.get<std::string>());
  for (const auto& [name, entry] : json.at("tensors").items())
    manifest.tensors.emplace(
        name,
        ManifestTensor{
            entry.at("file").get<std::string>(),
            entry.at("bytes").get<uint64_t>(),
            entry.at("xxh3").get<std::string>()});
  return manifest;
}

void check_shard(
    const std::filesystem::path& path,
    const std::string& file,
    const Manifest& manifest,
    CheckResult& result) {
  const SafetensorsFile shard(path);
  for (const auto& [name, expected] : manifest.tensors) {
    if (expected.file != file)
      continue;
    ++result.tensors;
    result.bytes += expected.bytes;
    const StoredTensor* tensor = shard.find(name);
    if (tensor == nullptr)
      result.problems.push_back(fmt::format("{}: {} is missing", file, name));
    else if (
        hex(hash64(std::span(tensor->data, tensor->bytes))) != expected.hash)
      result.problems.push_back(
          fmt::format("{}: {} has other bytes than were written", file, name));
  }
  for (const StoredTensor& tensor : shard.tensors())
    if (!manifest.tensors.contains(tensor.name))
      result.problems.push_back(
          fmt::format("{}: {} was not written", file, tensor.name));
}

}  // namespace

std::string hex(uint64_t hash) {
  return fmt::format("{:016x}", hash);
}

std::string file_hash(const std::filesystem::path& path) {
  return hex(hash64(MappedFile(path).bytes()));
}

std::string manifest_json(const Manifest& manifest) {
  Json json;
  json["format"] = kFormat;
  json["source"] = manifest.key.source;
  json["recipe"] = Json::parse(manifest.key.recipe);
  json["options"] = Json::parse(manifest.key.options);
  json["rerounded"] = manifest.rerounded;
  json["files"] = manifest.files;
  json["tensors"] = Json::object();
  for (const auto& [name, tensor] : manifest.tensors)
    json["tensors"][name] = {
        {"file", tensor.file}, {"bytes", tensor.bytes}, {"xxh3", tensor.hash}};
  return json.dump(1) + "\n";
}

std::optional<Manifest> read_manifest(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kManifestName;
  if (!std::filesystem::exists(path))
    return std::nullopt;
  try {
    const Json json = Json::parse(text_of(MappedFile(path)));
    if (json.at("format") != kFormat)
      throw Error(
          ErrorCode::unsupported,
          path.string() + ": another version of the manifest");
    return parse(json);
  } catch (const nlohmann::json::exception& error) {
    throw Error(
        ErrorCode::corrupt, path.string() + ": damaged: " + error.what());
  }
}

CheckResult check_directory(const std::filesystem::path& directory) {
  const std::optional<Manifest> manifest = read_manifest(directory);
  if (!manifest)
    throw Error(
        ErrorCode::not_found,
        fmt::format(
            "{}: has no {}, so there is nothing to check it against; hadal "
            "convert writes one",
            directory.string(),
            kManifestName));
  CheckResult result;
  for (const auto& [file, hash] : manifest->files) {
    const std::filesystem::path path = directory / file;
    if (!std::filesystem::exists(path))
      result.problems.push_back(file + " is missing");
    else if (file_hash(path) != hash)
      result.problems.push_back(file + " has other bytes than were written");
  }
  std::set<std::string> shards;
  for (const auto& [name, tensor] : manifest->tensors)
    shards.insert(tensor.file);
  for (const std::string& shard : shards)
    try {
      check_shard(directory / shard, shard, *manifest, result);
    } catch (const Error& error) {
      result.problems.push_back(error.what());
    }
  return result;
}

}  // namespace hadal
