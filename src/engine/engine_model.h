// What the engine drives: a way to run batches, and the sizes it plans with.
// Tests put a model of a few lines here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "cache/cache_layout.h"
#include "cache/page_pool.h"
#include "executor/batch.h"
#include "hadal/model.h"

namespace hadal {

struct EngineModel {
  std::shared_ptr<const CacheLayout> layout;
  std::shared_ptr<PagePool> pool;  // of all caches
  int64_t vocabulary = 0;
  int64_t context = 0;       // the most tokens of a sequence
  int64_t chunk_tokens = 0;  // the most tokens that one run takes at once
  // As NativeExecutor::run. A batch has at most chunk_tokens tokens, so when it
  // throws for want of memory nothing has changed.
  std::function<void(std::span<const BatchEntry> batch, float* logits)> run;
  // Runs body(0) .. body(items - 1), perhaps on several threads, and returns
  // when all are done.
  std::function<void(int64_t items, const std::function<void(int64_t)>& body)>
      for_each;
};

// The model's own executor, layout and pool.
EngineModel engine_model(const Model& model);

}  // namespace hadal
