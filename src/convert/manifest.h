// DIR/hadal-manifest.json: what a conversion wrote, with a hash of every
// tensor.
//
//   {"format": "hadal-manifest-1", "source": HEX, "recipe": {...},
//    "options": {...}, "rerounded": [NAME, ...],
//    "files": {"config.json": HEX, ...},
//    "tensors": {NAME: {"file": FILE, "bytes": N, "xxh3": HEX}}}
//
// Hashes are XXH3, 64 bits, of a tensor's bytes or a file's; `source` is the
// fingerprint of the source's contents; `rerounded` names, as the release does,
// the modules whose numbers are not the release's any more.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "convert/journal.h"

namespace hadal {

inline constexpr const char* kManifestName = "hadal-manifest.json";

struct ManifestTensor {
  std::string file;
  uint64_t bytes = 0;
  std::string hash;
};

struct Manifest {
  ConversionKey key;
  std::set<std::string> rerounded;
  std::map<std::string, std::string> files;
  std::map<std::string, ManifestTensor> tensors;
};

// Sixteen hexadecimal digits.
std::string hex(uint64_t hash);
// Of a whole file. Throws as MappedFile does.
std::string file_hash(const std::filesystem::path& path);

std::string manifest_json(const Manifest& manifest);
// Empty when DIR has none. Throws Error(corrupt) when it is damaged.
std::optional<Manifest> read_manifest(const std::filesystem::path& directory);

struct CheckResult {
  int64_t tensors = 0;
  uint64_t bytes = 0;
  // Whole sentences, each naming a file or tensor; empty: all is as written.
  std::vector<std::string> problems;
};

// Hashes everything in DIR and compares. Throws Error(not_found) when DIR has
// no manifest.
CheckResult check_directory(const std::filesystem::path& directory);

}  // namespace hadal
