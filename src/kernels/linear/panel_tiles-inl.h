// A panel of decoded weights and the tiles of tokens that pass over it.
//
// Included once per target, after weight_rows-inl.h; not for HWY_SCALAR.
#if defined(HADAL_PANEL_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_PANEL_TILES_INL_H_
#undef HADAL_PANEL_TILES_INL_H_
#else
#define HADAL_PANEL_TILES_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR

// Vectors of rows in a panel, and tokens of a tile over it: the accumulators,
// integer and float32, stay in registers.
#if HWY_MAX_BYTES == 64
constexpr int kPanelVecs = 2;
constexpr int kTileTokens = 6;
#else
constexpr int kPanelVecs = 1;
constexpr int kTileTokens = 4;
#endif
constexpr int64_t kPanelLanes = kPanelVecs * kN;

// What is kept of a token between chunks: the output so far, of the
// accumulators that are complete, then the four accumulators of the chunk's
// columns.
constexpr int64_t kPanelSums = 1 + kGroupBlocks;
constexpr int64_t kTokenSums = kPanelSums * kPanelLanes;

// A chunk of columns of kPanelLanes rows, decoded.
struct Panel {
  int32_t* codes;  // [block][8][kPanelLanes]: even quads 0..3, odd quads 4..7
  float* scales;   // [block][kPanelLanes]
  float* biases;   // likewise, affine only
  float* sums;     // [tokens][kPanelSums][kPanelLanes]

  HWY_INLINE explicit Panel(std::byte* scratch) {
    codes = reinterpret_cast<int32_t*>(scratch);
    scales = reinterpret_cast<float*>(codes + kChunkBlocks * 8 * kPanelLanes);
    biases = scales + kFactorRows * kPanelLanes;
    sums = biases + kFactorRows * kPanelLanes;
  }
};

// A chunk as the tiles see it.
struct PanelChunk {
  int groups[kGroupBlocks];  // that have block j
  bool first;                // of those with its four accumulators
  bool last;

  HWY_INLINE PanelChunk(const Chunk& chunk, bool is_first, bool is_last)
      : first(is_first), last(is_last) {
    const int blocks = chunk.blocks(chunk.groups - 1);
    for (int j = 0; j < kGroupBlocks; ++j)
      groups[j] = j < blocks ? chunk.groups : chunk.groups - 1;
  }
};

// The chunk with T tokens, whose codes of its first group begin at x[t] and
// whose sums lie at `sums`.
template <int T, int kPlanes, bool kAffine, bool kWide>
HWY_NOINLINE void panel_tile(
    const Panel& panel,
    const PanelChunk& chunk,
    const int8_t* const* x,
    float* sums) {
  const TagI d;
  const TagF df;
  const TagU8 du8;
  const TagI8 d8;
  constexpr int64_t kGroupBytes = kPlanes * kGroupColumns + 64;
  const bool first = chunk.first;
  const bool last = chunk.last;
  const int8_t* at[T];
  for (int t = 0; t < T; ++t)
    at[t] = x[t];
  for (int j = 0; j < kGroupBlocks; ++j) {
    const auto sum_at = [&](int t, int p, int64_t which) HWY_ATTR {
      return sums + t * kTokenSums + which * kPanelLanes + p * kN;
    };
    VecF acc[T][kPanelVecs];
    if (first)
      for (int t = 0; t < T; ++t)
        for (int p = 0; p < kPanelVecs; ++p)
          acc[t][p] = hn::Zero(df);
    else
      for (int t = 0; t < T; ++t)
        for (int p = 0; p < kPanelVecs; ++p)
          acc[t][p] = hn::LoadU(df, sum_at(t, p, 1 + j));
    for (int i = 0; i < chunk.groups[j]; ++i) {
      const int64_t group = i * kGroupBytes;
      const int64_t lane = (i * kGroupBlocks + j) * kPanelLanes;
      const int32_t* weights = panel.codes + 8 * lane;
      VecI sum[T][kPanelVecs];
      for (int t = 0; t < T; ++t)
        for (int p = 0; p < kPanelVecs; ++p)
          sum[t][p] = hn::Zero(d);
      for (int plane = 0; plane < kPlanes; ++plane) {
        if (plane == 1)
          for (int t = 0; t < T; ++t)
            for (int p = 0; p < kPanelVecs; ++p)
              sum[t][p] = hn::ShiftLeft<8>(sum[t][p]);
        const int64_t from = group + plane * kGroupColumns + 16 * j;
        for (int quad = 0; quad < 8; ++quad) {
          VecU8 w[kPanelVecs];
          for (int p = 0; p < kPanelVecs; ++p)
            w[p] = hn::BitCast(
                du8, hn::LoadU(d, weights + quad * kPanelLanes + p * kN));
          const int64_t byte = from + (quad < 4 ? 4 * quad : 48 + 4 * quad);
          for (int t = 0; t < T; ++t) {
            int32_t four;
            __builtin_memcpy(&four, at[t] + byte, 4);
            const VecI8 xt = hn::BitCast(d8, hn::Set(d, four));
            for (int p = 0; p < kPanelVecs; ++p)
              sum[t][p] = dot<kWide>(sum[t][p], w[p], xt);
          }
        }
      }
      for (int t = 0; t < T; ++t) {
        const BlockFactors& factors = *reinterpret_cast<const BlockFactors*>(
            at[t] + group + kGroupBytes - sizeof(BlockFactors));
        for (int p = 0; p < kPanelVecs; ++p)
          acc[t][p] = add_block<kAffine>(
              acc[t][p],
              sum[t][p],
              factors,
              j,
              panel.scales + lane + p * kN,
              panel.biases + lane + p * kN);
      }
    }
    if (last)
      for (int t = 0; t < T; ++t)
        for (int p = 0; p < kPanelVecs; ++p)
          hn::StoreU(
              hn::Add(hn::LoadU(df, sum_at(t, p, 0)), acc[t][p]),
              df,
              sum_at(t, p, 0));
    else
      for (int t = 0; t < T; ++t)
        for (int p = 0; p < kPanelVecs; ++p)
          hn::StoreU(acc[t][p], df, sum_at(t, p, 1 + j));
  }
}

// Tokens [0, count) of x with the panel, in tiles as equal as can be.
template <int kPlanes, bool kAffine, bool kWide>
HWY_NOINLINE void all_tiles(
    const Panel& panel,
    const PanelChunk& chunk,
    const int8_t* const* x,
    int64_t count) {
  int64_t tiles = (count + kTileTokens - 1) / kTileTokens;
  for (int64_t t = 0; t < count; --tiles) {
    const int64_t size = (count - t + tiles - 1) / tiles;
    float* sums = panel.sums + t * kTokenSums;
    switch (size) {
      case 1:
        panel_tile<1, kPlanes, kAffine, kWide>(panel, chunk, x + t, sums);
        break;
      case 2:
        panel_tile<2, kPlanes, kAffine, kWide>(panel, chunk, x + t, sums);
        break;
      case 3:
        panel_tile<3, kPlanes, kAffine, kWide>(panel, chunk, x + t, sums);
        break;
      case 4:
        panel_tile<4, kPlanes, kAffine, kWide>(panel, chunk, x + t, sums);
        break;
#if HWY_MAX_BYTES == 64
      case 5:
        panel_tile<5, kPlanes, kAffine, kWide>(panel, chunk, x + t, sums);
        break;
      default:
        panel_tile<6, kPlanes, kAffine, kWide>(panel, chunk, x + t, sums);
        break;
#endif
    }
    t += size;
  }
}

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // include guard of the target
