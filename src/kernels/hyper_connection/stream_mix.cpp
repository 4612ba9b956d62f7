// The products with the mixing matrix and the squares. Lanes are channels; a
// tile is some tokens by some rows of the matrix.
#include "kernels/hyper_connection/stream_mix.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/hyper_connection/stream_mix.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// Numbers of the matrix: float32, or bfloat16 as uint16_t.
HWY_INLINE FloatVec load_numbers(const float* from) {
  return hn::LoadU(Floats(), from);
}
HWY_INLINE FloatVec load_numbers(const uint16_t* from) {
  const hn::Rebind<uint16_t, Floats> d16;
  const hn::Rebind<uint32_t, Floats> d32;
  return hn::BitCast(
      Floats(), hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, from))));
}
HWY_INLINE float number(const float* from) {
  return *from;
}
HWY_INLINE float number(const uint16_t* from) {
  const uint32_t bits = static_cast<uint32_t>(*from) << 16;
  float value;
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
}

// As many chains as the registers hold.
constexpr int64_t kTileRows = kDotCols;
constexpr int64_t kTileTokens = kDotRows;

template <class T>
struct RowTile {
  const T* row[kTileRows];
  const T* next[kTileRows];  // what is read after them
};

// The lanes of a tile's sums, of rows and tokens past the end a place where
// nobody looks.
template <int64_t kTokens>
struct TileLanes {
  float* of[kTokens * kTileRows];
};

// lanes += the products of `whole` channels, a multiple of 16; `fresh`: lanes
// =. One token reads the matrix from memory and so asks for what comes next;
// several find most of it in a cache.
template <class T, int64_t kTokens>
HWY_INLINE void add_products(
    const float* const (&tokens)[kTokens],
    const RowTile<T>& tile,
    int64_t whole,
    bool fresh,
    const TileLanes<kTokens>& lanes) {
  const Floats d;
  constexpr int64_t kSums = kTokens * kTileRows;
  // All parts of the lanes at once where that many sums fit the registers.
  constexpr int64_t kAtOnce = kTokens == 1 ? kParts : 1;
  for (int64_t first = 0; first < kParts; first += kAtOnce) {
    FloatVec acc[kAtOnce][kSums];
    for (int64_t part = 0; part < kAtOnce; ++part)
      for (int64_t i = 0; i < kSums; ++i)
        acc[part][i] = fresh
                           ? hn::Zero(d)
                           : hn::Load(d, lanes.of[i] + (first + part) * kWidth);
    for (int64_t i = 0; i < whole; i += kLanes) {
      if constexpr (kTokens == 1)
        for (int64_t r = 0; r < kTileRows; ++r)
          __builtin_prefetch(tile.next[r] + i);
      for (int64_t part = 0; part < kAtOnce; ++part) {
        const int64_t at = i + (first + part) * kWidth;
        FloatVec w[kTileRows];
        for (int64_t r = 0; r < kTileRows; ++r)
          w[r] = load_numbers(tile.row[r] + at);
        for (int64_t t = 0; t < kTokens; ++t) {
          const FloatVec x = hn::LoadU(d, tokens[t] + at);
          for (int64_t r = 0; r < kTileRows; ++r)
            acc[part][t * kTileRows + r] =
                fused(x, w[r], acc[part][t * kTileRows + r]);
        }
      }
    }
    for (int64_t part = 0; part < kAtOnce; ++part)
      for (int64_t i = 0; i < kSums; ++i)
        hn::Store(acc[part][i], d, lanes.of[i] + (first + part) * kWidth);
  }
}

// One call of mix_piece.
template <class T>
struct Piece {
  const WeightView& fn;
  const float* const* tokens;
  int64_t count;
  int64_t n;
  int64_t dim;
  int64_t begin;
  int64_t end;
  float* lanes;
  int64_t lane_pitch;

  int64_t whole() const { return (end - begin) / kLanes * kLanes; }

  // Row `r` (the last one stands in for those past the end) at `stream`.
  const T* row(int64_t r, int64_t stream) const {
    const int64_t at = r < fn.rows ? r : fn.rows - 1;
    return reinterpret_cast<const T*>(fn.data + at * fn.row_bytes) +
           stream * dim + begin;
  }
  // Token `t` (likewise) at `stream`.
  const float* token(int64_t t, int64_t stream) const {
    return tokens[t < count ? t : count - 1] + stream * dim + begin;
  }

  // Rows `first` and so on at `stream`, and what comes after that: the next
  // stream, the next tile, the next piece.
  RowTile<T> tile(int64_t first, int64_t stream) const {
    const bool last_stream = stream + 1 == n;
    const bool last_tile = first + kTileRows >= fn.rows;
    RowTile<T> tile;
    for (int64_t r = 0; r < kTileRows; ++r) {
      tile.row[r] = row(first + r, stream);
      tile.next[r] = !last_stream ? row(first + r, stream + 1)
                     : !last_tile ? row(first + kTileRows + r, 0)
                     : end < dim  ? row(r, 0) + (end - begin)
                                  : tile.row[r];
    }
    return tile;
  }
};

// Tokens from `first` on by rows from `first_row` on, at one stream.
template <class T, int64_t kTokens>
HWY_INLINE void product_tile(
    const Piece<T>& piece, int64_t stream, int64_t first, int64_t first_row) {
  HWY_ALIGN float nobody[kLanes];
  TileLanes<kTokens> lanes;
  const float* x[kTokens];
  for (int64_t t = 0; t < kTokens; ++t) {
    x[t] = piece.token(first + t, stream);
    for (int64_t r = 0; r < kTileRows; ++r)
      lanes.of[t * kTileRows + r] =
          first + t < piece.count && first_row + r < piece.fn.rows
              ? piece.lanes + (first + t) * piece.lane_pitch +
                    (first_row + r) * kLanes
              : nobody;
  }
  const RowTile<T> tile = piece.tile(first_row, stream);
  const int64_t whole = piece.whole();
  add_products<T, kTokens>(x, tile, whole, stream == 0, lanes);
  for (int64_t i = whole; i < piece.end - piece.begin; ++i)
    for (int64_t t = 0; t < kTokens; ++t)
      for (int64_t r = 0; r < kTileRows; ++r) {
        float* lane = lanes.of[t * kTileRows + r] + (i - whole);
        if (lanes.of[t * kTileRows + r] != nobody)
          *lane = __builtin_fmaf(x[t][i], number(tile.row[r] + i), *lane);
      }
}

// The squares of kTokens tokens from `first` on, all streams.
template <class T, int64_t kTokens>
HWY_INLINE void square_tile(const Piece<T>& piece, int64_t first) {
  const Floats d;
  HWY_ALIGN float sums[kTokens][kLanes] = {};
  const int64_t whole = piece.whole();
  for (int64_t stream = 0; stream < piece.n; ++stream) {
    const float* x[kTokens];
    for (int64_t t = 0; t < kTokens; ++t)
      x[t] = piece.token(first + t, stream);
    for (int64_t part = 0; part < kParts; ++part) {
      FloatVec acc[kTokens];
      for (int64_t t = 0; t < kTokens; ++t)
        acc[t] = hn::Load(d, sums[t] + part * kWidth);
      for (int64_t i = part * kWidth; i < whole; i += kLanes)
        for (int64_t t = 0; t < kTokens; ++t) {
          const FloatVec v = hn::LoadU(d, x[t] + i);
          acc[t] = fused(v, v, acc[t]);
        }
      for (int64_t t = 0; t < kTokens; ++t)
        hn::Store(acc[t], d, sums[t] + part * kWidth);
    }
    for (int64_t i = whole; i < piece.end - piece.begin; ++i)
      for (int64_t t = 0; t < kTokens; ++t)
        sums[t][i - whole] =
            __builtin_fmaf(x[t][i], x[t][i], sums[t][i - whole]);
  }
  for (int64_t t = 0; t < kTokens && first + t < piece.count; ++t)
    for (int64_t i = 0; i < kLanes; ++i)
      piece.lanes[(first + t) * piece.lane_pitch + piece.fn.rows * kLanes + i] =
          sums[t][i];
}

template <class T>
HWY_INLINE void run_piece(const Piece<T>& piece) {
  for (int64_t r = 0; r < piece.fn.rows; r += kTileRows)
    for (int64_t t = 0; t < piece.count; t += kTileTokens)
      for (int64_t stream = 0; stream < piece.n; ++stream)
        if (piece.count - t == 1)
          product_tile<T, 1>(piece, stream, t, r);
        else
          product_tile<T, kTileTokens>(piece, stream, t, r);
  for (int64_t t = 0; t < piece.count; t += kTileTokens)
    if (piece.count - t == 1)
      square_tile<T, 1>(piece, t);
    else
      square_tile<T, kTileTokens>(piece, t);
}

void stream_piece(
    const WeightView& fn,
    const float* const* tokens,
    int64_t count,
    int64_t n,
    int64_t dim,
    int64_t begin,
    int64_t end,
    float* lanes,
    int64_t lane_pitch) {
  if (fn.format == WeightFormat::bf16)
    run_piece<uint16_t>(
        {fn, tokens, count, n, dim, begin, end, lanes, lane_pitch});
  else
    run_piece<float>(
        {fn, tokens, count, n, dim, begin, end, lanes, lane_pitch});
}

void stream_add(const float* lanes, int64_t rows, float* sum) {
  const Floats d;
  for (int64_t i = 0; i < (rows + 1) * kLanes; i += kWidth)
    hn::Store(
        hn::Add(hn::Load(d, sum + i), hn::Load(d, lanes + i)), d, sum + i);
}

void stream_join(
    const float* lanes, int64_t pieces, int64_t rows, float* sums) {
  const Floats d;
  const int64_t pitch = mix_lane_floats(rows);
  for (int64_t first = 0; first <= rows; first += kDots) {
    FloatVec parts[kParts][kDots];
    for (int64_t i = 0; i < kDots; ++i) {
      const int64_t row = first + i <= rows ? first + i : rows;
      for (int64_t part = 0; part < kParts; ++part) {
        const float* from = lanes + row * kLanes + part * kWidth;
        FloatVec sum = hn::Load(d, from);
        for (int64_t p = 1; p < pieces; ++p)
          sum = hn::Add(sum, hn::Load(d, from + p * pitch));
        parts[part][i] = sum;
      }
    }
    HWY_ALIGN float joined[kDots];
    join_dots(parts, joined);
    for (int64_t i = 0; i < kDots && first + i <= rows; ++i)
      sums[first + i] = joined[i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(stream_piece);
HWY_EXPORT(stream_add);
HWY_EXPORT(stream_join);

void mix_piece(
    const WeightView& fn,
    const float* const* tokens,
    int64_t count,
    int64_t n,
    int64_t dim,
    int64_t begin,
    int64_t end,
    float* lanes,
    int64_t lane_pitch) {
  HWY_DYNAMIC_DISPATCH(stream_piece)
  (fn, tokens, count, n, dim, begin, end, lanes, lane_pitch);
}

void mix_add(const float* lanes, int64_t rows, float* sum) {
  HWY_DYNAMIC_DISPATCH(stream_add)(lanes, rows, sum);
}

void mix_join(const float* lanes, int64_t pieces, int64_t rows, float* sums) {
  HWY_DYNAMIC_DISPATCH(stream_join)(lanes, pieces, rows, sums);
}

}  // namespace hadal
#endif  // HWY_ONCE
