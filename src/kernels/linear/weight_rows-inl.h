// kN rows of an integer weight where they lie in the file.
//
// Included once per target, after block_scales-inl.h; not for HWY_SCALAR.
#if defined(HADAL_WEIGHT_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_WEIGHT_ROWS_INL_H_
#undef HADAL_WEIGHT_ROWS_INL_H_
#else
#define HADAL_WEIGHT_ROWS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR

// Rows first .. first + kN - 1; from `end` on the last one again.
struct WeightRows {
  const uint8_t* data[kN];
  const uint8_t* scales[kN];
  const uint8_t* biases[kN];  // of affine weights
  // Decoders read whole vectors, which may reach beyond the weight's last byte.
  // From unit `whole` on they read a copy instead.
  int64_t whole;
  const uint8_t* edge[kN];
  HWY_ALIGN uint8_t copies[kN][256];
};

template <class Codes>
HWY_INLINE void find_rows(
    const WeightView& view, int64_t first, int64_t end, WeightRows& rows) {
  static_assert(Codes::kReadBytes <= 128);
  const auto bytes = [](const std::byte* from) {
    return reinterpret_cast<const uint8_t*>(from);
  };
  for (int i = 0; i < kN; ++i) {
    const int64_t row = first + i < end ? first + i : end - 1;
    rows.data[i] = bytes(view.data) + row * view.row_bytes;
    rows.scales[i] = bytes(view.scales) + row * view.scale_stride;
    if (view.biases != nullptr)
      rows.biases[i] = bytes(view.biases) + row * view.scale_stride;
  }
  const int bits = view.format == WeightFormat::affine ? view.bits : 4;
  const int64_t used = view.cols * bits / 8;  // bytes of a row
  const int64_t units = (view.cols + 32 * kUnit - 1) / (32 * kUnit);
  const uint8_t* limit =
      bytes(view.data) + (view.rows - 1) * view.row_bytes + used;
  const int64_t readable = limit - rows.data[kN - 1];
  int64_t whole = 0;
  if (readable >= Codes::kReadBytes)
    whole = (readable - Codes::kReadBytes) / Codes::kUnitBytes + 1;
  rows.whole = whole < units ? whole : units;
  if (rows.whole == units)
    return;
  // Less than kReadBytes remain, or one more unit would be whole.
  const int64_t from = rows.whole * Codes::kUnitBytes;
  for (int i = 0; i < kN; ++i) {
    rows.edge[i] = rows.copies[i];
    __builtin_memset(rows.copies[i], 0, sizeof(rows.copies[i]));
    __builtin_memcpy(
        rows.copies[i], rows.data[i] + from, static_cast<size_t>(used - from));
  }
}

// Where unit `u` of every row lies.
template <class Codes>
struct UnitOfRows {
  const uint8_t* const* row;
  int64_t offset;

  HWY_INLINE UnitOfRows(const WeightRows& rows, int64_t u) {
    const bool in_file = u < rows.whole;
    row = in_file ? rows.data : rows.edge;
    offset = (in_file ? u : u - rows.whole) * Codes::kUnitBytes;
  }
  HWY_INLINE const uint8_t* at(int i) const { return row[i] + offset; }
};

// Requests bytes of the file one after the other, long before they are needed:
// kLevel 3 to the first cache, 2 to the second.
template <int kLevel>
class FileAhead {
 public:
  HWY_INLINE explicit FileAhead(const uint8_t* at) : at_(at) {}
  HWY_INLINE void request(int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64)
      __builtin_prefetch(at_ + i, 0, kLevel);
    at_ += bytes;
  }

 private:
  const uint8_t* at_;
};

// In-lane transposition of 4 x 4: out[i] has in every 128-bit block the
// elements i of a, b, c, d.
HWY_INLINE void transpose4(const VecI (&in)[4], VecI (&out)[4]) {
  const TagI d;
  const hn::Repartition<int64_t, TagI> d64;
  const auto ab_low = hn::BitCast(d64, hn::InterleaveLower(d, in[0], in[1]));
  const auto ab_high = hn::BitCast(d64, hn::InterleaveUpper(d, in[0], in[1]));
  const auto cd_low = hn::BitCast(d64, hn::InterleaveLower(d, in[2], in[3]));
  const auto cd_high = hn::BitCast(d64, hn::InterleaveUpper(d, in[2], in[3]));
  out[0] = hn::BitCast(d, hn::InterleaveLower(d64, ab_low, cd_low));
  out[1] = hn::BitCast(d, hn::InterleaveUpper(d64, ab_low, cd_low));
  out[2] = hn::BitCast(d, hn::InterleaveLower(d64, ab_high, cd_high));
  out[3] = hn::BitCast(d, hn::InterleaveUpper(d64, ab_high, cd_high));
}

// Lane i of a 128-bit block: the sum of that block of in[i].
HWY_INLINE VecI sum_blocks4(const VecI (&in)[4]) {
  const TagI d;
  const hn::Repartition<int64_t, TagI> d64;
  const auto ab = hn::BitCast(
      d64,
      hn::Add(
          hn::InterleaveLower(d, in[0], in[1]),
          hn::InterleaveUpper(d, in[0], in[1])));
  const auto cd = hn::BitCast(
      d64,
      hn::Add(
          hn::InterleaveLower(d, in[2], in[3]),
          hn::InterleaveUpper(d, in[2], in[3])));
  return hn::Add(
      hn::BitCast(d, hn::InterleaveLower(d64, ab, cd)),
      hn::BitCast(d, hn::InterleaveUpper(d64, ab, cd)));
}

// 128-bit block j of in[q] becomes block q of out[j].
HWY_INLINE void transpose_blocks(const VecI (&in)[kUnit], VecI (&out)[kUnit]) {
#if HWY_MAX_BYTES == 64
  const TagI d;
  const VecI even01 = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(in[1]), in[0]);
  const VecI odd01 = hn::OddEvenBlocks(in[1], hn::SwapAdjacentBlocks(in[0]));
  const VecI even23 = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(in[3]), in[2]);
  const VecI odd23 = hn::OddEvenBlocks(in[3], hn::SwapAdjacentBlocks(in[2]));
  out[0] = hn::ConcatLowerLower(d, even23, even01);
  out[1] = hn::ConcatLowerLower(d, odd23, odd01);
  out[2] = hn::ConcatUpperUpper(d, even23, even01);
  out[3] = hn::ConcatUpperUpper(d, odd23, odd01);
#elif HWY_MAX_BYTES == 32
  const TagI d;
  out[0] = hn::ConcatLowerLower(d, in[1], in[0]);
  out[1] = hn::ConcatUpperUpper(d, in[1], in[0]);
#else
  out[0] = in[0];
#endif
}

template <bool kWide>
HWY_INLINE VecI dot(VecI acc, VecU8 w, VecI8 x) {
  return kWide ? dot_wide(acc, w, x) : dot_small(acc, w, x);
}

// What a block adds to the accumulators of kN rows, given its integer sums:
// the order of linear.h.
template <bool kAffine>
HWY_INLINE VecF add_block(
    VecF acc,
    VecI sum,
    const BlockFactors& x,
    int block,
    const float* scales,
    const float* biases) {
  const TagF d;
  if (!kAffine)
    sum = hn::Add(sum, hn::Set(TagI(), x.offset[block]));
  const VecF factor = hn::Mul(hn::Set(d, x.scale[block]), hn::LoadU(d, scales));
  acc = hn::MulAdd(hn::ConvertTo(d, sum), factor, acc);
  if (kAffine)
    acc =
        hn::MulAdd(hn::Set(d, x.scaled_sum[block]), hn::LoadU(d, biases), acc);
  return acc;
}

// The first rows of `acc` that the job has, from `row` on, to y.
HWY_INLINE void store_rows(VecF acc, int64_t row, int64_t row_end, float* y) {
  if (row + kN <= row_end) {
    hn::StoreU(acc, TagF(), y);
    return;
  }
  float lane[kN];
  hn::StoreU(acc, TagF(), lane);
  for (int64_t i = 0; row + i < row_end; ++i)
    y[i] = lane[i];
}

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // include guard of the target
