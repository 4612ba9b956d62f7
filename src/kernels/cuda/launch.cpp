#include "kernels/cuda/launch.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/launch_times.h"
#include "kernels/cuda/recording.h"

namespace hadal::cuda {
namespace {

constexpr int64_t kTableBytes = int64_t{32} << 20;
constexpr int64_t kAlignment = 256;

// Tables of a pass, side by side: in pinned memory of the host, and their
// copies in device memory.
class Tables {
 public:
  // The host's side is to be copied by upload().
  void* put(const void* values, int64_t bytes) {
    make();
    HADAL_CHECK(fits(bytes));
    const int64_t at = used_;
    std::memcpy(host_ + at, values, static_cast<size_t>(bytes));
    used_ = (used_ + bytes + kAlignment - 1) / kAlignment * kAlignment;
    return device_ + at;
  }
  bool fits(int64_t bytes) const { return used_ + bytes <= kTableBytes; }
  void upload() {
    if (used_ > uploaded_)
      check(
          cudaMemcpyAsync(
              device_ + uploaded_,
              host_ + uploaded_,
              static_cast<size_t>(used_ - uploaded_),
              cudaMemcpyHostToDevice,
              stream()),
          "copying tables to the device");
    uploaded_ = used_;
  }
  // Only when the device needs none of them any more.
  void clear() {
    used_ = 0;
    uploaded_ = 0;
  }

 private:
  void make() {
    if (host_ != nullptr)
      return;
    void* host = nullptr;
    check(
        cudaHostAlloc(
            &host, static_cast<size_t>(kTableBytes), cudaHostAllocDefault),
        "allocating pinned memory");
    device_ = static_cast<std::byte*>(memory_.reserve(kTableBytes));
    host_ = static_cast<std::byte*>(host);
  }

  std::byte* host_ = nullptr;  // until the process ends
  std::byte* device_ = nullptr;
  DeviceBuffer memory_;
  int64_t used_ = 0;
  int64_t uploaded_ = 0;
};

struct State {
  Tables tables;
  bool recording = false;
  bool repeats = false;
  LaunchList list;
  // Of what was started last, for errors: its kernels, the first and the last.
  size_t started = 0;
  const void* first_started = nullptr;
  const void* last_started = nullptr;
  GraphCache graphs;
  std::vector<void*> freed;  // when the device has come to rest
};

State& state() {
  static State the_state;
  return the_state;
}

// HADAL_CUDA_SYNC=1: every kernel is started at once and waited for, so that an
// error names the one that made it. Slow.
bool one_by_one() {
  static const bool kAsked = [] {
    const char* const value = std::getenv("HADAL_CUDA_SYNC");
    return value != nullptr && *value != '\0' && *value != '0';
  }();
  return kAsked;
}

// As the compiler knows it.
const char* name_of(const void* kernel) {
  const char* name = nullptr;
  return cudaFuncGetName(&name, kernel) == cudaSuccess ? name : "a kernel";
}

// The device rests: nothing needs the tables or what was freed any more.
void come_to_rest() {
  State& all = state();
  all.tables.clear();
  for (void* const data : all.freed)
    cudaFree(data);
  all.freed.clear();
}

// Starts what was written down.
void submit() {
  State& all = state();
  all.tables.upload();
  if (!all.list.empty()) {
    all.started = all.list.size();
    all.first_started = all.list.kernel(0);
    all.last_started = all.list.kernel(all.started - 1);
  }
  if (launches_are_watched()) {
    start_watched(all.list);
    all.list.clear();
    return;
  }
  if (all.repeats && all.graphs.start(all.list)) {
    all.list.clear();
    return;
  }
  all.list.start();
  all.list.clear();
}

}  // namespace

void launch_kernel(const LaunchShape& shape, const LaunchArguments& what) {
  State& all = state();
  if (all.recording) {
    all.list.add(shape, what);
    return;
  }
  all.tables.upload();
  start_kernel(shape, what.kernel, what.arguments);
  if (one_by_one())
    check(
        cudaStreamSynchronize(stream()),
        fmt::format("running {}", name_of(what.kernel)).c_str());
}

void* table_bytes(const void* values, int64_t bytes) {
  if (values == nullptr)
    return nullptr;
  State& all = state();
  if (!all.tables.fits(bytes)) {
    if (all.recording)
      submit();
    check(cudaStreamSynchronize(stream()), "running kernels");
    all.tables.clear();
  }
  return all.tables.put(values, bytes);
}

void allow_shared_memory(const void* kernel, int64_t bytes) {
  check(
      cudaFuncSetAttribute(
          kernel,
          cudaFuncAttributeMaxDynamicSharedMemorySize,
          static_cast<int>(bytes)),
      "asking for shared memory");
}

void begin_recording(bool repeats) {
  drop_recording();
  State& all = state();
  all.recording = !one_by_one();
  all.repeats = repeats;
}

void flush_recording() {
  submit();
  const cudaError_t status = cudaStreamSynchronize(stream());
  if (status == cudaSuccess)
    return;
  const State& all = state();
  check(
      status,
      fmt::format(
          "running {} kernels from {} to {}",
          all.started,
          name_of(all.first_started),
          name_of(all.last_started))
          .c_str());
}

void end_recording() {
  flush_recording();
  state().recording = false;
  come_to_rest();
}

void drop_recording() noexcept {
  State& all = state();
  all.list.clear();
  if (!all.recording)
    return;
  all.recording = false;
  if (cudaStreamSynchronize(stream()) == cudaSuccess)
    come_to_rest();
}

void free_later(void* data) noexcept {
  if (data == nullptr)
    return;
  State& all = state();
  if (!all.recording) {
    cudaFree(data);
    return;
  }
  try {
    all.freed.push_back(data);
  } catch (const std::bad_alloc&) {
    // Kept for good rather than freed too early.
  }
}

}  // namespace hadal::cuda
