// The read loop prefetches ahead of two running sums; the arithmetic loops keep
// twelve independent sums in registers, which hides the latency of every
// instruction on the processors we know.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/ceilings.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

#include "hwy/cache_control.h"
#include "hwy/highway.h"

#include "kernels/ceilings.h"
#include "kernels/simd/byte_dot-inl.h"
#include "kernels/simd/lanes16-inl.h"

// Makes a register's value unknown to the compiler, which would otherwise take
// a product of two constants out of the loop.
#undef HADAL_HIDE
#if HWY_ARCH_X86
#define HADAL_HIDE(value) asm volatile("" : "+x"(value))
#elif HWY_ARCH_ARM_A64
#define HADAL_HIDE(value) asm volatile("" : "+w"(value))
#else
#define HADAL_HIDE(value) asm volatile("" : "+m"(value))
#endif

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// Reads [from, from + bytes), a multiple of 512.
uint64_t ReadBytes(const uint8_t* from, int64_t bytes) {
#if HWY_TARGET == HWY_SCALAR
  const uint64_t* words = reinterpret_cast<const uint64_t*>(from);
  uint64_t sums[4] = {};
  for (int64_t i = 0; i < bytes / 8; i += 4)
    for (int64_t j = 0; j < 4; ++j)
      sums[j] += words[i + j];
  return sums[0] + sums[1] + sums[2] + sums[3];
#else
  constexpr int64_t kStep = 512;
  constexpr int64_t kAhead = 4096;
  const hn::CappedTag<uint64_t, 8> d;
  constexpr int64_t kVector = HWY_MIN(64, HWY_MAX_BYTES);
  auto sum0 = hn::Zero(d);
  auto sum1 = hn::Zero(d);
  for (int64_t at = 0; at < bytes; at += kStep) {
    for (int64_t line = 0; line < kStep; line += 64)
      hwy::Prefetch(from + at + kAhead + line);
    for (int64_t i = at; i < at + kStep; i += 2 * kVector) {
      const uint64_t* lane = reinterpret_cast<const uint64_t*>(from + i);
      sum0 = hn::Add(sum0, hn::Load(d, lane));
      sum1 = hn::Add(sum1, hn::Load(d, lane + kVector / 8));
    }
  }
  // Lane by lane: g++'s own sum over a vector is signed and may overflow.
  uint64_t lanes[8];
  hn::StoreU(hn::Add(sum0, sum1), d, lanes);
  uint64_t sum = 0;
  for (size_t i = 0; i < hn::Lanes(d); ++i)
    sum += lanes[i];
  return sum;
#endif
}

// Each step adds products to one sum; kOperations counts them, a multiply-add
// as two.
#if HWY_TARGET == HWY_SCALAR

struct Fp32Step {
  using Sum = float;
  using Factor = float;
  static constexpr int kOperations = 2;
  static HWY_INLINE Factor factor() { return 1.5F; }
  static HWY_INLINE Sum add(Sum sum, Factor& a) {
    HADAL_HIDE(a);
    return __builtin_fmaf(a, a, sum);
  }
  static HWY_INLINE float value(Sum sum) { return sum; }
};
struct IntStep {
  using Sum = int32_t;
  using Factor = int32_t;
  static constexpr int kOperations = 2;
  static HWY_INLINE Factor factor() { return 3; }
  static HWY_INLINE Sum add(Sum sum, Factor& a) {
    asm volatile("" : "+r"(a));
    return sum + a * a;
  }
  static HWY_INLINE float value(Sum sum) { return static_cast<float>(sum); }
};
using Int16Step = IntStep;
using Int8Step = IntStep;

#else

struct Fp32Step {
  using Sum = VecF;
  using Factor = VecF;
  static constexpr int kOperations = 2 * kLanesF;
  static HWY_INLINE Factor factor() { return hn::Set(TagF(), 1.5F); }
  static HWY_INLINE Sum add(Sum sum, Factor& a) {
    return hn::MulAdd(a, a, sum);
  }
  static HWY_INLINE float value(Sum sum) { return hn::GetLane(sum); }
};

struct Int16Step {
  using Tag = hn::Repartition<int16_t, TagI>;
  using Sum = VecI;
  using Factor = hn::Vec<Tag>;
  static constexpr int kOperations = 4 * kLanesF;
  static HWY_INLINE Factor factor() { return hn::Set(Tag(), 3); }
  static HWY_INLINE Sum add(Sum sum, Factor& a) {
    HADAL_HIDE(a.raw);
#if HWY_TARGET == HWY_AVX3_DL
    asm("vpdpwssd %1, %1, %0" : "+v"(sum.raw) : "v"(a.raw));
    return sum;
#else
    VecI odd = hn::Zero(TagI());
    sum = hn::ReorderWidenMulAccumulate(TagI(), a, a, sum, odd);
#if HWY_TARGET != HWY_AVX2  // there the first sum has both
    sum = hn::Add(sum, odd);
#endif
    return sum;
#endif
  }
  static HWY_INLINE float value(Sum sum) {
    return static_cast<float>(hn::GetLane(sum));
  }
};

struct Int8Step {
  using Sum = VecI;
  using Factor = VecU8;
  static constexpr int kOperations = 8 * kLanesF;
  static HWY_INLINE Factor factor() { return hn::Set(TagU8(), 3); }
  static HWY_INLINE Sum add(Sum sum, Factor& a) {
    HADAL_HIDE(a.raw);
    return dot_small(sum, a, hn::BitCast(TagI8(), a));
  }
  static HWY_INLINE float value(Sum sum) {
    return static_cast<float>(hn::GetLane(sum));
  }
};

#if HWY_TARGET == HWY_AVX3_DL
struct Bf16Step {
  using Sum = VecF;
  using Factor = VecF;
  static constexpr int kOperations = 4 * kLanesF;
  static HWY_INLINE Factor factor() {
    return hn::BitCast(TagF(), hn::Set(TagI(), 0x3FC03FC0));  // 1.5, 1.5
  }
  static HWY_INLINE Sum add(Sum sum, Factor& a) {
    HADAL_HIDE(a.raw);
    asm("vdpbf16ps %1, %1, %0" : "+v"(sum.raw) : "v"(a.raw));
    return sum;
  }
  static HWY_INLINE float value(Sum sum) { return hn::GetLane(sum); }
};
#endif

#endif  // HWY_TARGET == HWY_SCALAR

// Returns the operations done; `sink` takes the sums.
template <class Step>
HWY_INLINE double run_steps(int64_t rounds, float* sink) {
  constexpr int kSums = 12;
  typename Step::Factor factor = Step::factor();
  typename Step::Sum sums[kSums];
  for (int i = 0; i < kSums; ++i)
    sums[i] = typename Step::Sum{};
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i)
      sums[i] = Step::add(sums[i], factor);
  }
  for (int i = 0; i < kSums; ++i)
    *sink += Step::value(sums[i]);
  return static_cast<double>(rounds) * kSums * Step::kOperations;
}

// 0: not on this instruction set.
double RunArithmetic(Arithmetic arithmetic, int64_t rounds, float* sink) {
  switch (arithmetic) {
    case Arithmetic::fp32_fma:
      return run_steps<Fp32Step>(rounds, sink);
    case Arithmetic::bf16_dot:
#if HWY_TARGET == HWY_AVX3_DL
      return __builtin_cpu_supports("avx512bf16") != 0
                 ? run_steps<Bf16Step>(rounds, sink)
                 : 0;
#else
      return 0;
#endif
    case Arithmetic::int16_dot:
      return run_steps<Int16Step>(rounds, sink);
    case Arithmetic::int8_dot:
      return run_steps<Int8Step>(rounds, sink);
  }
  return 0;
}

const char* TargetName() {
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <atomic>
#include <chrono>

#include "base/huge_memory.h"
#include "base/memory_info.h"

namespace hadal {
namespace {

HWY_EXPORT(ReadBytes);
HWY_EXPORT(RunArithmetic);
HWY_EXPORT(TargetName);

constexpr size_t kLeastReadBytes = size_t{8} << 20;
constexpr int64_t kGrain = int64_t{1} << 20;
constexpr int kReadPasses = 6;
constexpr int kArithmeticTries = 6;
constexpr double kArithmeticSeconds = 4e-3;

template <class Body>
double seconds_of(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

// A quarter of what is free where that is less; whole huge pages.
size_t bytes_to_read(size_t wanted) {
  const size_t quarter = memory_info().available_bytes / 4;
  const size_t bytes = std::max(std::min(wanted, quarter), kLeastReadBytes);
  return bytes >> 21 << 21;
}

}  // namespace

std::string_view name(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::fp32_fma:
      return "fp32 fma";
    case Arithmetic::bf16_dot:
      return "bf16 dot";
    case Arithmetic::int16_dot:
      return "int16 dot";
    case Arithmetic::int8_dot:
      return "int8 dot";
  }
  return "";
}

BandwidthProbe::BandwidthProbe(ThreadTeam& team, size_t read_bytes)
    : team_(team), memory_(bytes_to_read(read_bytes)) {
  team.parallel_for(
      static_cast<int64_t>(memory_.size()),
      kGrain,
      [this](int64_t begin, int64_t end, int) {
        std::fill(memory_.data() + begin, memory_.data() + end, std::byte{1});
      });
}

double BandwidthProbe::measure() const {
  const auto count = static_cast<int64_t>(memory_.size());
  std::atomic<uint64_t> sink{0};
  double best = 0;
  for (int pass = 0; pass < kReadPasses; ++pass) {
    const double seconds = seconds_of([&] {
      team_.parallel_for(count, kGrain, [&](int64_t begin, int64_t end, int) {
        sink += HWY_DYNAMIC_DISPATCH(ReadBytes)(
            reinterpret_cast<const uint8_t*>(memory_.data()) + begin,
            end - begin);
      });
    });
    best = std::max(best, static_cast<double>(count) / seconds);
  }
  return best;
}

double measure_peak(Arithmetic arithmetic, ThreadTeam& team) {
  std::atomic<float> sink{0};
  std::atomic<double> operations{0};
  const auto run = [&](int64_t rounds) {
    operations = 0;
    return seconds_of([&] {
      team.parallel_for(team.size(), 1, [&](int64_t begin, int64_t end, int) {
        float sum = 0;
        for (int64_t i = begin; i < end; ++i)
          operations +=
              HWY_DYNAMIC_DISPATCH(RunArithmetic)(arithmetic, rounds, &sum);
        sink.store(sum, std::memory_order_relaxed);
      });
    });
  };
  int64_t rounds = 256;
  while (run(rounds) < kArithmeticSeconds && operations > 0)
    rounds *= 2;
  double best = 0;
  for (int i = 0; i < kArithmeticTries && operations > 0; ++i) {
    const double seconds = run(rounds);
    best = std::max(best, operations / seconds);
  }
  return best;
}

Ceilings measure_ceilings(ThreadTeam& team, size_t read_bytes) {
  Ceilings ceilings;
  ceilings.instruction_set = HWY_DYNAMIC_DISPATCH(TargetName)();
  ceilings.threads = team.size();
  ceilings.read_bytes_per_second = BandwidthProbe(team, read_bytes).measure();
  for (int i = 0; i < kArithmeticCount; ++i)
    ceilings.peaks[i] = measure_peak(static_cast<Arithmetic>(i), team);
  return ceilings;
}

}  // namespace hadal
#endif
