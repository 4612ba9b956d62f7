#include "kernels/compress/compress.h"

#include <gtest/gtest.h>

#include "kernels/kernel_check.h"

namespace hadal {
namespace {

TEST(Compress, CpuAgreesWithTheReference) {
  ThreadTeam team(2);
  std::vector<KernelCheck> checks;
  check_compress(cpu_backend(), team, checks);
  for (const KernelCheck& check : checks)
    EXPECT_TRUE(check.ok) << check.case_name << ": " << check.max_error;
}

TEST(StoreRows, CpuCopiesTheLastRowsToTheirSlots) {
  ThreadTeam team(1);
  std::vector<KernelCheck> checks;
  check_store_rows(cpu_backend(), team, checks);
  check_streams(cpu_backend(), team, checks);
  for (const KernelCheck& check : checks)
    EXPECT_TRUE(check.ok) << check.case_name << ": " << check.max_error;
}

}  // namespace
}  // namespace hadal
