#include "weights/fingerprint.h"

#include <algorithm>
#include <span>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/mapped_file.h"

namespace hadal {
namespace {

class Hash {
 public:
  Hash() { XXH3_64bits_reset(&state_); }
  void add(const void* data, size_t bytes) {
    XXH3_64bits_update(&state_, data, bytes);
  }
  void add(uint64_t number) { add(&number, sizeof number); }
  // With its length, so that neighbours cannot trade bytes.
  void add(std::string_view text) {
    add(uint64_t{text.size()});
    add(text.data(), text.size());
  }
  uint64_t value() const { return XXH3_64bits_digest(&state_); }

 private:
  XXH3_state_t state_;
};

void add_header(Hash& hash, const StoredTensor& tensor) {
  hash.add(tensor.name);
  hash.add(uint64_t{static_cast<uint8_t>(tensor.dtype)});
  hash.add(static_cast<uint64_t>(tensor.shape.rank()));
  for (int64_t extent : tensor.shape)
    hash.add(static_cast<uint64_t>(extent));
  hash.add(tensor.begin);
}

void add_samples(Hash& hash, const StoredTensor& tensor) {
  const uint64_t size = std::min(tensor.bytes, kFingerprintSampleBytes);
  const uint64_t last = tensor.bytes - size;
  for (uint64_t at : {uint64_t{0}, last / 2, last})
    hash.add(tensor.data + at, size);
}

}  // namespace

uint64_t fingerprint(
    const std::filesystem::path& directory, const CheckpointFiles& files) {
  Hash hash;
  const MappedFile config(directory / "config.json");
  const std::span<const std::byte> text = config.bytes();
  hash.add({reinterpret_cast<const char*>(text.data()), text.size()});
  const int64_t step =
      1 + (files.tensor_count() - 1) / kFingerprintSampledTensors;
  int64_t number = 0;
  for (const SafetensorsFile& shard : files.shards())
    for (const StoredTensor& tensor : shard.tensors()) {
      add_header(hash, tensor);
      if (number++ % step == 0)
        add_samples(hash, tensor);
    }
  return hash.value();
}

}  // namespace hadal
