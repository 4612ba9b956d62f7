// Integer products of few tokens, four rows of the weight at a time, which
// share the loads of the activations' codes. Mxfp4 only: no biases.
//
// A vector of sums holds, for each block of a unit, the four rows. The rows
// that come next are requested in the order of the file, a set of four ahead.
//
// Included once per target, after row_streams-inl.h; not for HWY_SCALAR.
#if defined(HADAL_FOUR_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_FOUR_ROWS_INL_H_
#undef HADAL_FOUR_ROWS_INL_H_
#else
#define HADAL_FOUR_ROWS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR

constexpr int kFour = 4;

// Tokens whose factors lie as they come.
template <int T, int kPlanes>
using BlockInput = RowInput<T, kPlanes, false, false>;

// The accumulators of four rows and a token: [block of a unit][row] each, unit
// u of span c at c mod kSumVecs, u.
struct FourSums {
  VecF unit[kSumVecs][kSpanUnits];
};

// Unit `u` of the span of four rows whose codes begin at `rows`, with a token's
// codes at `x`.
template <int kPlanes, bool kWide>
HWY_INLINE VecI
sum_unit(const VecU8 (&a)[kFour], const VecU8 (&b)[kFour], const int8_t* x) {
  const TagI8 d8;
  VecI sums[kFour];
  for (int p = 0; p < kPlanes; ++p, x += kGroupColumns) {
    const VecI8 xa = hn::LoadU(d8, x);
    const VecI8 xb = hn::LoadU(d8, x + 64);
    for (int r = 0; r < kFour; ++r) {
      const VecI high = p == 0 ? hn::Zero(TagI()) : hn::ShiftLeft<8>(sums[r]);
      sums[r] = dot<kWide>(dot<kWide>(high, a[r], xa), b[r], xb);
    }
  }
  return sum_blocks4(sums);
}

// Lane i of a vector: block i / 4 of a unit, of whose numbers 128 bits are
// read: a whole vector would often lie in two lines of the cache.
HWY_INLINE auto block_lanes() {
  HWY_ALIGN int32_t lanes[kN];
  for (int i = 0; i < kN; ++i)
    lanes[i] = i / 4;
  return hn::SetTableIndices(TagI(), lanes);
}

// Span `span` of four rows, whose codes begin at rows[r] + offset, with every
// token to sums[t].unit[v]. kTail: only `units` of its units lie in the rows.
template <int T, int kPlanes, bool kWide, bool kTail, class Codes>
HWY_INLINE void add_four_spans(
    const Codes& codes,
    const uint8_t* const (&rows)[kFour],
    int64_t offset,
    int64_t units,
    const BlockInput<T, kPlanes>& x,
    const RowFactors<false>* factors,
    int64_t span,
    int v,
    FourSums* sums) {
  const TagI d;
  const TagF df;
  VecI scales[kFour];
  for (int r = 0; r < kFour; ++r)
    scales[r] = hn::BitCast(d, factors[r].scales(span));
  VecI turned[kSpanUnits];
  transpose4(scales, turned);
  const auto lanes = block_lanes();
#pragma GCC unroll 4
  for (int u = 0; u < kSpanUnits; ++u) {
    VecU8 a[kFour];
    VecU8 b[kFour];
    for (int r = 0; r < kFour; ++r)
      codes.load(rows[r] + offset + u * Codes::kUnitBytes, a[r], b[r]);
    // Beyond the row's end the factors are zeros: any codes will do.
    const int unit = !kTail || u < units ? u : 0;
    const int64_t block = span * kN + u * kUnit;
    const VecF scale = hn::BitCast(df, turned[u]);
#pragma GCC unroll 4
    for (int t = 0; t < T; ++t) {
      const VecI offsets =
          hn::TableLookupLanes(hn::LoadDup128(d, x.offsets[t] + block), lanes);
      const VecF scale_x = hn::BitCast(
          df,
          hn::TableLookupLanes(
              hn::BitCast(d, hn::LoadDup128(df, x.scales[t] + block)), lanes));
      const VecI sum =
          hn::Add(sum_unit<kPlanes, kWide>(a, b, x.at(t, span, unit)), offsets);
      VecF& acc = sums[t].unit[v][u];
      acc = fused(hn::ConvertTo(df, sum), hn::Mul(scale_x, scale), acc);
    }
  }
}

// y of four rows: their sixteen accumulators one after the other.
HWY_INLINE void join_four(const FourSums& sums, int64_t rows, float* y) {
  const hn::CappedTag<float, kFour> d4;
  HWY_ALIGN float lanes[kIntegerSums * kFour];
  for (int v = 0; v < kSumVecs; ++v)
    for (int u = 0; u < kSpanUnits; ++u)
      hn::Store(sums.unit[v][u], TagF(), lanes + (v * kSpanUnits + u) * kN);
  auto total = hn::Zero(d4);
  for (int i = 0; i < kIntegerSums; ++i)
    total = hn::Add(total, hn::Load(d4, lanes + kFour * i));
  if (rows >= kFour)
    return hn::StoreU(total, d4, y);
  hn::Store(total, d4, lanes);
  for (int64_t r = 0; r < rows; ++r)
    y[r] = lanes[r];
}

// Rows [first, first + 4), of which those from the job's last on are not
// stored.
template <int T, int kPlanes, bool kWide, class Codes>
HWY_INLINE void four_rows(
    const Codes& codes,
    const IntegerJob& job,
    int64_t first,
    const BlockInput<T, kPlanes>& x,
    RowFactors<false>* factors) {
  const WeightView& weight = *job.weight;
  constexpr int64_t kSpanBytes = kSpanUnits * Codes::kUnitBytes;
  const int64_t last = job.row_end - 1;
  const uint8_t* rows[kFour];
  for (int r = 0; r < kFour; ++r) {
    const int64_t row = first + r < last ? first + r : last;
    factors[r].load(row);
    rows[r] =
        reinterpret_cast<const uint8_t*>(weight.data) + row * weight.row_bytes;
  }
  const int64_t in_file =
      spans_in_file<Codes>(weight, first + 3 < last ? first + 3 : last);
  FourSums sums[T];
  for (int t = 0; t < T; ++t)
    for (int v = 0; v < kSumVecs; ++v)
      for (int u = 0; u < kSpanUnits; ++u)
        sums[t].unit[v][u] = hn::Zero(TagF());
  FileAhead<3> ahead(rows[0] + bytes_ahead_of_four(weight));
  int64_t span = 0;
  for (; span + kSumVecs <= in_file; span += kSumVecs)
    for (int v = 0; v < kSumVecs; ++v) {
      ahead.request(kFour * kSpanBytes);
      add_four_spans<T, kPlanes, kWide, false>(
          codes,
          rows,
          (span + v) * kSpanBytes,
          kSpanUnits,
          x,
          factors,
          span + v,
          v,
          sums);
    }
  const int64_t units =
      (weight.cols + 32 * kUnit - 1) / (32 * kUnit) - span * kSpanUnits;
  if (units > 0) {
    HWY_ALIGN uint8_t copies[kFour][kTailSpans * kSpanBytes];
    for (int r = 0; r < kFour; ++r) {
      copy_tail<Codes>(weight, rows[r], span, copies[r]);
      rows[r] = copies[r];
    }
    for (int64_t i = 0; i * kSpanUnits < units; ++i)
      for (int v = 0; v < kSumVecs; ++v)
        if (v == i % kSumVecs)
          add_four_spans<T, kPlanes, kWide, true>(
              codes,
              rows,
              i * kSpanBytes,
              units - i * kSpanUnits,
              x,
              factors,
              span + i,
              v,
              sums);
  }
  for (int t = 0; t < T; ++t)
    join_four(
        sums[t],
        job.row_end - first,
        job.y + t * job.y_stride + (first - job.row_begin));
}

template <int T, int kPlanes, bool kWide, class Codes>
HWY_NOINLINE void rows_by_four(const IntegerJob& job, std::byte* scratch) {
  const WeightView& weight = *job.weight;
  const Codes codes;
  BlockInput<T, kPlanes> x;
  float* room = reinterpret_cast<float*>(
      x.template prepare<Codes::kNatural>(job, scratch));
  const int64_t size = 2 * RowFactors<false>::room_of(weight.cols);
  RowFactors<false> factors[kFour] = {
      {weight, room},
      {weight, room + size},
      {weight, room + 2 * size},
      {weight, room + 3 * size}};
  prefetch_lines(
      reinterpret_cast<const uint8_t*>(weight.data) +
          job.row_begin * weight.row_bytes,
      bytes_ahead_of_four(weight));
  for (int64_t first = job.row_begin; first < job.row_end; first += kFour)
    four_rows<T, kPlanes, kWide>(codes, job, first, x, factors);
}

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // include guard of the target
