// For tests: equality by bits.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace hadal {

// Asserts that two arrays are equal by bits; prints the first difference.
inline void expect_same_bits(
    const std::vector<float>& found,
    const std::vector<float>& expected,
    const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (size_t i = 0; i < found.size(); ++i)
    ASSERT_EQ(std::memcmp(&found[i], &expected[i], 4), 0)
        << what << ": at " << i << " of " << found.size() << " found "
        << found[i] << ", expected " << expected[i];
}

}  // namespace hadal
