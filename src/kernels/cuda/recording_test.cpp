// Passes that are written down run as their kernels would one by one.
#include "kernels/cuda/recording.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/cuda/device_memory.h"
#include "kernels/cuda/find_device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/random_weight.h"
#include "kernels/same_bits.h"

namespace hadal {
namespace {

const char kKernel = 0;
const char kOtherKernel = 0;

// A launch of two arguments.
void add(
    cuda::LaunchList& list,
    const void* kernel,
    int first,
    double second,
    unsigned blocks = 1,
    unsigned threads = 32) {
  void* arguments[] = {&first, &second};
  constexpr size_t kSizes[] = {sizeof(first), sizeof(second)};
  list.add({.grid = blocks, .block = threads}, {kernel, arguments, kSizes, 2});
}

TEST(LaunchList, KeepsTheArguments) {
  cuda::LaunchList list;
  add(list, &kKernel, 3, 0.5);
  add(list, &kOtherKernel, 4, 1.5);
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list.kernel(1), &kOtherKernel);
  EXPECT_EQ(*static_cast<int*>(list.arguments(0)[0]), 3);
  EXPECT_EQ(*static_cast<double*>(list.arguments(1)[1]), 1.5);
  list.clear();
  EXPECT_TRUE(list.empty());
}

TEST(LaunchList, KnowsWhatAGraphCanTakeOver) {
  cuda::LaunchList list;
  add(list, &kKernel, 3, 0.5);
  const auto other =
      [](const void* kernel, int first, unsigned blocks, unsigned threads) {
        cuda::LaunchList result;
        add(result, kernel, first, 0.5, blocks, threads);
        return result;
      };
  EXPECT_TRUE(list.same_kernels(other(&kKernel, 3, 1, 32)));
  EXPECT_TRUE(list.same_launch(other(&kKernel, 3, 1, 32), 0));
  // Other arguments and grids can be set, other kernels and blocks cannot.
  EXPECT_TRUE(list.same_kernels(other(&kKernel, 4, 2, 32)));
  EXPECT_FALSE(list.same_launch(other(&kKernel, 4, 1, 32), 0));
  EXPECT_FALSE(list.same_launch(other(&kKernel, 3, 2, 32), 0));
  EXPECT_FALSE(list.same_kernels(other(&kOtherKernel, 3, 1, 32)));
  EXPECT_FALSE(list.same_kernels(other(&kKernel, 3, 1, 64)));
  EXPECT_FALSE(list.same_kernels({}));
}

// Rows of 128 in device memory, normed with a weight and rotated.
struct Rows {
  static constexpr int64_t kDim = 128;
  static constexpr int64_t kRows = 6;

  SourcedBuffer<float> x{cuda::device_memory()};
  SourcedCopy<float> weight{random_values(kDim, 1), cuda::device_memory()};
  SourcedCopy<float> frequencies{random_values(32, 2), cuda::device_memory()};

  // One pass over the first `rows` rows at positions from `first` on.
  void pass(int64_t rows, int64_t first) {
    std::vector<int64_t> positions;
    for (int64_t r = 0; r < rows; ++r)
      positions.push_back(first + r);
    rms_norm_cuda(
        {.x = x.data(),
         .x_stride = kDim,
         .y = x.data(),
         .y_stride = kDim,
         .rows = rows,
         .dim = kDim,
         .weight = weight.data(),
         .eps = 1e-6F});
    rotary_cuda(
        {.x = x.data(),
         .x_stride = kDim,
         .tokens = rows,
         .heads = 1,
         .dim = kDim,
         .rotary_dim = 64,
         .positions = cuda::table(positions.data(), rows),
         .frequencies = frequencies.data()});
  }

  void fill(uint64_t seed) {
    const std::vector<float> values = random_values(kRows * kDim, seed);
    cuda::device_memory().copy(
        x.reserve(kRows * kDim), values.data(), values.size() * sizeof(float));
  }
  std::vector<float> read() {
    std::vector<float> values(static_cast<size_t>(kRows * kDim));
    cuda::device_memory().copy(
        values.data(), x.data(), values.size() * sizeof(float));
    return values;
  }
};

TEST(Recording, RunsWhatWouldHaveRunAtOnce) {
  if (const std::string reason = missing_cuda_device(); !reason.empty())
    GTEST_SKIP() << reason;
  Rows rows;
  // From the third pass on a graph; then other arguments, grids and tables.
  constexpr int64_t kPasses[][2] = {
      {4, 10}, {4, 10}, {4, 10}, {4, 11}, {6, 900}, {1, 5}, {4, 10}};
  uint64_t seed = 3;
  for (const auto& [count, first] : kPasses)
    for (const bool repeats : {true, false}) {
      rows.fill(++seed);
      rows.pass(count, first);
      const std::vector<float> expected = rows.read();
      rows.fill(seed);
      cuda::begin_recording(repeats);
      rows.pass(count, first);
      cuda::end_recording();
      expect_same_bits(rows.read(), expected, "a pass");
    }
}

TEST(Recording, DroppedWorkIsNotDone) {
  if (const std::string reason = missing_cuda_device(); !reason.empty())
    GTEST_SKIP() << reason;
  Rows rows;
  rows.fill(100);
  const std::vector<float> before = rows.read();
  cuda::begin_recording(true);
  rows.pass(3, 7);
  cuda::drop_recording();
  cuda::begin_recording(true);
  cuda::end_recording();
  expect_same_bits(rows.read(), before, "nothing ran");
}

}  // namespace
}  // namespace hadal
