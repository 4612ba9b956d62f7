#define XXH_INLINE_ALL  // header only: nothing to link
#include "base/hash.h"

#include <xxhash.h>

namespace hadal {

uint64_t hash64(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

uint64_t hash64(std::string_view text) {
  return XXH3_64bits(text.data(), text.size());
}

struct Hasher64::State {
  XXH3_state_t value;
};

Hasher64::Hasher64() : state_(std::make_unique<State>()) {
  XXH3_64bits_reset(&state_->value);
}
Hasher64::~Hasher64() = default;
Hasher64::Hasher64(Hasher64&&) noexcept = default;
Hasher64& Hasher64::operator=(Hasher64&&) noexcept = default;

void Hasher64::update(std::span<const std::byte> bytes) {
  XXH3_64bits_update(&state_->value, bytes.data(), bytes.size());
}

void Hasher64::update(std::string_view text) {
  update(std::as_bytes(std::span(text.data(), text.size())));
}

uint64_t Hasher64::digest() const {
  return XXH3_64bits_digest(&state_->value);
}

}  // namespace hadal
