// The inputs of the indexer cases, and a backend's indexer against the
// reference on those whose sums are exact.
#include <algorithm>

#include "kernels/case_tools.h"
#include "kernels/indexer/indexer.h"
#include "kernels/indexer/indexer_cases.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

constexpr int64_t kRowsPerPage = 32;

// Values that E2M1 holds exactly: with them the products are multiples of 1/4,
// and the sums stay far below 2^24 of these.
std::vector<float> small_numbers(int64_t count, uint64_t seed) {
  constexpr float kValues[8] = {
      0.0f, 0.5f, 1.0f, 2.0f, -0.5f, -1.0f, -2.0f, 3.0f};
  RandomNumbers random(seed);
  std::vector<float> values(count);
  for (float& value : values)
    value = kValues[random.bits() % 8];
  return values;
}

// Blocks of 1/8 to 8 times the size, one in eight of zeros, one in eight larger
// still: rows with scales near to one another and with scales that are not.
std::vector<float> uneven_numbers(int64_t count, uint64_t seed) {
  std::vector<float> values = random_values(count, seed);
  RandomNumbers random(seed + 100);
  constexpr float kSizes[8] = {
      0.0f, 0.125f, 1.0f, 1.0f, 1.0f, 2.0f, 8.0f, 1000.0f};
  for (int64_t i = 0; i < count; i += 32) {
    const float size = kSizes[random.bits() % 8];
    for (int64_t k = i; k < std::min(count, i + 32); ++k)
      values[k] *= size;
  }
  return values;
}

std::vector<float> numbers(IndexerNumbers kind, int64_t count, uint64_t seed) {
  if (kind == IndexerNumbers::uneven)
    return uneven_numbers(count, seed);
  return kind == IndexerNumbers::normal ? random_values(count, seed)
                                        : small_numbers(count, seed);
}

// Counts and selected rows as floats, exact below 2^24.
std::vector<float> select(
    const IndexerInputs& inputs,
    void (*indexer)(const IndexerParams&, ThreadTeam&),
    ThreadTeam& team) {
  const IndexerCase& shape = inputs.shape();
  std::vector<int32_t> selected(shape.tokens * shape.top_k, -1);
  std::vector<int32_t> counts(shape.tokens, -1);
  indexer(inputs.chunk(0, shape.tokens, selected.data(), counts.data()), team);
  std::vector<float> all(counts.begin(), counts.end());
  all.insert(all.end(), selected.begin(), selected.end());
  return all;
}

}  // namespace

IndexerInputs::IndexerInputs(const IndexerCase& shape)
    : shape_(shape), layout_{shape.format, shape.dim, 0} {
  const int64_t queries = shape.tokens * shape.heads;
  q_ = shape.numbers == IndexerNumbers::equal
           ? std::vector<float>(queries * shape.dim, 0.0f)
           : numbers(shape.numbers, queries * shape.dim, 1);
  weights_ = numbers(shape.numbers, queries, 2);

  const int64_t rows = (shape.first_position + shape.tokens) / 4;
  const std::vector<float> values = numbers(shape.numbers, rows * shape.dim, 3);
  rows_.resize(rows * layout_.row_bytes());
  for (int64_t row = 0; row < rows; ++row)
    encode_row(
        layout_,
        values.data() + row * shape.dim,
        rows_.data() + row * layout_.row_bytes());
  for (int64_t row = 0; row < rows; row += kRowsPerPage)
    pages_.push_back(rows_.data() + row * layout_.row_bytes());
}

IndexerParams IndexerInputs::chunk(
    int64_t first, int64_t count, int32_t* selected, int32_t* counts) const {
  IndexerParams params;
  params.q = q_.data() + first * shape_.heads * shape_.dim;
  params.weights = weights_.data() + first * shape_.heads;
  params.tokens = count;
  params.heads = shape_.heads;
  params.dim = shape_.dim;
  params.first_position = shape_.first_position + first;
  params.ratio = 4;
  params.rows = {pages_.data(), kRowsPerPage, layout_};
  params.top_k = shape_.top_k;
  params.selected = selected;
  params.counts = counts;
  return params;
}

void check_indexer(
    const Backend& backend, ThreadTeam& team, std::vector<KernelCheck>& out) {
  for (const IndexerCase& shape : kIndexerCases) {
    if (!has_exact_sums(shape))
      continue;
    const IndexerInputs inputs(shape);
    out.push_back(check_case(
        "indexer",
        shape.name,
        1.0,
        0.0,
        [&] { return select(inputs, indexer_reference, team); },
        [&] { return select(inputs, backend.indexer, team); }));
  }
}

}  // namespace hadal
