#include "bench/kernel_recorder.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <span>

#include "base/check.h"
#include "bench/kernel_description.h"

namespace hadal {

struct KernelRecorder::State {
  const Backend* inner = nullptr;
  MemorySource* memory = nullptr;
  std::map<std::string, KernelUse> uses;
  bool recording = false;
};

namespace {

// Kernels are plain functions, so the recorder that is at work is found here.
KernelRecorder::State* active = nullptr;

double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Calls the kernel `kMember`, waits for it where the backend puts work off, and
// takes notes.
template <auto kMember, class Params>
void watch(const Params& params, ThreadTeam& team) {
  HADAL_CHECK(active != nullptr);
  const auto kernel = active->inner->*kMember;
  if (!active->recording) {
    kernel(params, team);
    return;
  }
  const double start = now();
  kernel(params, team);
  active->inner->flush();
  const double end = now();
  // After the call: a kernel may read lists that an earlier one has written.
  KernelUse use;
  describe(params, HostReads(*active->memory), use);
  KernelUse& sum = active->uses[use.name];
  sum.name = use.name;
  sum.calls += 1;
  sum.seconds += end - start;
  sum.weight_bytes += use.weight_bytes;
  sum.cache_bytes += use.cache_bytes;
  for (int i = 0; i < kArithmeticCount; ++i) {
    sum.operations[i] += use.operations[i];
    sum.score_operations[i] += use.score_operations[i];
  }
}

// What stands in the table in place of the kernel `kMember`, which takes its
// parameters by reference or as a span.
template <auto kMember, class Params>
void watched(const Params& params, ThreadTeam& team) {
  watch<kMember>(params, team);
}
template <auto kMember, class Params>
void watched_list(std::span<const Params> all, ThreadTeam& team) {
  watch<kMember>(all, team);
}

// A pass that is cut after every kernel is like none before it.
void watched_begin(bool repeats) {
  HADAL_CHECK(active != nullptr);
  active->inner->begin(repeats && !active->recording);
}

}  // namespace

KernelRecorder::KernelRecorder(const Backend& inner, MemorySource& memory)
    : backend_(inner), state_(std::make_unique<State>()) {
  HADAL_CHECK(active == nullptr);
  state_->inner = &inner;
  state_->memory = &memory;
  backend_.linear = watched<&Backend::linear>;
  backend_.linear_many = watched_list<&Backend::linear_many>;
  backend_.experts = watched<&Backend::experts>;
  backend_.router = watched<&Backend::router>;
  backend_.rms_norm = watched<&Backend::rms_norm>;
  backend_.rotary = watched<&Backend::rotary>;
  backend_.hyper_connection_pre = watched<&Backend::hyper_connection_pre>;
  backend_.hyper_connection_post = watched<&Backend::hyper_connection_post>;
  backend_.hyper_connection_between =
      watched<&Backend::hyper_connection_between>;
  backend_.hyper_connection_head = watched<&Backend::hyper_connection_head>;
  backend_.fp8_round_trip = watched<&Backend::fp8_round_trip>;
  backend_.hadamard_fp4 = watched<&Backend::hadamard_fp4>;
  backend_.compressor_pool = watched<&Backend::compressor_pool>;
  backend_.indexer = watched<&Backend::indexer>;
  backend_.sparse_attention = watched<&Backend::sparse_attention>;
  backend_.indexer_many = watched_list<&Backend::indexer_many>;
  backend_.sparse_attention_many =
      watched_list<&Backend::sparse_attention_many>;
  backend_.compress = watched_list<&Backend::compress>;
  backend_.store_rows = watched_list<&Backend::store_rows>;
  backend_.finish_rows = watched_list<&Backend::finish_rows>;
  backend_.embed = watched<&Backend::embed>;
  backend_.add_to_streams = watched<&Backend::add_to_streams>;
  backend_.begin = watched_begin;
  active = state_.get();
}

KernelRecorder::~KernelRecorder() {
  active = nullptr;
}

void KernelRecorder::start() {
  state_->uses.clear();
  state_->recording = true;
}

void KernelRecorder::stop() {
  state_->recording = false;
}

std::vector<KernelUse> KernelRecorder::uses() const {
  std::vector<KernelUse> all;
  for (const auto& [name, use] : state_->uses)
    all.push_back(use);
  std::stable_sort(
      all.begin(), all.end(), [](const KernelUse& a, const KernelUse& b) {
        return a.seconds > b.seconds;
      });
  return all;
}

}  // namespace hadal
