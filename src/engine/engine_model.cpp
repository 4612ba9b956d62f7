#include "engine/engine_model.h"

#include "engine/model_implementation.h"

namespace hadal {

EngineModel engine_model(const Model& model) {
  const std::shared_ptr<Model::Implementation> parts = model.implementation();
  return {
      .layout = parts->layout,
      .pool = parts->pool,
      .vocabulary = parts->info.vocabulary,
      .context = parts->info.context,
      .chunk_tokens = parts->executor->chunk_tokens(parts->options.mtp),
      .run = [parts](
                 std::span<const BatchEntry> batch,
                 float* logits) { parts->executor->run(batch, logits); },
      .for_each =
          [](int64_t items, const std::function<void(int64_t)>& body) {
            for (int64_t i = 0; i < items; ++i)
              body(i);
          },
  };
}

}  // namespace hadal
