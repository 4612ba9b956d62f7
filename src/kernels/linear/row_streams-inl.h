// What a product of few tokens reads beside the codes of the weight: the
// tokens' own codes, and the scales and biases of kN rows.
//
// Included once per target, after weight_rows-inl.h; not for HWY_SCALAR.
#if defined(HADAL_ROW_STREAMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_ROW_STREAMS_INL_H_
#undef HADAL_ROW_STREAMS_INL_H_
#else
#define HADAL_ROW_STREAMS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR

HWY_INLINE void prefetch_lines(const uint8_t* from, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64)
    __builtin_prefetch(from + i, 0, 3);
}

// How far beyond the next block of rows requests run: what the memory delivers
// in the time of one request.
constexpr int64_t kLatencyBytes = 2048;

// The tokens of a job: where their groups begin, and their codes in the order
// of the weight's, which for natural orders is a copy.
template <int T, int kPlanes>
struct RowInput {
  static constexpr int64_t kGroupBytes = kPlanes * kGroupColumns + 64;
  const int8_t* codes[T];
  const int8_t* factors[T];

  template <bool kNatural>
  HWY_INLINE void prepare(const IntegerJob& job, std::byte* scratch) {
    const TagI8 d;
    const int64_t groups =
        (job.weight->cols + kGroupColumns - 1) / kGroupColumns;
    int8_t* copy = reinterpret_cast<int8_t*>(scratch);
    for (int t = 0; t < T; ++t) {
      const int8_t* from =
          job.input->codes +
          (job.ids != nullptr ? job.ids[t] : t) * job.input->code_stride;
      codes[t] = from;
      factors[t] = from + kGroupBytes - sizeof(BlockFactors);
      if (!kNatural)
        continue;
      codes[t] = copy;
      for (int64_t g = 0; g < groups; ++g) {
        for (int i = 0; i < 64; i += 16 * kUnit) {
          const VecI8 even = hn::LoadU(d, from + i);
          const VecI8 odd = hn::LoadU(d, from + 64 + i);
          hn::StoreU(hn::InterleaveLower(d, even, odd), d, copy + i);
          hn::StoreU(hn::InterleaveUpper(d, even, odd), d, copy + 64 + i);
        }
        from += kGroupBytes;
        copy += kGroupBytes;
      }
    }
  }
};

// Scales and biases of kN rows, a chunk after the other; the bytes of the next
// chunk are gathered while one is in use.
template <bool kAffine>
class RowFactors {
 public:
  HWY_INLINE RowFactors(const WeightView& weight, const WeightRows& rows)
      : layout_(weight), rows_(rows) {
    gather(0);
    next_scales_ = rows.scales[0] + kN * weight.scale_stride;
    if (kAffine)
      next_biases_ = rows.biases[0] + kN * weight.scale_stride;
  }
  HWY_INLINE void load(int64_t chunk) {
    expand_factors(layout_, chunk, scale_words_, scales, kN);
    if (kAffine)
      expand_factors(layout_, chunk, bias_words_, biases, kN);
    if (layout_.first(chunk + 1) < layout_.factors)
      gather(chunk + 1);
    // The rows that follow, in file order.
    const int64_t bytes = kN * layout_.count(chunk) * layout_.element;
    prefetch_lines(next_scales_, bytes);
    next_scales_ += bytes;
    if (kAffine) {
      prefetch_lines(next_biases_, bytes);
      next_biases_ += bytes;
    }
  }

  HWY_ALIGN float scales[kFactorRows * kN];
  HWY_ALIGN float biases[kAffine ? kFactorRows * kN : kN];

 private:
  HWY_INLINE void gather(int64_t chunk) {
    gather_factors(layout_, rows_.scales, chunk, scale_words_);
    if (kAffine)
      gather_factors(layout_, rows_.biases, chunk, bias_words_);
  }

  FactorLayout layout_;
  const WeightRows& rows_;
  FactorWords scale_words_;
  FactorWords bias_words_;
  const uint8_t* next_scales_ = nullptr;
  const uint8_t* next_biases_ = nullptr;
};

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // include guard of the target
