// The batch engine with a fake model: answers, refusals, status.
#include "engine/batch_engine.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/engine_testing.h"

namespace hadal {
namespace {

using testing::answer_alone;
using testing::difference;
using testing::fake_engine_model;
using testing::fake_request;
using testing::FakeModel;
using testing::Heard;
using testing::listener;
using testing::Listener;

constexpr int64_t kPool = int64_t{64} << 20;

TEST(BatchEngine, OneRequestIsAnsweredAsFromACacheOfItsOwn) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {});
  EngineRequest asked = fake_request(1, 1000, 20);
  const Heard expected = answer_alone(fake_engine_model(kPool).model, asked);
  const auto heard_by = listener(asked);
  engine.submit(std::move(asked));
  const Heard heard = heard_by->wait();
  EXPECT_EQ(difference(heard, expected), "");
  EXPECT_EQ(heard.starts, 1);
  EXPECT_EQ(heard.start.prompt_tokens, 1000);
  EXPECT_EQ(heard.start.cached_tokens, 0);
  EXPECT_EQ(heard.start.seed, 1U);
  EXPECT_EQ(heard.prompt_done, (std::vector<int64_t>{512, 1000}));
  EXPECT_EQ(heard.end.finish, EngineFinish::length);
  EXPECT_EQ(heard.end.generated_tokens, 20);
  EXPECT_EQ(heard.ends, 1);
}

TEST(BatchEngine, ManyAtOnceAnswerAsAlone) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {.max_sequences = 5});
  std::vector<EngineRequest> asked;
  std::vector<std::shared_ptr<Listener>> heard_by;
  std::vector<Heard> expected;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const auto length = static_cast<int64_t>(seed * 97 % 400) + 1;
    asked.push_back(fake_request(seed, length, 30, seed % 3 == 0 ? 0 : 1));
    expected.push_back(
        answer_alone(fake_engine_model(kPool).model, asked.back()));
    heard_by.push_back(listener(asked.back()));
  }
  for (EngineRequest& one : asked)
    engine.submit(std::move(one));
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(difference(heard_by[i]->wait(), expected[i]), "") << i;
}

TEST(BatchEngine, AnEndTokenEndsAndIsReported) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {});
  EngineRequest asked = fake_request(7, 20, 50);
  const Heard unbounded = answer_alone(fake_engine_model(kPool).model, asked);
  // The token that comes fifth ends the answer.
  asked.end_tokens = {unbounded.tokens[4]};
  const auto heard_by = listener(asked);
  engine.submit(std::move(asked));
  const Heard heard = heard_by->wait();
  EXPECT_EQ(heard.end.finish, EngineFinish::end_token);
  EXPECT_EQ(heard.end.end_token, unbounded.tokens[4]);
  ASSERT_LE(heard.tokens.size(), 5U);
  EXPECT_EQ(heard.tokens.back(), unbounded.tokens[4]);
  EXPECT_EQ(
      heard.end.generated_tokens, static_cast<int64_t>(heard.tokens.size()));
}

TEST(BatchEngine, TheObserverMayEndIt) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {});
  EngineRequest asked = fake_request(3, 10, 50);
  const auto heard_by = listener(asked);
  heard_by->decide = [](const Heard& so_far) {
    return so_far.tokens.size() == 3 ? Continue::no : Continue::yes;
  };
  engine.submit(std::move(asked));
  const Heard heard = heard_by->wait();
  EXPECT_EQ(heard.end.finish, EngineFinish::observer);
  EXPECT_EQ(heard.tokens.size(), 3U);
}

TEST(BatchEngine, TheContextEndsAnAnswer) {
  const FakeModel fake = fake_engine_model(kPool, 40);
  BatchEngine engine(fake.model, {});
  EngineRequest asked = fake_request(3, 30, -1);
  const Heard expected =
      answer_alone(fake_engine_model(kPool, 40).model, asked);
  const auto heard_by = listener(asked);
  engine.submit(std::move(asked));
  const Heard heard = heard_by->wait();
  EXPECT_EQ(heard.end.finish, EngineFinish::length);
  EXPECT_EQ(heard.tokens.size(), 11U);
  EXPECT_EQ(difference(heard, expected), "");
}

TEST(BatchEngine, RefusesWhatIsOutOfRange) {
  const FakeModel fake = fake_engine_model(kPool, 1000);
  BatchEngine engine(fake.model, {});
  const auto refusal = [&](EngineRequest made) -> std::string {
    try {
      engine.submit(std::move(made));
    } catch (const Error& error) {
      return std::string(name(error.code())) + ": " + error.what();
    }
    return "";
  };
  EngineRequest made = fake_request(1, 10, 5);
  made.prompt.clear();
  EXPECT_NE(refusal(std::move(made)).find("prompt"), std::string::npos);
  made = fake_request(1, 10, 5);
  made.prompt[3] = 256;
  EXPECT_NE(refusal(std::move(made)).find("prompt[3]"), std::string::npos);
  made = fake_request(1, 10, 0);
  EXPECT_NE(refusal(std::move(made)).find("max_tokens"), std::string::npos);
  made = fake_request(1, 10, 5);
  made.sampling.top_p = 2;
  EXPECT_NE(refusal(std::move(made)).find("top_p"), std::string::npos);
  made = fake_request(1, 10, 5);
  made.keep_at = {4, 10};
  EXPECT_NE(refusal(std::move(made)).find("keep_at"), std::string::npos);
  made = fake_request(1, 10, 5);
  made.observer = nullptr;
  EXPECT_NE(refusal(std::move(made)).find("observer"), std::string::npos);
  made = fake_request(1, 1001, 5);
  EXPECT_EQ(refusal(std::move(made)).find("resource"), 0U);
}

TEST(BatchEngine, APromptThatCanNeverFitIsRefusedWithNumbers) {
  const FakeModel fake = fake_engine_model(kPool);
  const int64_t budget = fake.model.layout->bytes(2000);
  BatchEngine engine(fake.model, {.cache_memory = budget});
  try {
    engine.submit(fake_request(1, 5000, 5));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource);
    EXPECT_NE(std::string(error.what()).find("5000"), std::string::npos);
    EXPECT_NE(
        std::string(error.what()).find(std::to_string(budget)),
        std::string::npos);
  }
}

TEST(BatchEngine, StatusAddsUp) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {});
  EngineRequest made = fake_request(1, 700, 30);
  const auto heard_by = listener(made);
  engine.submit(std::move(made));
  heard_by->wait();
  const EngineStatus status = engine.status();
  EXPECT_TRUE(status.sequences.empty());
  EXPECT_EQ(status.prompt_tokens, 700U);
  EXPECT_EQ(status.generated_tokens, 30U);
  EXPECT_EQ(status.steps, 2U + 29U);
  EXPECT_GT(status.executor_seconds, 0);
  EXPECT_GT(status.busy_seconds, status.executor_seconds);
  EXPECT_GT(status.prompt_tokens_per_second, 0);
  EXPECT_GT(status.step_seconds, 0);
  EXPECT_EQ(status.cache_bytes_used, status.saved_prefix_bytes);
}

}  // namespace
}  // namespace hadal
