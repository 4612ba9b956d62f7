#include "base/numa_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/huge_memory.h"
#include "base/thread_team.h"
#include "hadal/error.h"

namespace hadal {
namespace {

using Mode = NumaPolicy::Mode;

TEST(NumaPolicy, ReadsItsNames) {
  EXPECT_EQ(parse_numa_policy(""), NumaPolicy{});
  EXPECT_EQ(parse_numa_policy("off"), NumaPolicy{});
  EXPECT_EQ(parse_numa_policy("interleave").mode, Mode::interleave);
  const NumaPolicy bind = parse_numa_policy("bind:12");
  EXPECT_EQ(bind.mode, Mode::bind);
  EXPECT_EQ(bind.node, 12);
  for (const char* text : {"off", "interleave", "bind:3"})
    EXPECT_EQ(to_string(parse_numa_policy(text)), text);
}

TEST(NumaPolicy, RefusesOtherNames) {
  for (const char* text :
       {"on", "bind", "bind:", "bind:x", "bind:-1", "bind:1x", "bind:99999"})
    try {
      parse_numa_policy(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_NE(
          std::string(error.what()).find("off, interleave or bind:NODE"),
          std::string::npos);
    }
}

TEST(NumaPolicy, InterleavesOnAnyMachine) {
  const NumaPolicy policy{.mode = Mode::interleave};
  HugeMemory memory(size_t{4} << 20);
  set_memory_numa_policy(policy, memory.data(), memory.size());
  const ThreadNumaPolicy guard(policy);
  std::fill_n(memory.data(), memory.size(), std::byte{1});
  EXPECT_EQ(memory.data()[memory.size() - 1], std::byte{1});
}

TEST(NumaPolicy, NamesTheNodesThereAre) {
  EXPECT_FALSE(numa_nodes().empty());
  const NumaPolicy nowhere{.mode = Mode::bind, .node = 1023};
  EXPECT_THROW(set_thread_numa_policy(nowhere), Error);
  try {
    ThreadTeam team({.threads = 2, .numa = nowhere});
    ADD_FAILURE() << "bound to a node that is not there";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("bind:1023"), std::string::npos);
  }
}

TEST(NumaPolicy, ATeamWorksUnderIt) {
  ThreadTeam team({.threads = 2, .numa = {.mode = Mode::interleave}});
  const ThreadTeam::Caller caller(team);
  HugeMemory memory(size_t{4} << 20);
  team.parallel_for(
      static_cast<int64_t>(memory.size()),
      4096,
      [&](int64_t begin, int64_t end, int) {
        std::fill(memory.data() + begin, memory.data() + end, std::byte{2});
      });
  EXPECT_EQ(
      std::count(memory.data(), memory.data() + memory.size(), std::byte{2}),
      static_cast<int64_t>(memory.size()));
}

}  // namespace
}  // namespace hadal
