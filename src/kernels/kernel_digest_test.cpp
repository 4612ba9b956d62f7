// The CPU kernels' outputs, bit for bit as they were recorded on x86: on every
// instruction set of this machine, so also on machines of another kind.
//
// After a change that means to change bits (an order of sums, a case):
//   HADAL_WRITE_KERNEL_DIGESTS=tests/data/kernel_digests.txt hadal_kernels_test
//   --gtest_filter=KernelDigests.*
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "kernels/case_targets.h"
#include "kernels/kernel_check.h"

namespace hadal {
namespace {

using Digests = std::map<std::string, std::string>;  // by kernel and case

constexpr const char* kFile = HADAL_SOURCE_DIR "/tests/data/kernel_digests.txt";

Digests digests_here() {
  ThreadTeam team(2);
  Digests digests;
  for (const KernelCheck& check : check_backend(cpu_backend(), team))
    digests[check.kernel + ": " + check.case_name] =
        fmt::format("{:016x}", check.digest);
  return digests;
}

// Lines of a digest, a space, the kernel and its case.
Digests read_digests() {
  std::ifstream file(kFile);
  Digests digests;
  std::string line;
  while (std::getline(file, line))
    if (!line.starts_with('#'))
      digests[line.substr(17)] = line.substr(0, 16);
  return digests;
}

void write_digests(const std::string& path) {
  std::ofstream file(path);
  file << "# Outputs of the CPU kernels (src/kernels/kernel_digest_test.cpp)\n";
  for (const auto& [name, digest] : digests_here())
    file << digest << ' ' << name << '\n';
}

TEST(KernelDigests, AreThoseRecorded) {
  if (const char* path = std::getenv("HADAL_WRITE_KERNEL_DIGESTS"))
    write_digests(path);
  const Digests recorded = read_digests();
  ASSERT_FALSE(recorded.empty()) << kFile;
  for_each_target([&](const std::string& target) {
    const Digests found = digests_here();
    for (const auto& [name, digest] : found) {
      const auto line = recorded.find(name);
      if (line == recorded.end())
        ADD_FAILURE() << name << " is not recorded";
      else
        EXPECT_EQ(digest, line->second) << name << " on " << target;
    }
    EXPECT_EQ(found.size(), recorded.size());
  });
}

}  // namespace
}  // namespace hadal
