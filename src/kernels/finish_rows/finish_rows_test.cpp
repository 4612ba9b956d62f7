#include "kernels/finish_rows/finish_rows.h"

#include <gtest/gtest.h>

#include "kernels/kernel_check.h"
#include "kernels/random_weight.h"
#include "kernels/same_bits.h"

namespace hadal {
namespace {

TEST(FinishRows, CpuAgreesWithTheReference) {
  ThreadTeam team(2);
  std::vector<KernelCheck> checks;
  check_finish_rows(cpu_backend(), team, checks);
  for (const KernelCheck& check : checks)
    EXPECT_TRUE(check.ok) << check.case_name << ": " << check.max_error;
}

TEST(FinishRows, StoredRowsReadAsTheRoundedOnes) {
  constexpr int64_t kDim = 512;
  constexpr int64_t kRows = 20;
  std::vector<float> x = random_values(kRows * kDim, 4);
  const std::vector<float> weight = random_values(kDim, 5);
  const std::vector<float> frequencies = random_values(32, 6);
  std::vector<int64_t> positions;
  for (int64_t t = 0; t < kRows; ++t)
    positions.push_back(t);
  const RowLayout layout{RowFormat::fp8, kDim, 64};
  std::vector<std::byte> stored(
      static_cast<size_t>(kRows * layout.row_bytes()));
  ThreadTeam team(2);
  const FinishRowsParams params{
      .x = x.data(),
      .rows = kRows,
      .positions = positions.data(),
      .finish =
          {.dim = kDim,
           .norm = true,
           .norm_weight = weight.data(),
           .norm_eps = 1e-6F,
           .rotary_dim = 64,
           .frequencies = frequencies.data(),
           .rounding = RowRounding::fp8},
      .layout = layout,
      .encoded = stored.data()};
  finish_rows_cpu({&params, 1}, team);
  for (int64_t r = 0; r < kRows; ++r) {
    std::vector<float> row(kDim);
    decode_row(layout, stored.data() + r * layout.row_bytes(), row.data());
    for (int64_t c = 0; c < kDim - 64; ++c)
      EXPECT_EQ(
          row[static_cast<size_t>(c)], x[static_cast<size_t>(r * kDim + c)]);
  }
}

}  // namespace
}  // namespace hadal
