#include "convert/format_loss.h"

#include <algorithm>

#include "convert/module_format.h"
#include "convert/row_encoder.h"
#include "kernels/codecs/dequantize.h"

namespace hadal {
namespace {

// Enough that two runs over other rows agree within a few percent.
constexpr size_t kModules = 6;
constexpr int64_t kItems = 3;
constexpr int64_t kRows = 32;

struct Sums {
  double noise = 0;
  double signal = 0;
};

WeightView view_of(
    const PlannedModule& module, int64_t rows, const EncodedRows& encoded) {
  const RowBytes bytes = row_bytes(module);
  WeightView view;
  view.format = module.format;
  view.scale_format = module.scale_format;
  view.bits = static_cast<uint8_t>(module.bits);
  view.group = static_cast<uint16_t>(module.columns);
  view.rows = rows;
  view.cols = module.source.shape.cols;
  view.row_bytes = bytes.weight;
  view.scale_stride = bytes.scales;
  view.data = encoded.parts[0].data();
  view.scales = encoded.parts[1].data();
  view.biases = encoded.parts[2].data();
  return view;
}

void add_sample(
    const PlannedModule& module,
    int64_t item,
    RowEncoder& encoder,
    const ChannelWeights& channel_weights,
    Sums& sums) {
  const WeightView& source = module.source.items[static_cast<size_t>(item)];
  const int64_t rows = std::min(kRows, source.rows);
  EncodedRows encoded;
  ItemMetric cost;
  channel_weights.metric(module.source, item, cost);
  encoder.encode(module, {0, item, 0, rows, {}}, encoded);
  const WeightView stored = view_of(module, rows, encoded);
  std::vector<float> before(static_cast<size_t>(source.cols));
  std::vector<float> after(before.size());
  for (int64_t row = 0; row < rows; ++row) {
    dequantize_row(source, row, before.data());
    dequantize_row(stored, row, after.data());
    for (size_t i = 0; i < before.size(); ++i)
      after[i] = before[i] - after[i];
    sums.noise += error_cost(cost.metric, after);
    sums.signal += error_cost(cost.metric, before);
  }
}

}  // namespace

std::array<FormatCost, kTensorIdCount> format_costs(
    const ConvertPlan& plan, AffineRule rule, const ChannelWeights& weights) {
  std::array<FormatCost, kTensorIdCount> costs;
  std::array<std::vector<const PlannedModule*>, kTensorIdCount> modules;
  for (const PlannedModule& module : plan.modules) {
    const auto at = static_cast<size_t>(module.source.id);
    costs[at].bytes += module.bytes();
    if (!module.exact)
      modules[at].push_back(&module);
  }
  RowEncoder encoder({rule, &weights});
  for (size_t id = 0; id < modules.size(); ++id) {
    const std::vector<const PlannedModule*>& all = modules[id];
    const size_t step = std::max<size_t>(1, all.size() / kModules);
    Sums sums;
    for (size_t at = 0; at < all.size(); at += step) {
      const auto items = static_cast<int64_t>(all[at]->source.items.size());
      const int64_t stride = std::max<int64_t>(1, items / kItems);
      for (int64_t item = 0; item < items; item += stride)
        add_sample(*all[at], item, encoder, weights, sums);
    }
    if (sums.signal > 0)
      costs[id].noise = sums.noise / sums.signal;
  }
  return costs;
}

}  // namespace hadal
