// The invariance law (docs/architecture.md): the bits of a position's logits
// depend on the weights and the tokens up to it, and on nothing else.
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>

#include "engine/model_implementation.h"
#include "engine/testing.h"

namespace hadal {
namespace {

using testing::all_logits;
using testing::first_difference;
using testing::nano_options;
using testing::rows;
using testing::sample_tokens;

// Long enough that ratio-128 rows exist, that the indexer has to choose (64 of
// 150 rows) and that the window ring goes round several times.
constexpr int64_t kTokens = 600;

class Invariance : public ::testing::TestWithParam<Precision> {
 protected:
  Invariance()
      : model(Model::load(nano_options(GetParam()))),
        tokens(sample_tokens(kTokens)),
        vocabulary(model.info().vocabulary),
        expected(all_logits(model, tokens)) {}

  std::span<const float> expected_rows(int64_t first, int64_t end) const {
    return rows(expected, first, end, vocabulary);
  }
  std::span<const int32_t> part(int64_t first, int64_t end) const {
    return std::span(tokens).subspan(
        static_cast<size_t>(first), static_cast<size_t>(end - first));
  }

  Model model;
  std::vector<int32_t> tokens;
  int64_t vocabulary;
  std::vector<float> expected;
};

INSTANTIATE_TEST_SUITE_P(
    Precisions,
    Invariance,
    ::testing::Values(Precision::standard, Precision::exact),
    [](const auto& param) {
      return param.param == Precision::exact ? "exact" : "standard";
    });

TEST_P(Invariance, AnyChunking) {
  for (int64_t chunk : {1, 3, 4, 127, 128, 129})
    EXPECT_EQ(first_difference(expected, all_logits(model, tokens, chunk)), -1)
        << "chunks of " << chunk;
}

TEST_P(Invariance, AnyFeeding) {
  Session session(model);
  int64_t at = 0;
  for (int64_t count : {1, 2, 5, 120, 1, 130, 64, 277}) {
    const std::span<const float> logits =
        session.feed(part(at, at + count), {.all_logits = true});
    EXPECT_EQ(first_difference(expected_rows(at, at + count), logits), -1)
        << "tokens " << at << " to " << at + count;
    at += count;
  }
  EXPECT_EQ(at, kTokens);
}

TEST_P(Invariance, AnyNumberOfThreads) {
  for (int threads : {1, 3}) {
    const Model other = Model::load(nano_options(GetParam(), threads));
    EXPECT_EQ(first_difference(expected, all_logits(other, tokens)), -1)
        << threads << " threads";
  }
}

TEST_P(Invariance, MixedBatches) {
  const Model::Implementation& implementation = *model.implementation();
  const std::vector<int32_t> others = sample_tokens(kTokens, 2);
  SequenceCache a(implementation.layout, implementation.pool);
  SequenceCache b(implementation.layout, implementation.pool);
  SequenceCache c(implementation.layout, implementation.pool);
  // In every batch: some tokens of the sequence under test between those of two
  // others, of lengths that fall apart.
  int64_t at = 0;
  int64_t b_at = 0;
  int64_t c_at = 0;
  for (int64_t count : {1, 7, 130, 1, 1, 258, 2, 200}) {
    const int64_t b_count = std::min<int64_t>(1 + count / 2, kTokens - b_at);
    const int64_t c_count = 1;
    const int64_t last = count - 1;
    const std::vector<BatchEntry> batch{
        {.cache = &b,
         .tokens = std::span(others).subspan(
             static_cast<size_t>(b_at), static_cast<size_t>(b_count)),
         .logits_at = {}},
        {.cache = &a, .tokens = part(at, at + count), .logits_at = {&last, 1}},
        {.cache = &c,
         .tokens = std::span(others).subspan(
             static_cast<size_t>(c_at), static_cast<size_t>(c_count)),
         .logits_at = {}}};
    std::vector<float> logits(static_cast<size_t>(vocabulary));
    implementation.executor->run(batch, logits.data());
    at += count;
    b_at += b_count;
    c_at += c_count;
    EXPECT_EQ(first_difference(expected_rows(at - 1, at), logits), -1)
        << "after " << at << " tokens";
  }
  EXPECT_EQ(at, kTokens);
}

TEST_P(Invariance, ForksGoTheirOwnWays) {
  Session session(model);
  session.feed(part(0, 301));
  Session fork = session.fork();
  const std::vector<int32_t> other = sample_tokens(200, 3);
  fork.feed(std::span(other).subspan(1));
  const std::span<const float> logits =
      session.feed(part(301, kTokens), {.all_logits = true});
  EXPECT_EQ(first_difference(expected_rows(301, kTokens), logits), -1);

  std::vector<int32_t> path(part(0, 301).begin(), part(0, 301).end());
  path.insert(path.end(), other.begin() + 1, other.end());
  const int32_t next = 1000;
  const std::span<const float> after = fork.feed({&next, 1});
  path.push_back(next);
  const std::vector<float> fresh = all_logits(model, path);
  EXPECT_EQ(
      first_difference(
          rows(
              fresh,
              static_cast<int64_t>(path.size()) - 1,
              static_cast<int64_t>(path.size()),
              vocabulary),
          after),
      -1);
}

TEST_P(Invariance, RewindByAnyDistance) {
  Session session(model);
  session.feed(tokens);
  for (int64_t distance : {1, 2, 7, 8, 9, 100, 128, 129, 300, 599, 600}) {
    const int64_t length = kTokens - distance;
    session.rewind(length);
    ASSERT_EQ(session.length(), length);
    const int64_t end = std::min(kTokens, length + 20);
    const std::span<const float> logits =
        session.feed(part(length, end), {.all_logits = true});
    EXPECT_EQ(first_difference(expected_rows(length, end), logits), -1)
        << "rewound by " << distance;
    if (end < kTokens)
      session.feed(part(end, kTokens));
  }
}

TEST_P(Invariance, RewindAfterOtherTokens) {
  Session session(model);
  session.feed(part(0, 250));
  const std::vector<int32_t> wrong = sample_tokens(40, 9);
  for (int64_t count : {1, 4, 8, 39}) {
    session.feed(std::span(wrong).subspan(1, static_cast<size_t>(count)));
    session.rewind(250);
  }
  const std::span<const float> logits =
      session.feed(part(250, kTokens), {.all_logits = true});
  EXPECT_EQ(first_difference(expected_rows(250, kTokens), logits), -1);
}

TEST_P(Invariance, SavedAndLoaded) {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() /
      ("hadal_invariance_" + std::to_string(::getpid()) + ".state");
  for (int64_t length : {1, 3, 127, 128, 301}) {
    Session session(model);
    session.feed(part(0, length));
    session.save(file);
    Session loaded = Session::load(model, file);
    ASSERT_EQ(loaded.length(), length);
    const std::span<const float> logits =
        loaded.feed(part(length, kTokens), {.all_logits = true});
    EXPECT_EQ(first_difference(expected_rows(length, kTokens), logits), -1)
        << "saved after " << length;
  }
  std::filesystem::remove(file);
}

TEST_P(Invariance, AdvanceToReusesWhatIsShared) {
  Session session(model);
  session.feed(part(0, 400));
  std::vector<int32_t> path(part(0, 390).begin(), part(0, 390).end());
  const std::vector<int32_t> other = sample_tokens(30, 5);
  path.insert(path.end(), other.begin() + 1, other.end());
  int64_t reused = -1;
  session.advance_to(path, {}, &reused);
  EXPECT_GT(reused, 0);
  EXPECT_LE(reused, 390);
  const std::span<const float> logits = session.advance_to(tokens, {}, &reused);
  EXPECT_GT(reused, 0);
  EXPECT_EQ(first_difference(expected_rows(kTokens - 1, kTokens), logits), -1);
  // The same prompt once more: one token is fed for its logits.
  const std::span<const float> again = session.advance_to(tokens, {}, &reused);
  EXPECT_EQ(reused, kTokens - 1);
  EXPECT_EQ(first_difference(expected_rows(kTokens - 1, kTokens), again), -1);
}

TEST_P(Invariance, HoldsForEverySwitch) {
  for (int bits = 0; bits < 8; ++bits) {
    ModelOptions options = nano_options(GetParam());
    options.kv_fp8 = (bits & 1) != 0;
    options.index_fp4 = (bits & 2) != 0;
    options.gemm_fp8 = (bits & 4) != 0;
    const Model variant = Model::load(options);
    const std::span<const int32_t> some = part(0, 300);
    EXPECT_EQ(
        first_difference(
            all_logits(variant, some), all_logits(variant, some, 37)),
        -1)
        << "switches " << bits;
  }
}

}  // namespace
}  // namespace hadal
