// The usual case is that all is well, so each loop only gathers bits, which the
// compiler turns into vectors; the place is looked for when there is one.
#include "convert/finite_check.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "hadal/error.h"
#include "kernels/codecs/mx_encode.h"

namespace hadal {
namespace {

constexpr int64_t kAllFinite = -1;

// The first element of `count` for which bad(i) holds.
template <class Bad>
int64_t first_bad(int64_t count, const Bad& bad) {
  constexpr int64_t kBlock = 4096;
  for (int64_t at = 0; at < count; at += kBlock) {
    const int64_t end = at + kBlock < count ? at + kBlock : count;
    unsigned any = 0;
    for (int64_t i = at; i < end; ++i)
      any |= bad(i) ? 1U : 0U;
    if (any == 0)
      continue;
    for (int64_t i = at; i < end; ++i)
      if (bad(i))
        return i;
  }
  return kAllFinite;
}

int64_t first_bad_half(
    const std::byte* data, int64_t count, uint16_t exponent) {
  return first_bad(count, [=](int64_t i) {
    uint16_t half;
    std::memcpy(&half, data + 2 * i, 2);
    return (half & exponent) == exponent;
  });
}

int64_t first_bad_float(const std::byte* data, int64_t count) {
  return first_bad(count, [=](int64_t i) {
    uint32_t bits;
    std::memcpy(&bits, data + 4 * i, 4);
    return (bits & 0x7F800000) == 0x7F800000;
  });
}

// E4M3 has no infinity; both NaNs have all other bits set.
int64_t first_bad_e4m3(const std::byte* data, int64_t count) {
  return first_bad(count, [=](int64_t i) {
    return (static_cast<uint8_t>(data[i]) & 0x7F) == 0x7F;
  });
}

int64_t first_bad_scale(
    ScaleFormat format, const std::byte* data, int64_t bytes) {
  switch (format) {
    case ScaleFormat::none:
      return kAllFinite;
    case ScaleFormat::e8m0:
      return first_bad(bytes, [=](int64_t i) {
        return static_cast<uint8_t>(data[i]) == 255;
      });
    case ScaleFormat::f32:
      return first_bad_float(data, bytes / 4);
    case ScaleFormat::bf16:
      return first_bad_half(data, bytes / 2, 0x7F80);
    case ScaleFormat::f16:
      return first_bad_half(data, bytes / 2, 0x7C00);
  }
  return kAllFinite;
}

int64_t first_bad_code(
    const WeightView& view, const std::byte* data, int64_t count) {
  switch (view.format) {
    case WeightFormat::f32:
      return first_bad_float(data, count);
    case WeightFormat::bf16:
      return first_bad_half(data, count, 0x7F80);
    case WeightFormat::f16:
      return first_bad_half(data, count, 0x7C00);
    case WeightFormat::fp8_block:
    case WeightFormat::mxfp8:
      return first_bad_e4m3(data, count);
    case WeightFormat::mxfp4:
    case WeightFormat::affine:
      return kAllFinite;  // every code is a number
  }
  return kAllFinite;
}

[[noreturn]] void fail(
    const PlannedModule& module,
    const RowJob& job,
    const char* part,
    int64_t row,
    int64_t column) {
  throw Error(
      ErrorCode::corrupt,
      fmt::format(
          "source tensor {}: the {} at [{}, {}] is NaN or infinite; the file "
          "is damaged, fetch it again",
          release_name(
              module.source.id,
              module.source.block,
              module.source.items.size() > 1 ? job.item : -1),
          part,
          row,
          column));
}

}  // namespace

void require_finite_bytes(const PlannedModule& module, const RowJob& job) {
  const WeightView& view = module.source.items[static_cast<size_t>(job.item)];
  const int64_t weight = first_bad_code(
      view, view.data + job.first * view.row_bytes, job.count * view.cols);
  if (weight != kAllFinite)
    fail(
        module,
        job,
        "weight",
        job.first + weight / view.cols,
        weight % view.cols);
  if (view.scales == nullptr)
    return;
  const bool in_blocks = view.format == WeightFormat::fp8_block;
  const int64_t first = in_blocks ? job.first / kFp8Block : job.first;
  const int64_t rows =
      in_blocks ? (job.count + kFp8Block - 1) / kFp8Block : job.count;
  const int64_t width = view.scale_format == ScaleFormat::e8m0  ? 1
                        : view.scale_format == ScaleFormat::f32 ? 4
                                                                : 2;
  for (const std::byte* data : {view.scales, view.biases}) {
    if (data == nullptr)
      continue;
    const int64_t bad = first_bad_scale(
        view.scale_format,
        data + first * view.scale_stride,
        rows * view.scale_stride);
    const int64_t across = view.scale_stride / width;
    if (bad != kAllFinite)
      fail(
          module,
          job,
          data == view.scales ? "scale" : "bias",
          first + bad / across,
          bad % across);
  }
}

void require_finite_values(
    const PlannedModule& module,
    const RowJob& job,
    int64_t row,
    std::span<const float> values) {
  const int64_t bad = first_bad_float(
      reinterpret_cast<const std::byte*>(values.data()),
      static_cast<int64_t>(values.size()));
  if (bad != kAllFinite)
    fail(module, job, "weight", row, bad);
}

}  // namespace hadal
