// Converts a checkpoint: from any source that loads to a directory in the MLX
// or the release layout. Memory does not grow with the model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "convert/importance.h"
#include "convert/manifest.h"
#include "convert/plan.h"
#include "kernels/codecs/affine_encode.h"

namespace hadal {

struct ConvertOptions {
  std::filesystem::path source;
  std::filesystem::path destination;
  Recipe recipe;
  AffineRule rule = AffineRule::search;
  // Null: every channel counts the same. Outlives the conversion.
  const Importance* importance = nullptr;
  uint64_t shard_bytes = 5'000'000'000;
  int threads = 1;  // that encode; one more writes
  bool requantize = false;
  std::stop_token stop;  // then run() throws Error(cancelled)
  // Of all output bytes; called by the thread that called run().
  std::function<void(uint64_t done, uint64_t total, const std::string& tensor)>
      on_progress;
};

struct ConvertResult {
  // Nothing was written: the directory held this very conversion already.
  bool was_complete = false;
  int64_t shards_resumed = 0;  // finished by an earlier run
  uint64_t bytes_written = 0;
};

class Conversion {
 public:
  // Reads the source's headers and plans; with `read_source` also its samples
  // and hash tables, which run() needs. Throws as load_checkpoint and make_plan
  // do.
  Conversion(ConvertOptions options, bool read_source = true);

  const ConvertPlan& plan() const { return plan_; }
  const LoadedModel& model() const { return model_; }
  ConversionKey key() const;
  const std::filesystem::path& destination() const {
    return options_.destination;
  }
  // The last part of the source's path, for people.
  std::string source_name() const;

  // Throws Error: invalid_argument (source and destination are the same, the
  // destination is not empty and not of this conversion, see journal.h),
  // resource (too little disk), corrupt (a weight is not finite), io,
  // cancelled. What was finished before stays; the same conversion goes on from
  // there and writes the same bytes.
  ConvertResult run();

 private:
  void require_separate() const;
  void remove_abandoned_files() const;
  bool complete_already() const;
  void prepare_directory() const;
  void require_space(const Journal& journal) const;
  void write_shards(Journal& journal, ConvertResult& result);
  void write_files(const Journal& journal) const;

  ConvertOptions options_;
  LoadedModel model_;
  std::optional<Manifest> source_manifest_;
  ConvertPlan plan_;
};

// Bytes of memory that a conversion may hold beyond the page cache.
inline constexpr uint64_t kConvertMemoryBytes = 1'500'000'000;

}  // namespace hadal
