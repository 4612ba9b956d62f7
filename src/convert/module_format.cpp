#include "convert/module_format.h"

#include <fmt/format.h>

#include "convert/layout_names.h"
#include "hadal/error.h"
#include "kernels/codecs/mx_encode.h"

namespace hadal {
namespace {

bool is_float(WeightFormat format) {
  return format == WeightFormat::f32 || format == WeightFormat::bf16 ||
         format == WeightFormat::f16;
}

std::string format_text(
    WeightFormat format, ScaleFormat scale, int bits, int group) {
  switch (format) {
    case WeightFormat::f32:
      return "f32";
    case WeightFormat::bf16:
      return "bf16";
    case WeightFormat::f16:
      return "f16";
    case WeightFormat::fp8_block:
      return scale == ScaleFormat::f32 ? "fp8 128x128 (f32 scales)"
                                       : "fp8 128x128";
    case WeightFormat::mxfp4:
      return "mxfp4";
    case WeightFormat::mxfp8:
      return "mxfp8";
    case WeightFormat::affine:
      return fmt::format("affine {} bit g{}", bits, group);
  }
  return "";
}

[[noreturn]] void refuse(const PlannedModule& module, const std::string& why) {
  throw Error(ErrorCode::invalid_argument, module.name + ": " + why);
}

void take_format_of(const WeightView& source, PlannedModule& module) {
  module.format = source.format;
  module.scale_format = source.scale_format;
  module.bits = source.bits;
  module.columns =
      source.format == WeightFormat::affine ? source.group : kMxGroup;
}

void set_format(
    PlannedModule& module,
    Encoding encoding,
    WeightFormat format,
    ScaleFormat scale) {
  module.encoding = encoding;
  module.format = format;
  module.scale_format = scale;
  module.columns = kMxGroup;
}

// The numbers as they are, in the layout's own form.
void choose_same(CheckpointLayout layout, PlannedModule& module) {
  const WeightView& source = module.source.items.front();
  const bool mlx = layout == CheckpointLayout::mlx;
  take_format_of(source, module);
  module.encoding = Encoding::copy;
  if (source.format == WeightFormat::fp8_block && mlx) {
    if (source.scale_format == ScaleFormat::f32)
      refuse(
          module,
          "FP8 with F32 scales has no form without loss in the MLX layout; "
          "choose another format for it, or the release layout");
    set_format(
        module, Encoding::fp8_to_mx, WeightFormat::mxfp8, ScaleFormat::e8m0);
  } else if (source.format == WeightFormat::mxfp8 && !mlx) {
    set_format(
        module,
        Encoding::mx_to_fp8,
        WeightFormat::fp8_block,
        ScaleFormat::e8m0);
  } else if (source.format == WeightFormat::affine && !mlx) {
    refuse(module, "the release layout has no affine format; choose bf16");
  }
}

void choose_affine(
    CheckpointLayout layout,
    const TargetFormat& target,
    PlannedModule& module) {
  const WeightView& source = module.source.items.front();
  if (layout != CheckpointLayout::mlx)
    refuse(module, "the release layout has no affine format");
  if (module.source.shape.cols % target.group != 0)
    refuse(
        module,
        fmt::format(
            "a group of {} does not divide its {} columns; choose a smaller "
            "group in a recipe of your own",
            target.group,
            module.source.shape.cols));
  const bool there = source.format == WeightFormat::affine &&
                     source.bits == target.bits && source.group == target.group;
  module.encoding = there ? Encoding::copy : Encoding::encode;
  module.format = WeightFormat::affine;
  module.scale_format = there ? source.scale_format : ScaleFormat::bf16;
  module.bits = target.bits;
  module.columns = target.group;
}

void choose_mx(
    CheckpointLayout layout, WeightFormat wanted, PlannedModule& module) {
  const WeightView& source = module.source.items.front();
  const bool fp8 = source.format == WeightFormat::fp8_block &&
                   source.scale_format == ScaleFormat::e8m0;
  if (source.format == wanted || (fp8 && wanted == WeightFormat::mxfp8))
    return choose_same(layout, module);
  if (layout == CheckpointLayout::release && wanted == WeightFormat::mxfp8)
    return set_format(
        module, Encoding::encode, WeightFormat::fp8_block, ScaleFormat::e8m0);
  set_format(module, Encoding::encode, wanted, ScaleFormat::e8m0);
}

void choose_float(
    CheckpointLayout layout, WeightFormat wanted, PlannedModule& module) {
  if (module.source.items.front().format == wanted)
    return choose_same(layout, module);
  set_format(module, Encoding::encode, wanted, ScaleFormat::none);
}

bool encodes_exactly(const WeightView& source, WeightFormat format) {
  const bool powers = source.format == WeightFormat::mxfp4 ||
                      source.format == WeightFormat::mxfp8 ||
                      (source.format == WeightFormat::fp8_block &&
                       source.scale_format == ScaleFormat::e8m0);
  if (format == WeightFormat::f32)
    return true;
  if (format == WeightFormat::bf16)
    return powers;
  return format == WeightFormat::mxfp8 && source.format == WeightFormat::mxfp4;
}

void require_mx_columns(const PlannedModule& module) {
  const bool mx = module.format == WeightFormat::mxfp4 ||
                  module.format == WeightFormat::mxfp8;
  if (mx && module.source.shape.cols % kMxGroup != 0)
    refuse(
        module,
        fmt::format(
            "the groups of {} have 32 columns, which does not divide its {}; "
            "choose bf16 for it in a recipe of your own",
            output_format_text(module),
            module.source.shape.cols));
  // Blocks of the release do not know where a group of wo_a begins.
  if (module.format == WeightFormat::fp8_block &&
      module.source.items.size() > 1 &&
      module.source.shape.rows % kFp8Block != 0)
    refuse(
        module,
        fmt::format(
            "{} rows a group are no multiple of 128, so the release layout "
            "cannot hold it as FP8",
            module.source.shape.rows));
}

}  // namespace

void name_module(CheckpointLayout layout, int64_t item, PlannedModule& module) {
  const SourceTensor& source = module.source;
  module.name = release_name(source.id, source.block, item);
  module.path = layout == CheckpointLayout::mlx
                    ? mlx_path(source.id, source.block)
                    : module.name;
}

void choose_format(
    CheckpointLayout layout,
    const TargetFormat& target,
    PlannedModule& module) {
  if (module.source.ids != nullptr) {
    module.encoding = Encoding::ids;
    declare_parts(layout, module);
    return;
  }
  const WeightView& source = module.source.items.front();
  switch (target.kind) {
    case TargetKind::same:
      choose_same(layout, module);
      break;
    case TargetKind::f32:
      choose_float(layout, WeightFormat::f32, module);
      break;
    case TargetKind::bf16:
      choose_float(layout, WeightFormat::bf16, module);
      break;
    case TargetKind::affine:
      choose_affine(layout, target, module);
      break;
    case TargetKind::mxfp4:
      choose_mx(layout, WeightFormat::mxfp4, module);
      break;
    case TargetKind::mxfp8:
      choose_mx(layout, WeightFormat::mxfp8, module);
      break;
  }
  require_mx_columns(module);
  module.exact = module.encoding != Encoding::encode ||
                 encodes_exactly(source, module.format);
  module.rerounded = !module.exact && !is_float(source.format);
  declare_parts(layout, module);
}

bool rounded_before(const PlannedModule& module, const PlanOptions& options) {
  if (options.rerounded_before != nullptr)
    return options.rerounded_before->contains(
        release_name(module.source.id, module.source.block));
  const WeightFormat format = module.source.items.front().format;
  switch (format) {
    case WeightFormat::affine:
      return true;
    case WeightFormat::mxfp4:
      return module.group != TensorGroup::routed_experts;
    case WeightFormat::mxfp8:
      // The release has these as bfloat16.
      return module.group == TensorGroup::embedding ||
             module.group == TensorGroup::head ||
             module.group == TensorGroup::compressor ||
             module.source.id == TensorId::indexer_weights_proj;
    default:
      return false;
  }
}

std::string source_format_text(const PlannedModule& module) {
  if (module.source.ids != nullptr)
    return module.source.ids_are_64_bit ? "i64" : "i32";
  const WeightView& view = module.source.items.front();
  return format_text(view.format, view.scale_format, view.bits, view.group);
}

std::string output_format_text(const PlannedModule& module) {
  if (module.encoding == Encoding::ids)
    return name(module.parts.front().declaration.dtype) == "I64" ? "i64"
                                                                 : "i32";
  return format_text(
      module.format, module.scale_format, module.bits, module.columns);
}

}  // namespace hadal
