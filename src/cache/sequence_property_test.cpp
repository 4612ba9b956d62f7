// Random operations on several timelines, against plain arrays.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "cache/fake_model.h"
#include "cache/sequence_file.h"
#include "cache/timeline.h"
#include "hadal/error.h"

namespace hadal {
namespace {

using testing::Outputs;
using testing::outputs_without_cache;
using testing::random_tokens;
using testing::small_layout;

// One timeline and what it should remember.
struct Subject {
  Timeline timeline;
  std::vector<int32_t> tokens;
};

class Play {
 public:
  Play(uint64_t seed, const CacheOptions& options)
      : random_(seed), layout_(small_layout(options)) {
    std::string name = ::testing::TempDir() + "hadal-property-XXXXXX";
    folder_ = mkdtemp(name.data());
    subjects_.push_back({Timeline(layout_, pool_, options_), {}});
  }
  ~Play() { std::filesystem::remove_all(folder_); }

  void step() {
    switch (number(0, 9)) {
      case 0:
        return fork();
      case 1:
        return save_and_load();
      case 2:
        return fail();
      case 3:
      case 4:
        return rewind();
      case 5:
        return drop();
      default:
        return feed(number(0, 3) == 0 ? number(1, 300) : number(1, 12));
    }
  }

  // Everything is given back at the end.
  void finish() {
    subjects_.clear();
    EXPECT_EQ(pool_->used_bytes(), 0);
  }

 private:
  int64_t number(int64_t from, int64_t to) {
    return from + static_cast<int64_t>(
                      random_() % static_cast<uint64_t>(to - from + 1));
  }

  Subject& any() {
    return subjects_[static_cast<size_t>(
        number(0, static_cast<int64_t>(subjects_.size()) - 1))];
  }

  // Feeds new tokens and compares their outputs with the model that has no
  // cache.
  void feed(int64_t count) {
    Subject& subject = any();
    if (subject.tokens.size() > 1200)
      return rewind();
    feed_tokens(subject, random_tokens(random_(), count));
  }

  void feed_tokens(Subject& subject, const std::vector<int32_t>& tokens) {
    const Outputs outputs = testing::feed(subject.timeline.cache(), tokens);
    subject.timeline.append(tokens);
    subject.tokens.insert(subject.tokens.end(), tokens.begin(), tokens.end());
    const Outputs all = outputs_without_cache(*layout_, subject.tokens);
    ASSERT_EQ(
        outputs,
        Outputs(all.end() - static_cast<int64_t>(tokens.size()), all.end()));
  }

  // Far or near; then the replay, sometimes.
  void rewind() {
    Subject& subject = any();
    const int64_t length = subject.timeline.length();
    const int64_t to = number(0, 1) == 0
                           ? number(0, length)
                           : std::max<int64_t>(0, length - number(0, 12));
    const int64_t reached = subject.timeline.rewind_to(to);
    ASSERT_LE(reached, to);
    ASSERT_EQ(subject.timeline.cache().length(), reached);
    const std::vector<int32_t> replay(
        subject.tokens.begin() + reached, subject.tokens.begin() + to);
    subject.tokens.resize(static_cast<size_t>(reached));
    if (!replay.empty() && number(0, 3) != 0)
      feed_tokens(subject, replay);
  }

  void fork() {
    if (subjects_.size() >= 5)
      return drop();
    Subject& subject = any();
    Subject copy = {subject.timeline.fork(), subject.tokens};
    subjects_.push_back(std::move(copy));
  }

  void drop() {
    if (subjects_.size() > 1)
      subjects_.erase(
          subjects_.begin() +
          number(0, static_cast<int64_t>(subjects_.size()) - 1));
  }

  void save_and_load() {
    Subject& subject = any();
    const auto path = folder_ / "state";
    save_sequence(
        path,
        subject.timeline.cache().snapshot(
            subject.timeline.length(), number(0, 20)),
        subject.tokens,
        1);
    SavedSequence saved = load_sequence(path, layout_, pool_, 1);
    subject.timeline = Timeline(std::move(saved.tokens), saved.state, options_);
  }

  // A pass that breaks somewhere; then the timeline goes back to its length.
  void fail() {
    Subject& subject = any();
    int64_t countdown = number(0, 25);
    bool failed = false;
    const auto tokens = random_tokens(random_(), number(1, 40));
    try {
      testing::feed(
          subject.timeline.cache(), tokens, [&](testing::Step, int64_t) {
            return countdown-- == 0;
          });
    } catch (const testing::PassFailed&) {
      failed = true;
    }
    if (!failed) {
      subject.timeline.append(tokens);
      subject.tokens.insert(subject.tokens.end(), tokens.begin(), tokens.end());
      return;
    }
    const auto length = static_cast<int64_t>(subject.tokens.size());
    const int64_t reached = subject.timeline.rewind_to(length);
    subject.tokens.resize(static_cast<size_t>(reached));
  }

  std::mt19937_64 random_;
  std::shared_ptr<const CacheLayout> layout_;
  std::shared_ptr<PagePool> pool_ =
      std::make_shared<PagePool>(int64_t{1} << 30);
  TimelineOptions options_ = {.snapshot_tokens = 128, .max_snapshots = 4};
  std::filesystem::path folder_;
  std::vector<Subject> subjects_;
};

void play(uint64_t seed, const CacheOptions& options) {
  Play play(seed, options);
  for (int i = 0; i < 250 && !::testing::Test::HasFatalFailure(); ++i)
    play.step();
  play.finish();
  if (::testing::Test::HasFatalFailure())
    ADD_FAILURE() << "seed " << seed;
}

TEST(SequenceProperty, RandomOperationsEqualPlainArrays) {
  for (uint64_t seed = 1; seed <= 8; ++seed)
    play(seed, {.storage = CacheStorage::exact});
}

TEST(SequenceProperty, InCompactRowsWithLittleReachAndSmallPages) {
  for (uint64_t seed = 100; seed <= 104; ++seed)
    play(seed, {.rewind_tokens = 1, .rows_per_page = 2});
}

TEST(SequenceProperty, WithAReachBeyondTheWindow) {
  for (uint64_t seed = 200; seed <= 203; ++seed)
    play(seed, {.rewind_tokens = 300});
}

}  // namespace
}  // namespace hadal
