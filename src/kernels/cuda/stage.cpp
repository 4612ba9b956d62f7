#include "kernels/cuda/stage.h"

#include <algorithm>

#include "kernels/cuda/view_bytes.h"

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
  const ViewBytes bytes = view_bytes(view);
  result.data = in(view.data, bytes.data);
  result.scales = in(view.scales, bytes.scales);
  result.biases = in(view.biases, bytes.scales);
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
