// The decisions of the scheduler, without an engine: who is next, who reads how
// much, how much a step may hold.
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>

#include "engine/fair_queue.h"
#include "engine/kept_lengths.h"
#include "engine/prompt_shares.h"
#include "engine/step_times.h"

namespace hadal {
namespace {

std::vector<RequestId> drain(FairQueue& queue) {
  std::vector<RequestId> order;
  while (queue.size() > 0) {
    order.push_back(queue.first(1).front());
    queue.take(order.back());
  }
  return order;
}

TEST(FairQueue, ClientsTakeTurnsAndKeepTheirOrder) {
  FairQueue queue;
  for (RequestId id : {1, 2, 3, 4})
    queue.push("a", id);
  queue.push("b", 10);
  queue.push("c", 20);
  queue.push("b", 11);
  EXPECT_EQ(queue.size(), 7);
  EXPECT_TRUE(queue.remove(2));
  EXPECT_FALSE(queue.remove(2));
  const std::vector<RequestId> order{1, 10, 20, 3, 11, 4};
  EXPECT_EQ(queue.first(100), order);
  EXPECT_EQ(queue.first(4), (std::vector<RequestId>{1, 10, 20, 3}));
  EXPECT_EQ(drain(queue), order);
  EXPECT_EQ(queue.size(), 0);
}

TEST(FairQueue, WhoIsTakenOutOfTurnHasHadItsTurn) {
  FairQueue queue;
  for (RequestId id : {1, 2, 3})
    queue.push("a", id);
  queue.push("b", 10);
  queue.push("b", 11);
  queue.take(2);
  EXPECT_EQ(drain(queue), (std::vector<RequestId>{10, 1, 11, 3}));
}

TEST(PromptShares, ClientsGetEqualPartsAndLeftoversGoRound) {
  PromptShares shares;
  const std::vector<PromptReader> readers{
      {"a", 5000}, {"a", 5000}, {"a", 5000}, {"b", 5000}, {"c", 40}};
  const std::vector<int64_t> given = shares.share(readers, 1000);
  EXPECT_EQ(given[0] + given[1] + given[2], 480);
  EXPECT_EQ(given[3], 480);
  EXPECT_EQ(given[4], 40);
}

TEST(PromptShares, AShortPromptPassesALongOneThatStillMoves) {
  PromptShares shares;
  const std::vector<int64_t> given =
      shares.share(std::vector<PromptReader>{{"a", 100000}, {"a", 200}}, 512);
  EXPECT_EQ(given, (std::vector<int64_t>{312, 200}));
}

TEST(PromptShares, WithMoreClientsThanPartsEverybodyHasATurn) {
  PromptShares shares;
  std::vector<PromptReader> readers;
  for (const char* name : {"a", "b", "c", "d", "e", "f"})
    readers.push_back({name, 1000});
  std::vector<int64_t> sums(6);
  for (int step = 0; step < 6; ++step) {
    const std::vector<int64_t> given = shares.share(readers, 64);
    for (size_t i = 0; i < 6; ++i)
      sums[i] += given[i];
  }
  for (const int64_t sum : sums)
    EXPECT_EQ(sum, 64);
}

TEST(PromptShares, NeverMoreThanWantedOrThereIs) {
  std::mt19937 random(3);
  PromptShares shares;
  for (int step = 0; step < 3000; ++step) {
    std::vector<PromptReader> readers(random() % 9);
    int64_t wanted = 0;
    for (PromptReader& reader : readers) {
      reader.client = std::string(1, static_cast<char>('a' + random() % 4));
      reader.wanted =
          1 + static_cast<int64_t>(random() % (random() % 2 ? 20 : 5000));
      wanted += reader.wanted;
    }
    const auto budget = static_cast<int64_t>(random() % 1200);
    const std::vector<int64_t> given = shares.share(readers, budget);
    const int64_t sum = std::accumulate(given.begin(), given.end(), int64_t{0});
    for (size_t i = 0; i < readers.size(); ++i) {
      EXPECT_GE(given[i], 0);
      EXPECT_LE(given[i], readers[i].wanted);
    }
    EXPECT_LE(sum, std::max<int64_t>(budget, 1));
    if (!readers.empty()) {
      EXPECT_GE(sum, 1);
    }
  }
}

// A random schedule with a clock of its own: prompts of many clients arrive,
// steps take the time of a simple machine. Nobody starves, decoders are never
// kept longer than said once the machine is known.
TEST(Scheduling, ASimulatedServerStallsNobody) {
  std::mt19937 random(11);
  PromptShares shares;
  StepTimes times;
  constexpr double kStall = 0.25;
  struct Reader {
    std::string client;
    int64_t left;
    double came;
  };
  std::vector<Reader> readers;
  double now = 0;
  double longest_step = 0;
  int learned = 0;  // pieces since the machine's speed changed
  double longest_wait_of_short = 0;
  for (int step = 0; step < 4000; ++step) {
    if (random() % 20 == 0 && readers.size() < 16)
      readers.push_back(
          {std::string(1, static_cast<char>('a' + random() % 5)),
           random() % 8 == 0 ? 30000
                             : 100 + static_cast<int64_t>(random() % 400),
           now});
    // 10,000 tokens a second in the short, less in long prompts.
    const bool decoders = step > 5;
    const int64_t budget =
        decoders ? times.prompt_tokens_within(kStall, 2048) : 2048;
    std::vector<PromptReader> wanting;
    for (const Reader& reader : readers)
      wanting.push_back({reader.client, reader.left});
    const std::vector<int64_t> given = shares.share(wanting, budget);
    const int64_t sum = std::accumulate(given.begin(), given.end(), int64_t{0});
    const double speed = step % 1000 < 500 ? 10000 : 3000;
    const double seconds =
        (decoders ? 0.02 : 0.0) + static_cast<double>(sum) / speed + 1e-4;
    now += seconds;
    times.add(sum, decoders ? 8 : 0, seconds);
    // The first pieces after a change of speed may be wrong.
    learned = step % 500 == 0 ? 0 : learned + (sum > 0 ? 1 : 0);
    if (learned > 10)
      longest_step = std::max(longest_step, seconds);
    for (size_t i = readers.size(); i-- > 0;) {
      readers[i].left -= given[i];
      if (readers[i].left > 0)
        continue;
      longest_wait_of_short =
          std::max(longest_wait_of_short, now - readers[i].came);
      readers.erase(readers.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  EXPECT_LT(longest_step, kStall * 1.1);
  EXPECT_LT(longest_wait_of_short, 400);
}

TEST(StepTimes, ThePromptsPartFillsTheTimeThatIsLeft) {
  StepTimes times;
  EXPECT_EQ(times.prompt_tokens_within(0.25, 2048), 64);
  times.add(2000, 0, 1.0);
  EXPECT_NEAR(times.prompt_tokens_per_second(), 2000, 1);
  EXPECT_EQ(times.prompt_tokens_within(0.25, 2048), 500);
  times.add(0, 8, 0.05);
  EXPECT_NEAR(times.step_seconds(), 0.05, 1e-9);
  EXPECT_EQ(times.prompt_tokens_within(0.25, 2048), 400);
  EXPECT_EQ(times.prompt_tokens_within(0.25, 100), 100);
  // Too slow for any: prompts still move.
  EXPECT_EQ(times.prompt_tokens_within(0.01, 2048), 16);
  // Slower than thought: believed soon.
  times.add(400, 8, 0.45);
  EXPECT_LT(times.prompt_tokens_within(0.25, 2048), 290);
}

TEST(KeptLengths, NamedOnesThePromptsEndAndEverySoMany) {
  const std::vector<int64_t> named{700, 1598};
  const KeptLengths kept(named, 1600, 512);
  std::vector<int64_t> lengths;
  for (int64_t at = 0; lengths.size() < 8;) {
    at = kept.next(at).length;
    lengths.push_back(at);
  }
  EXPECT_EQ(
      lengths,
      (std::vector<int64_t>{512, 700, 1024, 1536, 1598, 1599, 2048, 2560}));
  EXPECT_EQ(kept.next(600).kind, PrefixKind::branch);
  EXPECT_EQ(kept.next(1536).kind, PrefixKind::prompt_end);
  EXPECT_EQ(kept.next(1598).kind, PrefixKind::prompt_end);
  EXPECT_EQ(kept.next(0).kind, PrefixKind::periodic);
  // An eighth of a long one at most.
  EXPECT_EQ(kept.next(512 * 64).length, 512 * 64 + 512 * 8);
}

TEST(KeptLengths, PiecesEndWithinReachOfThem) {
  const std::vector<int64_t> named{700};
  const KeptLengths kept(named, 1000, 4096);
  EXPECT_EQ(kept.piece(0, 600, 8), 600);
  EXPECT_EQ(kept.piece(0, 1000, 8), 700);
  EXPECT_EQ(kept.piece(0, 708, 8), 708);
  EXPECT_EQ(kept.piece(0, 709, 8), 700);
  EXPECT_EQ(kept.piece(700, 300, 8), 300);
}

}  // namespace
}  // namespace hadal
