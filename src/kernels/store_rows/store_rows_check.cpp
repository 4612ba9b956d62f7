// store_rows of a backend against what its contract says, row by row.
#include <array>

#include "kernels/case_tools.h"
#include "kernels/random_weight.h"
#include "kernels/store_rows/store_rows.h"

namespace hadal {
namespace {

struct StoreRowsCase {
  const char* name;
  int64_t capacity;
  int64_t first;
  int64_t count;
  int64_t width;      // floats of a row
  int64_t bias_rows;  // 0: none
};

constexpr StoreRowsCase kCases[] = {
    {"one row", 12, 1'000'000'007, 1, 146, 0},
    {"around the end", 10, 27, 6, 33, 0},
    {"more than fit", 7, 3, 20, 64, 0},
    {"gates", 11, 250, 5, 1024, 4},
    {"nothing", 4, 9, 0, 8, 0},
};

constexpr int64_t kSpare = 3;  // floats between the rows

std::vector<float> expected_slots(
    const StoreRowsCase& shape,
    const std::vector<float>& rows,
    const std::vector<float>& bias) {
  std::vector<float> slots(static_cast<size_t>(shape.capacity * shape.width));
  for (int64_t i = 0; i < shape.count; ++i)
    for (int64_t c = 0; c < shape.width; ++c) {
      float value = rows[static_cast<size_t>(i * (shape.width + kSpare) + c)];
      if (shape.bias_rows > 0)
        value += bias[static_cast<size_t>(
            (shape.first + i) % shape.bias_rows * shape.width + c)];
      slots[static_cast<size_t>(
          (shape.first + i) % shape.capacity * shape.width + c)] = value;
    }
  return slots;
}

}  // namespace

void check_store_rows(
    const Backend& backend,
    ThreadTeam& team,
    std::vector<KernelCheck>& checks) {
  for (const StoreRowsCase& shape : kCases) {
    const std::vector<float> rows =
        random_values(shape.count * (shape.width + kSpare), 1);
    const std::vector<float> bias =
        random_values(shape.bias_rows * shape.width, 2);
    const auto found = [&] {
      std::vector<float> slots(
          static_cast<size_t>(shape.capacity * shape.width));
      std::vector<float> second = slots;
      StoreRowsParams params{
          .ring =
              {reinterpret_cast<std::byte*>(slots.data()),
               shape.capacity,
               shape.width * 4},
          .first = shape.first,
          .count = shape.count,
          .rows = reinterpret_cast<const std::byte*>(rows.data()),
          .stride = (shape.width + kSpare) * 4};
      if (shape.bias_rows > 0) {
        params.bias = bias.data();
        params.bias_rows = shape.bias_rows;
      }
      StoreRowsParams other = params;
      other.ring.slots = reinterpret_cast<std::byte*>(second.data());
      const std::array<StoreRowsParams, 2> all = {params, other};
      backend.store_rows(std::span(all), team);
      slots.insert(slots.end(), second.begin(), second.end());
      return slots;
    };
    checks.push_back(check_case(
        "store_rows",
        shape.name,
        1.0,
        0.0,
        [&] {
          std::vector<float> twice = expected_slots(shape, rows, bias);
          const std::vector<float> once = twice;
          twice.insert(twice.end(), once.begin(), once.end());
          return twice;
        },
        found));
  }
}

}  // namespace hadal
