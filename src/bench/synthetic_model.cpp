// First every tensor asks for its place, in the order in which a step reads
// them; then one block of memory is taken and filled by all threads.
#include "bench/synthetic_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "base/huge_memory.h"
#include "base/memory_info.h"
#include "base/readable.h"
#include "hadal/error.h"
#include "kernels/random_weight.h"
#include "kernels/synthetic_weight.h"
#include "weights/tensor_registry.h"

namespace hadal {
namespace {

using enum TensorId;

constexpr WeightView kFloats = {.format = WeightFormat::f32};
constexpr WeightView kPlain = {.format = WeightFormat::bf16};

// What fills a tensor: random numbers, or one float32 everywhere.
enum class Content { random, constant };

struct Place {
  WeightView* view = nullptr;
  int64_t offset = 0;
  Content content = Content::random;
  float value = 0;  // of a constant
};

struct Table {
  const std::byte** data = nullptr;  // tid2eid, int64 [vocabulary, per token]
  int64_t offset = 0;
};

class Layout {
 public:
  explicit Layout(const SyntheticSpec& spec) : spec_(spec) {}

  int64_t bytes() const { return end_; }
  const std::vector<Place>& places() const { return places_; }
  const std::vector<Table>& tables() const { return tables_; }

  void model(ModelWeights& weights) {
    const ModelConfig& config = spec_.config;
    weights.layers.resize(static_cast<size_t>(config.num_hidden_layers));
    hyper_.resize(2 * weights.layers.size() + 1);
    for (size_t i = 0; i < weights.layers.size(); ++i)
      layer(weights.layers[i], static_cast<int64_t>(i));
    const BlockIndex block;
    hyper_connection(
        weights.hc_head, block, {hc_head_fn, hc_head_base, hc_head_scale});
    constant(weights.norm, norm, block, 1);
    matrix(weights.head, head, block, spec_.recipe.embedding);
  }

  // Sets the pointers of the views that are plain float arrays.
  void finish() {
    for (const Hyper& hyper : hyper_) {
      hyper.weights->base = reinterpret_cast<const float*>(hyper.base.data);
      hyper.weights->scale = reinterpret_cast<const float*>(hyper.scale.data);
    }
  }

 private:
  struct HyperIds {
    TensorId fn;
    TensorId base;
    TensorId scale;
  };
  struct Hyper {
    HyperConnectionWeights* weights = nullptr;
    WeightView base;
    WeightView scale;
  };

  void add(
      WeightView& view,
      TensorId id,
      BlockIndex block,
      WeightView like,
      Content content,
      float value) {
    const LogicalShape shape =
        logical_shape(spec_.config, id, layer_kind(spec_.config, block));
    like.rows = shape.rows;
    like.cols = shape.cols;
    view = like;
    places_.push_back({&view, end_, content, value});
    end_ += layout_bytes(like);
  }
  void matrix(
      WeightView& view, TensorId id, BlockIndex block, const WeightView& like) {
    add(view, id, block, like, Content::random, 0);
  }
  void constant(WeightView& view, TensorId id, BlockIndex block, float value) {
    add(view, id, block, kFloats, Content::constant, value);
  }
  void stack(
      std::vector<WeightView>& views,
      int64_t count,
      TensorId id,
      BlockIndex block,
      const WeightView& like) {
    views.resize(static_cast<size_t>(count));
    for (WeightView& view : views)
      matrix(view, id, block, like);
  }

  void hyper_connection(
      HyperConnectionWeights& weights, BlockIndex block, const HyperIds& ids) {
    Hyper& hyper = hyper_[hypers_++];
    hyper.weights = &weights;
    matrix(weights.fn, ids.fn, block, kFloats);
    constant(hyper.base, ids.base, block, 0);
    constant(hyper.scale, ids.scale, block, 1);
  }

  void layer(LayerWeights& weights, int64_t number) {
    const BlockIndex block = {TensorScope::layer, number};
    hyper_connection(
        weights.hc_attn, block, {hc_attn_fn, hc_attn_base, hc_attn_scale});
    constant(weights.attn_norm, attn_norm, block, 1);
    attention(weights.attention, block);
    hyper_connection(
        weights.hc_ffn, block, {hc_ffn_fn, hc_ffn_base, hc_ffn_scale});
    constant(weights.ffn_norm, ffn_norm, block, 1);
    moe(weights.moe, block);
  }

  void attention(AttentionWeights& weights, BlockIndex block) {
    const SyntheticRecipe& recipe = spec_.recipe;
    matrix(weights.wq_a, wq_a, block, recipe.dense);
    constant(weights.q_norm, q_norm, block, 1);
    matrix(weights.wq_b, wq_b, block, recipe.dense);
    matrix(weights.wkv, wkv, block, recipe.dense);
    constant(weights.kv_norm, kv_norm, block, 1);
    if (occurs(spec_.config, compressor_wkv, block)) {
      CompressorWeights& compressor = weights.compressor;
      matrix(compressor.wkv, compressor_wkv, block, recipe.rest);
      matrix(compressor.wgate, compressor_wgate, block, recipe.rest);
      matrix(compressor.ape, compressor_ape, block, kFloats);
      constant(compressor.norm, compressor_norm, block, 1);
    }
    if (occurs(spec_.config, indexer_wq_b, block)) {
      IndexerWeights& indexer = weights.indexer;
      CompressorWeights& compressor = indexer.compressor;
      matrix(indexer.wq_b, indexer_wq_b, block, recipe.dense);
      matrix(indexer.weights_proj, indexer_weights_proj, block, recipe.rest);
      matrix(compressor.wkv, indexer_compressor_wkv, block, recipe.rest);
      matrix(compressor.wgate, indexer_compressor_wgate, block, recipe.rest);
      matrix(compressor.ape, indexer_compressor_ape, block, kFloats);
      constant(compressor.norm, indexer_compressor_norm, block, 1);
    }
    constant(weights.attn_sink, attn_sink, block, 0);
    stack(weights.wo_a, spec_.config.o_groups, wo_a, block, recipe.dense);
    matrix(weights.wo_b, wo_b, block, recipe.dense);
  }

  void moe(MoeWeights& weights, BlockIndex block) {
    const ModelConfig& config = spec_.config;
    const SyntheticRecipe& recipe = spec_.recipe;
    matrix(weights.gate, gate, block, kPlain);
    if (occurs(config, gate_bias, block))
      constant(weights.gate_bias, gate_bias, block, 0);
    if (occurs(config, tid2eid, block)) {
      tables_.push_back({&weights.tid2eid, end_});
      end_ +=
          (config.vocab_size * config.num_experts_per_tok * 8 + 63) / 64 * 64;
    }
    const int64_t experts = config.n_routed_experts;
    stack(weights.expert_gate, experts, expert_w1, block, recipe.experts);
    stack(weights.expert_up, experts, expert_w3, block, recipe.experts);
    stack(weights.expert_down, experts, expert_w2, block, recipe.experts);
    matrix(weights.shared_gate, shared_w1, block, recipe.dense);
    matrix(weights.shared_up, shared_w3, block, recipe.dense);
    matrix(weights.shared_down, shared_w2, block, recipe.dense);
  }

  const SyntheticSpec& spec_;
  int64_t end_ = 0;
  std::vector<Place> places_;
  std::vector<Table> tables_;
  std::vector<Hyper> hyper_;  // sized once: places point into it
  size_t hypers_ = 0;
};

// A part of a tensor that one thread fills.
struct Piece {
  WeightView rows;
  const Place* place = nullptr;
};

// Pieces of about 4 MB, of whole blocks of 128 rows.
std::vector<Piece> cut(const std::vector<Place>& places) {
  constexpr int64_t kPieceBytes = int64_t{4} << 20;
  std::vector<Piece> pieces;
  for (const Place& place : places) {
    const WeightView& view = *place.view;
    const int64_t rows =
        std::max<int64_t>(1, kPieceBytes / view.row_bytes / 128) * 128;
    for (int64_t first = 0; first < view.rows; first += rows)
      pieces.push_back(
          {row_slice(view, first, std::min(rows, view.rows - first)), &place});
  }
  return pieces;
}

void fill(const Piece& piece, uint64_t seed) {
  const WeightView& view = piece.rows;
  if (piece.place->content == Content::random) {
    fill_weight(view, seed, 1 / std::sqrt(static_cast<double>(view.cols)));
    return;
  }
  float* const values =
      reinterpret_cast<float*>(const_cast<std::byte*>(view.data));
  std::fill_n(values, view.rows * view.cols, piece.place->value);
}

// Neighbours from a random expert on: different ones for every token.
void fill_table(const ModelConfig& config, int64_t* ids, uint64_t seed) {
  RandomNumbers random(seed);
  const int64_t experts = config.n_routed_experts;
  for (int64_t token = 0; token < config.vocab_size; ++token) {
    const int64_t first =
        static_cast<int64_t>(random.bits() % static_cast<uint64_t>(experts));
    for (int64_t i = 0; i < config.num_experts_per_tok; ++i)
      *ids++ = (first + i) % experts;
  }
}

void require_memory(const SyntheticSpec& spec, int64_t bytes) {
  const uint64_t available = memory_info().available_bytes;
  if (static_cast<uint64_t>(bytes) > available)
    throw Error(
        ErrorCode::resource,
        fmt::format(
            "synthetic model \"{}\": needs {} of memory, but {} are "
            "available; ask for fewer layers or experts",
            spec.text,
            readable_bytes(static_cast<uint64_t>(bytes)),
            readable_bytes(available)));
}

}  // namespace

SyntheticModel make_synthetic_model(
    const SyntheticSpec& spec, ThreadTeam& team) {
  SyntheticModel model{.config = spec.config};
  Layout layout(spec);
  layout.model(model.weights);
  require_memory(spec, layout.bytes());
  const auto memory =
      std::make_shared<HugeMemory>(static_cast<size_t>(layout.bytes()));
  for (const Place& place : layout.places())
    *place.view = lay_out_weight(*place.view, memory->data() + place.offset);
  const std::vector<Piece> pieces = cut(layout.places());
  team.parallel_for(
      static_cast<int64_t>(pieces.size()),
      1,
      [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i)
          fill(pieces[static_cast<size_t>(i)], static_cast<uint64_t>(i));
      });
  for (const Table& table : layout.tables()) {
    *table.data = memory->data() + table.offset;
    fill_table(
        spec.config,
        reinterpret_cast<int64_t*>(memory->data() + table.offset),
        static_cast<uint64_t>(table.offset));
  }
  layout.finish();
  model.weights.embed = model.weights.head;
  model.weights.storage = memory;
  model.bytes = static_cast<uint64_t>(layout.bytes());
  return model;
}

}  // namespace hadal
