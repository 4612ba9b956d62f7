// Several products as few launches of the row kernels.
#include "kernels/linear/matrix_product.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "kernels/cuda/device.h"
#include "kernels/linear/matrix_rows.h"

namespace hadal::cuda {
namespace {

constexpr int64_t kFewTokens = 8;
constexpr int64_t kSomeTokens = 16;
constexpr int64_t kMoreTokens = 32;

RowsKind kind_of(const WeightView& weight) {
  switch (weight.format) {
    case WeightFormat::fp8_block:
      return weight.scale_format == ScaleFormat::e8m0 ? RowsKind::e4m3
                                                      : RowsKind::e4m3_apart;
    case WeightFormat::mxfp8:
      return RowsKind::e4m3;
    case WeightFormat::mxfp4:
      return RowsKind::e2m1;
    case WeightFormat::affine:
      return weight.bits == 2   ? RowsKind::affine2
             : weight.bits == 4 ? RowsKind::affine4
             : weight.bits == 8 ? RowsKind::affine8
                                : RowsKind::affine_odd;
    default:
      return RowsKind::bf16;
  }
}

int64_t padded_columns(int64_t cols) {
  return (cols + kSegmentColumns - 1) / kSegmentColumns * kSegmentColumns;
}

int attribute_of_device(cudaDeviceAttr attribute) {
  int device = 0;
  int value = 0;
  check(cudaGetDevice(&device), "asking for the device");
  check(
      cudaDeviceGetAttribute(&value, attribute, device),
      "asking what the device has");
  return value;
}

int multiprocessors() {
  static const int count = attribute_of_device(cudaDevAttrMultiProcessorCount);
  return count;
}

// Bytes of shared memory that a block may have, and a multiprocessor has (of
// which each block takes 1 KB more than it asks for).
int64_t most_shared() {
  static const int bytes =
      attribute_of_device(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  return bytes;
}

RowsKernel choose_kernel(int64_t columns, int rows) {
  static const bool allowed = [] {
    const auto allow = [](RowsKernel kernel) {
      allow_shared_memory(reinterpret_cast<const void*>(kernel), most_shared());
    };
    for (const int each : {8, 16}) {
      allow(rows_kernel_alone(each));
      allow(rows_kernel_few(each));
    }
    allow(rows_kernel_some(kSomeTokens));
    allow(rows_kernel_some(kMoreTokens));
    return true;
  }();
  static_cast<void>(allowed);
  if (columns == 1)
    return rows_kernel_alone(rows);
  return columns == kFewTokens ? rows_kernel_few(rows)
                               : rows_kernel_some(static_cast<int>(columns));
}

// How a launch is cut: nothing of it changes a bit.
struct Cut {
  int rows = 0;            // of a tile
  int columns = 0;         // tokens of a block; 1: prepared by the block
  int64_t most_tiles = 0;  // of a block
};

int64_t tiles_of(const RowsJob& job, int rows) {
  return (job.weight.rows + rows - 1) / rows;
}

// How a launch is cut among blocks, and what that costs.
struct Plan {
  Cut cut;
  int64_t shared = 0;  // bytes of a block
  // The bytes of weights that the busiest multiprocessor reads, and a bit more
  // where few copies are on their way or instructions are half empty.
  double cost = 0;
};

// Shares out `room` blocks a multiprocessor by the bytes that jobs read.
Plan share_blocks(std::span<RowsJob> jobs, const Cut& cut, int64_t room) {
  const int64_t target = room * multiprocessors();
  double total = 0;
  for (const RowsJob& job : jobs)
    total += static_cast<double>(job.weight.rows * job.weight.row_bytes);
  Plan plan{.cut = cut};
  double largest = 0;
  int32_t next = 0;
  for (RowsJob& job : jobs) {
    const int64_t tiles = tiles_of(job, cut.rows);
    const double part =
        static_cast<double>(job.weight.rows * job.weight.row_bytes) / total;
    const auto wanted =
        static_cast<int64_t>(part * static_cast<double>(target));
    const int64_t least = (tiles + cut.most_tiles - 1) / cut.most_tiles;
    job.first_block = next;
    job.blocks = static_cast<int32_t>(std::clamp(wanted, least, tiles));
    next += job.blocks;
    const int64_t each = (tiles + job.blocks - 1) / job.blocks;
    largest = std::max(
        largest, static_cast<double>(each * cut.rows * job.weight.row_bytes));
    plan.shared = std::max(
        plan.shared,
        rows_shared_bytes(job, static_cast<int>(each), cut.rows, cut.columns));
  }
  const double waves = blocks(next, multiprocessors());
  constexpr double kFewOnTheWay[] = {0, 1.5, 1.2, 1};
  plan.cost = largest * waves * kFewOnTheWay[std::min<int64_t>(room, 3)] *
              (cut.rows == 8 ? 1.1 : 1);
  return plan;
}

// One wave of blocks where there is room for it.
Plan best_plan(std::span<RowsJob> jobs, Cut cut) {
  Plan best;
  int64_t best_room = 0;
  const bool many = cut.columns > kFewTokens;
  for (const int rows : {16, 8}) {
    if (rows == 8 && many)
      continue;
    cut.rows = rows;
    for (int64_t room = many ? 2 : 3; room >= 1; --room) {
      const Plan plan = share_blocks(jobs, cut, room);
      const bool fits =
          room == 1 ? plan.shared <= most_shared()
                    : room * (plan.shared + 1024) <= most_shared() + 1024;
      if (fits && (best_room == 0 || plan.cost < best.cost)) {
        best = plan;
        best_room = room;
      }
    }
  }
  if (best_room == 0) {  // wide rows on a small device: a tile a block
    cut.rows = 16;
    cut.most_tiles = 1;
    best_room = 1;
    best.cut = cut;
  }
  return share_blocks(jobs, best.cut, best_room);
}

void start(std::span<RowsJob> jobs, int64_t tokens, bool alone) {
  const bool few = tokens <= kFewTokens;
  Cut cut;
  cut.columns = static_cast<int>(
      alone                   ? 1
      : few                   ? kFewTokens
      : tokens <= kSomeTokens ? kSomeTokens
                              : kMoreTokens);
  cut.most_tiles = alone ? 16 : few ? 4 : 1;
  const Plan plan = best_plan(jobs, cut);
  HADAL_CHECK(plan.shared <= most_shared());
  RowsLaunch all;
  all.count = static_cast<int32_t>(jobs.size());
  all.tokens = static_cast<int32_t>(tokens);
  std::copy(jobs.begin(), jobs.end(), all.jobs);
  const RowsJob& last = jobs.back();
  launch(
      choose_kernel(plan.cut.columns, plan.cut.rows),
      {.grid = dim3(
           static_cast<unsigned>(last.first_block + last.blocks),
           blocks(tokens, plan.cut.columns)),
       .block = kRowsWarps * 32,
       .shared_bytes = static_cast<unsigned>(plan.shared),
       .start = Start::early},
      all);
}

}  // namespace

bool takes_matrix_product(const WeightView& weight) {
  if (weight.format == WeightFormat::f32 || weight.format == WeightFormat::f16)
    return false;
  const bool aligned = reinterpret_cast<uintptr_t>(weight.data) % 16 == 0 &&
                       weight.row_bytes % 16 == 0;
  const int64_t used = weight.format == WeightFormat::bf16    ? weight.cols * 2
                       : weight.format == WeightFormat::mxfp4 ? weight.cols / 2
                       : weight.format == WeightFormat::affine
                           ? weight.cols * weight.bits / 8
                           : weight.cols;
  return aligned && used % 16 == 0;
}

void matrix_products(std::span<const LinearParams> products) {
  const int64_t tokens = products.front().tokens;
  const std::vector<LinearParams> all = round_integer_inputs(products);
  std::vector<RowsJob> jobs;
  for (const LinearParams& params : all) {
    const WeightView& weight = params.weight;
    jobs.push_back(
        {.weight = weight,
         .kind = kind_of(weight),
         .rounded = params.activation == ActivationFormat::bf16,
         .scale_columns = static_cast<int16_t>(columns_per_scale(weight)),
         .scale_bytes =
             static_cast<int16_t>(bytes_per_scale(weight.scale_format)),
         .x = params.x,
         .x_stride = params.x_stride,
         .padded = padded_columns(weight.cols),
         .y = params.y,
         .y_stride = params.y_stride});
  }
  // A token that is alone is prepared by each block, if it has the room.
  const bool alone =
      tokens == 1 &&
      std::all_of(jobs.begin(), jobs.end(), [](const RowsJob& job) {
        return rows_shared_bytes(job, 1, 16, 1) <= most_shared();
      });
  if (!alone)
    prepare_inputs(all, jobs);
  // Tiles that take long begin first.
  std::stable_sort(
      jobs.begin(), jobs.end(), [](const RowsJob& a, const RowsJob& b) {
        return a.weight.row_bytes > b.weight.row_bytes;
      });
  for (size_t i = 0; i < jobs.size(); i += kMostRowsJobs)
    start(
        std::span(jobs).subspan(
            i, std::min<size_t>(kMostRowsJobs, jobs.size() - i)),
        tokens,
        alone);
}

}  // namespace hadal::cuda
