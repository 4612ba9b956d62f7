// Device memory filled for a benchmark: patterns over and over, rows in pages.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "kernels/cuda/device.h"
#include "kernels/random_weight.h"
#include "kernels/row_format.h"

namespace hadal::cuda {

// Rows that come again and again.
inline const std::vector<std::byte>& different_rows(const RowLayout& layout) {
  static std::map<RowFormat, std::vector<std::byte>> all;
  std::vector<std::byte>& rows = all[layout.format];
  if (!rows.empty())
    return rows;
  constexpr int64_t kDifferent = 1024;
  rows.resize(static_cast<size_t>(kDifferent * layout.row_bytes()));
  const std::vector<float> values = random_values(kDifferent * layout.dim, 1);
  for (int64_t i = 0; i < kDifferent; ++i)
    encode_row(
        layout,
        values.data() + i * layout.dim,
        rows.data() + i * layout.row_bytes());
  return rows;
}

// Device memory of a measurement.
class BenchMemory {
 public:
  template <class T>
  T* copy(const std::vector<T>& values) {
    return static_cast<T*>(repeat(
        values.data(), values.size() * sizeof(T), values.size() * sizeof(T)));
  }
  // `bytes` of a pattern over and over.
  void* repeat(const void* pattern, size_t size, size_t bytes) {
    buffers_.push_back(std::make_unique<DeviceBuffer>());
    auto* const data = static_cast<std::byte*>(
        buffers_.back()->reserve(static_cast<int64_t>(bytes)));
    size_t done = std::min(size, bytes);
    check(cudaMemcpy(data, pattern, done, cudaMemcpyHostToDevice), "a copy");
    for (; done < bytes; done += std::min(done, bytes - done))
      check(
          cudaMemcpy(
              data + done,
              data,
              std::min(done, bytes - done),
              cudaMemcpyDeviceToDevice),
          "a copy");
    return data;
  }
  // Rows in pages.
  PagedRows rows(const RowLayout& layout, int64_t count) {
    const int64_t pages = (count + kRowsPerPage - 1) / kRowsPerPage;
    const int64_t page_bytes = kRowsPerPage * layout.row_bytes();
    const auto* const data = stored(layout, pages * kRowsPerPage);
    std::vector<const std::byte*> table;
    for (int64_t i = 0; i < pages; ++i)
      table.push_back(data + i * page_bytes);
    return {copy(table), kRowsPerPage, layout};
  }
  const std::byte* stored(const RowLayout& layout, int64_t count) {
    const std::vector<std::byte>& rows = different_rows(layout);
    return static_cast<const std::byte*>(repeat(
        rows.data(),
        rows.size(),
        static_cast<size_t>(count * layout.row_bytes())));
  }

 private:
  static constexpr int64_t kRowsPerPage = 128;

  std::vector<std::unique_ptr<DeviceBuffer>> buffers_;
};

}  // namespace hadal::cuda
