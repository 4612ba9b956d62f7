// What a sequence remembers in each layer, and how many bytes that takes
// (spec 4.1, 4.5, 4.6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/model_config.h"
#include "kernels/row_format.h"

namespace hadal {

// exact: float32 rows. compact: the smallest format that loses nothing of rows
// that went through the round trips of spec 8: fp8 and fp4 with kv_fp8 and
// index_fp4, else bfloat16.
enum class CacheStorage { exact, compact };

struct CacheOptions {
  CacheStorage storage = CacheStorage::compact;
  bool kv_fp8 = true;
  bool index_fp4 = true;
  bool mtp = false;  // also remember what the next-token module needs
  // How far a sequence can be rewound without a snapshot. Costs 340,992 bytes a
  // token of reach with Flash.
  int64_t rewind_tokens = 8;
  int64_t rows_per_page = 64;  // a power of two
};

// The two that a layer may have (spec 3.7); `indexer` in ratio-4 layers only.
enum class Compressor { main, indexer };

// One compressor's rows and its pooling history.
struct CompressorLayout {
  int64_t ratio = 0;             // 4 or 128
  int64_t channels = 0;          // of z and g: overlap * row.dim
  int64_t history_capacity = 0;  // tokens
  RowLayout row;

  // The first position whose z and g a sequence of `length` tokens still needs
  // (spec 4.3 step 5).
  int64_t tail_start(int64_t length) const;

  bool operator==(const CompressorLayout&) const = default;
};

// One trunk layer beyond its window.
struct LayerLayout {
  LayerKind kind = LayerKind::window;
  std::optional<CompressorLayout> main;
  std::optional<CompressorLayout> indexer;

  bool operator==(const LayerLayout&) const = default;
};

struct CacheLayout {
  int64_t window = 0;           // tokens a query sees, itself included
  int64_t window_capacity = 0;  // rows of a trunk layer's ring
  RowLayout window_row;
  std::vector<LayerLayout> layers;  // the trunk's
  int64_t mtp_stages = 0;
  int64_t mtp_window_capacity = 0;
  // The residual streams of the latest tokens, which the MTP block pairs with
  // the tokens that follow: float32 [hidden_capacity, hidden_width].
  int64_t hidden_width = 0;
  int64_t hidden_capacity = 0;
  int64_t rewind_tokens = 0;
  int64_t rows_per_page = 0;

  // The first position whose window row a sequence of `length` tokens needs.
  int64_t window_start(int64_t length) const;

  // Rings and histories: the same for every length but 0.
  int64_t fixed_bytes() const;
  // What a sequence of `length` tokens that shares nothing takes of a
  // PagePool's budget, pages that are not full included.
  int64_t bytes(int64_t length) const;
  // By how much it grows with each token, on average.
  double bytes_per_token() const;

  // One line that names everything that decides what saved state means:
  // layer kinds, row formats and sizes. Sizes of rings and pages do not.
  std::string describe() const;

  bool operator==(const CacheLayout&) const = default;
};

// Throws Error(invalid_argument) when an option is out of range.
CacheLayout make_cache_layout(
    const ModelConfig& config, const CacheOptions& options);

}  // namespace hadal
