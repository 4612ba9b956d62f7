#include "weights/testing/sparse_checkpoint.h"

#include <fmt/format.h>

#include "checkpoint/testing/temporary_directory.h"

namespace hadal::testing {
namespace {

// Collects declarations; one function a storage form of spec 7.1.
class ReleaseList {
 public:
  ReleaseList(const ModelConfig& config, const ReleaseVariant& variant)
      : c_(config), variant_(variant) {}

  void bf16(const std::string& name, TensorShape shape) {
    out_.push_back({name + ".weight", Dtype::bf16, shape});
  }
  void f32(const std::string& name, TensorShape shape) {
    out_.push_back({name, Dtype::f32, shape});
  }
  void fp8(const std::string& name, int64_t rows, int64_t cols) {
    out_.push_back({name + ".weight", Dtype::f8_e4m3, {rows, cols}});
    out_.push_back(
        {name + ".scale",
         variant_.base ? Dtype::f32 : Dtype::f8_e8m0,
         {(rows + 127) / 128, (cols + 127) / 128}});
  }
  void fp4(const std::string& name, int64_t rows, int64_t cols) {
    if (variant_.base)
      return fp8(name, rows, cols);
    out_.push_back({name + ".weight", Dtype::i8, {rows, cols / 2}});
    out_.push_back({name + ".scale", Dtype::f8_e8m0, {rows, cols / 32}});
  }

  void hyper_connection(const std::string& name) {
    f32(name + "_fn", {24, 4 * c_.hidden_size});
    f32(name + "_base", {24});
    f32(name + "_scale", {3});
  }
  void head_mixing(const std::string& prefix) {
    f32(prefix + "hc_head_fn", {4, 4 * c_.hidden_size});
    f32(prefix + "hc_head_base", {4});
    f32(prefix + "hc_head_scale", {1});
  }
  void compressor(const std::string& name, int64_t ratio, int64_t dim) {
    const int64_t channels = ratio == 4 ? 2 * dim : dim;
    f32(name + ".ape", {ratio, channels});
    bf16(name + ".wkv", {channels, c_.hidden_size});
    bf16(name + ".wgate", {channels, c_.hidden_size});
    bf16(name + ".norm", {dim});
  }
  void layer(const std::string& prefix, LayerKind kind, bool hashed) {
    const int64_t d = c_.hidden_size;
    bf16(prefix + "attn_norm", {d});
    bf16(prefix + "ffn_norm", {d});
    hyper_connection(prefix + "hc_attn");
    hyper_connection(prefix + "hc_ffn");
    const std::string attn = prefix + "attn.";
    f32(attn + "attn_sink", {c_.num_attention_heads});
    fp8(attn + "wq_a", c_.q_lora_rank, d);
    bf16(attn + "q_norm", {c_.q_lora_rank});
    fp8(attn + "wq_b", c_.num_attention_heads * c_.head_dim, c_.q_lora_rank);
    fp8(attn + "wkv", c_.head_dim, d);
    bf16(attn + "kv_norm", {c_.head_dim});
    fp8(attn + "wo_a", c_.o_groups * c_.o_lora_rank, c_.group_width());
    fp8(attn + "wo_b", d, c_.o_groups * c_.o_lora_rank);
    if (kind != LayerKind::window)
      compressor(attn + "compressor", static_cast<int64_t>(kind), c_.head_dim);
    if (kind == LayerKind::sparse) {
      fp8(attn + "indexer.wq_b",
          c_.index_n_heads * c_.index_head_dim,
          c_.q_lora_rank);
      bf16(attn + "indexer.weights_proj", {c_.index_n_heads, d});
      compressor(attn + "indexer.compressor", 4, c_.index_head_dim);
    }
    const std::string ffn = prefix + "ffn.";
    bf16(ffn + "gate", {c_.n_routed_experts, d});
    if (hashed)
      out_.push_back(
          {ffn + "gate.tid2eid",
           Dtype::i64,
           {c_.vocab_size, c_.num_experts_per_tok}});
    else
      f32(ffn + "gate.bias", {c_.n_routed_experts});
    for (int64_t e = 0; e < c_.n_routed_experts; ++e)
      expert(fmt::format("{}experts.{}.", ffn, e), true);
    expert(ffn + "shared_experts.", false);
  }
  void expert(const std::string& prefix, bool routed) {
    const int64_t d = c_.hidden_size;
    const int64_t inner = c_.moe_intermediate_size;
    for (const char* name : {"w1", "w2", "w3"}) {
      const bool down = std::string_view(name) == "w2";
      const int64_t rows = down ? d : inner;
      const int64_t cols = down ? inner : d;
      if (routed)
        fp4(prefix + name, rows, cols);
      else
        fp8(prefix + name, rows, cols);
    }
  }
  void mtp() {
    const int64_t d = c_.hidden_size;
    layer("mtp.0.", LayerKind::window, false);
    fp8("mtp.0.e_proj", d, d);
    fp8("mtp.0.h_proj", d, d);
    bf16("mtp.0.enorm", {d});
    bf16("mtp.0.hnorm", {d});
    bf16("mtp.0.norm", {d});
    head_mixing("mtp.0.");
  }
  void dspark() {
    constexpr int64_t kMarkovRank = 256;
    const int64_t d = c_.hidden_size;
    for (int stage = 0; stage < variant_.dspark_stages; ++stage)
      layer(fmt::format("mtp.{}.", stage), LayerKind::window, false);
    fp8("mtp.0.main_proj", d, 3 * d);
    bf16("mtp.0.main_norm", {d});
    const std::string last = fmt::format("mtp.{}.", variant_.dspark_stages - 1);
    bf16(last + "norm", {d});
    head_mixing(last);
    bf16(last + "markov_head.markov_w1", {c_.vocab_size, kMarkovRank});
    bf16(last + "markov_head.markov_w2", {c_.vocab_size, kMarkovRank});
    bf16(last + "confidence_head.proj", {1, d + kMarkovRank});
  }

  std::vector<TensorDeclaration> take() { return std::move(out_); }

 private:
  const ModelConfig& c_;
  const ReleaseVariant& variant_;
  std::vector<TensorDeclaration> out_;
};

// The MLX file: float tensors, or words with scales and perhaps biases.
class MlxList {
 public:
  explicit MlxList(const ModelConfig& config) : c_(config) {}

  void plain(const std::string& name, Dtype dtype, TensorShape shape) {
    out_.push_back({name, dtype, shape});
  }
  // Affine, 4 bit, groups of 64.
  void affine(const std::string& name, TensorShape lead, int64_t cols) {
    words(name, lead, cols / 8);
    for (const char* part : {".scales", ".biases"})
      add(name + part, Dtype::bf16, lead, cols / 64);
  }
  void mxfp4(const std::string& name, TensorShape lead, int64_t cols) {
    words(name, lead, cols / 8);
    add(name + ".scales", Dtype::u8, lead, cols / 32);
  }
  void compressor(const std::string& name, int64_t ratio, int64_t dim) {
    const int64_t channels = ratio == 4 ? 2 * dim : dim;
    plain(name + ".ape", Dtype::bf16, {ratio, channels});
    affine(name + ".wkv", {channels}, c_.hidden_size);
    affine(name + ".wgate", {channels}, c_.hidden_size);
    plain(name + ".norm.weight", Dtype::bf16, {dim});
  }
  void layer(int64_t number) {
    const int64_t d = c_.hidden_size;
    const int64_t inner = c_.moe_intermediate_size;
    const LayerKind kind = c_.layer_kinds[static_cast<size_t>(number)];
    const std::string prefix = fmt::format("model.layers.{}.", number);
    for (const char* norm : {"attn_norm.weight", "ffn_norm.weight"})
      plain(prefix + norm, Dtype::bf16, {d});
    for (const char* hc : {"attn_hc.", "ffn_hc."}) {
      plain(prefix + hc + "fn", Dtype::f32, {24, 4 * d});
      plain(prefix + hc + "base", Dtype::f32, {24});
      plain(prefix + hc + "scale", Dtype::f32, {3});
    }
    const std::string attn = prefix + "attn.";
    plain(attn + "attn_sink", Dtype::f32, {c_.num_attention_heads});
    affine(attn + "wq_a", {c_.q_lora_rank}, d);
    plain(attn + "q_norm.weight", Dtype::bf16, {c_.q_lora_rank});
    affine(
        attn + "wq_b", {c_.num_attention_heads * c_.head_dim}, c_.q_lora_rank);
    affine(attn + "wkv", {c_.head_dim}, d);
    plain(attn + "kv_norm.weight", Dtype::bf16, {c_.head_dim});
    affine(attn + "wo_a", {c_.o_groups, c_.o_lora_rank}, c_.group_width());
    affine(attn + "wo_b", {d}, c_.o_groups * c_.o_lora_rank);
    if (kind != LayerKind::window)
      compressor(attn + "compressor", static_cast<int64_t>(kind), c_.head_dim);
    if (kind == LayerKind::sparse) {
      affine(
          attn + "indexer.wq_b",
          {c_.index_n_heads * c_.index_head_dim},
          c_.q_lora_rank);
      affine(attn + "indexer.weights_proj", {c_.index_n_heads}, d);
      compressor(attn + "indexer.compressor", 4, c_.index_head_dim);
    }
    const std::string ffn = prefix + "ffn.";
    plain(ffn + "gate.weight", Dtype::bf16, {c_.n_routed_experts, d});
    if (c_.hash_routed(number))
      plain(
          ffn + "gate.tid2eid",
          Dtype::i32,
          {c_.vocab_size, c_.num_experts_per_tok});
    else
      plain(
          ffn + "gate.e_score_correction_bias",
          Dtype::f32,
          {c_.n_routed_experts});
    mxfp4(ffn + "switch_mlp.gate_proj", {c_.n_routed_experts, inner}, d);
    mxfp4(ffn + "switch_mlp.up_proj", {c_.n_routed_experts, inner}, d);
    mxfp4(ffn + "switch_mlp.down_proj", {c_.n_routed_experts, d}, inner);
    affine(ffn + "shared_experts.gate_proj", {inner}, d);
    affine(ffn + "shared_experts.up_proj", {inner}, d);
    affine(ffn + "shared_experts.down_proj", {d}, inner);
  }

  std::vector<TensorDeclaration> take() { return std::move(out_); }

 private:
  void words(const std::string& name, TensorShape lead, int64_t count) {
    add(name + ".weight", Dtype::u32, lead, count);
  }
  void add(
      const std::string& name, Dtype dtype, TensorShape lead, int64_t last) {
    lead.push_back(last);
    out_.push_back({name, dtype, lead});
  }

  const ModelConfig& c_;
  std::vector<TensorDeclaration> out_;
};

}  // namespace

std::vector<TensorDeclaration> release_tensors(
    const ModelConfig& config, const ReleaseVariant& variant) {
  ReleaseList list(config, variant);
  list.bf16("embed", {config.vocab_size, config.hidden_size});
  list.bf16("head", {config.vocab_size, config.hidden_size});
  list.bf16("norm", {config.hidden_size});
  list.head_mixing("");
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    list.layer(
        fmt::format("layers.{}.", i),
        config.layer_kinds[static_cast<size_t>(i)],
        config.hash_routed(i));
  if (variant.dspark_stages > 0)
    list.dspark();
  else if (config.num_nextn_predict_layers > 0)
    list.mtp();
  return list.take();
}

std::vector<TensorDeclaration> mlx_4bit_tensors(const ModelConfig& config) {
  const int64_t d = config.hidden_size;
  MlxList list(config);
  list.affine("model.embed_tokens", {config.vocab_size}, d);
  list.affine("lm_head", {config.vocab_size}, d);
  list.plain("model.norm.weight", Dtype::bf16, {d});
  list.plain("model.hc_head.fn", Dtype::f32, {4, 4 * d});
  list.plain("model.hc_head.base", Dtype::f32, {4});
  list.plain("model.hc_head.scale", Dtype::f32, {1});
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    list.layer(i);
  return list.take();
}

void write_sparse_checkpoint(
    const std::filesystem::path& directory,
    std::string_view config_json,
    const std::vector<TensorDeclaration>& tensors,
    int shards) {
  std::filesystem::create_directories(directory);
  write_text(directory / "config.json", config_json);
  std::string index = R"({"metadata":{},"weight_map":{)";
  const size_t count = static_cast<size_t>(shards);
  for (size_t shard = 0; shard < count; ++shard) {
    const auto begin = tensors.begin() + static_cast<std::ptrdiff_t>(
                                             tensors.size() * shard / count);
    const auto end =
        tensors.begin() +
        static_cast<std::ptrdiff_t>(tensors.size() * (shard + 1) / count);
    std::vector<TensorDeclaration> part(begin, end);
    sort_for_alignment(part);
    const std::string file_name =
        fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, shards);
    const std::string header = safetensors_header(part, {{"format", "pt"}});
    uint64_t bytes = header.size();
    for (const TensorDeclaration& tensor : part) {
      bytes += tensor.bytes();
      index += fmt::format(
          "{}\n\"{}\":\"{}\"",
          index.back() == '{' ? "" : ",",
          tensor.name,
          file_name);
    }
    write_text(directory / file_name, header);
    std::filesystem::resize_file(directory / file_name, bytes);
  }
  write_text(directory / "model.safetensors.index.json", index + "}}");
}

}  // namespace hadal::testing
