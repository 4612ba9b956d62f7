// The heart of a conversion: reads, encodes and writes the shards of a plan.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/hash.h"
#include "convert/convert.h"
#include "convert/row_encoder.h"
#include "convert/shard_file.h"
#include "convert/source_pages.h"

namespace hadal {

class ShardWriter {
 public:
  // All are outlived by the caller.
  ShardWriter(
      const LoadedModel& model,
      const ConvertPlan& plan,
      const ConvertOptions& options,
      Journal& journal);

  // Writes the shards whose entry is true, and adds each to the journal once it
  // has its name. Workers encode and write each job to its place; the calling
  // thread hashes in order and closes the files. Returns the bytes written.
  uint64_t write(const std::vector<bool>& wanted);

 private:
  void take(const RowJob& job, const EncodedRows& rows);
  // The file of a shard, made at the first call. For all threads.
  ShardFile& file_of(uint32_t shard);
  void finish_shard();
  void begin_module(size_t module);
  void finish_module();

  const ConvertPlan& plan_;
  const ConvertOptions& options_;
  Journal& journal_;
  ChannelWeights weights_;
  SourcePages pages_;

  uint64_t done_ = 0;   // bytes, with those of earlier runs
  uint64_t wrote_ = 0;  // bytes of this run
  std::mutex files_mutex_;
  std::map<uint32_t, std::unique_ptr<ShardFile>> files_;
  std::optional<uint32_t> shard_;              // that is being hashed
  std::map<std::string, std::string> hashes_;  // of the shard's tensors
  size_t module_ = 0;
  std::vector<Hasher64> hashers_;   // one a part
  std::vector<uint64_t> progress_;  // bytes hashed of each part
};

}  // namespace hadal
