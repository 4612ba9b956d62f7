#include "cache/cache_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <string_view>

#include "base/check.h"
#include "cache/page_pool.h"
#include "hadal/error.h"

namespace hadal {
namespace {

constexpr int64_t kMaxRewindTokens = 4096;
constexpr int64_t kMaxRowsPerPage = 65536;

std::string_view name(RowFormat format) {
  switch (format) {
    case RowFormat::f32:
      return "f32";
    case RowFormat::bf16:
      return "bf16";
    case RowFormat::fp8:
      return "fp8";
    case RowFormat::fp4:
      return "fp4";
  }
  return "unknown";
}

std::string describe_row(const RowLayout& row) {
  return fmt::format("{}[{}/{}]", name(row.format), row.dim, row.rotary);
}

CompressorLayout make_compressor(
    LayerKind kind, const RowLayout& row, int64_t rewind_tokens) {
  const int64_t ratio = static_cast<int64_t>(kind);
  const int64_t overlap = ModelConfig::overlap(kind);
  return {
      .ratio = ratio,
      .channels = overlap * row.dim,
      .history_capacity = overlap * ratio + rewind_tokens,
      .row = row};
}

int64_t history_bytes(const CompressorLayout& layout) {
  const int64_t one = layout.history_capacity * layout.channels *
                      static_cast<int64_t>(sizeof(float));
  return 2 * PagePool::block_bytes(one);
}

int64_t page_bytes(
    const CompressorLayout& layout, int64_t rows_per_page, int64_t length) {
  const int64_t rows = length / layout.ratio;
  const int64_t pages = (rows + rows_per_page - 1) / rows_per_page;
  return pages * PagePool::block_bytes(rows_per_page * layout.row.row_bytes());
}

template <class Visit>
void for_each_compressor(const CacheLayout& layout, const Visit& visit) {
  for (const LayerLayout& layer : layout.layers) {
    if (layer.main)
      visit(*layer.main);
    if (layer.indexer)
      visit(*layer.indexer);
  }
}

}  // namespace

int64_t CompressorLayout::tail_start(int64_t length) const {
  // Ratio 4 also pools the window before the one that is being filled.
  const int64_t previous = channels == row.dim ? 0 : 1;
  return std::max<int64_t>(0, (length / ratio - previous) * ratio);
}

int64_t CacheLayout::window_start(int64_t length) const {
  return std::max<int64_t>(0, length - (window - 1));
}

int64_t CacheLayout::fixed_bytes() const {
  const auto layer_count = static_cast<int64_t>(layers.size());
  const int64_t row = window_row.row_bytes();
  int64_t total = layer_count * PagePool::block_bytes(window_capacity * row) +
                  mtp_stages * PagePool::block_bytes(mtp_window_capacity * row);
  if (hidden_width > 0) {
    total += PagePool::block_bytes(
        hidden_capacity * hidden_width * static_cast<int64_t>(sizeof(float)));
  }
  for_each_compressor(*this, [&](const CompressorLayout& compressor) {
    total += history_bytes(compressor);
  });
  return total;
}

int64_t CacheLayout::bytes(int64_t length) const {
  if (length == 0)
    return 0;
  int64_t total = fixed_bytes();
  for_each_compressor(*this, [&](const CompressorLayout& compressor) {
    total += page_bytes(compressor, rows_per_page, length);
  });
  return total;
}

double CacheLayout::bytes_per_token() const {
  double total = 0;
  for_each_compressor(*this, [&](const CompressorLayout& compressor) {
    total += static_cast<double>(compressor.row.row_bytes()) /
             static_cast<double>(compressor.ratio);
  });
  return total;
}

std::string CacheLayout::describe() const {
  std::string kinds;
  for (const LayerLayout& layer : layers) {
    fmt::format_to(
        std::back_inserter(kinds),
        "{}{}",
        kinds.empty() ? "" : ",",
        static_cast<int>(layer.kind));
  }
  std::string compressors;
  for (const LayerLayout& layer : layers) {
    if (layer.indexer) {
      compressors =
          fmt::format("; index rows {}", describe_row(layer.indexer->row));
      break;
    }
  }
  return fmt::format(
      "window {} rows {}{}; layers {}; mtp {} of {}",
      window,
      describe_row(window_row),
      compressors,
      kinds,
      mtp_stages,
      hidden_width);
}

CacheLayout make_cache_layout(
    const ModelConfig& config, const CacheOptions& options) {
  if (options.rewind_tokens < 0 || options.rewind_tokens > kMaxRewindTokens) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "cache option rewind_tokens is {}; expected 0 to {}",
            options.rewind_tokens,
            kMaxRewindTokens));
  }
  if (options.rows_per_page < 1 || options.rows_per_page > kMaxRowsPerPage ||
      !std::has_single_bit(static_cast<uint64_t>(options.rows_per_page))) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "cache option rows_per_page is {}; expected a power of two up to "
            "{}",
            options.rows_per_page,
            kMaxRowsPerPage));
  }
  HADAL_CHECK(
      static_cast<int64_t>(config.layer_kinds.size()) >=
      config.num_hidden_layers);

  const auto format = [&](bool rounded, RowFormat small) {
    if (options.storage == CacheStorage::exact)
      return RowFormat::f32;
    return rounded ? small : RowFormat::bf16;
  };
  const RowLayout kv_row = {
      format(options.kv_fp8, RowFormat::fp8),
      config.head_dim,
      config.qk_rope_head_dim};
  const RowLayout index_row = {
      format(options.index_fp4, RowFormat::fp4),
      config.index_head_dim,
      config.qk_rope_head_dim};

  CacheLayout layout;
  layout.window = config.sliding_window;
  layout.window_capacity = config.sliding_window + options.rewind_tokens;
  layout.window_row = kv_row;
  layout.rewind_tokens = options.rewind_tokens;
  layout.rows_per_page = options.rows_per_page;
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const LayerKind kind = config.layer_kinds[static_cast<size_t>(i)];
    LayerLayout& layer = layout.layers.emplace_back();
    layer.kind = kind;
    if (kind != LayerKind::window)
      layer.main = make_compressor(kind, kv_row, options.rewind_tokens);
    if (kind == LayerKind::sparse)
      layer.indexer = make_compressor(kind, index_row, options.rewind_tokens);
  }
  if (options.mtp && config.num_nextn_predict_layers > 0) {
    layout.mtp_stages = config.num_nextn_predict_layers;
    // Drafts may run ahead of the trunk by as much as it may be rewound.
    layout.mtp_window_capacity =
        config.sliding_window + 2 * options.rewind_tokens;
    layout.hidden_width = config.hc_mult * config.hidden_size;
    layout.hidden_capacity = options.rewind_tokens + 1;
  }
  return layout;
}

}  // namespace hadal
