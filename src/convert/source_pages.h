// The pages of the source's maps: read before they are needed, given back
// after, so that the resident memory of a conversion stays small.
#pragma once

#include <cstddef>
#include <vector>

#include "checkpoint/checkpoint_files.h"
#include "convert/row_encoder.h"

namespace hadal {

class SourcePages {
 public:
  explicit SourcePages(const CheckpointFiles& files);

  // Reads the rows of a job from the disk into the map.
  void read(const SourceTensor& source, const RowJob& job) const;
  // Takes them out of this process; they stay in the system's cache.
  void release(const SourceTensor& source, const RowJob& job) const;

 private:
  struct Range {
    const std::byte* begin = nullptr;
    const std::byte* end = nullptr;
  };
  void advise(const Range& range, int advice) const;

  std::vector<Range> maps_;  // the tensors' bytes of each shard
};

}  // namespace hadal
