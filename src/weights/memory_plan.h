// How much memory a model needs at which context length, and what this machine
// has.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/memory_info.h"
#include "checkpoint/model_config.h"
#include "weights/checkpoint_report.h"

namespace hadal {

// How cached rows are stored. All of them hold what the official code keeps;
// packed is lossless for rows that went through the roundings of spec 8.
enum class CacheFormat : uint8_t {
  f32,
  bf16,
  packed,  // fp8 rows, fp4 indexer rows
};
inline constexpr int kCacheFormatCount = 3;
std::string_view name(CacheFormat format);

// Caches of one sequence (spec 4.1, 4.6).
struct CacheSize {
  // Compressed rows and indexer rows; they grow with the context.
  uint64_t rows = 0;
  // The window's ring of every layer, an MTP stage's included.
  uint64_t rings = 0;
  // Tokens not yet pooled, in float32.
  uint64_t tails = 0;
  uint64_t total() const { return rows + rings + tails; }
};

// For a sequence of `context_tokens` >= 0 tokens.
CacheSize cache_size(
    const ModelConfig& config, CacheFormat format, int64_t context_tokens);

// Bytes the rows grow by with each token, on average.
double cache_bytes_per_token(const ModelConfig& config, CacheFormat format);

struct MemoryPlanRow {
  int64_t context_tokens = 0;
  std::array<CacheSize, kCacheFormatCount> cache;
  // Weights and cache within the machine's memory. Without it the model still
  // runs, from the disk.
  std::array<bool, kCacheFormatCount> fits{};
};

struct MemoryPlan {
  uint64_t weight_bytes = 0;  // what the forward pass may touch, all experts
  uint64_t trunk_bytes = 0;
  uint64_t mtp_bytes = 0;  // 0 when the MTP tensors are left out
  uint64_t bytes_per_token = 0;
  uint64_t mtp_step_bytes = 0;
  MemoryInfo machine;
  std::array<double, kCacheFormatCount> cache_bytes_per_token{};
  std::vector<MemoryPlanRow>
      rows;  // 4K, 64K, 256K, 1M as far as the model goes
};

MemoryPlan plan_memory(
    const ModelConfig& config,
    const CheckpointReport& report,
    const MemoryInfo& machine);

}  // namespace hadal
