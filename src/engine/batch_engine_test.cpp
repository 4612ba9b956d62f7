// The batch engine with a fake model: order of calls, ends, refusals.
#include "engine/batch_engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "cache/fake_model.h"
#include "engine/cache_plan.h"
#include "engine/engine_testing.h"
#include "engine/step_times.h"

namespace hadal {
namespace {

using testing::answer_alone;
using testing::difference;
using testing::fake_engine_model;
using testing::fake_request;
using testing::FakeModel;
using testing::Gate;
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

TEST(BatchEngine, AFullQueueSaysWhenToComeBack) {
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

TEST(BatchEngine, CancelledInQueuePromptAndAnswer) {
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

TEST(BatchEngine, DeadlinesInQueueAndAnswer) {
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

TEST(BatchEngine, StopEndsEverythingOnce) {
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

TEST(BatchEngine, StopLetsShortAnswersFinish) {
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
TEST(BatchEngine, PromptsComeInSmallPiecesBesideDecoders) {
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
TEST(BatchEngine, ClientsTakeTurns) {
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

TEST(BatchEngine, AShortPromptPassesALongOne) {
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

// One sequence's broken logits are its own affair.
TEST(BatchEngine, BrokenLogitsFailOneRequest) {
  FakeModel fake = fake_engine_model(kPool);
  const auto run = fake.model.run;
  fake.model.run = [run](std::span<const BatchEntry> batch, float* logits) {
    run(batch, logits);
    for (const BatchEntry& entry : batch) {
      if (entry.logits_at.empty())
        continue;
      if (entry.cache->length() == 33)
        logits[5] = std::numeric_limits<float>::quiet_NaN();
      logits += testing::kFakeVocabulary;
    }
  };
  BatchEngine engine(fake.model, {});
  EngineRequest bad = fake_request(1, 30, 40);
  EngineRequest good = fake_request(2, 100, 40);
  const Heard expected = answer_alone(fake_engine_model(kPool).model, good);
  const auto bad_heard = listener(bad);
  const auto good_heard = listener(good);
  engine.submit(std::move(bad));
  engine.submit(std::move(good));
  const Heard broken = bad_heard->wait();
  EXPECT_EQ(broken.end.finish, EngineFinish::failed);
  ASSERT_TRUE(broken.end.error);
  EXPECT_EQ(broken.end.error->code(), ErrorCode::internal);
  EXPECT_EQ(broken.tokens.size(), 3U);
  EXPECT_EQ(difference(good_heard->wait(), expected), "");
}

// A run that fails is tried again one sequence at a time: who causes it fails,
// the others lose nothing but time.
TEST(BatchEngine, AFailingRunFailsItsCauseAlone) {
  FakeModel fake = fake_engine_model(kPool);
  const int32_t poison = 1;  // never in a prompt of fake_tokens
  const auto run = fake.model.run;
  int failures = 0;
  fake.model.run = [&](std::span<const BatchEntry> batch, float* logits) {
    for (const BatchEntry& entry : batch)
      for (const int32_t token : entry.tokens)
        if (token == poison) {
          ++failures;
          // The first sequence is left half-written.
          const auto fail = [](testing::Step step, int64_t layer) {
            return step == testing::Step::window && layer == 1;
          };
          try {
            testing::feed(*batch[0].cache, batch[0].tokens, fail);
          } catch (const testing::PassFailed&) {
            throw std::runtime_error("a kernel failed");
          }
        }
    run(batch, logits);
  };
  BatchEngine engine(fake.model, {});
  EngineRequest bad = fake_request(1, 700, 40);
  bad.prompt[650] = poison;
  EngineRequest good = fake_request(2, 300, 40);
  good.sampling.logit_bias = {{poison, -100.0F}};
  EngineRequest other = fake_request(3, 30, 90);
  other.sampling.logit_bias = {{poison, -100.0F}};
  const Heard expected = answer_alone(fake_engine_model(kPool).model, good);
  const Heard expected_other =
      answer_alone(fake_engine_model(kPool).model, other);
  const auto bad_heard = listener(bad);
  const auto good_heard = listener(good);
  const auto other_heard = listener(other);
  engine.submit(std::move(other));
  other_heard->wait_tokens(2);
  engine.submit(std::move(good));
  engine.submit(std::move(bad));
  const Heard broken = bad_heard->wait();
  EXPECT_EQ(broken.end.finish, EngineFinish::failed);
  ASSERT_TRUE(broken.end.error);
  EXPECT_EQ(std::string(broken.end.error->what()), "a kernel failed");
  EXPECT_EQ(difference(good_heard->wait(), expected), "");
  EXPECT_EQ(difference(other_heard->wait(), expected_other), "");
  EXPECT_GE(failures, 1);
}

// Less memory than all of them need: somebody is always preempted and read
// again, nobody fails and nobody notices.
TEST(BatchEngine, MemoryPressureChangesNoBit) {
  const FakeModel fake = fake_engine_model(kPool);
  // Three are let in with a part of their answers, and grow out of it.
  const int64_t budget =
      CachePlan(fake.model.layout, kPool).sequence_bytes(450) * 3;
  Gate gate(fake);
  BatchEngine engine(fake.model, {.max_sequences = 8, .cache_memory = budget});
  std::vector<EngineRequest> asked;
  std::vector<std::shared_ptr<Listener>> heard_by;
  std::vector<Heard> expected;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    asked.push_back(
        fake_request(seed, 100 + 20 * static_cast<int64_t>(seed), 900));
    expected.push_back(
        answer_alone(fake_engine_model(kPool).model, asked.back()));
    heard_by.push_back(listener(asked.back()));
  }
  for (EngineRequest& one : asked)
    engine.submit(std::move(one));
  gate.open();
  for (size_t i = 0; i < expected.size(); ++i) {
    const Heard heard = heard_by[i]->wait();
    EXPECT_EQ(difference(heard, expected[i]), "") << i;
    EXPECT_EQ(heard.end.finish, EngineFinish::length);
  }
  engine.stop(std::chrono::milliseconds(0));
  int64_t fed = 0;
  for (const FakeModel::Run& run : *fake.runs)
    fed += run.total();
  EXPECT_GT(fed, 8 * (190 + 900)) << "nobody was preempted";
}

}  // namespace
}  // namespace hadal
