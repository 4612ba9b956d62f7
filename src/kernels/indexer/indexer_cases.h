// Cases of the indexer: the models' shapes, rows around top_k, ties.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/indexer/indexer_params.h"

namespace hadal {

// What the inputs are made of.
enum class IndexerNumbers {
  small,   // few different small numbers: every sum is exact in float32 in any
           // order, so all implementations select the same rows, ties included
  normal,  // normal numbers, negative weights among them: near ties may differ
  equal,   // q is zero: all scores are equal
  uneven,  // normal numbers in blocks of 32 of very different sizes, some zero
};

struct IndexerCase {
  const char* name;
  int64_t heads;
  int64_t dim;
  int64_t first_position;
  int64_t tokens;
  int64_t top_k;
  RowFormat format;
  IndexerNumbers numbers = IndexerNumbers::small;
};

inline constexpr IndexerCase kIndexerCases[] = {
    {"nano, chunk", 8, 64, 1000, 21, 64, RowFormat::fp4},
    {"nano, one token", 8, 64, 4500, 1, 64, RowFormat::fp4},
    {"flash, one token", 64, 128, 9001, 1, 512, RowFormat::fp4},
    {"flash, chunk", 64, 128, 5000, 9, 512, RowFormat::f32},
    {"from nothing", 4, 64, 0, 40, 5, RowFormat::f32},
    {"all rows fit", 4, 64, 200, 6, 64, RowFormat::bf16},
    {"rows pass top_k", 4, 64, 253, 9, 64, RowFormat::bf16},
    {"many rows", 2, 32, 40000, 2, 100, RowFormat::fp4},
    {"one head", 1, 64, 700, 3, 16, RowFormat::fp4},
    {"odd heads", 13, 128, 700, 5, 1, RowFormat::bf16},
    {"equal scores", 3, 64, 900, 5, 30, RowFormat::f32, IndexerNumbers::equal},
    {"normal", 8, 64, 3000, 17, 64, RowFormat::f32, IndexerNumbers::normal},
    {"normal, fp4",
     64,
     128,
     6000,
     2,
     512,
     RowFormat::fp4,
     IndexerNumbers::normal},
    {"uneven, fp4",
     20,
     128,
     3000,
     9,
     64,
     RowFormat::fp4,
     IndexerNumbers::uneven},
    {"uneven, nano",
     8,
     64,
     3000,
     3,
     64,
     RowFormat::fp4,
     IndexerNumbers::uneven},
};

// Has the case sums that are exact in any order, so that every implementation
// selects the same rows?
constexpr bool has_exact_sums(const IndexerCase& shape) {
  return shape.numbers == IndexerNumbers::small ||
         shape.numbers == IndexerNumbers::equal;
}

class IndexerInputs {
 public:
  explicit IndexerInputs(const IndexerCase& shape);

  // Tokens [first, first + count), selecting into `selected` [count, top_k] and
  // `counts` [count].
  IndexerParams chunk(
      int64_t first, int64_t count, int32_t* selected, int32_t* counts) const;

  const IndexerCase& shape() const { return shape_; }

 private:
  IndexerCase shape_;
  RowLayout layout_;
  std::vector<float> q_;
  std::vector<float> weights_;
  std::vector<std::byte> rows_;
  std::vector<const std::byte*> pages_;
};

}  // namespace hadal
