// Queue, turns, cancelling, deadlines and stopping, with a fake model.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <vector>

#include "engine/batch_engine.h"
#include "engine/engine_testing.h"
#include "engine/step_times.h"

namespace hadal {
namespace {

using testing::fake_engine_model;
using testing::fake_request;
using testing::FakeModel;
using testing::Gate;
using testing::Heard;
using testing::listener;
using testing::Listener;

constexpr int64_t kPool = int64_t{64} << 20;

TEST(BatchEngineTurns, AFullQueueSaysWhenToComeBack) {
  const FakeModel fake = fake_engine_model(kPool);
  Gate gate(fake);
  BatchEngine engine(fake.model, {.max_sequences = 1, .max_queue = 2});
  std::vector<std::shared_ptr<Listener>> heard_by;
  const auto submit = [&](uint64_t seed) {
    EngineRequest made = fake_request(seed, 10, 3);
    heard_by.push_back(listener(made));
    engine.submit(std::move(made));
  };
  submit(1);
  gate.wait_arrived();
  submit(2);
  submit(3);
  try {
    engine.submit(fake_request(4, 10, 3));
    ADD_FAILURE() << "accepted";
  } catch (const EngineBusy& busy) {
    EXPECT_GE(busy.retry_after_seconds(), 1);
    EXPECT_EQ(busy.code(), ErrorCode::resource);
  }
  gate.open();
  for (const auto& one : heard_by)
    EXPECT_EQ(one->wait().end.finish, EngineFinish::length);
  submit(5);
  EXPECT_EQ(heard_by.back()->wait().end.finish, EngineFinish::length);
}

TEST(BatchEngineTurns, CancelledInQueuePromptAndAnswer) {
  const FakeModel fake = fake_engine_model(kPool);
  Gate gate(fake);
  BatchEngine engine(fake.model, {.max_sequences = 1});
  EngineRequest in_prompt = fake_request(1, 5000, 10);
  EngineRequest in_queue = fake_request(2, 10, 10);
  EngineRequest in_answer = fake_request(3, 10, 1000000);
  const auto prompt_heard = listener(in_prompt);
  const auto queue_heard = listener(in_queue);
  const auto answer_heard = listener(in_answer);
  const RequestId prompt_id = engine.submit(std::move(in_prompt));
  gate.wait_arrived();
  const RequestId queue_id = engine.submit(std::move(in_queue));
  const RequestId answer_id = engine.submit(std::move(in_answer));
  engine.cancel(queue_id);
  engine.cancel(prompt_id);
  engine.cancel(12345);
  gate.open();
  const Heard of_prompt = prompt_heard->wait();
  EXPECT_EQ(of_prompt.end.finish, EngineFinish::cancelled);
  EXPECT_TRUE(of_prompt.tokens.empty());
  EXPECT_EQ(of_prompt.prompt_done, std::vector<int64_t>{512});
  const Heard of_queue = queue_heard->wait();
  EXPECT_EQ(of_queue.end.finish, EngineFinish::cancelled);
  EXPECT_EQ(of_queue.starts, 0);
  answer_heard->wait_tokens(3);
  engine.cancel(answer_id);
  EXPECT_EQ(answer_heard->wait().end.finish, EngineFinish::cancelled);
  engine.cancel(answer_id);
  EXPECT_EQ(answer_heard->wait().ends, 1);
}

TEST(BatchEngineTurns, DeadlinesInQueueAndAnswer) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {.max_sequences = 1});
  const auto now = std::chrono::steady_clock::now();
  EngineRequest answering = fake_request(1, 10, 1000000);
  answering.deadline = now + std::chrono::milliseconds(200);
  EngineRequest waiting = fake_request(2, 10, 10);
  waiting.deadline = now + std::chrono::milliseconds(50);
  EngineRequest late = fake_request(3, 10, 2);
  const auto first = listener(answering);
  const auto second = listener(waiting);
  const auto third = listener(late);
  engine.submit(std::move(answering));
  engine.submit(std::move(waiting));
  engine.submit(std::move(late));
  const Heard queued = second->wait();
  EXPECT_EQ(queued.end.finish, EngineFinish::deadline);
  EXPECT_EQ(queued.starts, 0);
  EXPECT_FALSE(first->ended());
  const Heard cut = first->wait();
  EXPECT_EQ(cut.end.finish, EngineFinish::deadline);
  EXPECT_GT(cut.tokens.size(), 0U);
  EXPECT_EQ(third->wait().end.finish, EngineFinish::length);
}

TEST(BatchEngineTurns, StopEndsEverythingOnce) {
  const FakeModel fake = fake_engine_model(kPool);
  std::vector<std::shared_ptr<Listener>> heard_by;
  {
    BatchEngine engine(fake.model, {.max_sequences = 2});
    for (uint64_t seed = 1; seed <= 6; ++seed) {
      EngineRequest made = fake_request(seed, 50, 1000000);
      heard_by.push_back(listener(made));
      engine.submit(std::move(made));
    }
    heard_by[0]->wait_tokens(2);
    engine.stop(std::chrono::milliseconds(30));
    EXPECT_THROW(engine.submit(fake_request(9, 5, 5)), EngineBusy);
  }
  for (const auto& one : heard_by) {
    const Heard heard = one->wait();
    EXPECT_EQ(heard.ends, 1);
    EXPECT_EQ(heard.end.finish, EngineFinish::cancelled);
  }
  EXPECT_EQ(fake.model.pool->used_bytes(), 0);
}

TEST(BatchEngineTurns, StopLetsShortAnswersFinish) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {});
  EngineRequest made = fake_request(1, 50, 20);
  const auto heard_by = listener(made);
  engine.submit(std::move(made));
  heard_by->wait_start();
  engine.stop(std::chrono::seconds(60));
  EXPECT_EQ(heard_by->wait().end.finish, EngineFinish::length);
}

// While somebody decodes, a step reads no more of a prompt than its time
// allows; here that is the least there is.
TEST(BatchEngineTurns, PromptsComeInSmallPiecesBesideDecoders) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {.max_stall_ms = 0.001});
  EngineRequest answering = fake_request(1, 10, 1000000);
  EngineRequest reading = fake_request(2, 2000, 5);
  const auto first = listener(answering);
  const auto second = listener(reading);
  const RequestId id = engine.submit(std::move(answering));
  first->wait_tokens(1);
  engine.submit(std::move(reading));
  second->wait();
  engine.cancel(id);
  first->wait();
  engine.stop(std::chrono::milliseconds(0));
  int64_t mixed = 0;
  for (const FakeModel::Run& run : *fake.runs) {
    if (run.tokens.size() != 2)
      continue;
    ++mixed;
    EXPECT_LE(run.total(), 1 + StepTimes::kLeastPromptTokens);
  }
  EXPECT_GT(mixed, 50);
}

// A client with many requests does not crowd out one with a single one.
TEST(BatchEngineTurns, ClientsTakeTurns) {
  const FakeModel fake = fake_engine_model(kPool);
  Gate gate(fake);
  BatchEngine engine(fake.model, {.max_sequences = 1});
  std::vector<std::shared_ptr<Listener>> heard_by;
  std::mutex mutex;
  std::vector<size_t> order;
  for (size_t i = 0; i < 11; ++i) {
    EngineRequest made = fake_request(i + 1, 20, 3);
    made.client = i == 10 ? "b" : "a";
    heard_by.push_back(listener(made));
    heard_by.back()->when_started = [&, i] {
      const std::lock_guard lock(mutex);
      order.push_back(i);
    };
    engine.submit(std::move(made));
    if (i == 0)
      gate.wait_arrived();
  }
  gate.open();
  for (const auto& one : heard_by)
    one->wait();
  ASSERT_EQ(order.size(), 11U);
  // The first of "a" was being served and "a" queued before "b".
  EXPECT_EQ(
      (std::vector<size_t>{order.begin(), order.begin() + 4}),
      (std::vector<size_t>{0, 1, 10, 2}));
}

TEST(BatchEngineTurns, AShortPromptPassesALongOne) {
  const FakeModel fake = fake_engine_model(kPool);
  EngineRequest large = fake_request(1, 9000, 2);
  EngineRequest small = fake_request(2, 100, 2);
  const auto large_heard = listener(large);
  const auto small_heard = listener(small);
  std::atomic<bool> large_answers = false;
  std::atomic<bool> small_was_first = false;
  large_heard->decide = [&](const Heard&) {
    large_answers = true;
    return Continue::yes;
  };
  small_heard->decide = [&](const Heard&) {
    small_was_first = !large_answers;
    return Continue::no;
  };
  Gate gate(fake);
  BatchEngine engine(fake.model, {});
  engine.submit(std::move(large));
  gate.wait_arrived();
  engine.submit(std::move(small));
  gate.open();
  small_heard->wait();
  EXPECT_EQ(large_heard->wait().end.finish, EngineFinish::length);
  EXPECT_TRUE(small_was_first);
}

}  // namespace
}  // namespace hadal
