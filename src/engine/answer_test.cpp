// Reasoning budgets, constraints and end tokens.
#include "engine/answer.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hadal {
namespace {

constexpr int64_t kVocabulary = 130;

// Token `best` has the highest logit, the next ids follow.
std::vector<float> logits(int32_t best) {
  std::vector<float> result(kVocabulary);
  for (int32_t i = 0; i < kVocabulary; ++i)
    result[static_cast<size_t>(i)] =
        static_cast<float>(-std::abs(i - best) * 2 - (i < best ? 1 : 0));
  return result;
}

EngineRequest greedy() {
  EngineRequest request;
  request.prompt = {3};
  request.sampling.temperature = 0;
  request.sampling.logprobs = 1;
  return request;
}

std::vector<int32_t> take(Answer& answer, int32_t best, int count) {
  std::vector<int32_t> tokens;
  for (int i = 0; i < count; ++i)
    tokens.push_back(answer.next(logits(best)).choice.token);
  return tokens;
}

// Allows some ids, and says when the text has one spelling.
class Allow : public TokenConstraint {
 public:
  explicit Allow(std::vector<int32_t> ids) : words_((kVocabulary + 63) / 64) {
    for (const int32_t id : ids)
      words_[static_cast<size_t>(id / 64)] |= uint64_t{1} << (id % 64);
  }
  TokenMask mask() override { return {words_}; }
  void accept(int32_t token) override { accepted.push_back(token); }
  bool wants_greedy() const override { return markup; }
  std::unique_ptr<TokenConstraint> clone() const override { return nullptr; }

  bool markup = false;
  std::vector<int32_t> accepted;

 private:
  std::vector<uint64_t> words_;
};

TEST(Answer, AReasoningBudgetForcesItsEnd) {
  EngineRequest request = greedy();
  request.reasoning = {
      .starts_inside = true, .end = 7, .max_tokens = 3, .forced = {6, 7}};
  Answer answer(request, kVocabulary);
  std::vector<int32_t> tokens;
  std::vector<bool> inside;
  for (int i = 0; i < 7; ++i) {
    const AnswerToken token = answer.next(logits(50));
    tokens.push_back(token.choice.token);
    inside.push_back(token.in_reasoning);
    // Of the raw distribution, forced or not.
    EXPECT_LT(token.choice.logprob, 0);
    if (token.choice.token != 50) {
      EXPECT_LT(token.choice.logprob, -50);
    }
    EXPECT_EQ(token.choice.logprobs[0].first, 50);
  }
  EXPECT_EQ(tokens, (std::vector<int32_t>{50, 50, 50, 6, 7, 50, 50}));
  EXPECT_EQ(
      inside, (std::vector<bool>{true, true, true, true, true, false, false}));
  EXPECT_EQ(answer.reasoning_tokens(), 5);
  EXPECT_EQ(answer.tokens(), 7);
}

TEST(Answer, ReasoningThatEndsByItselfIsLeftAlone) {
  EngineRequest request = greedy();
  request.reasoning = {
      .starts_inside = true, .end = 7, .max_tokens = 3, .forced = {6, 7}};
  Answer answer(request, kVocabulary);
  EXPECT_EQ(take(answer, 50, 2), (std::vector<int32_t>{50, 50}));
  EXPECT_TRUE(answer.next(logits(7)).in_reasoning);
  EXPECT_FALSE(answer.next(logits(50)).in_reasoning);
  EXPECT_EQ(take(answer, 50, 5), std::vector<int32_t>(5, 50));
  EXPECT_EQ(answer.reasoning_tokens(), 3);
}

TEST(Answer, ABudgetOfNothingEndsItAtOnce) {
  EngineRequest request = greedy();
  request.reasoning = {
      .starts_inside = true, .end = 7, .max_tokens = 0, .forced = {7}};
  Answer answer(request, kVocabulary);
  EXPECT_EQ(take(answer, 50, 2), (std::vector<int32_t>{7, 50}));
}

TEST(Answer, EndTokensWaitForTheLeastNumber) {
  EngineRequest request = greedy();
  request.end_tokens = {5, 1};
  request.min_tokens = 2;
  Answer answer(request, kVocabulary);
  EXPECT_EQ(answer.next(logits(5)).choice.token, 6);
  EXPECT_EQ(answer.next(logits(5)).choice.token, 6);
  const AnswerToken last = answer.next(logits(5));
  EXPECT_EQ(last.choice.token, 5);
  EXPECT_TRUE(last.is_end);
}

TEST(Answer, AConstraintDecides) {
  EngineRequest request = greedy();
  request.end_tokens = {1};
  auto made = std::make_unique<Allow>(std::vector<int32_t>{20, 90});
  Allow& allow = *made;
  request.constraint = std::move(made);
  Answer answer(request, kVocabulary);
  EXPECT_EQ(take(answer, 40, 2), (std::vector<int32_t>{20, 20}));
  EXPECT_EQ(take(answer, 100, 1), (std::vector<int32_t>{90}));
  EXPECT_EQ(allow.accepted, (std::vector<int32_t>{20, 20, 90}));
}

TEST(Answer, AFinishedConstraintOverrulesTheLeastNumber) {
  EngineRequest request = greedy();
  request.end_tokens = {1};
  request.min_tokens = 10;
  request.constraint = std::make_unique<Allow>(std::vector<int32_t>{1});
  Answer answer(request, kVocabulary);
  EXPECT_TRUE(answer.next(logits(40)).is_end);
}

TEST(Answer, MarkupIsDrawnGreedily) {
  const std::vector<float> flat(kVocabulary, 1.0F);
  for (const bool greedy_markup : {true, false}) {
    EngineRequest request = greedy();
    request.sampling.temperature = 1;
    request.sampling.seed = 5;
    request.greedy_markup = greedy_markup;
    std::vector<int32_t> all(kVocabulary);
    for (int32_t i = 0; i < kVocabulary; ++i)
      all[static_cast<size_t>(i)] = i;
    auto made = std::make_unique<Allow>(all);
    made->markup = true;
    request.constraint = std::move(made);
    Answer answer(request, kVocabulary);
    int zeros = 0;
    for (int i = 0; i < 50; ++i)
      zeros += answer.next(flat).choice.token == 0 ? 1 : 0;
    EXPECT_EQ(zeros == 50, greedy_markup);
  }
}

}  // namespace
}  // namespace hadal
