// Saved prefixes in the engine, with a fake model: what is computed, what is
// not, and that no bit tells the difference.
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "engine/batch_engine.h"
#include "engine/engine_testing.h"

namespace hadal {
namespace {

using testing::answer_alone;
using testing::difference;
using testing::fake_engine_model;
using testing::fake_request;
using testing::fake_tokens;
using testing::FakeModel;
using testing::Gate;
using testing::Heard;
using testing::listener;
using testing::Listener;

constexpr int64_t kPool = int64_t{64} << 20;

std::vector<int32_t> joined(
    std::vector<int32_t> first, const std::vector<int32_t>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// Submits and waits.
Heard ask(BatchEngine& engine, EngineRequest request) {
  const auto heard_by = listener(request);
  engine.submit(std::move(request));
  return heard_by->wait();
}

Heard alone(const EngineRequest& request) {
  return answer_alone(fake_engine_model(kPool).model, request);
}

int64_t fed(const FakeModel& fake) {
  int64_t total = 0;
  for (const FakeModel::Run& run : *fake.runs)
    total += run.total();
  return total;
}

TEST(PrefixReuse, ASecondTurnComputesItsNewTokensAlone) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {});
  const std::vector<int32_t> first_prompt = fake_tokens(1, 4000);
  const Heard first = ask(engine, fake_request(first_prompt, 1, 50));
  const std::vector<int32_t> second_prompt =
      joined(joined(first_prompt, first.tokens), fake_tokens(2, 30));
  const int64_t before = fed(fake);
  EngineRequest turn = fake_request(second_prompt, 2, 1);
  const Heard expected = alone(turn);
  const Heard second = ask(engine, std::move(turn));
  EXPECT_EQ(difference(second, expected), "");
  // All but the new tokens and the last one of the answer, which was sampled
  // and never fed.
  EXPECT_EQ(second.start.cached_tokens, 4049);
  EXPECT_EQ(second.end.cached_tokens, 4049);
  EXPECT_EQ(fed(fake) - before, 31);
  EXPECT_EQ(engine.status().cached_tokens, 4049U);
}

TEST(PrefixReuse, TheSamePromptAgainComputesOneToken) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {});
  const std::vector<int32_t> prompt = fake_tokens(1, 700);
  ask(engine, fake_request(prompt, 1, 5));
  EngineRequest again = fake_request(prompt, 9, 20);
  const Heard expected = alone(again);
  const Heard heard = ask(engine, std::move(again));
  EXPECT_EQ(heard.start.cached_tokens, 699);
  EXPECT_EQ(difference(heard, expected), "");
}

// The reasoning of the first answer is dropped from the second prompt.
TEST(PrefixReuse, AnotherAnswerGoesOnFromThePromptsEnd) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {});
  const std::vector<int32_t> prompt = fake_tokens(1, 1500);
  ask(engine, fake_request(prompt, 1, 40));
  std::vector<int32_t> other(prompt.begin(), prompt.end() - 1);
  EngineRequest turn = fake_request(joined(other, fake_tokens(3, 60)), 2, 10);
  const Heard expected = alone(turn);
  const Heard heard = ask(engine, std::move(turn));
  EXPECT_EQ(heard.start.cached_tokens, 1499);
  EXPECT_EQ(difference(heard, expected), "");
}

TEST(PrefixReuse, LengthsThatTheRequestNamesAreKept) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {});
  const std::vector<int32_t> system = fake_tokens(1, 333);
  EngineRequest first = fake_request(joined(system, fake_tokens(2, 400)), 1, 5);
  first.keep_at = {333};
  ask(engine, std::move(first));
  EngineRequest second =
      fake_request(joined(system, fake_tokens(3, 400)), 2, 20);
  const Heard expected = alone(second);
  const Heard heard = ask(engine, std::move(second));
  EXPECT_EQ(heard.start.cached_tokens, 333);
  EXPECT_EQ(difference(heard, expected), "");
}

// Nobody said where the system text ends: the second prompt that parts there
// shows it.
TEST(PrefixReuse, WherePromptsPartIsLearned) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {});
  const std::vector<int32_t> system = fake_tokens(1, 900);
  const auto prompt = [&](uint64_t seed) {
    return fake_request(joined(system, fake_tokens(seed, 200)), seed, 5);
  };
  ask(engine, prompt(2));
  EXPECT_EQ(ask(engine, prompt(3)).start.cached_tokens, 0);
  EXPECT_EQ(ask(engine, prompt(4)).start.cached_tokens, 900);
}

TEST(PrefixReuse, LongPromptsAreKeptInBetween) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {.keep_every = 256});
  const std::vector<int32_t> prompt = fake_tokens(1, 1200);
  ask(engine, fake_request(prompt, 1, 5));
  std::vector<int32_t> edited = prompt;
  edited[700] = edited[700] == 5 ? 6 : 5;
  EngineRequest second = fake_request(edited, 2, 20);
  const Heard expected = alone(second);
  const Heard heard = ask(engine, std::move(second));
  EXPECT_EQ(heard.start.cached_tokens, 512);
  EXPECT_EQ(difference(heard, expected), "");
}

TEST(PrefixReuse, ACancelledPromptIsNotLost) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {});
  const std::vector<int32_t> prompt = fake_tokens(1, 5000);
  EngineRequest first = fake_request(prompt, 1, 5);
  const auto heard_by = listener(first);
  RequestId id = 0;
  int runs = 0;
  *fake.before = [&](std::span<const BatchEntry>) {
    if (++runs == 3)
      engine.cancel(id);
  };
  id = engine.submit(std::move(first));
  EXPECT_EQ(heard_by->wait().end.finish, EngineFinish::cancelled);
  EngineRequest again = fake_request(prompt, 1, 20);
  const Heard expected = alone(again);
  const Heard heard = ask(engine, std::move(again));
  EXPECT_EQ(heard.start.cached_tokens, 3 * 512);
  EXPECT_EQ(difference(heard, expected), "");
}

TEST(PrefixReuse, WithoutTheCacheNothingIsSharedOrRemembered) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {});
  const std::vector<int32_t> prompt = fake_tokens(1, 500);
  EngineRequest first = fake_request(prompt, 1, 5);
  first.use_cache = false;
  ask(engine, std::move(first));
  EXPECT_EQ(engine.status().saved_prefixes, 0);
  EXPECT_EQ(ask(engine, fake_request(prompt, 1, 5)).start.cached_tokens, 0);
  EXPECT_GT(engine.status().saved_prefixes, 0);
  EngineRequest third = fake_request(prompt, 1, 5);
  third.use_cache = false;
  EXPECT_EQ(ask(engine, std::move(third)).start.cached_tokens, 0);
}

// Many of the same prompt at once: one computes it, the others take it over.
TEST(PrefixReuse, APromptIsComputedOnceForAllWhoAskAtOnce) {
  const FakeModel fake = fake_engine_model(kPool);
  Gate gate(fake);
  BatchEngine engine(fake.model, {});
  const std::vector<int32_t> system = fake_tokens(1, 3000);
  std::vector<std::shared_ptr<Listener>> heard_by;
  std::vector<Heard> expected;
  std::vector<EngineRequest> asked;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    // Four of one prompt, four that part from it at 3,000.
    asked.push_back(fake_request(
        joined(system, fake_tokens(seed < 5 ? 50 : seed, 100)), seed, 10));
    expected.push_back(alone(asked.back()));
    heard_by.push_back(listener(asked.back()));
  }
  for (EngineRequest& one : asked)
    engine.submit(std::move(one));
  gate.open();
  int64_t cached = 0;
  for (size_t i = 0; i < 8; ++i) {
    const Heard heard = heard_by[i]->wait();
    EXPECT_EQ(difference(heard, expected[i]), "") << i;
    cached += heard.start.cached_tokens;
  }
  EXPECT_EQ(cached, 3 * 3099 + 4 * 3000);
  EXPECT_EQ(fed(fake), 3100 + 3 + 4 * 100 + 8 * 9);
}

// Who waited goes on when the one that computed is gone.
TEST(PrefixReuse, WaitingEndsWithTheReader) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {});
  const std::vector<int32_t> prompt = fake_tokens(1, 4000);
  EngineRequest first = fake_request(prompt, 1, 5);
  EngineRequest second = fake_request(prompt, 2, 20);
  const Heard expected = alone(second);
  const auto first_heard = listener(first);
  const auto second_heard = listener(second);
  std::atomic<RequestId> id = 0;
  std::atomic<bool> both = false;
  int runs = 0;
  *fake.before = [&](std::span<const BatchEntry>) {
    both.wait(false);
    if (++runs == 4)
      engine.cancel(id);
  };
  id = engine.submit(std::move(first));
  engine.submit(std::move(second));
  both = true;
  both.notify_all();
  EXPECT_EQ(first_heard->wait().end.finish, EngineFinish::cancelled);
  const Heard heard = second_heard->wait();
  EXPECT_EQ(difference(heard, expected), "");
  EXPECT_EQ(heard.start.cached_tokens, 4 * 512);
}

TEST(PrefixReuse, MemoryComesBack) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {.keep_every = 128});
  for (uint64_t seed = 1; seed <= 5; ++seed)
    ask(engine, fake_request(seed, 600, 30));
  const EngineStatus status = engine.status();
  EXPECT_GT(status.saved_prefixes, 10);
  EXPECT_EQ(status.cache_bytes_used, status.saved_prefix_bytes);
  engine.clear_prefixes();
  EXPECT_EQ(fake.model.pool->used_bytes(), 0);
  EXPECT_EQ(engine.status().saved_prefixes, 0);
  EXPECT_EQ(engine.status().saved_prefix_bytes, 0);
}

TEST(PrefixReuse, TheBudgetIsKeptAndTheLatestConversationStays) {
  const FakeModel fake = fake_engine_model(kPool);
  const int64_t budget = fake.model.layout->bytes(3000) * 4;
  BatchEngine engine(fake.model, {.cache_memory = budget, .scratch_tokens = 0});
  int64_t most = 0;
  *fake.before = [&](std::span<const BatchEntry>) {
    most = std::max(most, fake.model.pool->used_bytes());
  };
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    ask(engine, fake_request(seed, 2500, 5));
    EXPECT_EQ(
        ask(engine, fake_request(seed, 2500, 5)).start.cached_tokens, 2499);
  }
  EXPECT_LE(most, budget);
  EXPECT_GT(engine.status().evicted_prefixes, 10U);
}

}  // namespace
}  // namespace hadal
