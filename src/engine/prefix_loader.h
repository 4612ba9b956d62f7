// Asks the store for saved prefixes, away from the engine's thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "engine/prefix_store.h"

namespace hadal {

class PrefixLoader {
 public:
  using Tokens = std::shared_ptr<const std::vector<int32_t>>;

  explicit PrefixLoader(std::shared_ptr<PrefixStore> store);
  // Waits for the call in progress; what has not begun is dropped.
  ~PrefixLoader();

  // Calls done(length of what the store has, or 0) on the loader's thread.
  void look(
      Tokens tokens, int64_t longer_than, std::function<void(int64_t)> done);
  // Calls done(what the store has, or nothing) on the loader's thread. The
  // caller has seen to the memory.
  void load(
      Tokens tokens,
      int64_t longer_than,
      std::function<void(std::optional<SavedSequence>)> done);

 private:
  void enqueue(std::function<void()> job);
  void run();

  const std::shared_ptr<PrefixStore> store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace hadal
