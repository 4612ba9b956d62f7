// What the tests of sessions share: the bundled model and token sequences.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hadal/session.h"

namespace hadal::testing {

inline std::string nano_directory() {
  return std::string(HADAL_SOURCE_DIR) + "/models/nano";
}

// HADAL_TEST_DEVICE=cuda runs the same tests on a GPU.
inline Device test_device() {
  const char* const name = std::getenv("HADAL_TEST_DEVICE");
  return name != nullptr && std::string_view(name) == "cuda" ? Device::cuda
                                                             : Device::cpu;
}

inline ModelOptions nano_options(Precision precision, int threads = 2) {
  return {
      .checkpoint = nano_directory(),
      .device = test_device(),
      .precision = precision,
      .threads = threads,
      .context = 8192};
}

// BOS, then ids of ordinary text in an order without meaning.
inline std::vector<int32_t> sample_tokens(int64_t count, uint64_t seed = 1) {
  std::vector<int32_t> tokens{0};
  uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
  while (static_cast<int64_t>(tokens.size()) < count) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    tokens.push_back(static_cast<int32_t>(260 + (state >> 33) % 3000));
  }
  return tokens;
}

// All logits [tokens, vocabulary] of a fresh session.
inline std::vector<float> all_logits(
    const Model& model,
    std::span<const int32_t> tokens,
    int64_t chunk_tokens = 0) {
  Session session(model);
  const std::span<const float> logits =
      session.feed(tokens, {.all_logits = true, .chunk_tokens = chunk_tokens});
  return {logits.begin(), logits.end()};
}

// Rows [first, end) of logits [_, vocabulary].
inline std::span<const float> rows(
    std::span<const float> logits,
    int64_t first,
    int64_t end,
    int64_t vocabulary) {
  return logits.subspan(
      static_cast<size_t>(first * vocabulary),
      static_cast<size_t>((end - first) * vocabulary));
}

// Index of the first float whose bits differ, -1 when none does.
inline int64_t first_difference(
    std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size())
    return 0;
  for (size_t i = 0; i < a.size(); ++i)
    if (__builtin_bit_cast(uint32_t, a[i]) !=
        __builtin_bit_cast(uint32_t, b[i]))
      return static_cast<int64_t>(i);
  return -1;
}

}  // namespace hadal::testing
