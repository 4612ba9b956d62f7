#include "convert/row_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "convert/finite_check.h"
#include "convert/module_format.h"
#include "hadal/error.h"
#include "kernels/codecs/decode_row.h"
#include "kernels/codecs/mx_encode.h"
#include "kernels/codecs/number_formats.h"

namespace hadal {
namespace {

const WeightView& view_of(const PlannedModule& module, const RowJob& job) {
  return module.source.items[static_cast<size_t>(job.item)];
}

std::byte* buffer(EncodedRows& out, size_t part, int64_t bytes) {
  std::vector<std::byte>& own = out.buffers[part];
  own.resize(static_cast<size_t>(bytes));
  out.parts[part] = own;
  return own.data();
}

std::span<const std::byte> rows_of(
    const std::byte* data, int64_t stride, int64_t first, int64_t count) {
  return {data + first * stride, static_cast<size_t>(count * stride)};
}

// Whether every value is a bfloat16: a code of few bits times a power of two.
bool holds_bf16(const WeightView& view) {
  return view.format == WeightFormat::bf16 ||
         view.scale_format == ScaleFormat::e8m0;
}

int64_t blocks(int64_t extent) {
  return (extent + kFp8Block - 1) / kFp8Block;
}

}  // namespace

namespace {

// Bytes that `count` rows give in each part; `count` is a multiple of 128 or
// reaches the end of an item.
std::array<int64_t, 3> part_bytes(const PlannedModule& module, int64_t count) {
  if (module.encoding == Encoding::ids) {
    const Dtype dtype = module.parts.front().declaration.dtype;
    return {count * module.source.shape.cols * bits(dtype) / 8, 0, 0};
  }
  const RowBytes row = row_bytes(module);
  const bool in_blocks = module.format == WeightFormat::fp8_block;
  return {
      count * row.weight,
      (in_blocks ? blocks(count) : count) * row.scales,
      count * row.biases};
}

}  // namespace

std::vector<RowJob> make_jobs(const ConvertPlan& plan, int64_t bytes) {
  std::vector<RowJob> jobs;
  for (size_t m = 0; m < plan.modules.size(); ++m) {
    const PlannedModule& module = plan.modules[m];
    const int64_t rows = module.source.shape.rows;
    int64_t block_bytes = 0;
    for (const int64_t part : part_bytes(module, kFp8Block))
      block_bytes += part;
    const int64_t step =
        std::max<int64_t>(1, bytes / std::max<int64_t>(1, block_bytes)) *
        kFp8Block;
    const auto items = static_cast<int64_t>(
        module.encoding == Encoding::ids ? 1 : module.source.items.size());
    std::array<uint64_t, 3> offsets{};
    for (int64_t item = 0; item < items; ++item)
      for (int64_t first = 0; first < rows; first += step) {
        const int64_t count = std::min(step, rows - first);
        jobs.push_back({m, item, first, count, offsets});
        const std::array<int64_t, 3> made = part_bytes(module, count);
        for (size_t part = 0; part < made.size(); ++part)
          offsets[part] += static_cast<uint64_t>(made[part]);
      }
  }
  return jobs;
}

void RowEncoder::encode(
    const PlannedModule& module, const RowJob& job, EncodedRows& out) {
  out.parts = {};
  switch (module.encoding) {
    case Encoding::copy:
      return copy(module, job, out);
    case Encoding::fp8_to_mx:
      return spread_scales(module, job, out);
    case Encoding::mx_to_fp8:
      return join_scales(module, job, out);
    case Encoding::ids:
      return convert_ids(module, job, out);
    case Encoding::encode:
      return encode_values(module, job, out);
  }
}

void RowEncoder::copy(
    const PlannedModule& module, const RowJob& job, EncodedRows& out) {
  const WeightView& view = view_of(module, job);
  require_finite_bytes(module, job);
  out.parts[0] = rows_of(view.data, view.row_bytes, job.first, job.count);
  if (view.scales == nullptr)
    return;
  if (view.format == WeightFormat::fp8_block)
    out.parts[1] = rows_of(
        view.scales,
        view.scale_stride,
        job.first / kFp8Block,
        blocks(job.count));
  else
    out.parts[1] =
        rows_of(view.scales, view.scale_stride, job.first, job.count);
  if (view.biases != nullptr)
    out.parts[2] =
        rows_of(view.biases, view.scale_stride, job.first, job.count);
}

// 128 x 128 blocks -> groups of 32: each scale 4 times along the columns, and
// for each of the rows.
void RowEncoder::spread_scales(
    const PlannedModule& module, const RowJob& job, EncodedRows& out) {
  const WeightView& view = view_of(module, job);
  require_finite_bytes(module, job);
  out.parts[0] = rows_of(view.data, view.row_bytes, job.first, job.count);
  const int64_t groups = view.cols / kMxGroup;
  std::byte* scales = buffer(out, 1, job.count * groups);
  for (int64_t row = 0; row < job.count; ++row) {
    const std::byte* from =
        view.scales + (job.first + row) / kFp8Block * view.scale_stride;
    for (int64_t g = 0; g < groups; ++g)
      scales[row * groups + g] = from[g / 4];
  }
}

void RowEncoder::join_scales(
    const PlannedModule& module, const RowJob& job, EncodedRows& out) {
  const WeightView& view = view_of(module, job);
  require_finite_bytes(module, job);
  out.parts[0] = rows_of(view.data, view.row_bytes, job.first, job.count);
  const int64_t groups = view.cols / kMxGroup;
  const int64_t across = blocks(view.cols);
  std::byte* scales = buffer(out, 1, blocks(job.count) * across);
  for (int64_t row = 0; row < job.count; ++row) {
    const std::byte* from = view.scales + (job.first + row) * view.scale_stride;
    for (int64_t g = 0; g < groups; ++g) {
      std::byte& joined = scales[row / kFp8Block * across + g / 4];
      if (row % kFp8Block == 0 && g % 4 == 0)
        joined = from[g];
      if (joined != from[g])
        throw Error(
            ErrorCode::invalid_argument,
            fmt::format(
                "{}: row {}, columns {} to {} have another scale than their "
                "block of 128 x 128, so the release layout cannot hold these "
                "numbers without rounding them; choose bf16",
                module.name,
                job.first + row,
                g * kMxGroup,
                g * kMxGroup + kMxGroup - 1));
    }
  }
}

void RowEncoder::convert_ids(
    const PlannedModule& module, const RowJob& job, EncodedRows& out) {
  const bool wide = module.parts[0].declaration.dtype == Dtype::i64;
  const int64_t first = job.first * module.source.shape.cols;
  const int64_t count = job.count * module.source.shape.cols;
  const int64_t width = wide ? 8 : 4;
  std::byte* to = buffer(out, 0, count * width);
  for (int64_t i = 0; i < count; ++i) {
    // Checked against the number of experts when the source was loaded.
    int64_t id = 0;
    if (module.source.ids_are_64_bit) {
      std::memcpy(&id, module.source.ids + (first + i) * 8, 8);
    } else {
      int32_t narrow = 0;
      std::memcpy(&narrow, module.source.ids + (first + i) * 4, 4);
      id = narrow;
    }
    const auto narrow = static_cast<int32_t>(id);
    std::memcpy(
        to + i * width,
        wide ? static_cast<const void*>(&id) : &narrow,
        static_cast<size_t>(width));
  }
}

ErrorMetric RowEncoder::metric(const PlannedModule& module, const RowJob& job) {
  if (options_.weights == nullptr || options_.rule == AffineRule::plain ||
      module.format != WeightFormat::affine)
    return {};
  // In the release's layout an expert is a module by itself.
  const int64_t item = module.expert >= 0 ? module.expert : job.item;
  options_.weights->metric(module.source, item, metric_);
  return metric_.metric;
}

void RowEncoder::encode_values(
    const PlannedModule& module, const RowJob& job, EncodedRows& out) {
  const WeightView& view = view_of(module, job);
  const RowBytes bytes = row_bytes(module);
  const int64_t cols = view.cols;
  const bool block_form = module.format == WeightFormat::fp8_block;
  std::byte* codes = buffer(out, 0, job.count * bytes.weight);
  std::byte* scales =
      bytes.scales == 0
          ? nullptr
          : buffer(
                out,
                1,
                (block_form ? blocks(job.count) : job.count) * bytes.scales);
  std::byte* biases =
      bytes.biases == 0 ? nullptr : buffer(out, 2, job.count * bytes.biases);
  const ErrorMetric errors = metric(module, job);

  const int64_t at_once = block_form ? kFp8Block : 1;
  values_.resize(static_cast<size_t>(at_once * cols));
  for (int64_t row = 0; row < job.count; row += at_once) {
    const int64_t here = std::min(at_once, job.count - row);
    for (int64_t i = 0; i < here; ++i) {
      float* values = values_.data() + i * cols;
      decode_weight_row(view, job.first + row + i, values);
      require_finite_values(
          module,
          job,
          job.first + row + i,
          {values, static_cast<size_t>(cols)});
    }
    float* values = values_.data();
    switch (module.format) {
      case WeightFormat::bf16:
        for (int64_t i = 0; i < cols; ++i) {
          const uint16_t half = float_to_bf16(values[i]);
          std::memcpy(codes + row * bytes.weight + 2 * i, &half, 2);
        }
        break;
      case WeightFormat::affine:
        // MLX quantises what a model's bfloat16 holds.
        if (options_.rule == AffineRule::plain && !holds_bf16(view))
          for (int64_t i = 0; i < cols; ++i)
            values[i] = bf16_to_float(float_to_bf16(values[i]));
        encode_affine_row(
            {module.bits, module.columns, module.scale_format},
            options_.rule,
            values,
            errors,
            cols,
            codes + row * bytes.weight,
            scales + row * bytes.scales,
            biases + row * bytes.biases);
        break;
      case WeightFormat::mxfp4:
        encode_mxfp4_row(
            values,
            cols,
            codes + row * bytes.weight,
            scales + row * bytes.scales);
        break;
      case WeightFormat::mxfp8:
        encode_mxfp8_row(
            values,
            cols,
            codes + row * bytes.weight,
            scales + row * bytes.scales);
        break;
      case WeightFormat::fp8_block:
        encode_fp8_block_row(
            values,
            here,
            cols,
            codes + row * bytes.weight,
            scales + row / kFp8Block * bytes.scales);
        break;
      case WeightFormat::f32:
        std::memcpy(
            codes + row * bytes.weight,
            values,
            static_cast<size_t>(bytes.weight));
        break;
      case WeightFormat::f16:
        throw Error(
            ErrorCode::internal,
            module.name + ": nothing encodes to this format");
    }
  }
}

}  // namespace hadal
