// The safetensors container: a JSON header that names tensors, then their
// bytes.
//
//   u64 little endian: length of the header
//   header: {"name": {"dtype": "BF16", "shape": [2, 3],
//            "data_offsets": [begin, end]}, ..., "__metadata__": {...}}
//   data: the tensors' bytes, offsets count from here
//
// Read strictly: every file that the format's own library refuses is refused
// here too, and no offset is used before it is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mapped_file.h"
#include "checkpoint/dtype.h"
#include "checkpoint/tensor_shape.h"

namespace hadal {

// A header must be shorter than this, as in the format's own library. Flash in
// one file would need 8 MB, Pro 17 MB.
inline constexpr uint64_t kSafetensorsHeaderLimitBytes = 100'000'000;

// A tensor where it lies in a mapped file. `data` may be unaligned: the format
// does not promise more than byte alignment.
struct StoredTensor {
  std::string name;
  Dtype dtype = Dtype::u8;
  TensorShape shape;
  uint64_t begin = 0;  // offset in the data part
  uint64_t bytes = 0;
  const std::byte* data = nullptr;
  uint32_t shard = 0;  // which file of a checkpoint; set by its reader
};

struct SafetensorsContents {
  SafetensorsContents() = default;
  // Moves keep the names where they are, copies would not.
  SafetensorsContents(SafetensorsContents&&) = default;
  SafetensorsContents& operator=(SafetensorsContents&&) = default;

  std::vector<StoredTensor> tensors;  // in the order of their offsets
  std::unordered_map<std::string_view, uint32_t> by_name;  // into `tensors`
  std::vector<std::pair<std::string, std::string>> metadata;
};

// Reads a whole file's bytes; `source` names it in messages, `file` must
// outlive the result. Throws Error(corrupt): a short file, a header over the
// limit or that is not JSON of this form, a name twice, an unknown dtype, a
// size that is not shape times dtype, offsets outside the file, overlapping or
// with a hole, bytes after the last tensor.
SafetensorsContents parse_safetensors(
    std::span<const std::byte> file, std::string_view source);

// A mapped file and its header. Immutable after construction, so any number of
// threads may read. Moves, does not copy.
class SafetensorsFile {
 public:
  // Throws as MappedFile and parse_safetensors do.
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  std::vector<StoredTensor>& tensors() { return contents_.tensors; }
  const std::vector<StoredTensor>& tensors() const { return contents_.tensors; }
  const std::vector<std::pair<std::string, std::string>>& metadata() const {
    return contents_.metadata;
  }

  // Null when there is none of that name.
  const StoredTensor* find(std::string_view name) const;
  // Throws Error(not_found) with the file's path and the name.
  const StoredTensor& at(std::string_view name) const;

 private:
  MappedFile file_;
  SafetensorsContents contents_;
};

}  // namespace hadal
