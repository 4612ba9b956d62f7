#include "cache/fake_model.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/hash.h"

namespace hadal::testing {
namespace {

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t x = a * 0x9E3779B97F4A7C15U + b + 0x632BE59BD9B4E019U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

// Stands for everything a layer's input depends on: the tokens so far.
std::vector<uint64_t> prefix_hashes(
    std::span<const int32_t> tokens, uint64_t before) {
  std::vector<uint64_t> result;
  for (const int32_t token : tokens) {
    before = mix(before, static_cast<uint64_t>(token));
    result.push_back(before);
  }
  return result;
}

enum Kind : uint64_t { window_row, z_row, g_row, index_z_row, index_g_row };

void fill_bytes(uint64_t seed, std::byte* out, int64_t count) {
  for (int64_t i = 0; i < count; i += 8) {
    const uint64_t value = mix(seed, static_cast<uint64_t>(i));
    std::memcpy(
        out + i, &value, static_cast<size_t>(std::min<int64_t>(8, count - i)));
  }
}

void fill_window_row(
    uint64_t prefix, int64_t layer, const RowLayout& row, std::byte* out) {
  fill_bytes(
      mix(prefix, mix(window_row, static_cast<uint64_t>(layer))),
      out,
      row.row_bytes());
}

// Whole numbers, so that sums have no rounding.
void fill_floats(
    uint64_t prefix, int64_t layer, uint64_t kind, float* out, int64_t count) {
  const uint64_t seed = mix(prefix, mix(kind, static_cast<uint64_t>(layer)));
  for (int64_t i = 0; i < count; ++i) {
    out[i] = static_cast<float>(mix(seed, static_cast<uint64_t>(i)) % 4096);
  }
}

uint64_t hash_bytes(const void* data, int64_t bytes) {
  return hash64(
      {static_cast<const std::byte*>(data), static_cast<size_t>(bytes)});
}

// z and g of a position, wherever they lie.
using TokenValues =
    std::function<std::pair<const float*, const float*>(int64_t position)>;

// The "pooled" row: depends on the same tokens and channels as spec 3.7.
void pool_row(
    const CompressorLayout& layout,
    int64_t index,
    const TokenValues& at,
    std::byte* out) {
  const int64_t m = layout.ratio;
  const int64_t dim = layout.row.dim;
  uint64_t sum = static_cast<uint64_t>(index);
  const auto add = [&](int64_t from, int64_t channel) {
    for (int64_t p = from; p < from + m; ++p) {
      const auto [z, g] = at(p);
      sum = mix(sum, hash_bytes(z + channel, dim * 4));
      sum = mix(sum, hash_bytes(g + channel, dim * 4));
    }
  };
  if (layout.channels == 2 * dim && index > 0)
    add((index - 1) * m, 0);
  add(index * m, layout.channels - dim);
  fill_bytes(sum, out, layout.row.row_bytes());
}

// Rows [0, count) of pages, one hash for each prefix: [count + 1].
std::vector<uint64_t> rolling_row_hashes(const PagedRows& rows, int64_t count) {
  const int64_t bytes = rows.layout.row_bytes();
  std::vector<uint64_t> result = {0};
  for (int64_t s = 0; s < count; ++s) {
    const std::byte* const row =
        rows.pages[s / rows.rows_per_page] + s % rows.rows_per_page * bytes;
    result.push_back(mix(result.back(), hash_bytes(row, bytes)));
  }
  return result;
}

// --- the pass over one layer of a cached sequence

struct LayerPass {
  SequenceCache& cache;
  int64_t layer;
  int64_t start;
  std::span<const uint64_t> prefixes;
  const FailAt& fail_at;

  int64_t count() const { return static_cast<int64_t>(prefixes.size()); }

  void maybe_fail(Step step) const {
    if (fail_at && fail_at(step, layer))
      throw PassFailed{};
  }

  void append_rows(Compressor which, const CompressorLayout& sizes) const {
    const uint64_t kind = which == Compressor::main ? z_row : index_z_row;
    // A stride beyond the channels, as scratch matrices may have.
    const int64_t stride = sizes.channels + 3;
    std::vector<float> z(static_cast<size_t>(count() * stride), -1.0F);
    std::vector<float> g = z;
    for (int64_t t = 0; t < count(); ++t) {
      const uint64_t prefix = prefixes[static_cast<size_t>(t)];
      fill_floats(
          prefix,
          layer,
          kind,
          &z[static_cast<size_t>(t * stride)],
          sizes.channels);
      fill_floats(
          prefix,
          layer,
          kind + 1,
          &g[static_cast<size_t>(t * stride)],
          sizes.channels);
    }
    CompressorPoolParams params;
    cache.fill(layer, which, params);
    maybe_fail(Step::rows);
    for (int64_t s = start / sizes.ratio; s < (start + count()) / sizes.ratio;
         ++s) {
      pool_row(
          sizes,
          s,
          [&](int64_t p) {
            const int64_t offset =
                p >= start ? (p - start) * stride
                           : p % params.history_capacity * sizes.channels;
            return p >= start
                       ? std::pair<
                             const float*,
                             const float*>{&z[static_cast<size_t>(offset)], &g[static_cast<size_t>(offset)]}
                       : std::pair<const float*, const float*>{
                             params.history_z + offset,
                             params.history_g + offset};
          },
          cache.writable_row(layer, which, s));
    }
    maybe_fail(Step::history);
    cache.commit_history(
        layer, which, start, count(), z.data(), g.data(), stride);
  }

  void run(Outputs& outputs) const {
    maybe_fail(Step::begin);
    const LayerLayout& sizes =
        cache.layout().layers[static_cast<size_t>(layer)];
    if (sizes.main)
      append_rows(Compressor::main, *sizes.main);
    if (sizes.indexer)
      append_rows(Compressor::indexer, *sizes.indexer);

    SparseAttentionParams params;
    cache.fill(layer, params);
    const int64_t row_bytes = params.window_layout.row_bytes();
    std::vector<std::byte> chunk(static_cast<size_t>(count() * row_bytes));
    for (int64_t t = 0; t < count(); ++t) {
      fill_window_row(
          prefixes[static_cast<size_t>(t)],
          layer,
          params.window_layout,
          &chunk[static_cast<size_t>(t * row_bytes)]);
    }
    const int64_t end = start + count();
    const std::vector<uint64_t> main =
        sizes.main ? rolling_row_hashes(params.compressed, end / params.ratio)
                   : std::vector<uint64_t>{0};
    const std::vector<uint64_t> index =
        sizes.indexer ? rolling_row_hashes(
                            cache.rows(layer, Compressor::indexer), end / 4)
                      : std::vector<uint64_t>{0};
    for (int64_t t = 0; t < count(); ++t) {
      const int64_t p = start + t;
      uint64_t& output = outputs[static_cast<size_t>(t)];
      for (int64_t j = std::max<int64_t>(0, p - params.window + 1); j <= p;
           ++j) {
        const std::byte* const row =
            j >= start ? &chunk[static_cast<size_t>((j - start) * row_bytes)]
                       : params.ring + j % params.ring_capacity * row_bytes;
        output = mix(output, hash_bytes(row, row_bytes));
      }
      if (sizes.main)
        output = mix(output, main[static_cast<size_t>((p + 1) / params.ratio)]);
      if (sizes.indexer)
        output = mix(output, index[static_cast<size_t>((p + 1) / 4)]);
    }
    maybe_fail(Step::attention);
    cache.commit_window(layer, start, count(), chunk.data());
    maybe_fail(Step::window);
  }
};

// The trunk's last state of a position. The fake one is the hash of the tokens
// so far, so that a pass can go on from a cache without knowing its tokens.
std::vector<float> hidden_rows(
    const CacheLayout& layout, std::span<const uint64_t> prefixes) {
  const auto width = static_cast<size_t>(layout.hidden_width);
  std::vector<float> rows(prefixes.size() * width);
  for (size_t t = 0; t < prefixes.size(); ++t)
    std::memcpy(&rows[t * width], &prefixes[t], sizeof(uint64_t));
  return rows;
}

uint64_t running_hash(const SequenceCache& cache) {
  if (cache.length() == 0)
    return 0;
  uint64_t hash = 0;
  std::memcpy(&hash, cache.hidden(cache.length() - 1), sizeof(hash));
  return hash;
}

// --- without a cache

struct PlainCompressor {
  std::vector<std::vector<float>> z;
  std::vector<std::vector<float>> g;
  std::vector<uint64_t> row_hashes = {0};

  void add(
      uint64_t prefix,
      int64_t layer,
      uint64_t kind,
      const CompressorLayout& sizes) {
    for (auto* values : {&z, &g}) {
      auto& row = values->emplace_back(static_cast<size_t>(sizes.channels));
      fill_floats(
          prefix,
          layer,
          values == &z ? kind : kind + 1,
          row.data(),
          sizes.channels);
    }
    const auto length = static_cast<int64_t>(z.size());
    if (length % sizes.ratio != 0)
      return;
    std::vector<std::byte> row(static_cast<size_t>(sizes.row.row_bytes()));
    pool_row(
        sizes,
        length / sizes.ratio - 1,
        [&](int64_t p) {
          return std::pair<const float*, const float*>{
              z[static_cast<size_t>(p)].data(),
              g[static_cast<size_t>(p)].data()};
        },
        row.data());
    row_hashes.push_back(
        mix(row_hashes.back(), hash_bytes(row.data(), sizes.row.row_bytes())));
  }
};

}  // namespace

ModelConfig small_config() {
  ModelConfig config;
  config.hidden_size = 4;
  config.hc_mult = 4;
  config.num_hidden_layers = 4;
  config.head_dim = 8;
  config.qk_rope_head_dim = 4;
  config.index_head_dim = 4;
  config.sliding_window = 128;
  config.num_nextn_predict_layers = 1;
  config.layer_kinds = {
      LayerKind::window,
      LayerKind::sparse,
      LayerKind::compressed,
      LayerKind::sparse,
      LayerKind::window};
  return config;
}

std::shared_ptr<const CacheLayout> small_layout(const CacheOptions& options) {
  CacheOptions with_mtp = options;
  with_mtp.mtp = true;
  return std::make_shared<const CacheLayout>(
      make_cache_layout(small_config(), with_mtp));
}

Outputs feed(
    SequenceCache& cache,
    std::span<const int32_t> tokens,
    const FailAt& fail_at) {
  const CacheLayout& layout = cache.layout();
  const int64_t start = cache.length();
  const auto count = static_cast<int64_t>(tokens.size());
  const std::vector<uint64_t> prefixes =
      prefix_hashes(tokens, running_hash(cache));
  Outputs outputs = prefixes;
  PassGuard guard(cache, count);
  for (size_t i = 0; i < layout.layers.size(); ++i) {
    const LayerPass pass = {
        cache, static_cast<int64_t>(i), start, prefixes, fail_at};
    pass.run(outputs);
  }
  const std::vector<float> hidden = hidden_rows(layout, prefixes);
  cache.commit_hidden(start, count, hidden.data(), layout.hidden_width);
  if (fail_at && fail_at(Step::hidden, -1))
    throw PassFailed{};
  guard.finish();
  return outputs;
}

Outputs feed_in_chunks(
    SequenceCache& cache,
    std::span<const int32_t> tokens,
    int64_t chunk_tokens) {
  Outputs outputs;
  for (size_t done = 0; done < tokens.size();) {
    const size_t count =
        std::min(tokens.size() - done, static_cast<size_t>(chunk_tokens));
    const Outputs chunk = feed(cache, tokens.subspan(done, count));
    outputs.insert(outputs.end(), chunk.begin(), chunk.end());
    done += count;
  }
  return outputs;
}

Outputs outputs_without_cache(
    const CacheLayout& layout, std::span<const int32_t> tokens) {
  const std::vector<uint64_t> prefixes = prefix_hashes(tokens, 0);
  Outputs outputs = prefixes;
  const int64_t row_bytes = layout.window_row.row_bytes();
  for (size_t i = 0; i < layout.layers.size(); ++i) {
    const auto layer = static_cast<int64_t>(i);
    const LayerLayout& sizes = layout.layers[i];
    PlainCompressor main;
    PlainCompressor index;
    std::vector<uint64_t> window;  // a hash a row
    std::vector<std::byte> row(static_cast<size_t>(row_bytes));
    for (size_t p = 0; p < tokens.size(); ++p) {
      fill_window_row(prefixes[p], layer, layout.window_row, row.data());
      window.push_back(hash_bytes(row.data(), row_bytes));
      const size_t first = p < 127 ? 0 : p - 127;
      for (size_t j = first; j <= p; ++j)
        outputs[p] = mix(outputs[p], window[j]);
      if (sizes.main) {
        main.add(prefixes[p], layer, z_row, *sizes.main);
        outputs[p] = mix(outputs[p], main.row_hashes.back());
      }
      if (sizes.indexer) {
        index.add(prefixes[p], layer, index_z_row, *sizes.indexer);
        outputs[p] = mix(outputs[p], index.row_hashes.back());
      }
    }
  }
  return outputs;
}

std::vector<int32_t> random_tokens(uint64_t seed, int64_t count) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(
        static_cast<int32_t>(mix(seed, static_cast<uint64_t>(i)) % 1000));
  }
  return tokens;
}

}  // namespace hadal::testing
