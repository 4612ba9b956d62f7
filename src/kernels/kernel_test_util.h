// What the kernel tests share: every instruction set in turn, comparison by
// bits.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace hadal {

// Calls `test` once for every instruction set that this machine runs and the
// kernels are compiled for, with the dispatch set to it, best first; then the
// dispatch is as before.
void for_each_target(const std::function<void(const std::string& name)>& test);

// EXPECT that two arrays are equal by bits; prints the first difference.
inline void expect_same_bits(
    const std::vector<float>& value,
    const std::vector<float>& expected,
    const std::string& what) {
  ASSERT_EQ(value.size(), expected.size()) << what;
  for (size_t i = 0; i < value.size(); ++i)
    ASSERT_EQ(std::memcmp(&value[i], &expected[i], 4), 0)
        << what << ": at " << i << " of " << value.size() << " found "
        << value[i] << ", expected " << expected[i];
}

}  // namespace hadal
