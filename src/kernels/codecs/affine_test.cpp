#include "kernels/codecs/affine.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace hadal {
namespace {

constexpr int kBits[] = {2, 3, 4, 5, 6, 8};

// The definition of spec 7.4: uint32 words, least significant bit first, code k
// at bits [k * b, (k + 1) * b) of the row.
std::vector<uint8_t> unpack_words(
    int bits, const std::vector<uint32_t>& words, int64_t count) {
  std::vector<uint8_t> codes;
  for (int64_t k = 0; k < count; ++k) {
    uint32_t code = 0;
    for (int64_t j = 0; j < bits; ++j) {
      const int64_t at = k * bits + j;
      code |= (words[at / 32] >> (at % 32) & 1) << j;
    }
    codes.push_back(static_cast<uint8_t>(code));
  }
  return codes;
}

TEST(Affine, UnpackFollowsTheWords) {
  std::mt19937 random(1);
  for (int bits : kBits) {
    const int64_t count = 160;
    std::vector<uint32_t> words(static_cast<size_t>(count * bits / 32));
    for (uint32_t& word : words)
      word = static_cast<uint32_t>(random());
    const std::vector<uint8_t> expected = unpack_words(bits, words, count);
    const std::byte* row = reinterpret_cast<const std::byte*>(words.data());
    for (int64_t first : {0, 8, 32, 96})
      for (int64_t length : {1, 7, 8, 13, 32, 64}) {
        std::vector<uint8_t> codes(static_cast<size_t>(length));
        unpack_affine(bits, row, first, length, codes.data());
        for (int64_t i = 0; i < length; ++i)
          ASSERT_EQ(codes[i], expected[first + i]) << bits << " " << first;
      }
  }
}

TEST(Affine, PackIsTheInverseForEveryCode) {
  for (int bits : kBits) {
    std::vector<uint8_t> codes(512);
    for (size_t i = 0; i < codes.size(); ++i)
      codes[i] = static_cast<uint8_t>((i * 7 + i / 256) & ((1U << bits) - 1));
    std::vector<std::byte> row(codes.size() * bits / 8);
    pack_affine(bits, codes.data(), 512, row.data());
    std::vector<uint8_t> back(codes.size());
    unpack_affine(bits, row.data(), 0, 512, back.data());
    EXPECT_EQ(back, codes);
  }
}

TEST(Affine, KnownBits) {
  for (int bits = 0; bits < 10; ++bits)
    EXPECT_EQ(
        is_affine_bits(bits),
        bits == 2 || bits == 3 || bits == 4 || bits == 5 || bits == 6 ||
            bits == 8);
}

}  // namespace
}  // namespace hadal
