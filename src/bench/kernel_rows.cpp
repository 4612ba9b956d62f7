// The products that a step is made of, in every weight format: one token
// through a matrix, one token through its experts, and 2,048 tokens through a
// matrix.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/bench_rows.h"
#include "kernels/cold_weights.h"
#include "kernels/random_weight.h"
#include "model/numerics.h"

namespace hadal {
namespace {

constexpr int64_t kRows = 16384;
constexpr int64_t kCols = 4096;
constexpr int64_t kManyTokens = 2048;
constexpr int64_t kManyRows = 4096;
// Flash's experts.
constexpr int64_t kExperts = 256;
constexpr int64_t kPerToken = 6;
constexpr int64_t kInner = 2048;

std::vector<WeightView> formats() {
  using enum WeightFormat;
  std::vector<WeightView> out = {
      {.format = mxfp4, .scale_format = ScaleFormat::e8m0},
      {.format = fp8_block, .scale_format = ScaleFormat::e8m0},
      {.format = mxfp8, .scale_format = ScaleFormat::e8m0}};
  for (const int bits : {2, 3, 4, 5, 6, 8})
    out.push_back(
        {.format = affine,
         .scale_format = ScaleFormat::bf16,
         .bits = static_cast<uint8_t>(bits),
         .group = 64});
  out.push_back({.format = bf16});
  return out;
}

WeightView shaped(WeightView like, int64_t rows, int64_t cols) {
  like.rows = rows;
  like.cols = cols;
  return like;
}

BenchRow new_row(std::string name, const char* unit, int threads) {
  BenchRow row;
  row.name = std::move(name) + threads_text(threads);
  row.unit = unit;
  row.threads = threads;
  return row;
}

void finish(
    BenchRow row,
    const BenchOptions& options,
    const BenchHooks& hooks,
    const MemoryRate& rate,
    const std::function<void()>& run,
    BenchReport& report) {
  run();
  time_row(options, hooks, rate, run, row);
  report.rows.push_back(std::move(row));
}

void add_product_row(
    const WeightView& format,
    int64_t rows,
    int64_t tokens,
    const BenchOptions& options,
    const BenchHooks& hooks,
    ThreadTeam& team,
    const MemoryRate& rate,
    BenchReport& report) {
  const bool one = tokens == 1;
  BenchRow row = new_row(
      fmt::format(
          "{} {} to {}, {}",
          one ? "one-row product" : "product of 2,048",
          kCols,
          rows,
          format_name(format)),
      one ? "GB/s" : "Gop/s",
      team.size());
  announce(hooks, row.name);
  ColdWeights weights(shaped(format, rows, kCols));
  const std::vector<float> x = random_values(tokens * kCols, 1);
  std::vector<float> y(static_cast<size_t>(tokens * rows));
  LinearParams params = {
      .x = x.data(),
      .x_stride = kCols,
      .y = y.data(),
      .y_stride = rows,
      .tokens = tokens,
      .activation = activation_for(format, Numerics{})};
  row.weight_bytes = weights.bytes_of_one();
  const double operations = 2.0 * static_cast<double>(rows * kCols * tokens);
  row.operations[static_cast<int>(product_arithmetic(params.activation))] =
      operations;
  row.bound = one ? Bound::memory : Bound::arithmetic;
  row.units = (one ? row.weight_bytes : operations) / 1e9;
  finish(
      std::move(row),
      options,
      hooks,
      rate,
      [&] {
        params.weight = weights.next();
        cpu_backend().linear(params, team);
      },
      report);
}

// `kExperts` views on copies of which each call takes others.
std::vector<WeightView> many(const ColdWeights& weights) {
  std::vector<WeightView> views;
  for (int64_t i = 0; i < kExperts; ++i)
    views.push_back(
        weights.views()[static_cast<size_t>(i) % weights.views().size()]);
  return views;
}

void add_expert_row(
    const WeightView& format,
    const BenchOptions& options,
    const BenchHooks& hooks,
    ThreadTeam& team,
    const MemoryRate& rate,
    BenchReport& report) {
  BenchRow row = new_row(
      "six experts of 256, " + format_name(format), "GB/s", team.size());
  announce(hooks, row.name);
  const ColdWeights gate(shaped(format, kInner, kCols));
  const ColdWeights up(shaped(format, kInner, kCols));
  const ColdWeights down(shaped(format, kCols, kInner));
  const std::vector<WeightView> gates = many(gate);
  const std::vector<WeightView> ups = many(up);
  const std::vector<WeightView> downs = many(down);
  const std::vector<float> x = random_values(kCols, 1);
  std::vector<float> y(static_cast<size_t>(kCols));
  const std::vector<float> scales(static_cast<size_t>(kPerToken), 0.25F);
  std::vector<int32_t> indices(static_cast<size_t>(kPerToken));
  const ActivationFormat activation = activation_for(format, Numerics{});
  ExpertsParams params = {
      .x = x.data(),
      .y = y.data(),
      .tokens = 1,
      .hidden = kCols,
      .inner = kInner,
      .per_token = kPerToken,
      .indices = indices.data(),
      .weights = scales.data(),
      .experts = {gates.data(), ups.data(), downs.data(), kExperts},
      .limit = 10,
      .expert_activation = activation};
  row.weight_bytes =
      static_cast<double>(kPerToken) *
      (gate.bytes_of_one() + up.bytes_of_one() + down.bytes_of_one());
  row.units = row.weight_bytes / 1e9;
  int64_t first = 0;
  finish(
      std::move(row),
      options,
      hooks,
      rate,
      [&] {
        for (int64_t i = 0; i < kPerToken; ++i)
          indices[static_cast<size_t>(i)] =
              static_cast<int32_t>((first + i) % kExperts);
        std::sort(indices.begin(), indices.end());
        first = (first + kPerToken) % kExperts;
        cpu_backend().experts(params, team);
      },
      report);
}

}  // namespace

void add_kernel_rows(
    const BenchOptions& options,
    const BenchHooks& hooks,
    ThreadTeam& team,
    const MemoryRate& rate,
    BenchReport& report) {
  for (const WeightView& format : formats())
    add_product_row(format, kRows, 1, options, hooks, team, rate, report);
  for (const WeightView& format : formats())
    add_expert_row(format, options, hooks, team, rate, report);
  for (const WeightView& format : formats())
    add_product_row(
        format, kManyRows, kManyTokens, options, hooks, team, rate, report);
}

}  // namespace hadal
