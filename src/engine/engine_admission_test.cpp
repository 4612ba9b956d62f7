// Who gets memory when it is short, with a fake model.
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "engine/batch_engine.h"
#include "engine/cache_plan.h"
#include "engine/engine_testing.h"

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

// Requests that write down in which order they were given places.
class EngineAdmission : public ::testing::Test {
 protected:
  std::shared_ptr<Listener> note_start(
      const EngineRequest& request, size_t number) {
    const auto heard_by = listener(request);
    heard_by->when_started = [this, number] {
      const std::lock_guard lock(mutex_);
      order_.push_back(number);
    };
    return heard_by;
  }
  size_t place_of(size_t number) const {
    return static_cast<size_t>(
        std::find(order_.begin(), order_.end(), number) - order_.begin());
  }

  const FakeModel fake_ = fake_engine_model(kPool);
  // Not quite room for a prompt of 1,000 tokens with the part of its answer
  // that it is promised, and one of 2,500 with all of its own.
  const CachePlan plan_{fake_.model.layout, kPool};
  const int64_t budget_ =
      plan_.sequence_bytes(1000 + 256) + plan_.sequence_bytes(2500 + 5) - 1;
  std::mutex mutex_;
  std::vector<size_t> order_;
};

// Request 0 runs, 1 needs more than is left, the others are small: some of them
// go ahead while 1 waits, but not all of them.
TEST_F(EngineAdmission, SmallRequestsPassALargeOneSoOften) {
  constexpr size_t kSmall = 200;
  std::vector<EngineRequest> asked;
  asked.push_back(fake_request(1, 1000, 600));
  asked.push_back(fake_request(2, 2500, 5));
  for (size_t i = 0; i < kSmall; ++i)
    asked.push_back(fake_request(3 + i, 20, 3));
  const Heard expected = answer_alone(fake_engine_model(kPool).model, asked[1]);
  Gate gate(fake_);
  BatchEngine engine(
      fake_.model, {.max_sequences = 4, .cache_memory = budget_});
  std::vector<std::shared_ptr<Listener>> heard_by;
  for (size_t i = 0; i < asked.size(); ++i) {
    heard_by.push_back(note_start(asked[i], i));
    engine.submit(std::move(asked[i]));
    if (i == 0)
      gate.wait_arrived();
  }
  gate.open();
  for (size_t i = 0; i < heard_by.size(); ++i) {
    const Heard heard = heard_by[i]->wait();
    EXPECT_EQ(heard.end.finish, EngineFinish::length) << i;
    if (i == 1) {
      EXPECT_EQ(difference(heard, expected), "");
    }
  }
  ASSERT_EQ(order_.size(), 2 + kSmall);
  EXPECT_EQ(order_[0], 0U);
  EXPECT_EQ(place_of(1), 1 + 64U) << "behind the first and those that passed";
}

// Two clients: the one whose large request waits loses no turn by it, and its
// own small ones need not wait behind it either.
TEST_F(EngineAdmission, ASmallRequestOfTheSameClientPassesToo) {
  Gate gate(fake_);
  BatchEngine engine(
      fake_.model, {.max_sequences = 2, .cache_memory = budget_});
  std::vector<EngineRequest> asked;
  asked.push_back(fake_request(1, 1000, 300));
  asked.push_back(fake_request(2, 2500, 5));
  asked.push_back(fake_request(3, 20, 3));
  std::vector<std::shared_ptr<Listener>> heard_by;
  for (size_t i = 0; i < asked.size(); ++i) {
    asked[i].client = "a";
    heard_by.push_back(note_start(asked[i], i));
    engine.submit(std::move(asked[i]));
    if (i == 0)
      gate.wait_arrived();
  }
  gate.open();
  for (const auto& one : heard_by)
    EXPECT_EQ(one->wait().end.finish, EngineFinish::length);
  EXPECT_EQ(order_, (std::vector<size_t>{0, 2, 1}));
}

}  // namespace
}  // namespace hadal
