#include "checkpoint/dtype.h"

#include <algorithm>
#include <array>

namespace hadal {
namespace {

struct DtypeRow {
  Dtype dtype;
  std::string_view name;
  int bits;
};

constexpr std::array<DtypeRow, kDtypeCount> kDtypes{{
    {Dtype::boolean, "BOOL", 8},    {Dtype::f4, "F4", 4},
    {Dtype::f6_e2m3, "F6_E2M3", 6}, {Dtype::f6_e3m2, "F6_E3M2", 6},
    {Dtype::u8, "U8", 8},           {Dtype::i8, "I8", 8},
    {Dtype::f8_e5m2, "F8_E5M2", 8}, {Dtype::f8_e4m3, "F8_E4M3", 8},
    {Dtype::f8_e8m0, "F8_E8M0", 8}, {Dtype::i16, "I16", 16},
    {Dtype::u16, "U16", 16},        {Dtype::f16, "F16", 16},
    {Dtype::bf16, "BF16", 16},      {Dtype::i32, "I32", 32},
    {Dtype::u32, "U32", 32},        {Dtype::f32, "F32", 32},
    {Dtype::i64, "I64", 64},        {Dtype::u64, "U64", 64},
    {Dtype::f64, "F64", 64},        {Dtype::c64, "C64", 64},
}};

constexpr bool rows_stand_in_order() {
  for (size_t i = 0; i < kDtypes.size(); ++i)
    if (static_cast<size_t>(kDtypes[i].dtype) != i)
      return false;
  return true;
}
static_assert(rows_stand_in_order());

const DtypeRow& row(Dtype dtype) {
  return kDtypes[static_cast<size_t>(dtype)];
}

}  // namespace

std::string_view name(Dtype dtype) {
  return row(dtype).name;
}

std::optional<Dtype> parse_dtype(std::string_view name) {
  for (const DtypeRow& candidate : kDtypes)
    if (candidate.name == name)
      return candidate.dtype;
  return std::nullopt;
}

int bits(Dtype dtype) {
  return row(dtype).bits;
}

int alignment(Dtype dtype) {
  // A complex number is two floats.
  return dtype == Dtype::c64 ? 4 : std::max(1, bits(dtype) / 8);
}

}  // namespace hadal
