// Many workers, one consumer that takes their results in order: the shape of a
// conversion. Memory is bounded by the number of results under way.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace hadal {

// work(index, worker, result) runs on `threads` threads for index 0 to count -
// 1, each result in a slot that is used again later; consume(index, result)
// runs on the calling thread in increasing order. At most threads + ahead
// results exist at once. The first exception of either ends all and is rethrown
// here.
template <class Result, class Work, class Consume>
void work_in_order(
    size_t count,
    int threads,
    int ahead,
    const Work& work,
    const Consume& consume) {
  struct Slot {
    Result result;
    size_t index = 0;
    bool full = false;
  };
  std::vector<Slot> slots(static_cast<size_t>(threads + ahead));
  std::mutex mutex;
  std::condition_variable room;  // a slot was emptied, or all ends
  std::condition_variable news;  // a slot was filled, or all ends
  size_t next = 0;
  size_t consumed = 0;
  std::exception_ptr failure;

  const auto fail = [&] {
    const std::lock_guard lock(mutex);
    if (failure == nullptr)
      failure = std::current_exception();
    next = count;
    room.notify_all();
    news.notify_all();
  };
  const auto run = [&](int worker) {
    try {
      while (true) {
        std::unique_lock lock(mutex);
        room.wait(lock, [&] {
          return next >= count || next < consumed + slots.size();
        });
        if (next >= count)
          return;
        const size_t index = next++;
        lock.unlock();
        Slot& slot = slots[index % slots.size()];
        work(index, worker, slot.result);
        lock.lock();
        slot.index = index;
        slot.full = true;
        news.notify_one();
      }
    } catch (...) {
      fail();
    }
  };

  std::vector<std::jthread> team;
  for (int worker = 0; worker < threads; ++worker)
    team.emplace_back(run, worker);
  try {
    for (size_t index = 0; index < count; ++index) {
      Slot& slot = slots[index % slots.size()];
      {
        std::unique_lock lock(mutex);
        news.wait(lock, [&] {
          return failure != nullptr || (slot.full && slot.index == index);
        });
        if (failure != nullptr)
          break;
      }
      consume(index, slot.result);
      const std::lock_guard lock(mutex);
      slot.full = false;
      consumed = index + 1;
      room.notify_all();
    }
  } catch (...) {
    fail();
  }
  team.clear();
  if (failure != nullptr)
    std::rethrow_exception(failure);
}

}  // namespace hadal
