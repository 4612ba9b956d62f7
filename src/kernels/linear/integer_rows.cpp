// Integer products for one to kRowTokens tokens: bound by memory, so the rows
// are read once, where they lie, and decoded in registers. Here: which kernel
// takes which job.
//
// The first cache serves two loads a cycle, and what comes from memory waits
// for the loads' turn. So a kernel must leave some of them free: int8 codes
// are few, and rows go one by one in the order of the file (single_rows-inl.h);
// int16 codes are twice as many, and four rows share them (four_rows-inl.h).
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

#include "kernels/linear/four_rows-inl.h"  // after row_streams-inl.h

#include "kernels/linear/single_rows-inl.h"  // after row_streams-inl.h

#include "kernels/linear/with_codes-inl.h"  // after weight_codes-inl.h

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

void Rows(const IntegerJob& job, std::byte*) {
  plain_integer_product(job);
}

#else

template <int T, int kPlanes, bool kAffine, bool kWide, class Codes>
HWY_INLINE void rows_of_tokens(const IntegerJob& job, std::byte* scratch) {
  if constexpr (kPlanes == 2)
    rows_by_four<T, kPlanes, kWide, Codes>(job, scratch);
  else
    rows_one_by_one<T, kAffine, kWide, Codes>(job, scratch);
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
  const int64_t blocks = padded_blocks(cols);
  const int64_t vectors = 4 * (blocks + kIntegerSums);
  const int64_t token =
      integer_row_bytes(ActivationFormat::int8, cols) + 2 * vectors;
  // Of the scales and biases of four rows.
  return kRowTokens * token + 4 * 2 * vectors;
}

}  // namespace hadal
#endif
