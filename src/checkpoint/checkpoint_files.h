// The safetensors files of one checkpoint directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/safetensors.h"

namespace hadal {

inline constexpr uint64_t kIndexLimitBytes = 256 << 20;
inline constexpr int kMaxShards = 10'000;

// All shards, mapped, with their headers read and compared with the index.
// Immutable; moves, does not copy.
class CheckpointFiles {
 public:
  // DIR/model.safetensors.index.json and the shards it names, or a single
  // DIR/model.safetensors. Throws Error: not_found (neither is there, or a
  // shard is missing), io (unreadable), corrupt (the index is no JSON of its
  // form, names a file outside of the directory, names a tensor that its shard
  // does not have, or misses one that a shard has; or a shard is damaged).
  explicit CheckpointFiles(const std::filesystem::path& directory);

  const std::filesystem::path& directory() const { return directory_; }
  const std::vector<SafetensorsFile>& shards() const { return shards_; }
  // "model-00001-of-00046.safetensors"
  std::string shard_name(uint32_t shard) const;

  int64_t tensor_count() const { return tensor_count_; }
  // Of all tensors, without headers.
  uint64_t tensor_bytes() const { return tensor_bytes_; }
  // Null when there is none of that name.
  const StoredTensor* find(std::string_view name) const;

 private:
  std::filesystem::path directory_;
  std::vector<SafetensorsFile> shards_;
  int64_t tensor_count_ = 0;
  uint64_t tensor_bytes_ = 0;
};

}  // namespace hadal
