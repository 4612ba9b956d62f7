// The bytes of some rows of a planned module.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "convert/channel_weights.h"
#include "convert/plan.h"
#include "kernels/codecs/affine_encode.h"

namespace hadal {

// A piece of work: rows of one item of one module.
struct RowJob {
  size_t module = 0;
  int64_t item = 0;
  int64_t first = 0;  // a multiple of 128
  int64_t count = 0;
  // Where the job's bytes begin in each part.
  std::array<uint64_t, 3> offsets{};
};

// Jobs of all modules in writing order, each about `bytes` of output or less.
std::vector<RowJob> make_jobs(const ConvertPlan& plan, int64_t bytes);

// What a job gives: the next bytes of every part, in the order of the parts.
// They lie in the source's map or in the block's own buffers.
struct EncodedRows {
  std::array<std::span<const std::byte>, 3> parts;
  std::array<std::vector<std::byte>, 3> buffers;
};

struct EncoderOptions {
  AffineRule rule = AffineRule::search;
  const ChannelWeights* weights = nullptr;  // null: all channels count the same
};

// Encodes jobs, one after the other; holds scratch memory, so one a thread.
class RowEncoder {
 public:
  explicit RowEncoder(const EncoderOptions& options) : options_(options) {}

  // Throws Error(corrupt) with the tensor's name and the place of the first
  // weight that is NaN or infinite, or of FP8 scales that have no place in the
  // layout.
  void encode(const PlannedModule& module, const RowJob& job, EncodedRows& out);

 private:
  void copy(const PlannedModule& module, const RowJob& job, EncodedRows& out);
  void spread_scales(
      const PlannedModule& module, const RowJob& job, EncodedRows& out);
  void join_scales(
      const PlannedModule& module, const RowJob& job, EncodedRows& out);
  void convert_ids(
      const PlannedModule& module, const RowJob& job, EncodedRows& out);
  void encode_values(
      const PlannedModule& module, const RowJob& job, EncodedRows& out);

  ErrorMetric metric(const PlannedModule& module, const RowJob& job);

  EncoderOptions options_;
  std::vector<float> values_;
  ItemMetric metric_;
};

}  // namespace hadal
