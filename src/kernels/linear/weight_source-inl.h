// Four rows of a weight as float32 lanes, decoded in registers where they lie.
// One struct a format, all with the same two calls:
//   span(k)     before columns [k, k + kSpan) are read: fetches their scales
//   load(r, k)  columns [k, k + 16) of row r (0..3) as dequantize_row gives
//               them
// Included once per target, after simd/lanes16-inl.h.
#if defined(HADAL_WEIGHT_SOURCE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_WEIGHT_SOURCE_INL_H_
#undef HADAL_WEIGHT_SOURCE_INL_H_
#else
#define HADAL_WEIGHT_SOURCE_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

constexpr int kSourceRows = 4;

// Rows first .. first + 3 of a view; beyond `end` the last one again.
struct RowPointers {
  const uint8_t* at[kSourceRows];
  int64_t row[kSourceRows];

  HWY_INLINE RowPointers(const WeightView& view, int64_t first, int64_t end) {
    for (int r = 0; r < kSourceRows; ++r) {
      row[r] = first + r < end ? first + r : end - 1;
      at[r] =
          reinterpret_cast<const uint8_t*>(view.data) + row[r] * view.row_bytes;
    }
  }
};

struct F32Source {
  static constexpr int64_t kSpan = 1 << 30;
  RowPointers rows;

  HWY_INLINE F32Source(const WeightView& view, int64_t first, int64_t end)
      : rows(view, first, end) {}
  HWY_INLINE void span(int64_t) {}
  HWY_INLINE Lanes16 load(int r, int64_t k) const {
    return load16(reinterpret_cast<const float*>(rows.at[r]) + k);
  }
};

struct Bf16Source {
  static constexpr int64_t kSpan = 1 << 30;
  RowPointers rows;

  HWY_INLINE Bf16Source(const WeightView& view, int64_t first, int64_t end)
      : rows(view, first, end) {}
  HWY_INLINE void span(int64_t) {}
  HWY_INLINE Lanes16 load(int r, int64_t k) const {
    return load16_bf16(rows.at[r] + 2 * k);
  }
};

// fp8_block and mxfp8. A multiple of 4 rows begins `first`, so the four rows of
// an fp8_block lie in one block.
struct Fp8Source {
  static constexpr int64_t kSpan = 32;
  const WeightView& view;
  RowPointers rows;
  float scale[kSourceRows] = {};

  HWY_INLINE Fp8Source(const WeightView& weight, int64_t first, int64_t end)
      : view(weight), rows(weight, first, end) {}
  HWY_INLINE void span(int64_t k) {
    if (view.format == WeightFormat::fp8_block) {
      if (k % 128 == 0)
        scale[0] = scale[1] = scale[2] = scale[3] =
            weight_scale(view, rows.row[0], k);
      return;
    }
    for (int r = 0; r < kSourceRows; ++r)
      scale[r] = weight_scale(view, rows.row[r], k);
  }
  HWY_INLINE Lanes16 load(int r, int64_t k) const {
    return mul16(load16_e4m3(rows.at[r] + k), set16(scale[r]));
  }
};

// The codes count halves, so the scale is halved: exact.
struct Mxfp4Source {
  static constexpr int64_t kSpan = 32;
  const WeightView& view;
  RowPointers rows;
  float scale[kSourceRows] = {};
  HWY_ALIGN int8_t codes[kSourceRows][32];
  int64_t begin = 0;

  HWY_INLINE Mxfp4Source(const WeightView& weight, int64_t first, int64_t end)
      : view(weight), rows(weight, first, end) {}
  HWY_INLINE void span(int64_t k) {
    begin = k;
    for (int r = 0; r < kSourceRows; ++r) {
      scale[r] = weight_scale(view, rows.row[r], k) * 0.5F;
      decode_halves(rows.at[r] + k / 2, codes[r]);
    }
  }
  HWY_INLINE Lanes16 load(int r, int64_t k) const {
    return mul16(load16_i8(codes[r] + (k - begin)), set16(scale[r]));
  }

  // 16 bytes -> 32 codes in order, as twice their value.
  static HWY_INLINE void decode_halves(const uint8_t* from, int8_t* to) {
    static constexpr int8_t kTwice[16] = {
        0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
#if HWY_TARGET == HWY_SCALAR
    for (int i = 0; i < 16; ++i) {
      to[2 * i] = kTwice[from[i] & 15];
      to[2 * i + 1] = kTwice[from[i] >> 4];
    }
#else
    const hn::CappedTag<uint8_t, 16> d8;
    const hn::CappedTag<int8_t, 16> di8;
    const hn::Repartition<uint16_t, decltype(d8)> d16;
    const auto table = hn::BitCast(d8, hn::LoadU(di8, kTwice));
    const auto low_mask = hn::Set(d8, 15);
    const auto pairs = hn::LoadU(d8, from);
    const auto low = hn::And(pairs, low_mask);
    const auto high = hn::And(
        hn::BitCast(d8, hn::ShiftRight<4>(hn::BitCast(d16, pairs))), low_mask);
    const auto first = hn::InterleaveLower(d8, low, high);
    const auto second = hn::InterleaveUpper(d8, low, high);
    hn::StoreU(hn::BitCast(di8, hn::TableLookupBytes(table, first)), di8, to);
    hn::StoreU(
        hn::BitCast(di8, hn::TableLookupBytes(table, second)), di8, to + 16);
#endif
  }
};

struct AffineSource {
  static constexpr int64_t kSpan = 32;
  const WeightView& view;
  RowPointers rows;
  float scale[kSourceRows] = {};
  float bias[kSourceRows] = {};
  HWY_ALIGN uint8_t codes[kSourceRows][32];
  int64_t begin = 0;

  HWY_INLINE AffineSource(const WeightView& weight, int64_t first, int64_t end)
      : view(weight), rows(weight, first, end) {}
  HWY_INLINE void span(int64_t k) {
    begin = k;
    for (int r = 0; r < kSourceRows; ++r) {
      if (k % view.group == 0) {
        scale[r] = weight_scale(view, rows.row[r], k);
        bias[r] = weight_bias(view, rows.row[r], k);
      }
      unpack_affine(
          view.bits,
          reinterpret_cast<const std::byte*>(rows.at[r]),
          k,
          32,
          codes[r]);
    }
  }
  HWY_INLINE Lanes16 load(int r, int64_t k) const {
    return fma16(
        set16(scale[r]), load16_u8(codes[r] + (k - begin)), set16(bias[r]));
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // include guard of the target
