// What the engine's tests share: observers that write down what they hear, a
// model of a few lines, and answers worked out without an engine.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/engine_model.h"

namespace hadal::testing {

// What a client got. Equal answers have equal bits.
struct Heard {
  std::vector<int32_t> tokens;
  std::vector<uint32_t> logprob_bits;
  std::vector<std::pair<int32_t, uint32_t>> top_logprobs;
  std::vector<bool> in_reasoning;
  std::vector<int64_t> prompt_done;  // of every on_prompt
  int starts = 0;
  int ends = 0;
  EngineStart start;
  EngineEnd end;
};

class Listener : public EngineObserver {
 public:
  void on_start(const EngineStart& start) override;
  void on_prompt(int64_t done, int64_t total) override;
  Continue on_token(const EngineToken& token) override;
  void on_end(const EngineEnd& end) override;

  // Waits for on_end; fails the test after a minute.
  Heard wait();
  // Waits until so many tokens came, or the end.
  void wait_tokens(size_t count);
  void wait_start();
  bool ended();

  // Called in on_token, on the engine's thread.
  std::function<Continue(const Heard& so_far)> decide;
  std::function<void()> when_started;

 private:
  void wait_for(const std::function<bool()>& condition);
  std::mutex mutex_;
  std::condition_variable changed_;
  Heard heard_;
};

// The fake model of cache/fake_model.h: its logits depend on every byte that
// attention, indexer and pooling may look at. 256 tokens.
inline constexpr int64_t kFakeVocabulary = 256;
struct FakeModel {
  EngineModel model;
  // Of the model's runs so far.
  struct Run {
    std::vector<int64_t> tokens;  // of each entry
    int64_t total() const;
  };
  std::shared_ptr<std::vector<Run>> runs;
  // Called before each run, on the engine's thread; may throw.
  std::shared_ptr<std::function<void(std::span<const BatchEntry>)>> before;
};
FakeModel fake_engine_model(int64_t pool_bytes, int64_t context = 100000);

// `count` ids of the fake vocabulary, without the end token 1.
std::vector<int32_t> fake_tokens(uint64_t seed, int64_t count);

// A request of fake tokens that depend on the seed, with a listener.
EngineRequest fake_request(
    uint64_t seed,
    int64_t prompt_tokens,
    int64_t max_tokens,
    double temperature = 1);
EngineRequest fake_request(
    std::vector<int32_t> prompt,
    uint64_t seed,
    int64_t max_tokens,
    double temperature = 1);
std::shared_ptr<Listener> listener(const EngineRequest& request);

// Holds the engine's thread inside a run until it is let go.
class Gate {
 public:
  explicit Gate(const FakeModel& fake);
  // Until the engine is inside a run.
  void wait_arrived() { arrived_.wait(false); }
  void open();

 private:
  std::atomic<bool> arrived_ = false;
  std::atomic<bool> open_ = false;
};

// The answer to the request from a cache of its own, one token after the other:
// what every engine has to give. Takes no account of constraint, reasoning and
// deadline.
Heard answer_alone(const EngineModel& model, const EngineRequest& request);

// Tokens and log-probabilities, in words when they differ; "" when equal.
std::string difference(const Heard& a, const Heard& b);

}  // namespace hadal::testing
