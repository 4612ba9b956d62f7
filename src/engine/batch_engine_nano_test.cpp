// The batch engine with the bundled model.
#include <gtest/gtest.h>

#include "engine/batch_engine.h"
#include "engine/cache_plan.h"
#include "engine/engine_testing.h"
#include "engine/model_implementation.h"
#include "engine/testing.h"

namespace hadal {
namespace {

using testing::difference;
using testing::Heard;
using testing::listener;
using testing::Listener;
using testing::nano_options;
using testing::sample_tokens;

EngineRequest ask_for(
    std::vector<int32_t> prompt, uint64_t seed, int64_t max_tokens) {
  EngineRequest made;
  made.prompt = std::move(prompt);
  made.sampling = {
      .temperature = seed % 2 == 0 ? 0.0F : 1.0F, .seed = seed, .logprobs = 3};
  made.max_tokens = max_tokens;
  made.observer = std::make_shared<Listener>();
  return made;
}

Heard answer(BatchEngine& engine, EngineRequest request) {
  const auto heard_by = listener(request);
  engine.submit(std::move(request));
  return heard_by->wait();
}

TEST(BatchEngineNano, AMixHasTheBitsOfEachAlone) {
  const Model model = Model::load(nano_options(Precision::standard));
  const std::vector<int32_t> system = sample_tokens(300, 50);
  std::vector<EngineRequest> asked;
  std::vector<Heard> expected;
  std::vector<std::shared_ptr<Listener>> heard_by;
  for (uint64_t i = 0; i < 24; ++i) {
    std::vector<int32_t> prompt;
    if (i % 2 == 0)
      prompt = system;
    const std::vector<int32_t> more =
        sample_tokens(20 + static_cast<int64_t>(i * 37 % 200), i % 7);
    prompt.insert(prompt.end(), more.begin(), more.end());
    EngineRequest alone = ask_for(prompt, i, 12);
    alone.use_cache = false;
    {
      BatchEngine engine(model, {});
      expected.push_back(answer(engine, std::move(alone)));
    }
    asked.push_back(ask_for(prompt, i, 12));
    heard_by.push_back(listener(asked.back()));
  }
  const int64_t budget =
      CachePlan(model.implementation()->layout, 0).sequence_bytes(600) * 4;
  for (const int64_t memory : {int64_t{0}, budget}) {
    std::vector<std::shared_ptr<Listener>> round;
    BatchEngine engine(model, {.max_sequences = 8, .cache_memory = memory});
    for (size_t i = 0; i < asked.size(); ++i) {
      EngineRequest again =
          ask_for(asked[i].prompt, *asked[i].sampling.seed, 12);
      round.push_back(listener(again));
      engine.submit(std::move(again));
    }
    int64_t cached = 0;
    for (size_t i = 0; i < round.size(); ++i) {
      const Heard heard = round[i]->wait();
      EXPECT_EQ(difference(heard, expected[i]), "") << i;
      cached += heard.end.cached_tokens;
    }
    EXPECT_GT(cached, 0);
  }
  EXPECT_EQ(model.implementation()->pool->used_bytes(), 0);
}

TEST(BatchEngineNano, TheSecondTurnOfALongConversation) {
  const Model model = Model::load(nano_options(Precision::standard));
  BatchEngine engine(model, {});
  std::vector<int32_t> prompt = sample_tokens(4000);
  const Heard first = answer(engine, ask_for(prompt, 1, 20));
  prompt.insert(prompt.end(), first.tokens.begin(), first.tokens.end());
  const std::vector<int32_t> more = sample_tokens(30, 5);
  prompt.insert(prompt.end(), more.begin(), more.end());
  const Heard second = answer(engine, ask_for(prompt, 2, 8));
  EXPECT_EQ(second.start.cached_tokens, 4019);
  EXPECT_EQ(engine.status().prompt_tokens, 4000U + 31U);
  EngineRequest cold = ask_for(prompt, 2, 8);
  cold.use_cache = false;
  const Heard expected = answer(engine, std::move(cold));
  EXPECT_EQ(difference(second, expected), "");
}

}  // namespace
}  // namespace hadal
