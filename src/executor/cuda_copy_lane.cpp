#include "executor/cuda_copy_lane.h"

#include "kernels/cuda/device.h"

namespace hadal {
namespace {

class CudaCopyLane : public CopyLane {
 public:
  explicit CudaCopyLane(std::byte* image) : image_(image) {
    try {
      make();
    } catch (...) {
      clear();
      throw;
    }
  }
  ~CudaCopyLane() override { clear(); }
  CudaCopyLane(const CudaCopyLane&) = delete;
  CudaCopyLane& operator=(const CudaCopyLane&) = delete;

  std::byte* buffer(int slot) override { return slots_[slot].buffer; }

  void start(int slot, int64_t at, int64_t bytes) override {
    cuda::check(
        cudaMemcpyAsync(
            image_ + at,
            slots_[slot].buffer,
            static_cast<size_t>(bytes),
            cudaMemcpyHostToDevice,
            stream_),
        "copying the weights");
    cuda::check(
        cudaEventRecord(slots_[slot].copied, stream_), "copying the weights");
  }

  // An event that was never recorded counts as reached.
  void wait(int slot) override {
    cuda::check(
        cudaEventSynchronize(slots_[slot].copied), "copying the weights");
  }

 private:
  struct Slot {
    std::byte* buffer = nullptr;
    cudaEvent_t copied = nullptr;
  };

  void make() {
    cuda::check(
        cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking),
        "making a stream");
    for (Slot& slot : slots_) {
      void* buffer = nullptr;
      cuda::check(
          cudaHostAlloc(
              &buffer, static_cast<size_t>(kSlotBytes), cudaHostAllocDefault),
          "pinning memory for the weights' way to the GPU");
      slot.buffer = static_cast<std::byte*>(buffer);
      cuda::check(
          cudaEventCreateWithFlags(
              &slot.copied, cudaEventDisableTiming | cudaEventBlockingSync),
          "making an event");
    }
  }

  void clear() noexcept {
    if (stream_ != nullptr) {
      cudaStreamSynchronize(stream_);
      cudaStreamDestroy(stream_);
    }
    for (Slot& slot : slots_) {
      if (slot.copied != nullptr)
        cudaEventDestroy(slot.copied);
      if (slot.buffer != nullptr)
        cudaFreeHost(slot.buffer);
    }
  }

  std::byte* image_;
  cudaStream_t stream_ = nullptr;
  Slot slots_[kSlots];
};

}  // namespace

std::unique_ptr<CopyLane> make_cuda_copy_lane(std::byte* image) {
  return std::make_unique<CudaCopyLane>(image);
}

}  // namespace hadal
