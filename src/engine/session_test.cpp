// Sessions: limits, interruptions, drafts, the reference backend.
#include "hadal/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/testing.h"
#include "hadal/error.h"
#include "hadal/tokenizer.h"

namespace hadal {
namespace {

using testing::all_logits;
using testing::first_difference;
using testing::nano_options;
using testing::rows;
using testing::sample_tokens;

int32_t best(std::span<const float> logits) {
  return static_cast<int32_t>(
      std::max_element(logits.begin(), logits.end()) - logits.begin());
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::internal;
}

TEST(Session, RefusesWhatItCannotFeed) {
  ModelOptions options = nano_options(Precision::standard);
  options.context = 16;
  Session session(Model::load(options));
  session.feed(sample_tokens(10));
  const std::vector<int32_t> outside{5, 4224};
  const std::vector<int32_t> negative{-1};
  EXPECT_EQ(code_of([&] { session.feed({}); }), ErrorCode::invalid_argument);
  EXPECT_EQ(
      code_of([&] { session.feed(outside); }), ErrorCode::invalid_argument);
  EXPECT_EQ(
      code_of([&] { session.feed(negative); }), ErrorCode::invalid_argument);
  EXPECT_EQ(
      code_of([&] { session.feed(sample_tokens(7)); }), ErrorCode::resource);
  EXPECT_EQ(code_of([&] { session.rewind(11); }), ErrorCode::invalid_argument);
  EXPECT_EQ(session.length(), 10);
  session.feed(sample_tokens(6));
  EXPECT_EQ(session.length(), 16);
}

TEST(Session, RefusesAContextBeyondModelOrMemory) {
  ModelOptions options = nano_options(Precision::standard);
  options.context = 2'000'000;
  EXPECT_EQ(
      code_of([&] { Model::load(options); }), ErrorCode::invalid_argument);
  options.context = -1;
  EXPECT_EQ(
      code_of([&] { Model::load(options); }), ErrorCode::invalid_argument);
}

TEST(Session, StopsBetweenChunksAndGoesOnWithTheSameBits) {
  const Model model = Model::load(nano_options(Precision::standard));
  const std::vector<int32_t> tokens = sample_tokens(400);
  const std::vector<float> expected = all_logits(model, tokens);
  Session session(model);
  std::stop_source source;
  const FeedOptions options{
      .on_progress =
          [&](int64_t done, int64_t) {
            if (done >= 192)
              source.request_stop();
          },
      .stop = source.get_token(),
      .chunk_tokens = 64};
  EXPECT_EQ(
      code_of([&] { session.feed(tokens, options); }), ErrorCode::cancelled);
  EXPECT_EQ(session.length(), 192);
  const std::span<const float> logits =
      session.feed(std::span(tokens).subspan(192));
  EXPECT_EQ(
      first_difference(
          rows(expected, 399, 400, model.info().vocabulary), logits),
      -1);
}

TEST(Session, StopsInsideALongChunkAndGoesOnWithTheSameBits) {
  const Model model = Model::load(nano_options(Precision::standard));
  const std::vector<int32_t> tokens = sample_tokens(900);
  const std::vector<float> expected = all_logits(model, tokens);
  Session session(model);
  session.feed(std::span(tokens).first(300));
  std::stop_source source;
  const FeedOptions options{
      .on_layer =
          [&](int64_t layer, int64_t, std::span<const float>) {
            if (layer == 2)
              source.request_stop();
          },
      .stop = source.get_token()};
  EXPECT_EQ(
      code_of([&] { session.feed(std::span(tokens).subspan(300), options); }),
      ErrorCode::cancelled);
  // The window's older rows are gone: back to the last snapshot.
  EXPECT_EQ(session.length(), 256);
  const std::span<const float> logits =
      session.feed(std::span(tokens).subspan(256));
  EXPECT_EQ(
      first_difference(
          rows(expected, 899, 900, model.info().vocabulary), logits),
      -1);
}

// Without the roundings of spec 8, which turn a difference in the last bit into
// one of a whole code where a value lies on a border.
TEST(Session, ReferenceBackendAgrees) {
  const std::vector<int32_t> tokens = sample_tokens(200);
  ModelOptions options = nano_options(Precision::exact);
  options.kv_fp8 = false;
  options.index_fp4 = false;
  const std::vector<float> a = all_logits(Model::load(options), tokens);
  options.reference = true;
  options.device = Device::cpu;
  const Model reference = Model::load(options);
  EXPECT_EQ(reference.info().backend, "reference");
  const std::vector<float> b = all_logits(reference, tokens);
  // Sums in another order: float32 rounding of seven layers, logits up to 30.
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(a[i] - b[i])));
  EXPECT_GT(worst, 0) << "the backends are the same code";
  EXPECT_LT(worst, 1e-3);
}

// A greedy story and, beside each token, what the next-token module had drafted
// for it.
struct Drafts {
  int64_t drafted = 0;
  int64_t right = 0;
};

Drafts draft_along(const Model& model, std::string_view prompt) {
  const Tokenizer tokenizer = Tokenizer::load(testing::nano_directory());
  Session session(model);
  const std::vector<int32_t> ids =
      tokenizer.encode(prompt, SpecialTokens::recognised);
  int32_t next = best(session.feed(ids));
  Drafts drafts;
  for (int i = 0; i < 80 && next != model.info().eos_token; ++i) {
    const int32_t draft = best(session.draft(next));
    next = best(session.feed({&next, 1}));
    ++drafts.drafted;
    drafts.right += draft == next ? 1 : 0;
  }
  return drafts;
}

TEST(Session, DraftsAreMostlyRight) {
  ModelOptions options = nano_options(Precision::standard);
  options.mtp = true;
  const Model model = Model::load(options);
  Drafts sum;
  for (const char* animal : {"fox named Nina", "bear named Otto"}) {
    const Drafts drafts = draft_along(
        model,
        "<｜begin▁of▁sentence｜><｜User｜>Tell me a story about a " +
            std::string(animal) + ".<｜Assistant｜></think>");
    sum.drafted += drafts.drafted;
    sum.right += drafts.right;
  }
  EXPECT_GT(sum.drafted, 60);
  // Measured with the official code on stories: 0.90 (models/nano/README.md).
  EXPECT_GT(
      static_cast<double>(sum.right), 0.8 * static_cast<double>(sum.drafted))
      << sum.right << " of " << sum.drafted;
}

TEST(Session, DraftsDoNotDependOnTheFeeding) {
  ModelOptions options = nano_options(Precision::standard);
  options.mtp = true;
  const Model model = Model::load(options);
  const std::vector<int32_t> tokens = sample_tokens(300);
  Session whole(model);
  whole.feed(tokens);
  const std::span<const float> logits = whole.draft(1234);
  const std::vector<float> expected(logits.begin(), logits.end());

  Session pieces(model);
  pieces.feed(tokens, {.chunk_tokens = 7});
  EXPECT_EQ(first_difference(expected, pieces.draft(1234)), -1);

  Session rewound(model);
  rewound.feed(std::span(tokens).first(299));
  rewound.draft(77);
  const std::vector<int32_t> wrong{5, 6, 7};
  rewound.feed(wrong);
  rewound.draft(78);
  rewound.rewind(299);
  rewound.feed(std::span(tokens).last(1));
  EXPECT_EQ(first_difference(expected, rewound.draft(1234)), -1);
  // Nor do the trunk's logits depend on drafts.
  EXPECT_EQ(
      first_difference(
          whole.feed(std::span(tokens).subspan(1, 1)),
          rewound.feed(std::span(tokens).subspan(1, 1))),
      -1);
}

TEST(Session, DraftNeedsTheModule) {
  Session session(Model::load(nano_options(Precision::standard)));
  session.feed(sample_tokens(3));
  EXPECT_EQ(code_of([&] { session.draft(5); }), ErrorCode::unsupported);
}

}  // namespace
}  // namespace hadal
