#include <fmt/format.h>

#include <array>
#include <ostream>
#include <string>

#include "base/readable.h"
#include "cli/inspect/report.h"

namespace hadal::cli {
namespace {

constexpr std::array kFormats = {
    CacheFormat::f32, CacheFormat::bf16, CacheFormat::packed};

class TextReport {
 public:
  TextReport(const LoadedModel& model, std::ostream& out)
      : config_(model.config),
        report_(model.report),
        storage_(*model.storage),
        out_(out) {}

  void print_model() {
    line("directory", report_.directory.string());
    line("layout", std::string(name(report_.layout)));
    line(
        "files",
        fmt::format(
            "{} shards, {} tensors ({} trunk, {} next-token module), {} bytes",
            report_.shards,
            grouped(report_.tensors),
            grouped(report_.trunk_tensors),
            grouped(report_.mtp_tensors),
            grouped(static_cast<int64_t>(report_.tensor_bytes))));
    line(
        "parameters",
        fmt::format(
            "{} trunk, {} next-token module; {} used for a token",
            grouped(report_.trunk_parameters),
            grouped(report_.mtp_parameters),
            grouped(report_.active_parameters)));
    line(
        "read for a token",
        fmt::format(
            "{} of weights; {} for a draft",
            readable_bytes(report_.bytes_per_token),
            readable_bytes(report_.mtp_step_bytes)));
    for (const std::string& note : report_.notes)
      line("note", note);
  }

  void print_config() {
    heading("configuration");
    line(
        "width",
        fmt::format(
            "{}, {} streams, vocabulary {}",
            config_.hidden_size,
            config_.hc_mult,
            config_.vocab_size));
    line(
        "attention",
        fmt::format(
            "{} heads of {} ({} rotary), query rank {}, {} output groups of "
            "rank {}, window {}",
            config_.num_attention_heads,
            config_.head_dim,
            config_.qk_rope_head_dim,
            config_.q_lora_rank,
            config_.o_groups,
            config_.o_lora_rank,
            config_.sliding_window));
    line(
        "indexer",
        fmt::format(
            "{} heads of {}, top {}",
            config_.index_n_heads,
            config_.index_head_dim,
            config_.index_topk));
    line(
        "experts",
        fmt::format(
            "{} of width {}, {} a token and {} shared; {} layers routed by "
            "hash",
            config_.n_routed_experts,
            config_.moe_intermediate_size,
            config_.num_experts_per_tok,
            config_.n_shared_experts,
            config_.num_hash_layers));
    line(
        "context",
        fmt::format("{} tokens", grouped(config_.max_position_embeddings)));
  }

  // Runs of equal layers on one line would hide which layer is odd: all are
  // shown.
  void print_layers() {
    heading("layers");
    out_ << fmt::format(
        "{:>7} {:<11} {:<8} {:>8} {:>18} {:>10}\n",
        "layer",
        "attention",
        "routing",
        "tensors",
        "parameters",
        "size");
    for (const LayerReport& layer : report_.layers)
      print_layer(std::to_string(layer.number), layer);
    for (const LayerReport& layer : report_.mtp)
      print_layer(fmt::format("mtp {}", layer.number), layer);
  }

  void print_formats() {
    heading("tensors by type");
    for (const DtypeCount& count : report_.dtypes)
      out_ << fmt::format(
          "{:<16} {:>8} {:>12}\n",
          name(count.dtype),
          grouped(count.tensors),
          readable_bytes(count.bytes));
    heading("the trunk by part");
    out_ << fmt::format(
        "{:<22} {:>18} {:>10} {:>12}  {}\n",
        "part",
        "parameters",
        "size",
        "for a token",
        "formats (matrices)");
    for (const GroupReport& group : report_.groups)
      out_ << fmt::format(
          "{:<22} {:>18} {:>10} {:>12}  {}\n",
          name(group.group),
          grouped(group.parameters),
          readable_bytes(group.bytes),
          readable_bytes(group.bytes_per_token),
          formats(group));
  }

  void print_plan(const MemoryPlan& plan) {
    heading("memory of one sequence");
    out_ << fmt::format(
        "weights {} (mapped: what does not fit stays on disk); this machine "
        "has {},\nof which {} are available\n",
        readable_bytes(plan.weight_bytes),
        readable_bytes(plan.machine.total_bytes),
        readable_bytes(plan.machine.available_bytes));
    out_ << fmt::format("{:<14}", "caches as");
    for (const CacheFormat format : kFormats)
      out_ << fmt::format(" {:>12}", name(format));
    out_ << fmt::format("\n{:<14}", "per token");
    for (const double bytes : plan.cache_bytes_per_token)
      out_ << fmt::format(
          " {:>12}", readable_bytes(static_cast<uint64_t>(bytes)));
    out_ << "\n";
    for (const MemoryPlanRow& row : plan.rows) {
      out_ << fmt::format("{:<14}", grouped(row.context_tokens));
      for (size_t i = 0; i < kCacheFormatCount; ++i)
        out_ << fmt::format(
            " {:>11}{}",
            readable_bytes(row.cache[i].total()),
            row.fits[i] ? ' ' : '*');
      out_ << "\n";
    }
    out_ << "packed: the default; f32: --precision exact; *: with the weights "
            "more than this\nmachine's memory\n";
  }

  void print_tensors() {
    heading("tensors");
    for (const SafetensorsFile& shard : storage_.files().shards())
      for (const StoredTensor& tensor : shard.tensors())
        out_ << fmt::format(
            "{:<58} {:<8} {:<18} {}\n",
            tensor.name,
            name(tensor.dtype),
            tensor.shape.text(),
            grouped(static_cast<int64_t>(tensor.bytes)));
  }

 private:
  void heading(const char* text) { out_ << "\n" << text << "\n"; }

  void line(const char* what, const std::string& text) {
    out_ << fmt::format("{:<17} {}\n", what, text);
  }

  static const char* attention_of(LayerKind kind) {
    switch (kind) {
      case LayerKind::window:
        return "window";
      case LayerKind::sparse:
        return "sparse 4";
      case LayerKind::compressed:
        return "dense 128";
    }
    return "";
  }

  void print_layer(const std::string& number, const LayerReport& layer) {
    out_ << fmt::format(
        "{:>7} {:<11} {:<8} {:>8} {:>18} {:>10}\n",
        number,
        attention_of(layer.kind),
        layer.hash_routed ? "hash" : "learned",
        grouped(layer.tensors),
        grouped(layer.parameters),
        readable_bytes(layer.bytes));
  }

  static std::string formats(const GroupReport& group) {
    std::string text;
    for (const FormatCount& format : group.formats)
      text += fmt::format(
          "{}{} ({})",
          text.empty() ? "" : ", ",
          format.format,
          grouped(format.matrices));
    return text;
  }

  const ModelConfig& config_;
  const CheckpointReport& report_;
  const CheckpointStorage& storage_;
  std::ostream& out_;
};

}  // namespace

void print_text(
    const LoadedModel& model,
    const MemoryPlan& plan,
    bool tensors,
    std::ostream& out) {
  TextReport report(model, out);
  report.print_model();
  report.print_config();
  report.print_layers();
  report.print_formats();
  report.print_plan(plan);
  if (tensors)
    report.print_tensors();
}

}  // namespace hadal::cli
