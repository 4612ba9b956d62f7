// Any bytes as a safetensors file: either an Error, or tensors that lie inside.
#include <cstdint>
#include <cstdlib>

#include "checkpoint/safetensors.h"
#include "hadal/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto* file = reinterpret_cast<const std::byte*>(data);
  try {
    const hadal::SafetensorsContents contents =
        hadal::parse_safetensors({file, size}, "fuzz");
    for (const hadal::StoredTensor& tensor : contents.tensors)
      if (tensor.data < file || tensor.data + tensor.bytes > file + size)
        std::abort();
  } catch (const hadal::Error& error) {
    if (error.code() != hadal::ErrorCode::corrupt)
      std::abort();
  }
  return 0;
}
