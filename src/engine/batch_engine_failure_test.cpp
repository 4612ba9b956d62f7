// What fails, whom it concerns, and memory that is short, with a fake model.
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "cache/fake_model.h"
#include "engine/batch_engine.h"
#include "engine/cache_plan.h"
#include "engine/engine_testing.h"
#include "hadal/device_lost.h"

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

// One sequence's broken logits are its own affair.
TEST(BatchEngineFailure, BrokenLogitsFailOneRequest) {
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
TEST(BatchEngineFailure, AFailingRunFailsItsCauseAlone) {
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

// A GPU that fails for good: whoever is there fails with its words, nobody is
// let in any more, and the status says why.
TEST(BatchEngineFailure, ALostDeviceEndsTheService) {
  FakeModel fake = fake_engine_model(kPool);
  const auto run = fake.model.run;
  int runs = 0;
  fake.model.run = [&](std::span<const BatchEntry> batch, float* logits) {
    if (++runs == 5)
      throw DeviceLost("kernel x: an illegal address");
    ASSERT_LT(runs, 5) << "the lost device was used again";
    run(batch, logits);
  };
  BatchEngine engine(fake.model, {.max_sequences = 2});
  std::vector<std::shared_ptr<Listener>> all;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    EngineRequest request = fake_request(seed, 30, 900);
    all.push_back(listener(request));
    engine.submit(std::move(request));
  }
  for (const auto& one : all) {
    const Heard heard = one->wait();
    EXPECT_EQ(heard.end.finish, EngineFinish::failed);
    ASSERT_TRUE(heard.end.error);
    EXPECT_EQ(heard.end.error->code(), ErrorCode::resource);
    EXPECT_STREQ(heard.end.error->what(), "kernel x: an illegal address");
  }
  EXPECT_EQ(engine.status().failure, "kernel x: an illegal address");
  try {
    engine.submit(fake_request(9, 30, 4));
    FAIL() << "let in";
  } catch (const DeviceLost& error) {
    EXPECT_STREQ(error.what(), "kernel x: an illegal address");
  }
}

// Less memory than all of them need: somebody is always preempted and read
// again, nobody fails and nobody notices.
TEST(BatchEngineFailure, MemoryPressureChangesNoBit) {
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
