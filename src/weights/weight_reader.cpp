#include "weights/weight_reader.h"

#include <fmt/format.h>

#include "base/check.h"
#include "hadal/error.h"

namespace hadal {
namespace {

constexpr int64_t kFp8Block = 128;
constexpr int64_t kMxGroup = 32;

int64_t blocks(int64_t extent, int64_t block) {
  return (extent + block - 1) / block;
}

bool is_float(Dtype dtype) {
  return dtype == Dtype::f32 || dtype == Dtype::bf16 || dtype == Dtype::f16;
}

WeightFormat float_format(Dtype dtype) {
  return dtype == Dtype::f32    ? WeightFormat::f32
         : dtype == Dtype::bf16 ? WeightFormat::bf16
                                : WeightFormat::f16;
}

ScaleFormat float_scale_format(Dtype dtype) {
  return dtype == Dtype::f32    ? ScaleFormat::f32
         : dtype == Dtype::bf16 ? ScaleFormat::bf16
                                : ScaleFormat::f16;
}

// E8M0 bytes carry their own dtype in the release and are plain bytes in MLX
// files.
bool is_e8m0(Dtype dtype) {
  return dtype == Dtype::f8_e8m0 || dtype == Dtype::u8;
}

// The shape of a stored companion with `rows` x `cols` entries an item.
TensorShape stacked(const MatrixRequest& request, int64_t rows, int64_t cols) {
  switch (request.form) {
    case StackForm::single:
      return {rows, cols};
    case StackForm::leading:
      return {request.items, rows, cols};
    case StackForm::flattened:
      return {request.items * rows, cols};
  }
  return {};
}

std::string place_key(const TensorPlace& place, bool with_index) {
  return release_name(place.id, place.block, with_index ? place.index : -1);
}

}  // namespace

// `scale_rows` is the distance from one item's scales to the next one's, in
// rows of the scales.
struct WeightReader::Tall {
  WeightView view;
  int64_t scale_rows = 0;
};

WeightReader::WeightReader(
    CheckpointStorage& storage, const QuantizationPlan* plan)
    : storage_(storage), plan_(plan) {
  if (plan == nullptr)
    return;
  for (const auto& [path, module] : plan->modules)
    if (const std::optional<TensorPlace> place = parse_module_path(path))
      plan_by_place_.emplace(place_key(*place, true), module);
}

void WeightReader::require_shape(
    const StoredTensor& tensor, const TensorShape& expected) const {
  if (!(tensor.shape == expected))
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: found {} of shape {}, expected {}; config.json and the "
            "weights do not belong together",
            storage_.where(tensor),
            name(tensor.dtype),
            tensor.shape.text(),
            expected.text()));
}

void WeightReader::wrong_dtype(
    const StoredTensor& tensor, std::string_view expected) const {
  throw Error(
      ErrorCode::corrupt,
      fmt::format(
          "{}: found dtype {}, expected {}",
          storage_.where(tensor),
          name(tensor.dtype),
          expected));
}

void WeightReader::require_no_companions(const StoredParts& parts) const {
  for (const StoredTensor* extra : {parts.scales, parts.biases})
    if (extra != nullptr)
      throw Error(
          ErrorCode::corrupt,
          fmt::format(
              "{}: unexpected, because the weight is {} and needs none",
              storage_.where(*extra),
              name(parts.weight->dtype)));
}

const StoredTensor& WeightReader::require_scales(
    const StoredParts& parts) const {
  if (parts.scales == nullptr)
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: dtype {} needs scales, but the checkpoint has none for it",
            storage_.where(*parts.weight),
            name(parts.weight->dtype)));
  return *parts.scales;
}

ModuleQuantization WeightReader::module_plan(
    const StoredTensor& weight, const TensorPlace& place) const {
  if (plan_ == nullptr)
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: U32 words need a \"quantization\" block in config.json, found "
            "none",
            storage_.where(weight)));
  std::string_view path = weight.name;
  if (path.ends_with(".weight"))
    path.remove_suffix(7);
  std::optional<ModuleQuantization> module = plan_->by_default;
  if (const auto exact = plan_->modules.find(path);
      exact != plan_->modules.end()) {
    module = exact->second;
  } else {
    auto by_place = plan_by_place_.find(place_key(place, true));
    if (by_place == plan_by_place_.end())
      by_place = plan_by_place_.find(place_key(place, false));
    if (by_place != plan_by_place_.end())
      module = by_place->second;
  }
  if (!module)
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: found U32 words, but config.json says quantization = false "
            "for this module",
            storage_.where(weight)));
  return *module;
}

WeightReader::Tall WeightReader::read_fp8(
    const StoredParts& parts, const MatrixRequest& request) {
  const auto [rows, cols] = request.shape;
  const StoredTensor& weight = *parts.weight;
  const StoredTensor& scales = require_scales(parts);
  require_shape(weight, stacked(request, rows, cols));
  if (scales.dtype != Dtype::f8_e8m0 && scales.dtype != Dtype::f32)
    wrong_dtype(scales, "F8_E8M0 or F32");
  // The blocks of items in one matrix know nothing of the items.
  const bool flattened = request.form == StackForm::flattened;
  const int64_t block_rows =
      blocks(flattened ? request.items * rows : rows, kFp8Block);
  const int64_t block_cols = blocks(cols, kFp8Block);
  require_shape(
      scales,
      flattened ? TensorShape{block_rows, block_cols}
                : stacked(request, block_rows, block_cols));
  const bool wide = scales.dtype == Dtype::f32;
  WeightView view;
  view.format = WeightFormat::fp8_block;
  view.scale_format = wide ? ScaleFormat::f32 : ScaleFormat::e8m0;
  view.row_bytes = cols;
  view.scale_stride = block_cols * (wide ? 4 : 1);
  view.data = weight.data;
  view.scales = storage_.aligned(scales);
  return {view, block_rows};
}

WeightReader::Tall WeightReader::read_fp4(
    const StoredParts& parts, const MatrixRequest& request) {
  const auto [rows, cols] = request.shape;
  const StoredTensor& weight = *parts.weight;
  const StoredTensor& scales = require_scales(parts);
  if (cols % kMxGroup != 0)
    throw Error(
        ErrorCode::unsupported,
        fmt::format(
            "{}: {} columns are no multiple of 32, the group of FP4",
            storage_.where(weight),
            cols));
  // Two columns a byte: the file's last extent is half of the logical one.
  require_shape(weight, stacked(request, rows, cols / 2));
  if (scales.dtype != Dtype::f8_e8m0)
    wrong_dtype(scales, "F8_E8M0");
  require_shape(scales, stacked(request, rows, cols / kMxGroup));
  WeightView view;
  view.format = WeightFormat::mxfp4;
  view.scale_format = ScaleFormat::e8m0;
  view.row_bytes = cols / 2;
  view.scale_stride = cols / kMxGroup;
  view.data = weight.data;
  view.scales = scales.data;
  return {view, rows};
}

WeightReader::Tall WeightReader::read_words(
    const StoredParts& parts,
    const TensorPlace& place,
    const MatrixRequest& request) {
  const auto [rows, cols] = request.shape;
  const StoredTensor& weight = *parts.weight;
  const StoredTensor& scales = require_scales(parts);
  const ModuleQuantization module = module_plan(weight, place);
  if (cols % module.group != 0)
    throw Error(
        ErrorCode::unsupported,
        fmt::format(
            "{}: {} columns are no multiple of the group size {}",
            storage_.where(weight),
            cols,
            module.group));
  require_shape(weight, stacked(request, rows, cols * module.bits / 32));
  const TensorShape per_group = stacked(request, rows, cols / module.group);

  WeightView view;
  view.row_bytes = cols * module.bits / 8;
  view.data = storage_.aligned(weight);
  view.group = static_cast<uint16_t>(module.group);
  require_shape(scales, per_group);
  if (module.mode == QuantizationMode::affine) {
    if (!is_float(scales.dtype))
      wrong_dtype(scales, "F32, BF16 or F16");
    if (parts.biases == nullptr)
      throw Error(
          ErrorCode::corrupt,
          storage_.where(weight) +
              ": affine quantization needs biases, but the checkpoint has none "
              "for it");
    if (parts.biases->dtype != scales.dtype)
      wrong_dtype(*parts.biases, name(scales.dtype));
    require_shape(*parts.biases, per_group);
    view.format = WeightFormat::affine;
    view.bits = static_cast<uint8_t>(module.bits);
    view.scale_format = float_scale_format(scales.dtype);
    view.scale_stride = cols / module.group * bits(scales.dtype) / 8;
    view.biases = storage_.aligned(*parts.biases);
  } else {
    if (!is_e8m0(scales.dtype))
      wrong_dtype(scales, "U8 or F8_E8M0");
    if (parts.biases != nullptr)
      throw Error(
          ErrorCode::corrupt,
          fmt::format(
              "{}: unexpected, {} has no biases",
              storage_.where(*parts.biases),
              name(module.mode)));
    view.format = module.mode == QuantizationMode::mxfp4 ? WeightFormat::mxfp4
                                                         : WeightFormat::mxfp8;
    view.scale_format = ScaleFormat::e8m0;
    view.scale_stride = cols / module.group;
  }
  view.scales = storage_.aligned(scales);
  return {view, rows};
}

WeightReader::Tall WeightReader::read_any(
    const StoredParts& parts,
    const TensorPlace& place,
    const MatrixRequest& request) {
  const StoredTensor& weight = *parts.weight;
  switch (weight.dtype) {
    case Dtype::f32:
    case Dtype::bf16:
    case Dtype::f16: {
      require_no_companions(parts);
      require_shape(
          weight, stacked(request, request.shape.rows, request.shape.cols));
      WeightView view;
      view.format = float_format(weight.dtype);
      view.row_bytes = request.shape.cols * bits(weight.dtype) / 8;
      view.data = storage_.aligned(weight);
      return {view, request.shape.rows};
    }
    case Dtype::f8_e4m3:
      return read_fp8(parts, request);
    case Dtype::i8:
      return read_fp4(parts, request);
    case Dtype::u32:
      return read_words(parts, place, request);
    default:
      wrong_dtype(
          weight, "BF16, F16, F32, F8_E4M3, I8 (packed FP4) or U32 (MLX)");
  }
}

std::vector<WeightView> WeightReader::matrices(
    const StoredParts& parts,
    const TensorPlace& place,
    const MatrixRequest& request) {
  HADAL_CHECK(parts.weight != nullptr);
  Tall tall = read_any(parts, place, request);
  const auto [rows, cols] = request.shape;
  tall.view.rows =
      request.form == StackForm::flattened ? request.items * rows : rows;
  tall.view.cols = cols;
  std::vector<WeightView> items;
  items.reserve(static_cast<size_t>(request.items));
  for (int64_t i = 0; i < request.items; ++i) {
    if (request.form == StackForm::flattened) {
      items.push_back(row_part(tall.view, i * rows, rows, *parts.weight));
      continue;
    }
    WeightView item = tall.view;
    item.data += i * rows * item.row_bytes;
    if (item.scales != nullptr)
      item.scales += i * tall.scale_rows * item.scale_stride;
    if (item.biases != nullptr)
      item.biases += i * tall.scale_rows * item.scale_stride;
    items.push_back(item);
  }
  return items;
}

WeightView WeightReader::row_part(
    const WeightView& view,
    int64_t first,
    int64_t count,
    const StoredTensor& weight) {
  const int64_t in_block = first % kFp8Block;
  if (view.format != WeightFormat::fp8_block || in_block == 0)
    return row_slice(view, first, count);
  if (in_block + count > kFp8Block)
    return storage_.widened(view, first, count, weight);
  // All rows share the block row that begins before them.
  WeightView part = row_slice(view, first - in_block, count);
  part.data += in_block * view.row_bytes;
  return part;
}

WeightView WeightReader::plain(
    const StoredParts& parts, LogicalShape shape, bool allow_f16) {
  const StoredTensor& weight = *parts.weight;
  require_no_companions(parts);
  if (!is_float(weight.dtype) || (weight.dtype == Dtype::f16 && !allow_f16))
    wrong_dtype(weight, allow_f16 ? "F32, BF16 or F16" : "F32 or BF16");
  // Vectors are stored without the extent 1.
  if (shape.rows == 1)
    require_shape(weight, {shape.cols});
  else
    require_shape(weight, {shape.rows, shape.cols});
  WeightView view;
  view.format = float_format(weight.dtype);
  view.rows = shape.rows;
  view.cols = shape.cols;
  view.row_bytes = shape.cols * bits(weight.dtype) / 8;
  view.data = storage_.aligned(weight);
  return view;
}

WeightView WeightReader::float32(const StoredParts& parts, LogicalShape shape) {
  WeightView view = plain(parts, shape, true);
  view.format = WeightFormat::f32;
  view.row_bytes = shape.cols * 4;
  view.data =
      reinterpret_cast<const std::byte*>(storage_.as_float32(*parts.weight));
  return view;
}

const std::byte* WeightReader::ids(
    const StoredParts& parts, LogicalShape shape, bool& is_64_bit) {
  const StoredTensor& table = *parts.weight;
  require_no_companions(parts);
  if (table.dtype != Dtype::i64 && table.dtype != Dtype::i32)
    wrong_dtype(table, "I64 or I32");
  require_shape(table, {shape.rows, shape.cols});
  is_64_bit = table.dtype == Dtype::i64;
  return storage_.aligned(table);
}

}  // namespace hadal
