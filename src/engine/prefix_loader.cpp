#include "engine/prefix_loader.h"

#include <utility>

#include "base/log.h"

namespace hadal {

PrefixLoader::PrefixLoader(std::shared_ptr<PrefixStore> store)
    : store_(std::move(store)), thread_([this] { run(); }) {}

PrefixLoader::~PrefixLoader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
    changed_.notify_one();
  }
  thread_.join();
}

void PrefixLoader::look(
    Tokens tokens, int64_t longer_than, std::function<void(int64_t)> done) {
  enqueue([this, tokens, longer_than, done] {
    int64_t length = 0;
    try {
      length = store_->longest(*tokens);
    } catch (const std::exception& error) {
      log(LogLevel::error, "engine", "the store of prefixes: {}", error.what());
    }
    done(length > longer_than ? length : 0);
  });
}

void PrefixLoader::load(
    Tokens tokens,
    int64_t longer_than,
    std::function<void(std::optional<SavedSequence>)> done) {
  enqueue([this, tokens, longer_than, done] {
    std::optional<SavedSequence> found;
    try {
      found = store_->find(*tokens, longer_than);
    } catch (const std::exception& error) {
      // No room, mostly: the prefix is computed again.
      log(LogLevel::warning, "engine", "a saved prefix: {}", error.what());
    }
    done(std::move(found));
  });
}

void PrefixLoader::enqueue(std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
  changed_.notify_one();
}

void PrefixLoader::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_)
      return;
    const std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

}  // namespace hadal
