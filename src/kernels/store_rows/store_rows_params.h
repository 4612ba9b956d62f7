// Copies of rows into a ring of slots (spec 4.3).
#pragma once

#include <cstddef>
#include <cstdint>

namespace hadal {

// The row of position p lies in slot p mod capacity.
struct RingSlots {
  std::byte* slots = nullptr;  // [capacity] rows
  int64_t capacity = 0;
  int64_t row_bytes = 0;  // a multiple of 4
};

// Rows of positions [first, first + count), `stride` bytes from one to the
// next, go to their slots; of more than `capacity`, the last ones. The rows
// overlap no slot. With `bias`, rows are float32 and row p mod bias_rows of it
// is added: so gates enter their history (spec 3.7).
struct StoreRowsParams {
  RingSlots ring;
  int64_t first = 0;
  int64_t count = 0;
  const std::byte* rows = nullptr;
  int64_t stride = 0;
  const float* bias = nullptr;  // [bias_rows, row_bytes / 4]
  int64_t bias_rows = 1;
};

}  // namespace hadal
