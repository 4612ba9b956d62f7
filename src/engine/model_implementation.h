// What a Model handle points to.
#pragma once

#include <memory>

#include "cache/cache_layout.h"
#include "cache/page_pool.h"
#include "executor/native_executor.h"
#include "hadal/model.h"

namespace hadal {

class Model::Implementation {
 public:
  Implementation(
      ModelOptions options,
      ModelInfo info,
      std::unique_ptr<NativeExecutor> executor,
      std::shared_ptr<const CacheLayout> layout,
      std::shared_ptr<PagePool> pool);

  const ModelOptions options;
  const ModelInfo info;
  const std::unique_ptr<NativeExecutor> executor;
  const std::shared_ptr<const CacheLayout> layout;  // of every session
  const std::shared_ptr<PagePool> pool;
};

}  // namespace hadal
