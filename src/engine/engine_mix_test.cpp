// The invariance law of a whole server: in a mix of 200 requests (shared
// prefixes, further turns, forks, cancels, constraints, budgets, memory that is
// short, restarts with a store) every answer has the bits it has alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "engine/batch_engine.h"
#include "engine/cache_plan.h"
#include "engine/engine_testing.h"
#include "engine/map_store.h"

namespace hadal {
namespace {

using testing::difference;
using testing::fake_engine_model;
using testing::fake_request;
using testing::fake_tokens;
using testing::FakeModel;
using testing::Heard;
using testing::listener;
using testing::Listener;
using testing::MapStore;

constexpr int kRequests = 200;
constexpr int64_t kPool = int64_t{512} << 20;
constexpr int64_t kMaxPrompt = 1800;

// Allows a third of the tokens, which one depends on the last token.
class Thirds : public TokenConstraint {
 public:
  TokenMask mask() override {
    words_.assign(testing::kFakeVocabulary / 64, 0);
    for (int32_t id = 0; id < testing::kFakeVocabulary; ++id)
      if ((id + last_) % 3 == 0)
        words_[static_cast<size_t>(id / 64)] |= uint64_t{1} << (id % 64);
    return {words_};
  }
  void accept(int32_t token) override {
    EXPECT_EQ((token + last_) % 3, 0);
    last_ = token;
  }
  bool wants_greedy() const override { return last_ % 5 == 0; }
  std::unique_ptr<TokenConstraint> clone() const override {
    return std::make_unique<Thirds>(*this);
  }

 private:
  int32_t last_ = 0;
  std::vector<uint64_t> words_;
};

// What a request is made from, again for every engine.
struct Recipe {
  std::vector<int32_t> prompt;
  uint64_t seed = 0;
  int64_t max_tokens = 0;
  double temperature = 1;
  bool constrained = false;
  bool thinks = false;
  bool uncached = false;
  std::vector<int64_t> keep_at;
  std::string client;
  int64_t cancel_after = -1;  // tokens; 0: at once
  Heard alone;

  EngineRequest request() const {
    EngineRequest made = fake_request(prompt, seed, max_tokens, temperature);
    if (constrained)
      made.constraint = std::make_unique<Thirds>();
    if (thinks)
      made.reasoning = {
          .starts_inside = true, .end = 7, .max_tokens = 5, .forced = {6, 7}};
    made.use_cache = !uncached;
    made.keep_at = keep_at;
    made.client = client;
    made.end_tokens = {1, 9, 33};
    return made;
  }
};

void append(std::vector<int32_t>& to, const std::vector<int32_t>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

std::vector<int32_t> mixed_prompt(
    std::mt19937& random, const std::vector<Recipe>& before) {
  const auto some = [&](int64_t least, int64_t most) {
    return fake_tokens(
        random(), least + static_cast<int64_t>(random()) % (most - least + 1));
  };
  std::vector<int32_t> prompt;
  const Recipe* const other =
      before.empty() ? nullptr : &before[random() % before.size()];
  switch (other == nullptr ? 0 : random() % 6) {
    case 0:  // something new
      return some(1, 500);
    case 1:  // one of three system texts
      prompt = fake_tokens(9000 + random() % 3, 400);
      append(prompt, some(1, 200));
      return prompt;
    case 2:  // the same again
      return other->prompt;
    case 3:  // a fork in the middle
      prompt.assign(
          other->prompt.begin(),
          other->prompt.begin() +
              static_cast<std::ptrdiff_t>(random() % other->prompt.size()));
      append(prompt, some(1, 100));
      return prompt;
    default:  // the next turn
      prompt = other->prompt;
      append(prompt, other->alone.tokens);
      append(prompt, some(1, 60));
      return static_cast<int64_t>(prompt.size()) <= kMaxPrompt ? prompt
                                                               : some(1, 300);
  }
}

std::vector<Recipe> make_recipes() {
  std::mt19937 random(20261124);
  std::vector<Recipe> recipes;
  for (int i = 0; i < kRequests; ++i) {
    Recipe recipe;
    recipe.prompt = mixed_prompt(random, recipes);
    recipe.seed = random();
    recipe.max_tokens = 1 + static_cast<int64_t>(random() % 40);
    recipe.temperature = random() % 3 == 0 ? 0 : 1;
    recipe.constrained = random() % 5 == 0;
    recipe.thinks = !recipe.constrained && random() % 6 == 0;
    recipe.uncached = random() % 20 == 0;
    recipe.client = std::string(1, static_cast<char>('a' + random() % 4));
    const auto length = static_cast<int64_t>(recipe.prompt.size());
    if (length > 100 && random() % 2 == 0)
      recipe.keep_at = {length / 3, length - 2};
    if (random() % 8 == 0)
      recipe.cancel_after = static_cast<int64_t>(random() % 5);
    const FakeModel fake = fake_engine_model(kPool);
    BatchEngine engine(fake.model, {.max_sequences = 1});
    EngineRequest request = recipe.request();
    const auto heard_by = listener(request);
    engine.submit(std::move(request));
    recipe.alone = heard_by->wait();
    EXPECT_EQ(recipe.alone.end.cached_tokens, 0);
    recipes.push_back(std::move(recipe));
  }
  return recipes;
}

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> made = make_recipes();
  return made;
}

// All or, when it was cancelled, the first of the tokens.
void expect_as_alone(const Heard& heard, const Recipe& recipe, int index) {
  Heard expected = recipe.alone;
  if (recipe.cancel_after >= 0 && heard.end.finish == EngineFinish::cancelled) {
    ASSERT_LE(heard.tokens.size(), expected.tokens.size()) << index;
    expected.tokens.resize(heard.tokens.size());
    expected.logprob_bits.resize(heard.tokens.size());
    expected.top_logprobs.resize(heard.top_logprobs.size());
  } else {
    EXPECT_EQ(heard.end.finish, expected.end.finish) << index;
    EXPECT_EQ(heard.end.reasoning_tokens, expected.end.reasoning_tokens);
    EXPECT_FALSE(heard.end.error) << heard.end.error->what();
  }
  EXPECT_EQ(heard.ends, 1);
  EXPECT_EQ(difference(heard, expected), "") << "request " << index;
}

// Runs recipes [first, end), up to 24 of them in the engine's hands.
int64_t run_mix(BatchEngine& engine, int first, int end, uint32_t seed) {
  std::mt19937 random(seed);
  struct Running {
    int index;
    RequestId id;
    std::shared_ptr<Listener> heard_by;
  };
  std::vector<Running> running;
  int64_t cached = 0;
  const auto finish_one = [&] {
    const size_t at = random() % running.size();
    const Heard heard = running[at].heard_by->wait();
    cached += heard.end.cached_tokens;
    const int index = running[at].index;
    expect_as_alone(heard, recipes()[static_cast<size_t>(index)], index);
    running.erase(running.begin() + static_cast<std::ptrdiff_t>(at));
  };
  for (int i = first; i < end; ++i) {
    const Recipe& recipe = recipes()[static_cast<size_t>(i)];
    EngineRequest request = recipe.request();
    const auto heard_by = listener(request);
    const RequestId id = engine.submit(std::move(request));
    running.push_back({i, id, heard_by});
    if (recipe.cancel_after >= 0) {
      if (recipe.cancel_after > 0)
        heard_by->wait_tokens(static_cast<size_t>(recipe.cancel_after));
      engine.cancel(id);
    }
    while (running.size() > 24 || (!running.empty() && random() % 3 == 0))
      finish_one();
  }
  while (!running.empty())
    finish_one();
  return cached;
}

TEST(EngineMix, WithMemoryForEverybody) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(fake.model, {.max_sequences = 16});
  EXPECT_GT(run_mix(engine, 0, kRequests, 1), 10000);
  engine.clear_prefixes();
  EXPECT_EQ(fake.model.pool->used_bytes(), 0);
}

TEST(EngineMix, WithMemoryThatIsShort) {
  const FakeModel fake = fake_engine_model(kPool);
  const int64_t budget =
      CachePlan(fake.model.layout, kPool).sequence_bytes(2000) * 4;
  BatchEngine engine(
      fake.model,
      {.max_sequences = 16, .cache_memory = budget, .keep_every = 128});
  run_mix(engine, 0, kRequests, 2);
  EXPECT_GT(engine.status().evicted_prefixes, 100U);
  engine.clear_prefixes();
  EXPECT_EQ(fake.model.pool->used_bytes(), 0);
}

TEST(EngineMix, WithFewPlacesAndTinySteps) {
  const FakeModel fake = fake_engine_model(kPool);
  BatchEngine engine(
      fake.model,
      {.max_sequences = 3, .max_stall_ms = 0.001, .verify_hits = true});
  run_mix(engine, 0, kRequests, 3);
}

TEST(EngineMix, AcrossRestartsWithAStore) {
  const FakeModel fake = fake_engine_model(kPool);
  const auto store = std::make_shared<MapStore>();
  uint64_t from_disk = 0;
  for (int part = 0; part < 4; ++part) {
    BatchEngine engine(fake.model, {.max_sequences = 16, .store = store});
    run_mix(engine, part * kRequests / 4, (part + 1) * kRequests / 4, 4);
    from_disk += engine.status().disk_cached_tokens;
  }
  EXPECT_GT(from_disk, 1000U);
}

}  // namespace
}  // namespace hadal
