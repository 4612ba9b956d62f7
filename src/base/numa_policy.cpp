// By system calls: the C library has no functions for them, and the library
// that has is not worth a dependency.
#include "base/numa_policy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <system_error>

#include "hadal/error.h"

#if defined(__linux__)
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace hadal {
namespace {

constexpr int kMaxNodes = 1024;  // as many as Linux can have

// "0-3,8" -> 0 1 2 3 8.
std::vector<int> parse_node_list(std::string_view text) {
  std::vector<int> nodes;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    int first = 0;
    auto result = std::from_chars(at, end, first);
    if (result.ec != std::errc())
      break;
    int last = first;
    if (result.ptr < end && *result.ptr == '-')
      result = std::from_chars(result.ptr + 1, end, last);
    for (int node = first; node <= last && node < kMaxNodes; ++node)
      nodes.push_back(node);
    at = result.ptr < end ? result.ptr + 1 : end;
  }
  return nodes;
}

#if defined(__linux__)

constexpr size_t kMaskWords = kMaxNodes / 64;

// What the system calls take.
struct KernelPolicy {
  int mode = MPOL_DEFAULT;
  unsigned long mask[kMaskWords] = {};
  // The kernel reads one bit less than it is told.
  static constexpr unsigned long kBits = kMaxNodes + 1;
};

KernelPolicy kernel_policy(const NumaPolicy& policy) {
  KernelPolicy kernel;
  if (policy.mode == NumaPolicy::Mode::off)
    return kernel;
  const std::vector<int> nodes = numa_nodes();
  const bool bind = policy.mode == NumaPolicy::Mode::bind;
  if (bind && std::find(nodes.begin(), nodes.end(), policy.node) == nodes.end())
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "numa: found bind:{}, but the nodes with memory are {}",
            policy.node,
            fmt::join(nodes, ", ")));
  kernel.mode = bind ? MPOL_BIND : MPOL_INTERLEAVE;
  for (int node : nodes)
    if (!bind || node == policy.node)
      kernel.mask[node / 64] |= 1UL << (node % 64);
  return kernel;
}

// With a single node, interleaving is what happens anyway.
void check_accepted(const NumaPolicy& policy, long result) {
  if (result == 0)
    return;
  const int error = errno;
  if (policy.mode == NumaPolicy::Mode::interleave && numa_nodes().size() == 1)
    return;
  throw Error(
      ErrorCode::unsupported,
      fmt::format(
          "numa: the kernel refused {} ({}); use --numa off, or place the "
          "process with numactl",
          to_string(policy),
          std::generic_category().message(error)));
}

#endif

}  // namespace

NumaPolicy parse_numa_policy(std::string_view text) {
  if (text.empty() || text == "off")
    return {};
  if (text == "interleave")
    return {.mode = NumaPolicy::Mode::interleave};
  constexpr std::string_view kBind = "bind:";
  int node = -1;
  if (text.starts_with(kBind)) {
    const char* const end = text.data() + text.size();
    const auto [at, error] =
        std::from_chars(text.data() + kBind.size(), end, node);
    if (error == std::errc() && at == end && node >= 0 && node < kMaxNodes)
      return {.mode = NumaPolicy::Mode::bind, .node = node};
  }
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format(
          "numa: found \"{}\", expected off, interleave or bind:NODE", text));
}

std::string to_string(const NumaPolicy& policy) {
  switch (policy.mode) {
    case NumaPolicy::Mode::interleave:
      return "interleave";
    case NumaPolicy::Mode::bind:
      return fmt::format("bind:{}", policy.node);
    default:
      return "off";
  }
}

std::vector<int> numa_nodes() {
  std::ifstream file("/sys/devices/system/node/has_memory");
  std::string text;
  std::getline(file, text);
  std::vector<int> nodes = parse_node_list(text);
  if (nodes.empty())
    nodes.push_back(0);
  return nodes;
}

#if defined(__linux__)

struct ThreadNumaPolicy::Old {
  KernelPolicy policy;
};

void set_thread_numa_policy(const NumaPolicy& policy) {
  const KernelPolicy kernel = kernel_policy(policy);
  check_accepted(
      policy,
      syscall(
          SYS_set_mempolicy, kernel.mode, kernel.mask, KernelPolicy::kBits));
}

void set_memory_numa_policy(
    const NumaPolicy& policy, void* data, size_t bytes) {
  if (bytes == 0)
    return;
  const KernelPolicy kernel = kernel_policy(policy);
  check_accepted(
      policy,
      syscall(
          SYS_mbind,
          data,
          bytes,
          kernel.mode,
          kernel.mask,
          KernelPolicy::kBits,
          0));
}

ThreadNumaPolicy::ThreadNumaPolicy(const NumaPolicy& policy) {
  if (policy.mode == NumaPolicy::Mode::off)
    return;
  auto old = std::make_unique<Old>();
  const long result = syscall(
      SYS_get_mempolicy,
      &old->policy.mode,
      old->policy.mask,
      KernelPolicy::kBits,
      nullptr,
      0);
  set_thread_numa_policy(policy);
  if (result == 0)
    old_ = std::move(old);
}

ThreadNumaPolicy::~ThreadNumaPolicy() {
  if (old_)
    syscall(
        SYS_set_mempolicy,
        old_->policy.mode,
        old_->policy.mask,
        KernelPolicy::kBits);
}

#else

struct ThreadNumaPolicy::Old {};

namespace {

void refuse(const NumaPolicy& policy) {
  if (policy.mode == NumaPolicy::Mode::bind)
    throw Error(
        ErrorCode::unsupported,
        "numa: this system cannot bind memory to a node; use --numa off");
}

}  // namespace

void set_thread_numa_policy(const NumaPolicy& policy) {
  refuse(policy);
}

void set_memory_numa_policy(
    const NumaPolicy& policy, void* /*data*/, size_t /*bytes*/) {
  refuse(policy);
}

ThreadNumaPolicy::ThreadNumaPolicy(const NumaPolicy& policy) {
  refuse(policy);
}

ThreadNumaPolicy::~ThreadNumaPolicy() = default;

#endif

}  // namespace hadal
