// A loaded model: weights, numerics and the threads that run it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "hadal/error.h"

namespace hadal {

// automatic: cuda where this build has it, a GPU is there and the model fits,
// else cpu.
enum class Device { automatic, cpu, cuda, mlx };

// standard: products of quantised weights take rounded activations where that
// stays within the noise of the official bfloat16 run (bfloat16 for FP8 and
// BF16 weights, int8 blocks for affine ones, int16 blocks for FP4 ones; on cuda
// bfloat16 for all), and caches are stored compactly. exact: float32
// activations and caches everywhere.
enum class Precision { standard, exact };

struct ModelOptions {
  // A directory, or "org/name" in the Hugging Face cache. Empty: HADAL_MODEL,
  // else the bundled nano model.
  std::string checkpoint;
  Device device = Device::automatic;
  Precision precision = Precision::standard;
  int threads = 0;   // 0: every core this process may use
  bool pin = false;  // every thread on a core of its own
  // Memory nodes that new pages are placed on, weights read from the disk
  // included: "off" (beside the thread that touches them first), "interleave"
  // (round robin over all nodes), "bind:N" (node N). Empty counts as off.
  std::string numa;
  int64_t context = 0;    // tokens a session may hold; 0: what the model allows
  bool kv_fp8 = true;     // round cached rows as in training (spec 8.4)
  bool index_fp4 = true;  // likewise the indexer's queries and rows
  bool gemm_fp8 = false;  // likewise the inputs of quantised products
  bool mtp = false;       // remember what Session::draft needs
  bool reference =
      false;  // run the plain reference kernels (slow; a diagnosis)
};

struct ModelInfo {
  std::filesystem::path directory;
  std::string device;  // "cpu", "cuda: " and the GPU's name
  // Why Device::automatic did not take the GPU that this build could use; empty
  // when there is nothing to say.
  std::string device_reason;
  std::string backend;  // "cpu", "reference" or "cuda"
  int threads = 0;
  int64_t context = 0;
  int64_t vocabulary = 0;
  int64_t layers = 0;
  int64_t hidden_size = 0;
  int64_t streams = 0;  // residual streams a token has
  bool has_mtp = false;
  int32_t bos_token = 0;
  int32_t eos_token = 1;
  uint64_t fingerprint = 0;  // of the checkpoint and of the numerics
};

// What may be watched while a model is loaded.
struct LoadHooks {
  // Weights on their way to the GPU, in bytes.
  std::function<void(uint64_t done, uint64_t total)> on_weights;
  std::stop_token stop;  // then load() throws Error(cancelled)
};

// Thrown by Model::load: the GPU holds no such weights beside what else was
// asked for. A conversion of at most room() bytes would fit.
class WeightsDoNotFit : public Error {
 public:
  WeightsDoNotFit(
      const std::string& message, std::filesystem::path model, int64_t room)
      : Error(ErrorCode::resource, message),
        model_(std::move(model)),
        room_(room) {}
  const std::filesystem::path& model() const { return model_; }
  int64_t room() const { return room_; }

 private:
  std::filesystem::path model_;
  int64_t room_;
};

// A handle to a loaded model; copies share it. Sessions on several threads may
// use one model: their forward passes take turns.
class Model {
 public:
  // Throws Error when the checkpoint cannot be loaded or the machine cannot
  // hold what was asked for. On the CPU weights stay in the mapped files.
  static Model load(const ModelOptions& options, const LoadHooks& hooks = {});

  const ModelInfo& info() const;
  const ModelOptions& options() const;

  class Implementation;  // internal
  const std::shared_ptr<Implementation>& implementation() const {
    return implementation_;
  }

 private:
  explicit Model(std::shared_ptr<Implementation> implementation);
  std::shared_ptr<Implementation> implementation_;
};

}  // namespace hadal
