// Filled caches for the benchmarks of attention and indexer: many stored rows
// in huge pages, of which some hundred are different.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/huge_memory.h"
#include "kernels/random_weight.h"
#include "kernels/row_format.h"

namespace hadal {

class BenchRows {
 public:
  BenchRows(const RowLayout& layout, int64_t rows)
      : layout_(layout),
        memory_(static_cast<size_t>(rows * layout.row_bytes())) {
    const int64_t bytes = layout.row_bytes();
    RandomNumbers random(7);
    for (int64_t i = 0; i < rows; ++i)
      fill(memory_.data() + i * bytes, random);
    for (int64_t i = 0; i < rows; i += kRowsPerPage)
      pages_.push_back(memory_.data() + i * bytes);
  }

  const std::byte* data() const { return memory_.data(); }
  PagedRows paged() const { return {pages_.data(), kRowsPerPage, layout_}; }

 private:
  // Numbers of about size 1: codes below 2 or 6, scales of 1/2 and 1.
  void fill(std::byte* row, RandomNumbers& random) {
    const bool fp4 = layout_.format == RowFormat::fp4;
    const int64_t coded = layout_.dim - (fp4 ? 0 : layout_.rotary);
    const int64_t codes = fp4 ? coded / 2 : coded;
    const int64_t scales = (coded + (fp4 ? 31 : 63)) / (fp4 ? 32 : 64);
    for (int64_t i = 0; i < layout_.row_bytes(); ++i) {
      const uint64_t bits = random.bits();
      uint64_t value = fp4 ? bits : bits & 0xBF;
      if (i >= codes)
        value = 126 + bits % 2;
      if (i >= codes + scales)  // bfloat16: 1/2 to 1
        value = (i - codes - scales) % 2 == 0 ? bits & 0x7F : 0x3F;
      row[i] = static_cast<std::byte>(value & 0xFF);
    }
  }

  static constexpr int64_t kRowsPerPage = 64;

  RowLayout layout_;
  HugeMemory memory_;
  std::vector<const std::byte*> pages_;
};

}  // namespace hadal
