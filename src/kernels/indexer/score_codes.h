// Scores of FP4 rows in integers: the inner loops, on the best instruction set
// here. The meaning and the order of every sum stand in indexer.h.
//
// A row's channels lie in `words` of four: word w < dim / 8 holds the even
// channels 8 w, 8 w + 2, 8 w + 4, 8 w + 6, word dim / 8 + w the odd ones after
// them, which is how nibbles unpack. A block of 32 channels is four words of
// either half.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "kernels/row_format.h"

namespace hadal {

inline constexpr int64_t kCodeRows = 96;       // rows a tile
inline constexpr int64_t kCodeBlock = 32;      // channels a scale
inline constexpr int64_t kCodeHeadLanes = 16;  // heads are padded to these
// Scales of one row (of one query's head) that are at most this many doublings
// apart are multiplied into the codes, so that a dot product is one integer.
inline constexpr int kRowDoublings = 2;
inline constexpr int kQueryDoublings = 3;
// Added to a row's codes, which makes them unsigned: 12 << kRowDoublings.
inline constexpr int kCodeOffset = 48;

// One token's queries, arrays [..][padded_heads].
struct CodeQueries {
  int64_t heads = 0;
  int64_t dim = 0;
  // Every head's scales lie near to one another and are multiplied into the
  // codes.
  bool narrow = false;
  AlignedBuffer<uint32_t> codes;  // [words]: four doubled codes, int8
  // [blocks + 1]: -kCodeOffset * the sum of a block's codes; of all, last.
  AlignedBuffer<int32_t> biases;
  AlignedBuffer<float> factors;  // [blocks]: what is not in the codes
  AlignedBuffer<float> weights;  // weight * base of the head; padding: 0
  AlignedBuffer<uint32_t> scratch;

  int64_t padded_heads() const {
    return (heads + kCodeHeadLanes - 1) / kCodeHeadLanes * kCodeHeadLanes;
  }
  int64_t words() const { return dim / 4; }
  int64_t blocks() const { return dim / kCodeBlock; }
};

// q [heads, dim] rounded to FP4 in blocks of 32 (it usually is already),
// weights [heads]. dim is a multiple of 32.
void code_queries(
    const float* q,
    const float* weights,
    int64_t heads,
    int64_t dim,
    CodeQueries& out);

// A tile of rows, all of them narrow or all in plain codes.
struct CodeRows {
  int64_t dim = 0;
  bool narrow = false;
  AlignedBuffer<uint8_t> codes;  // [kCodeRows][dim]: kCodeOffset + code
  AlignedBuffer<float> bases;    // [kCodeRows]: base scale / 4
  AlignedBuffer<float> factors;  // [kCodeRows][blocks]; unless narrow
};

// Rows [0, count) from stored FP4 rows; the others repeat the last one.
void code_rows(
    const RowLayout& layout,
    const std::byte* const* rows,
    int64_t count,
    CodeRows& out);

// scores[r] for kCodeRows rows; aligned to 64 bytes.
void code_scores(CodeQueries& queries, CodeRows& rows, float* scores);

}  // namespace hadal
