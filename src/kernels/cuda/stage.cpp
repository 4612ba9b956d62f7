#include "kernels/cuda/stage.h"

#include <algorithm>

namespace hadal::cuda {

void* Stage::copy_in(const void* from, int64_t bytes) {
  if (from == nullptr)
    return nullptr;
  // Never empty: a pointer to nothing is still no null pointer.
  void* const device =
      buffers_.emplace_back().reserve(std::max<int64_t>(bytes, 1));
  check(
      cudaMemcpyAsync(
          device,
          from,
          static_cast<size_t>(bytes),
          cudaMemcpyHostToDevice,
          stream()),
      "copying to the device");
  return device;
}

WeightView Stage::in(const WeightView& view) {
  WeightView result = view;
  if (view.empty())
    return result;
  // The bytes of a row are dense, so the last row may be shorter than
  // row_bytes.
  int64_t row_bytes = 0;
  switch (view.format) {
    case WeightFormat::f32:
      row_bytes = view.cols * 4;
      break;
    case WeightFormat::bf16:
    case WeightFormat::f16:
      row_bytes = view.cols * 2;
      break;
    case WeightFormat::fp8_block:
    case WeightFormat::mxfp8:
      row_bytes = view.cols;
      break;
    case WeightFormat::mxfp4:
      row_bytes = view.cols / 2;
      break;
    case WeightFormat::affine:
      row_bytes = view.cols * view.bits / 8;
      break;
  }
  result.data = in(view.data, (view.rows - 1) * view.row_bytes + row_bytes);
  if (view.scales == nullptr)
    return result;
  const bool blocks = view.format == WeightFormat::fp8_block;
  const int64_t scale_rows = blocks ? (view.rows + 127) / 128 : view.rows;
  const int64_t width = columns_per_scale(view);
  const int64_t scale_bytes =
      (scale_rows - 1) * view.scale_stride +
      (view.cols + width - 1) / width * bytes_per_scale(view.scale_format);
  result.scales = in(view.scales, scale_bytes);
  if (view.biases != nullptr)
    result.biases = in(view.biases, scale_bytes);
  return result;
}

PagedRows Stage::in(const PagedRows& rows, int64_t count) {
  PagedRows result = rows;
  const int64_t row_bytes = rows.layout.row_bytes();
  std::vector<const std::byte*> pages;
  for (int64_t first = 0; first < count; first += rows.rows_per_page)
    pages.push_back(
        in(rows.pages[first / rows.rows_per_page],
           std::min(rows.rows_per_page, count - first) * row_bytes));
  result.pages = in(pages.data(), static_cast<int64_t>(pages.size()));
  check(cudaStreamSynchronize(stream()), "copying a table of pages");
  return result;
}

void Stage::finish() {
  check(cudaStreamSynchronize(stream()), "running a kernel");
  for (const Output& output : outputs_)
    check(
        cudaMemcpy(
            output.host,
            output.device,
            static_cast<size_t>(output.bytes),
            cudaMemcpyDeviceToHost),
        "copying from the device");
}

}  // namespace hadal::cuda
