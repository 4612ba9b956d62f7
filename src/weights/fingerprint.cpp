#include "weights/fingerprint.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "base/hash.h"
#include "base/mapped_file.h"

namespace hadal {
namespace {

void add(Hasher64& hash, uint64_t number) {
  hash.update(std::as_bytes(std::span(&number, 1)));
}

// With its length, so that neighbours cannot trade bytes.
void add(Hasher64& hash, std::string_view text) {
  add(hash, uint64_t{text.size()});
  hash.update(text);
}

void add_header(Hasher64& hash, const StoredTensor& tensor) {
  add(hash, tensor.name);
  add(hash, uint64_t{static_cast<uint8_t>(tensor.dtype)});
  add(hash, static_cast<uint64_t>(tensor.shape.rank()));
  for (int64_t extent : tensor.shape)
    add(hash, static_cast<uint64_t>(extent));
  add(hash, tensor.begin);
}

void add_samples(Hasher64& hash, const StoredTensor& tensor) {
  const uint64_t size = std::min(tensor.bytes, kFingerprintSampleBytes);
  const uint64_t last = tensor.bytes - size;
  for (uint64_t at : {uint64_t{0}, last / 2, last})
    hash.update(std::span(tensor.data + at, size));
}

}  // namespace

uint64_t fingerprint(
    const std::filesystem::path& directory, const CheckpointFiles& files) {
  Hasher64 hash;
  const MappedFile config(directory / "config.json");
  const std::span<const std::byte> text = config.bytes();
  add(hash,
      std::string_view(
          reinterpret_cast<const char*>(text.data()), text.size()));
  const int64_t step =
      1 + (files.tensor_count() - 1) / kFingerprintSampledTensors;
  int64_t number = 0;
  for (const SafetensorsFile& shard : files.shards())
    for (const StoredTensor& tensor : shard.tensors()) {
      add_header(hash, tensor);
      if (number++ % step == 0)
        add_samples(hash, tensor);
    }
  return hash.digest();
}

}  // namespace hadal
