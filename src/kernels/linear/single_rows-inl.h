// Integer products of few tokens, one row of the weight after the other: the
// file is read from front to back, with requests a fixed distance ahead, and
// what has been requested lies in consecutive lines, which no cache throws out
// before their turn.
//
// The sixteen accumulators of an output are the lanes of a vector; those of kN
// rows wait in the cache until they are turned into lanes of rows and joined.
//
// Included once per target, after row_streams-inl.h; not for HWY_SCALAR.
#if defined(HADAL_SINGLE_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_SINGLE_ROWS_INL_H_
#undef HADAL_SINGLE_ROWS_INL_H_
#else
#define HADAL_SINGLE_ROWS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR

// Int8 tokens whose factors lie in the order of a span's lanes.
template <int T, bool kAffine>
using SpanInput = RowInput<T, 1, kAffine, true>;

// Span `span` of a row, whose codes begin at `from`, with every token to acc.
// kTail: only `units` of its units lie in the row.
template <int T, bool kAffine, bool kWide, bool kTail, class Codes>
HWY_INLINE void add_span(
    const Codes& codes,
    const uint8_t* from,
    int64_t units,
    const SpanInput<T, kAffine>& x,
    const RowFactors<kAffine>& factors,
    int64_t span,
    VecF* acc) {
  const TagI d;
  const TagF df;
  VecU8 a[kSpanUnits];
  VecU8 b[kSpanUnits];
  for (int u = 0; u < kSpanUnits; ++u)
    codes.load(from + u * Codes::kUnitBytes, a[u], b[u]);
  const VecF scale = factors.scales(span);
#pragma GCC unroll 4
  for (int t = 0; t < T; ++t) {
    VecI sums[kSpanUnits];
    for (int u = 0; u < kSpanUnits; ++u) {
      // Beyond the row's end the factors are zeros: any codes will do.
      const int unit = !kTail || u < units ? u : 0;
      const int8_t* at = x.at(t, span, unit);
      sums[u] = dot_at<kWide>(hn::Zero(d), a[u], at);
      sums[u] = dot_at<kWide>(sums[u], b[u], at + 64);
    }
    VecI sum = sum_blocks4(sums);
    if (!kAffine)
      sum = hn::Add(sum, hn::LoadU(d, x.offsets[t] + span * kN));
    const VecF factor = hn::Mul(hn::LoadU(df, x.scales[t] + span * kN), scale);
    acc[t] = fused(hn::ConvertTo(df, sum), factor, acc[t]);
    if (kAffine)
      acc[t] = fused(
          hn::LoadU(df, x.scaled_sums[t] + span * kN),
          factors.biases(span),
          acc[t]);
  }
}

// The 16 accumulators of one row and each token, [T][kN rows][16] at `sums`.
template <int T, bool kAffine, bool kWide, class Codes>
HWY_INLINE void add_row(
    const Codes& codes,
    const WeightView& weight,
    int64_t row,
    const SpanInput<T, kAffine>& x,
    const RowFactors<kAffine>& factors,
    float* sums) {
  constexpr int64_t kSpanBytes = kSpanUnits * Codes::kUnitBytes;
  const uint8_t* from =
      reinterpret_cast<const uint8_t*>(weight.data) + row * weight.row_bytes;
  const int64_t in_file = spans_in_file<Codes>(weight, row);
  VecF acc[kSumVecs][T];
  for (int v = 0; v < kSumVecs; ++v)
    for (int t = 0; t < T; ++t)
      acc[v][t] = hn::Zero(TagF());
  int64_t span = 0;
  for (; span + kSumVecs <= in_file; span += kSumVecs)
    for (int v = 0; v < kSumVecs; ++v) {
      const uint8_t* at = from + (span + v) * kSpanBytes;
      prefetch_lines(at + kAheadBytes, kSpanBytes);
      add_span<T, kAffine, kWide, false>(
          codes, at, kSpanUnits, x, factors, span + v, acc[v]);
    }
  const int64_t units =
      (weight.cols + 32 * kUnit - 1) / (32 * kUnit) - span * kSpanUnits;
  if (units > 0) {
    HWY_ALIGN uint8_t copy[kTailSpans * kSpanBytes];
    copy_tail<Codes>(weight, from, span, copy);
    for (int64_t i = 0; i * kSpanUnits < units; ++i)
      for (int v = 0; v < kSumVecs; ++v)
        if (v == i % kSumVecs)
          add_span<T, kAffine, kWide, true>(
              codes,
              copy + i * kSpanBytes,
              units - i * kSpanUnits,
              x,
              factors,
              span + i,
              acc[v]);
  }
  for (int t = 0; t < T; ++t)
    for (int v = 0; v < kSumVecs; ++v)
      hn::StoreU(acc[v][t], TagF(), sums + t * kN * kIntegerSums + v * kN);
}

// The accumulators of kN rows, [kN][16], to their outputs, a lane a row.
HWY_INLINE VecF join_sums(const float* sums) {
  VecF y = hn::Zero(TagF());
  for (int v = 0; v < kSumVecs; ++v) {
    VecI turned[4][kUnit];
    for (int q = 0; q < kUnit; ++q) {
      VecI rows[4];
      for (int i = 0; i < 4; ++i)
        rows[i] = hn::BitCast(
            TagI(),
            hn::LoadU(TagF(), sums + (4 * q + i) * kIntegerSums + v * kN));
      VecI columns[4];
      transpose4(rows, columns);
      for (int u = 0; u < 4; ++u)
        turned[u][q] = columns[u];
    }
    for (int u = 0; u < 4; ++u) {
      VecI blocks[kUnit];
      transpose_blocks(turned[u], blocks);
      for (int j = 0; j < kUnit; ++j)
        y = hn::Add(y, hn::BitCast(TagF(), blocks[j]));
    }
  }
  return y;
}

template <int T, bool kAffine, bool kWide, class Codes>
HWY_NOINLINE void rows_one_by_one(const IntegerJob& job, std::byte* scratch) {
  const WeightView& weight = *job.weight;
  const Codes codes;
  SpanInput<T, kAffine> x;
  scratch = x.template prepare<Codes::kNatural>(job, scratch);
  RowFactors<kAffine> factors(weight, reinterpret_cast<float*>(scratch));
  HWY_ALIGN float sums[T * kN * kIntegerSums] = {};
  prefetch_lines(
      reinterpret_cast<const uint8_t*>(weight.data) +
          job.row_begin * weight.row_bytes,
      kAheadBytes);
  for (int64_t first = job.row_begin; first < job.row_end; first += kN) {
    for (int i = 0; i < kN && first + i < job.row_end; ++i) {
      factors.load(first + i);
      add_row<T, kAffine, kWide>(
          codes, weight, first + i, x, factors, sums + i * kIntegerSums);
    }
    for (int t = 0; t < T; ++t)
      store_rows(
          join_sums(sums + t * kN * kIntegerSums),
          first,
          job.row_end,
          job.y + t * job.y_stride + (first - job.row_begin));
  }
}

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // include guard of the target
