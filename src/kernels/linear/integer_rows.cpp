// Integer products for one to kRowTokens tokens: bound by memory, so the rows
// are read once, where they lie, and decoded in registers.
//
// A vector of rows goes through the columns side by side; the partial sums of
// four rows by four lanes are turned by transposition into one lane a row. The
// processor's own prefetcher does not follow so many streams: the rows that
// come next in the file are requested in file order, a whole block of rows
// ahead and evenly spread over the work on a block.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/integer_rows.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

#include "hwy/highway.h"

#include "kernels/linear/integer_job.h"
#include "kernels/simd/byte_dot-inl.h"

#include "kernels/linear/weight_codes-inl.h"  // after byte_dot-inl.h

#include "kernels/linear/block_scales-inl.h"  // after weight_codes-inl.h

#include "kernels/linear/weight_rows-inl.h"  // after block_scales-inl.h

#include "kernels/linear/row_streams-inl.h"  // after weight_rows-inl.h

#include "kernels/linear/with_codes-inl.h"  // after weight_codes-inl.h

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

void Rows(const IntegerJob& job, std::byte*) {
  plain_integer_product(job);
}

#else

// Units [begin, end) of all rows with every token; the bytes of a row begin
// with `offset`. Requests as many bytes as it reads from `next` on.
template <int T, int kPlanes, bool kAffine, bool kWide, class Codes>
HWY_INLINE void add_units(
    const Codes& codes,
    const uint8_t* const (&rows)[kN],
    int64_t offset,
    const RowInput<T, kPlanes>& x,
    int64_t begin,
    int64_t end,
    int64_t blocks,
    const float* scales,
    const float* biases,
    const uint8_t* next,
    VecF (&acc)[T]) {
  const TagI d;
  const TagI8 d8;
  constexpr int kUnitsInGroup = kGroupBlocks / kUnit;
  for (int64_t u = begin; u < end; ++u, offset += Codes::kUnitBytes) {
    const int64_t group = u / kUnitsInGroup * x.kGroupBytes;
    const int block = static_cast<int>(u % kUnitsInGroup) * kUnit;
    VecI quarters[T][kUnit];
    for (int q = 0; q < kUnit; ++q) {
      prefetch_lines(next, 4 * Codes::kUnitBytes);
      next += 4 * Codes::kUnitBytes;
      VecU8 a[4];
      VecU8 b[4];
      for (int i = 0; i < 4; ++i)
        codes.load(rows[4 * q + i] + offset, a[i], b[i]);
      for (int t = 0; t < T; ++t) {
        VecI sums[4];
        for (int i = 0; i < 4; ++i)
          sums[i] = hn::Zero(d);
        for (int p = 0; p < kPlanes; ++p) {
          const int8_t* from =
              x.codes[t] + group + 16 * block + p * kGroupColumns;
          const VecI8 xa = hn::LoadU(d8, from);
          const VecI8 xb = hn::LoadU(d8, from + 64);
          for (int i = 0; i < 4; ++i) {
            if (p == 1)
              sums[i] = hn::ShiftLeft<8>(sums[i]);
            sums[i] = dot<kWide>(dot<kWide>(sums[i], a[i], xa), b[i], xb);
          }
        }
        quarters[t][q] = sum_blocks4(sums);
      }
    }
    const int64_t left = blocks - u * kUnit;
    for (int t = 0; t < T; ++t) {
      VecI sums[kUnit];
      transpose_blocks(quarters[t], sums);
      const BlockFactors& factors =
          *reinterpret_cast<const BlockFactors*>(x.factors[t] + group);
      for (int j = 0; j < kUnit; ++j)
        if (j < left)
          acc[t] = add_block<kAffine>(
              acc[t],
              sums[j],
              factors,
              block + j,
              scales + j * kN,
              biases + j * kN);
    }
    scales += kUnit * kN;
    biases += kUnit * kN;
  }
}

// Rows [first, first + kN) with the T tokens of the job.
template <int T, int kPlanes, bool kAffine, bool kWide, class Codes>
HWY_NOINLINE void row_tile(
    const IntegerJob& job, const RowInput<T, kPlanes>& x, int64_t first) {
  const WeightView& weight = *job.weight;
  const int64_t blocks = weight.cols / 32;
  const int64_t units = (blocks + kUnit - 1) / kUnit;
  const Codes codes;
  WeightRows rows;
  find_rows<Codes>(weight, first, job.row_end, rows);
  RowFactors<kAffine> factors(weight, rows);
  VecF acc[T];
  for (int t = 0; t < T; ++t)
    acc[t] = hn::Zero(TagF());
  for (int64_t u = 0; u < units; u += kChunkUnits) {
    factors.load(u / kChunkUnits);
    const uint8_t* next = rows.data[0] + kN * weight.row_bytes + kLatencyBytes +
                          u * kN * Codes::kUnitBytes;
    const int64_t end = units - u < kChunkUnits ? units : u + kChunkUnits;
    const int64_t in_file = rows.whole < u     ? u
                            : rows.whole < end ? rows.whole
                                               : end;
    add_units<T, kPlanes, kAffine, kWide>(
        codes,
        rows.data,
        u * Codes::kUnitBytes,
        x,
        u,
        in_file,
        blocks,
        factors.scales,
        factors.biases,
        next,
        acc);
    if (in_file < end)
      add_units<T, kPlanes, kAffine, kWide>(
          codes,
          rows.edge,
          (in_file - rows.whole) * Codes::kUnitBytes,
          x,
          in_file,
          end,
          blocks,
          factors.scales + (in_file - u) * kUnit * kN,
          factors.biases + (in_file - u) * kUnit * kN,
          next,
          acc);
  }
  for (int t = 0; t < T; ++t)
    store_rows(
        acc[t],
        first,
        job.row_end,
        job.y + t * job.y_stride + (first - job.row_begin));
}

template <int T, int kPlanes, bool kAffine, bool kWide, class Codes>
HWY_NOINLINE void rows_of_tokens(const IntegerJob& job, std::byte* scratch) {
  const WeightView& weight = *job.weight;
  RowInput<T, kPlanes> x;
  x.template prepare<Codes::kNatural>(job, scratch);
  prefetch_lines(
      reinterpret_cast<const uint8_t*>(weight.data) +
          job.row_begin * weight.row_bytes,
      kN * weight.row_bytes + kLatencyBytes);
  for (int64_t r = job.row_begin; r < job.row_end; r += kN)
    row_tile<T, kPlanes, kAffine, kWide, Codes>(job, x, r);
}

template <int kPlanes, bool kAffine, bool kWide, class Codes>
HWY_INLINE void all_rows(const IntegerJob& job, std::byte* scratch) {
  switch (job.count) {
    case 1:
      return rows_of_tokens<1, kPlanes, kAffine, kWide, Codes>(job, scratch);
    case 2:
      return rows_of_tokens<2, kPlanes, kAffine, kWide, Codes>(job, scratch);
    case 3:
      return rows_of_tokens<3, kPlanes, kAffine, kWide, Codes>(job, scratch);
    default:
      return rows_of_tokens<4, kPlanes, kAffine, kWide, Codes>(job, scratch);
  }
}

struct RunRows {
  const IntegerJob& job;
  std::byte* scratch;

  template <int kPlanes, bool kAffine, bool kWide, class Codes>
  HWY_INLINE void run() const {
    all_rows<kPlanes, kAffine, kWide, Codes>(job, scratch);
  }
};

void Rows(const IntegerJob& job, std::byte* scratch) {
  with_codes(job, RunRows{job, scratch});
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(Rows);

void integer_rows(const IntegerJob& job, std::byte* scratch) {
  HWY_DYNAMIC_DISPATCH(Rows)(job, scratch);
}

int64_t integer_rows_bytes(int64_t cols) {
  return kRowTokens * integer_row_bytes(ActivationFormat::int8, cols);
}

}  // namespace hadal
#endif
