// Checksums and fingerprints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace hadal {

// XXH3, 64 bits: the same on every machine. Not for secrets.
uint64_t hash64(std::span<const std::byte> bytes);
uint64_t hash64(std::string_view text);

// The same over bytes that come in pieces.
class Hasher64 {
 public:
  Hasher64();
  ~Hasher64();
  Hasher64(Hasher64&&) noexcept;
  Hasher64& operator=(Hasher64&&) noexcept;

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  uint64_t digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hadal
