#include <algorithm>

#include "kernels/cuda/ceilings_cuda.h"
#include "kernels/cuda/launch.h"

namespace hadal::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kTries = 12;
constexpr int kUnroll = 8;

// The shortest of several runs, in seconds by the GPU's clock.
template <class Run>
double best_seconds(const Run& run) {
  cudaEvent_t begin = nullptr;
  cudaEvent_t end = nullptr;
  check(cudaEventCreate(&begin), "making an event");
  check(cudaEventCreate(&end), "making an event");
  double best = 1e30;
  for (int i = 0; i < kTries; ++i) {
    check(cudaEventRecord(begin, stream()), "taking a time");
    run();
    check(cudaEventRecord(end, stream()), "taking a time");
    check(cudaEventSynchronize(end), "measuring the GPU");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin, end), "taking a time");
    best = std::min(best, milliseconds / 1e3);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return best;
}

int multiprocessors() {
  int device = 0;
  int count = 0;
  check(cudaGetDevice(&device), "asking for the device");
  check(
      cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device),
      "asking for the multiprocessors");
  return count;
}

// Each thread reads kUnroll neighbours of its block's stretch at a time. `out`
// is written only if all bytes together say so, which the compiler cannot know.
__global__ void __launch_bounds__(kThreads)
    read_all(const uint4* from, int64_t count, uint32_t* out) {
  const int64_t step = int64_t{gridDim.x} * kThreads * kUnroll;
  uint32_t sum = 0;
  for (int64_t i = int64_t{blockIdx.x} * kThreads * kUnroll + threadIdx.x;
       i + (kUnroll - 1) * kThreads < count;
       i += step) {
    uint4 values[kUnroll];
#pragma unroll
    for (int k = 0; k < kUnroll; ++k)
      values[k] = __ldcs(from + i + k * kThreads);
#pragma unroll
    for (int k = 0; k < kUnroll; ++k)
      sum |= values[k].x ^ values[k].y ^ values[k].z ^ values[k].w;
  }
  if (sum == 0x12345678)
    *out = sum;
}

// --- matrix instructions

constexpr int kProducts = 2048;  // of a warp or warp group

// mma m16n8k16, eight sums a warp.
__global__ void __launch_bounds__(kThreads) multiply_mma(float* out) {
  float sums[8][4] = {};
  const uint32_t a = 0x3F803F80U + threadIdx.x;  // about 1
  for (int i = 0; i < kProducts / 8; ++i)
#pragma unroll
    for (int k = 0; k < 8; ++k)
      asm volatile(
          "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
          "{%0, %1, %2, %3}, {%4, %4, %4, %4}, {%4, %4}, {%0, %1, %2, %3};"
          : "+f"(sums[k][0]),
            "+f"(sums[k][1]),
            "+f"(sums[k][2]),
            "+f"(sums[k][3])
          : "r"(a));
  float total = 0;
  for (int k = 0; k < 8; ++k)
    total += sums[k][0] + sums[k][1] + sums[k][2] + sums[k][3];
  if (total == -1)
    *out = total;
}

// wgmma m64n128k16 from shared memory: 8 x 8 blocks of 128 bytes, a row of
// blocks 256 bytes from the next.
__global__ void __launch_bounds__(kThreads) multiply_wgmma(float* out) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  __shared__ __align__(1024) uint32_t tile[1536];  // [64 + 128, 16] bfloat16
  for (int i = threadIdx.x; i < 1536; i += kThreads)
    tile[i] = 0x3F803F80U + i * 0x00050003U;
  asm volatile("fence.proxy.async;" ::: "memory");
  __syncthreads();
  const auto address = static_cast<uint64_t>(__cvta_generic_to_shared(tile));
  const uint64_t shape = uint64_t{128 / 16} << 16 | uint64_t{256 / 16} << 32;
  const uint64_t a = shape | address / 16;
  const uint64_t b = shape | (address + 64 * 32) / 16;
  float d[64] = {};
  for (int i = 0; i < kProducts / 16; ++i) {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
    for (int k = 0; k < 16; ++k)
      asm volatile(
          "{\n"
          "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "
          "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, "
          "%15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, "
          "%28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, "
          "%41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, "
          "%54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
          "%64, %65, 1, 1, 1, 0, 0;\n"
          "}"
          : "+f"(d[0]),
            "+f"(d[1]),
            "+f"(d[2]),
            "+f"(d[3]),
            "+f"(d[4]),
            "+f"(d[5]),
            "+f"(d[6]),
            "+f"(d[7]),
            "+f"(d[8]),
            "+f"(d[9]),
            "+f"(d[10]),
            "+f"(d[11]),
            "+f"(d[12]),
            "+f"(d[13]),
            "+f"(d[14]),
            "+f"(d[15]),
            "+f"(d[16]),
            "+f"(d[17]),
            "+f"(d[18]),
            "+f"(d[19]),
            "+f"(d[20]),
            "+f"(d[21]),
            "+f"(d[22]),
            "+f"(d[23]),
            "+f"(d[24]),
            "+f"(d[25]),
            "+f"(d[26]),
            "+f"(d[27]),
            "+f"(d[28]),
            "+f"(d[29]),
            "+f"(d[30]),
            "+f"(d[31]),
            "+f"(d[32]),
            "+f"(d[33]),
            "+f"(d[34]),
            "+f"(d[35]),
            "+f"(d[36]),
            "+f"(d[37]),
            "+f"(d[38]),
            "+f"(d[39]),
            "+f"(d[40]),
            "+f"(d[41]),
            "+f"(d[42]),
            "+f"(d[43]),
            "+f"(d[44]),
            "+f"(d[45]),
            "+f"(d[46]),
            "+f"(d[47]),
            "+f"(d[48]),
            "+f"(d[49]),
            "+f"(d[50]),
            "+f"(d[51]),
            "+f"(d[52]),
            "+f"(d[53]),
            "+f"(d[54]),
            "+f"(d[55]),
            "+f"(d[56]),
            "+f"(d[57]),
            "+f"(d[58]),
            "+f"(d[59]),
            "+f"(d[60]),
            "+f"(d[61]),
            "+f"(d[62]),
            "+f"(d[63])
          : "l"(a), "l"(b));
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
  }
  float total = 0;
  for (int k = 0; k < 64; ++k)
    total += d[k];
  if (total == -1)
    *out = total;
#else
  static_cast<void>(out);
#endif
}

// Whether multiply_wgmma has its instructions in what runs here: code for 9.0a.
bool has_wgmma() {
  cudaFuncAttributes attributes;
  check(
      cudaFuncGetAttributes(
          &attributes, reinterpret_cast<const void*>(multiply_wgmma)),
      "looking at a kernel");
  return attributes.numRegs > 64;
}

}  // namespace

MemoryProbe::MemoryProbe(int64_t bytes) : bytes_(bytes) {
  from_.reserve(bytes_);
  to_.reserve(bytes_);
}

double MemoryProbe::read_rate() {
  const auto* const from = static_cast<const uint4*>(from_.reserve(bytes_));
  auto* const out = static_cast<uint32_t*>(to_.reserve(bytes_));
  const auto grid = static_cast<unsigned>(multiprocessors() * 8);
  const double seconds = best_seconds([&] {
    launch(read_all, {.grid = grid, .block = kThreads}, from, bytes_ / 16, out);
  });
  return static_cast<double>(bytes_) / seconds;
}

double MemoryProbe::copy_rate() {
  const double seconds = best_seconds([&] {
    check(
        cudaMemcpyAsync(
            to_.reserve(bytes_),
            from_.reserve(bytes_),
            static_cast<size_t>(bytes_),
            cudaMemcpyDeviceToDevice,
            stream()),
        "copying in device memory");
  });
  return 2 * static_cast<double>(bytes_) / seconds;
}

double matrix_rate() {
  DeviceBuffer out;
  auto* const never = static_cast<float*>(out.reserve(256));
  const bool group = has_wgmma();
  const auto grid = static_cast<unsigned>(multiprocessors() * 4);
  const double seconds = best_seconds([&] {
    launch(
        group ? multiply_wgmma : multiply_mma,
        {.grid = grid, .block = kThreads},
        never);
  });
  // A block has two warp groups, or eight warps.
  const double products = static_cast<double>(grid) * kProducts;
  const double operations = group ? products * 2 * (2.0 * 64 * 128 * 16)
                                  : products * 8 * (2.0 * 16 * 8 * 16);
  return operations / seconds;
}

double host_to_device_rate() {
  constexpr int64_t kBytes = int64_t{256} << 20;
  DeviceBuffer buffer;
  void* const to = buffer.reserve(kBytes);
  void* from = nullptr;
  check(
      cudaHostAlloc(&from, static_cast<size_t>(kBytes), cudaHostAllocDefault),
      "pinning memory");
  double seconds = 0;
  try {
    seconds = best_seconds([&] {
      check(
          cudaMemcpyAsync(
              to,
              from,
              static_cast<size_t>(kBytes),
              cudaMemcpyHostToDevice,
              stream()),
          "copying to the device");
    });
  } catch (...) {
    cudaFreeHost(from);
    throw;
  }
  cudaFreeHost(from);
  return static_cast<double>(kBytes) / seconds;
}

}  // namespace hadal::cuda
