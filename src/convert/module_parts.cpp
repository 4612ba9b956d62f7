// The stored tensors of a module: names, types and shapes.
#include "convert/module_format.h"
#include "kernels/codecs/mx_encode.h"

namespace hadal {
namespace {

Dtype weight_dtype(CheckpointLayout layout, const PlannedModule& module) {
  switch (module.format) {
    case WeightFormat::f32:
      return Dtype::f32;
    case WeightFormat::bf16:
      return Dtype::bf16;
    case WeightFormat::f16:
      return Dtype::f16;
    case WeightFormat::fp8_block:
      return Dtype::f8_e4m3;
    case WeightFormat::mxfp4:
      return layout == CheckpointLayout::mlx ? Dtype::u32 : Dtype::i8;
    case WeightFormat::mxfp8:
    case WeightFormat::affine:
      return Dtype::u32;
  }
  return Dtype::u8;
}

Dtype scale_dtype(CheckpointLayout layout, ScaleFormat format) {
  switch (format) {
    case ScaleFormat::f32:
      return Dtype::f32;
    case ScaleFormat::bf16:
      return Dtype::bf16;
    case ScaleFormat::f16:
      return Dtype::f16;
    case ScaleFormat::e8m0:
    case ScaleFormat::none:
      break;
  }
  return layout == CheckpointLayout::mlx ? Dtype::u8 : Dtype::f8_e8m0;
}

// The shape of a part with `bytes` in one of `rows` rows.
TensorShape part_shape(
    CheckpointLayout layout,
    const PlannedModule& module,
    int64_t rows,
    int64_t bytes,
    Dtype dtype) {
  const int64_t cols = bytes * 8 / hadal::bits(dtype);
  const auto items = static_cast<int64_t>(module.source.items.size());
  const TensorRule& tensor = rule(module.source.id);
  if (tensor.count == TensorCount::one) {
    const bool vector = module.source.shape.rows == 1 &&
                        tensor.storage != TensorStorage::matrix;
    return vector ? TensorShape{cols} : TensorShape{rows, cols};
  }
  if (layout == CheckpointLayout::mlx)
    return {items, rows, cols};
  return {items * rows, cols};
}

}  // namespace

void declare_parts(CheckpointLayout layout, PlannedModule& module) {
  const LogicalShape shape = module.source.shape;
  const bool mlx = layout == CheckpointLayout::mlx;
  const bool suffix = rule(module.source.id).weight_suffix;
  const auto declare = [&](const char* part, Dtype dtype, TensorShape extents) {
    module.parts.push_back(
        {{module.path + (suffix ? part : ""), dtype, extents}});
  };
  if (module.encoding == Encoding::ids) {
    declare("", mlx ? Dtype::i32 : Dtype::i64, {shape.rows, shape.cols});
    return;
  }
  const RowBytes row = row_bytes(module);
  const Dtype weight = weight_dtype(layout, module);
  declare(
      ".weight",
      weight,
      part_shape(layout, module, shape.rows, row.weight, weight));
  if (row.scales == 0)
    return;
  const Dtype scale = scale_dtype(layout, module.scale_format);
  const int64_t scale_rows = module.format == WeightFormat::fp8_block
                                 ? (shape.rows + kFp8Block - 1) / kFp8Block
                                 : shape.rows;
  declare(
      mlx ? ".scales" : ".scale",
      scale,
      part_shape(layout, module, scale_rows, row.scales, scale));
  if (row.biases > 0)
    declare(
        ".biases",
        scale,
        part_shape(layout, module, shape.rows, row.biases, scale));
}

RowBytes row_bytes(const PlannedModule& module) {
  const int64_t cols = module.source.shape.cols;
  switch (module.format) {
    case WeightFormat::f32:
      return {cols * 4, 0, 0};
    case WeightFormat::bf16:
    case WeightFormat::f16:
      return {cols * 2, 0, 0};
    case WeightFormat::fp8_block:
      return {
          cols,
          (cols + kFp8Block - 1) / kFp8Block *
              (module.scale_format == ScaleFormat::f32 ? 4 : 1),
          0};
    case WeightFormat::mxfp4:
      return {cols / 2, cols / kMxGroup, 0};
    case WeightFormat::mxfp8:
      return {cols, cols / kMxGroup, 0};
    case WeightFormat::affine: {
      const int64_t scales = cols / module.columns *
                             (module.scale_format == ScaleFormat::f32 ? 4 : 2);
      return {cols * module.bits / 8, scales, scales};
    }
  }
  return {};
}

}  // namespace hadal
