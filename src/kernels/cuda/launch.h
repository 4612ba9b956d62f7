// How the CUDA kernels are started: at once, or written down and started
// together as one graph.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

namespace hadal::cuda {

// early: the kernel may start before its predecessor has ended (programmatic
// dependent launch, from capability 9.0 on; elsewhere the same as after). Every
// thread of it, idle ones included, must call wait_for_predecessor()
// (wait.cuh), and before that touch nothing that another kernel of this forward
// pass writes or reads; weights may be read before. A predecessor that calls
// let_successor_start() lets it begin sooner still.
enum class Start : uint8_t { after, early };

struct LaunchShape {
  dim3 grid;
  dim3 block;
  unsigned shared_bytes = 0;  // dynamic; over 48 KB needs allow_shared_memory()
  Start start = Start::after;
};

// One launch. `arguments`: a pointer to each, `sizes` their bytes.
struct LaunchArguments {
  const void* kernel = nullptr;
  void* const* arguments = nullptr;
  const size_t* sizes = nullptr;
  size_t count = 0;
};

// Between begin_recording() and end_recording() the launch is written down
// (arguments are copied), else it goes into stream() at once. Throws
// Error(internal) when CUDA refuses it.
void launch_kernel(const LaunchShape& shape, const LaunchArguments& what);

// kernel<<<shape>>>(values...), the values converted to its parameters.
template <class... Parameters, class... Values>
void launch(
    void (*kernel)(Parameters...),
    const LaunchShape& shape,
    Values&&... values) {
  static_assert(sizeof...(Parameters) == sizeof...(Values));
  std::tuple<std::remove_cv_t<Parameters>...> kept(
      std::forward<Values>(values)...);
  std::apply(
      [&](auto&... each) {
        void* const pointers[] = {&each...};
        constexpr size_t kSizes[] = {sizeof(each)...};
        launch_kernel(
            shape,
            {reinterpret_cast<const void*>(kernel),
             pointers,
             kSizes,
             sizeof...(Parameters)});
      },
      kept);
}

// A host array as kernels of this pass see it: a copy in device memory, until
// the pass ends. What changes from step to step (positions, pages, lengths)
// belongs here rather than into arguments: the same calls get the same
// addresses, so a recorded graph stays as it is. Null for null.
void* table_bytes(const void* values, int64_t bytes);
template <class T>
T* table(const T* values, int64_t count) {
  static_assert(std::is_trivially_copyable_v<T>);
  return static_cast<T*>(
      table_bytes(values, count * static_cast<int64_t>(sizeof(T))));
}

// Allows a kernel `bytes` of dynamic shared memory; once per kernel.
void allow_shared_memory(const void* kernel, int64_t bytes);

// Starts to write down launches and tables. `repeats`: a pass like those before
// and after it (a decode step), so that a graph is worth its making.
void begin_recording(bool repeats);
// Starts everything that was written down so far and waits for it; recording
// goes on. Throws Error(internal) with CUDA's words when a kernel failed.
void flush_recording();
// The same, and ends recording.
void end_recording();
// Forgets what was not submitted: after an error.
void drop_recording() noexcept;
// Frees `data` (of cudaMalloc) when no written-down launch can need it any
// more.
void free_later(void* data) noexcept;

}  // namespace hadal::cuda
