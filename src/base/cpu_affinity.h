// Which cores the process may use, and binding threads to them.
#pragma once

#include <memory>
#include <vector>

namespace hadal {

// The number of cores that the calling thread may use (its affinity mask), at
// least 1.
int available_cores();

// Those cores in the order in which a team should take them: one hardware
// thread of every physical core first, then their siblings. Empty where the
// system does not tell.
std::vector<int> cores_in_order();

// Binds the calling thread to one core. False where the system refuses.
bool bind_thread_to_core(int core);

// Binds the calling thread while it lives, then gives it its old cores back.
// Must be destroyed by the thread that made it.
class BoundThread {
 public:
  explicit BoundThread(int core);
  ~BoundThread();
  BoundThread(const BoundThread&) = delete;
  BoundThread& operator=(const BoundThread&) = delete;

 private:
  struct Mask;
  std::unique_ptr<Mask> old_;  // null when nothing was changed
};

}  // namespace hadal
