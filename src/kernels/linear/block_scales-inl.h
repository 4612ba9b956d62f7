// The scales (and biases) of kN rows of an mxfp4 or affine weight as float32
// vectors, a lane a row, for a chunk of columns at a time: what panels need.
//
// Two steps, so that a kernel can put work between them: gather() copies the
// bytes as they lie in the file, a word a row; expand() turns the words into
// numbers. A vector load right after the word stores that it covers would wait
// for them.
//
// Included once per target, after weight_codes-inl.h; not for HWY_SCALAR.
#if defined(HADAL_BLOCK_SCALES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_BLOCK_SCALES_INL_H_
#undef HADAL_BLOCK_SCALES_INL_H_
#else
#define HADAL_BLOCK_SCALES_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR

using TagF = hn::Rebind<float, TagI>;
using VecF = hn::Vec<TagF>;

// A chunk of columns of a panel: groups of 128 columns whose blocks go to the
// same four accumulators (linear.h), so every fourth one.
struct Chunk {
  static constexpr int64_t kStep = kGroupSets;
  int64_t first;       // group
  int groups;          // first, first + kStep, ...
  int64_t all_blocks;  // of a row

  int64_t group(int i) const { return first + i * kStep; }
  // Of group i; only a row's last one has less than four.
  HWY_INLINE int blocks(int i) const {
    const int64_t left = all_blocks - group(i) * kGroupBlocks;
    return left < kGroupBlocks ? static_cast<int>(left)
                               : static_cast<int>(kGroupBlocks);
  }
};
constexpr int kChunkGroups = 4;
constexpr int kChunkBlocks = kChunkGroups * static_cast<int>(kGroupBlocks);
// Rows of the table that expand() fills: a word may hold more factors than a
// group has, of up to four blocks each.
constexpr int kFactorRows = kChunkBlocks + 4;

// How the factors of a row lie in the file.
struct FactorLayout {
  ScaleFormat format;
  int element;  // bytes
  int shift;    // log2 of the blocks that share a factor

  HWY_INLINE explicit FactorLayout(const WeightView& view) {
    format = view.scale_format;
    element = format == ScaleFormat::e8m0  ? 1
              : format == ScaleFormat::f32 ? 4
                                           : 2;
    const bool affine = view.format == WeightFormat::affine;
    shift = !affine || view.group == 32 ? 0 : view.group == 64 ? 1 : 2;
  }
  HWY_INLINE int64_t offset(int64_t group) const {
    return (group * kGroupBlocks >> shift) * element;
  }
  HWY_INLINE int bytes(int blocks) const { return (blocks >> shift) * element; }
  HWY_INLINE int words() const {
    return (bytes(static_cast<int>(kGroupBlocks)) + 3) / 4;
  }
};

// [words of a group][groups of the chunk][rows]
struct FactorWords {
  HWY_ALIGN uint32_t words[kGroupBlocks][kChunkGroups][kN];
};

HWY_INLINE void gather_factors(
    const FactorLayout& layout,
    const uint8_t* const* rows,
    const Chunk& chunk,
    FactorWords& to) {
  for (int g = 0; g < chunk.groups; ++g) {
    const int64_t offset = layout.offset(chunk.group(g));
    const int bytes = layout.bytes(chunk.blocks(g));
    if (bytes == 4) {
      for (int i = 0; i < kN; ++i)
        __builtin_memcpy(&to.words[0][g][i], rows[i] + offset, 4);
      continue;
    }
    for (int i = 0; i < kN; ++i)
      for (int at = 0; at < bytes; at += 4) {
        const int left = bytes - at < 4 ? bytes - at : 4;
        uint32_t word = 0;
        __builtin_memcpy(
            &word, rows[i] + offset + at, static_cast<size_t>(left));
        to.words[at / 4][g][i] = word;
      }
  }
}

// Half of the E8M0 value in byte `kByte` of the words: the codes of mxfp4 count
// halves.
template <int kByte>
HWY_INLINE VecF half_e8m0(VecI words) {
  const TagI d;
  const VecI code = hn::And(hn::ShiftRight<8 * kByte>(words), hn::Set(d, 255));
  // Code 0 is 2^-127, a subnormal number.
  const VecI bits = hn::Max(hn::ShiftLeft<23>(code), hn::Set(d, 0x00400000));
  const VecF value = hn::BitCast(
      TagF(),
      hn::IfThenElse(
          hn::Eq(code, hn::Set(d, 255)), hn::Set(d, 0x7FC00000), bits));
  return hn::Mul(value, hn::Set(TagF(), 0.5F));
}

HWY_INLINE VecF widen_f16(VecI halves) {
  const hn::Rebind<uint16_t, TagI> d16;
  const hn::Rebind<hwy::float16_t, TagI> dh;
  const hn::RebindToUnsigned<TagI> du;
  const auto low = hn::And(hn::BitCast(du, halves), hn::Set(du, 0xFFFF));
  return hn::PromoteTo(TagF(), hn::BitCast(dh, hn::TruncateTo(d16, low)));
}

// The factors of a chunk to every one of their blocks, block j of group g:
// to[(4 g + j) * stride + row].
HWY_INLINE void expand_factors(
    const FactorLayout& layout,
    const Chunk& chunk,
    const FactorWords& from,
    float* to,
    int64_t stride) {
  const TagI d;
  const TagF df;
  const int repeats = 1 << layout.shift;
  for (int g = 0; g < chunk.groups; ++g) {
    float* at = to + g * kGroupBlocks * stride;
    const auto put = [&](VecF factor) HWY_ATTR {
      for (int i = 0; i < repeats; ++i, at += stride)
        hn::StoreU(factor, df, at);
    };
    for (int w = 0; w < layout.words(); ++w) {
      const VecI words =
          hn::Load(d, reinterpret_cast<const int32_t*>(from.words[w][g]));
      switch (layout.format) {
        case ScaleFormat::e8m0:
          put(half_e8m0<0>(words));
          put(half_e8m0<1>(words));
          put(half_e8m0<2>(words));
          put(half_e8m0<3>(words));
          break;
        case ScaleFormat::bf16:
          put(hn::BitCast(df, hn::ShiftLeft<16>(words)));
          put(hn::BitCast(
              df, hn::And(words, hn::Set(d, static_cast<int>(0xFFFF0000)))));
          break;
        case ScaleFormat::f16:
          put(widen_f16(words));
          put(widen_f16(hn::ShiftRight<16>(words)));
          break;
        default:
          put(hn::BitCast(df, words));
          break;
      }
    }
  }
}

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // include guard of the target
