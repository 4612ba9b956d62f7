// The element types of the safetensors format.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hadal {

enum class Dtype : uint8_t {
  boolean,
  f4,
  f6_e2m3,
  f6_e3m2,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  i64,
  u64,
  f64,
  c64,
};

inline constexpr int kDtypeCount = 20;

// The spelling in a file: "BOOL", "F8_E4M3", ...
std::string_view name(Dtype dtype);
std::optional<Dtype> parse_dtype(std::string_view name);

// Bits an element. 4 and 6 are packed without gaps.
int bits(Dtype dtype);

// The alignment in bytes that a typed pointer to the elements needs.
int alignment(Dtype dtype);

}  // namespace hadal
