// Writes safetensors files, a tensor after the other, without holding them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "checkpoint/dtype.h"
#include "checkpoint/tensor_shape.h"

namespace hadal {

struct TensorDeclaration {
  std::string name;
  Dtype dtype = Dtype::u8;
  TensorShape shape;

  // Throws Error(invalid_argument) when it does not fit 63 bits or is no whole
  // number of bytes.
  uint64_t bytes() const;
};

using SafetensorsMetadata = std::vector<std::pair<std::string, std::string>>;

// Widest elements first, otherwise as they are: written in this order every
// tensor is aligned to its element, so that readers can use it in place.
void sort_for_alignment(std::vector<TensorDeclaration>& tensors);

// The bytes before the data: length, JSON, spaces up to a multiple of 8. The
// data of `tensors` must follow in this order. Throws
// Error(invalid_argument): a name twice, a name that is not UTF-8, a header of
// 100 MB.
std::string safetensors_header(
    const std::vector<TensorDeclaration>& tensors,
    const SafetensorsMetadata& metadata = {});

// The file appears under its name only when it is complete (AtomicFile): a
// writer that dies before finish() leaves nothing. Used by one thread.
class SafetensorsWriter {
 public:
  // Writes the header. Throws Error(io), and what safetensors_header throws.
  SafetensorsWriter(
      std::filesystem::path path,
      const std::vector<TensorDeclaration>& tensors,
      const SafetensorsMetadata& metadata = {});

  // The next bytes of the data: tensors in the declared order, in pieces of any
  // size. More than declared breaks an invariant; Error(io) when the disk is
  // full or fails.
  void write(std::span<const std::byte> bytes);

  // Makes the file durable and gives it its name, replacing an older one. All
  // declared bytes must have been written. Error(io) when the disk fails.
  void finish();

 private:
  AtomicFile file_;
  uint64_t left_ = 0;
};

}  // namespace hadal
