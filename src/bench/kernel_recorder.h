// Watches the kernels of a forward pass: how often each ran, how long, and what
// it had to read and to compute.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/memory_source.h"
#include "kernels/backend.h"
#include "kernels/ceilings.h"

namespace hadal {

// All calls of one kernel with operands of one kind, for example "linear
// fp8_block 1024x4096 bf16". A product's operations count two a multiply-add.
struct KernelUse {
  std::string name;
  int64_t calls = 0;
  double seconds = 0;
  // Weights as they are stored, each expert that a call needs once.
  double weight_bytes = 0;
  // Cached rows: of the window and compressed ones for attention, of the
  // indexer for its scores; each once a token.
  double cache_bytes = 0;
  double operations[kArithmeticCount] = {};  // of matrix products
  // Those of attention, in float32, and of the indexer's scores, in bytes where
  // the rows are FP4.
  double score_operations[kArithmeticCount] = {};
};

// Sums over all uses.
struct KernelTotals {
  double seconds = 0;
  double weight_bytes = 0;
  double cache_bytes = 0;
  double ideal_product_seconds = 0;  // every product at the peak of its kind
};

// A backend that does what another does and, between start() and stop(), takes
// notes; kernels are then waited for one by one, so that on a GPU a time holds
// the start and the end of each. One recorder records at a time; kernels are
// called by one thread.
class KernelRecorder {
 public:
  // `memory`: where the kernels' arrays lie.
  explicit KernelRecorder(
      const Backend& inner, MemorySource& memory = host_memory());
  ~KernelRecorder();
  KernelRecorder(const KernelRecorder&) = delete;
  KernelRecorder& operator=(const KernelRecorder&) = delete;

  // Lives as long as the recorder.
  const Backend& backend() const { return backend_; }

  void start();  // forgets what was recorded before
  void stop();

  // By decreasing time.
  std::vector<KernelUse> uses() const;

  struct State;  // internal

 private:
  Backend backend_;
  std::unique_ptr<State> state_;
};

// The time that operations[kArithmeticCount] take at the peaks. Where a kind
// has no instruction, its sums run as float32 multiply-adds.
double ideal_seconds(const double* operations, const Ceilings& ceilings);
KernelTotals totals(
    const std::vector<KernelUse>& uses, const Ceilings& ceilings);

// The arithmetic that the CPU kernels use for a product of this kind.
Arithmetic product_arithmetic(ActivationFormat activation);

std::string format_name(const WeightView& weight);

}  // namespace hadal
