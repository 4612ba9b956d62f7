#include "kernels/cuda/view_bytes.h"

namespace hadal::cuda {
namespace {

int64_t row_bytes(const WeightView& view) {
  switch (view.format) {
    case WeightFormat::f32:
      return view.cols * 4;
    case WeightFormat::bf16:
    case WeightFormat::f16:
      return view.cols * 2;
    case WeightFormat::fp8_block:
    case WeightFormat::mxfp8:
      return view.cols;
    case WeightFormat::mxfp4:
      return view.cols / 2;
    case WeightFormat::affine:
      return view.cols * view.bits / 8;
  }
  return 0;
}

}  // namespace

ViewBytes view_bytes(const WeightView& view) {
  ViewBytes bytes;
  if (view.empty())
    return bytes;
  bytes.data = (view.rows - 1) * view.row_bytes + row_bytes(view);
  if (view.scales == nullptr)
    return bytes;
  const bool blocks = view.format == WeightFormat::fp8_block;
  const int64_t rows = blocks ? (view.rows + 127) / 128 : view.rows;
  const int64_t width = columns_per_scale(view);
  bytes.scales =
      (rows - 1) * view.scale_stride +
      (view.cols + width - 1) / width * bytes_per_scale(view.scale_format);
  return bytes;
}

}  // namespace hadal::cuda
