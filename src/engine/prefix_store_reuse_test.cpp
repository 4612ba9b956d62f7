// The engine with a store of saved prefixes, and hits that are verified.
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "cache/fake_model.h"
#include "engine/batch_engine.h"
#include "engine/engine_testing.h"
#include "engine/map_store.h"

namespace hadal {
namespace {

using testing::answer_alone;
using testing::difference;
using testing::fake_engine_model;
using testing::fake_request;
using testing::fake_tokens;
using testing::FakeModel;
using testing::Heard;
using testing::listener;
using testing::MapStore;

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

TEST(PrefixStoreReuse, AStoreOutlivesTheEngine) {
  const FakeModel fake = fake_engine_model(kPool);
  const auto store = std::make_shared<MapStore>();
  const std::vector<int32_t> prompt = fake_tokens(1, 3000);
  Heard first;
  {
    BatchEngine engine(fake.model, {.store = store});
    first = ask(engine, fake_request(prompt, 1, 50));
    engine.stop(std::chrono::milliseconds(0));
  }
  EXPECT_EQ(store->lengths().size(), 2U);  // the prompt's end and the answer's
  BatchEngine engine(fake.model, {.store = store});
  EngineRequest turn = fake_request(
      joined(joined(prompt, first.tokens), fake_tokens(2, 300)), 2, 20);
  const Heard expected = alone(turn);
  const Heard heard = ask(engine, std::move(turn));
  EXPECT_EQ(difference(heard, expected), "");
  EXPECT_EQ(heard.start.cached_tokens, 3049);
  EXPECT_EQ(store->found, 1);
  const EngineStatus status = engine.status();
  EXPECT_EQ(status.disk_cached_tokens, 3049U);
  EXPECT_EQ(status.disk_prefixes, 3);
  EXPECT_EQ(status.disk_bytes, 77);
  // From now on it is in memory.
  EngineRequest other = fake_request(
      joined(joined(prompt, first.tokens), fake_tokens(3, 300)), 3, 20);
  EXPECT_EQ(ask(engine, std::move(other)).start.cached_tokens, 3049);
  EXPECT_EQ(store->found, 1);
}

TEST(PrefixStoreReuse, CancelledWhileLoading) {
  const FakeModel fake = fake_engine_model(kPool);
  class SlowStore : public MapStore {
   public:
    int64_t longest(std::span<const int32_t> tokens) override {
      asked = true;
      asked.notify_all();
      go.wait(false);
      return MapStore::longest(tokens);
    }
    std::atomic<bool> asked = false;
    std::atomic<bool> go = false;
  };
  const auto store = std::make_shared<SlowStore>();
  BatchEngine engine(fake.model, {.store = store});
  EngineRequest made = fake_request(1, 1000, 10);
  const auto heard_by = listener(made);
  const RequestId id = engine.submit(std::move(made));
  store->asked.wait(false);
  // Others are not held up.
  EXPECT_EQ(
      ask(engine, fake_request(2, 100, 10)).end.finish, EngineFinish::length);
  for (const SequenceStatus& one : engine.status().sequences)
    EXPECT_EQ(one.phase, SequenceStatus::Phase::loading);
  engine.cancel(id);
  const Heard heard = heard_by->wait();
  EXPECT_EQ(heard.end.finish, EngineFinish::cancelled);
  EXPECT_EQ(heard.starts, 0);
  store->go = true;
  store->go.notify_all();
  EXPECT_EQ(
      ask(engine, fake_request(3, 100, 10)).end.finish, EngineFinish::length);
}

// A store that gives the state of other tokens: with verify_hits the answer is
// right all the same.
TEST(PrefixStoreReuse, VerifiedHitsFallBackToComputing) {
  const FakeModel fake = fake_engine_model(kPool);
  const std::vector<int32_t> prompt = fake_tokens(1, 1000);
  SequenceCache wrong(fake.model.layout, fake.model.pool);
  testing::feed_in_chunks(wrong, fake_tokens(2, 800), 300);
  for (const bool verify : {false, true}) {
    const auto store = std::make_shared<MapStore>();
    store->offer({prompt.begin(), prompt.begin() + 800}, wrong.snapshot());
    BatchEngine engine(fake.model, {.store = store, .verify_hits = verify});
    EngineRequest made = fake_request(prompt, 1, 20);
    const Heard expected = alone(made);
    const Heard heard = ask(engine, std::move(made));
    EXPECT_EQ(difference(heard, expected) == "", verify);
    EXPECT_EQ(heard.start.cached_tokens, verify ? 0 : 800);
    // A true hit passes.
    EngineRequest again = fake_request(prompt, 3, 20);
    EXPECT_EQ(ask(engine, std::move(again)).start.cached_tokens, 999);
  }
}

}  // namespace
}  // namespace hadal
