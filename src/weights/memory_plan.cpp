#include "weights/memory_plan.h"

#include "kernels/row_format.h"

namespace hadal {
namespace {

RowLayout attention_row(const ModelConfig& config, CacheFormat format) {
  const RowFormat row = format == CacheFormat::f32    ? RowFormat::f32
                        : format == CacheFormat::bf16 ? RowFormat::bf16
                                                      : RowFormat::fp8;
  return {row, config.head_dim, config.qk_rope_head_dim};
}

RowLayout index_row(const ModelConfig& config, CacheFormat format) {
  const RowFormat row = format == CacheFormat::f32    ? RowFormat::f32
                        : format == CacheFormat::bf16 ? RowFormat::bf16
                                                      : RowFormat::fp4;
  return {row, config.index_head_dim, config.qk_rope_head_dim};
}

int64_t row_bytes(
    const ModelConfig& config, CacheFormat format, LayerKind kind) {
  const int64_t row = attention_row(config, format).row_bytes();
  return kind == LayerKind::sparse ? row + index_row(config, format).row_bytes()
                                   : row;
}

// Projections and gates of the tokens that the next rows still need, in
// float32: one window, and the one before it where windows overlap.
int64_t tail_bytes(const ModelConfig& config, LayerKind kind) {
  if (kind == LayerKind::window)
    return 0;
  const int64_t overlap = ModelConfig::overlap(kind);
  const int64_t tokens = overlap * static_cast<int64_t>(kind);
  const int64_t dims =
      config.head_dim + (kind == LayerKind::sparse ? config.index_head_dim : 0);
  return tokens * 2 * overlap * dims * 4;
}

}  // namespace

std::string_view name(CacheFormat format) {
  switch (format) {
    case CacheFormat::f32:
      return "f32";
    case CacheFormat::bf16:
      return "bf16";
    case CacheFormat::packed:
      return "packed";
  }
  return "unknown";
}

CacheSize cache_size(
    const ModelConfig& config, CacheFormat format, int64_t context_tokens) {
  int64_t rows = 0;
  int64_t rings = 0;
  int64_t tails = 0;
  const int64_t ring =
      config.sliding_window * attention_row(config, format).row_bytes();
  for (LayerKind kind : config.layer_kinds) {
    rings += ring;
    tails += tail_bytes(config, kind);
    if (kind != LayerKind::window)
      rows += context_tokens / static_cast<int64_t>(kind) *
              row_bytes(config, format, kind);
  }
  return {
      static_cast<uint64_t>(rows),
      static_cast<uint64_t>(rings),
      static_cast<uint64_t>(tails)};
}

double cache_bytes_per_token(const ModelConfig& config, CacheFormat format) {
  double bytes = 0;
  for (LayerKind kind : config.layer_kinds)
    if (kind != LayerKind::window)
      bytes += static_cast<double>(row_bytes(config, format, kind)) /
               static_cast<double>(kind);
  return bytes;
}

MemoryPlan plan_memory(
    const ModelConfig& config,
    const CheckpointReport& report,
    const MemoryInfo& machine) {
  MemoryPlan plan;
  plan.trunk_bytes = report.trunk_bytes;
  plan.mtp_bytes = report.mtp.empty() ? 0 : report.mtp_bytes;
  plan.weight_bytes = plan.trunk_bytes + plan.mtp_bytes;
  plan.bytes_per_token = report.bytes_per_token;
  plan.mtp_step_bytes = report.mtp_step_bytes;
  plan.machine = machine;
  constexpr CacheFormat kFormats[kCacheFormatCount] = {
      CacheFormat::f32, CacheFormat::bf16, CacheFormat::packed};
  for (size_t i = 0; i < kCacheFormatCount; ++i)
    plan.cache_bytes_per_token[i] = cache_bytes_per_token(config, kFormats[i]);
  for (int64_t context : {4096, 65536, 262144, 1048576}) {
    if (context > config.max_position_embeddings)
      break;
    MemoryPlanRow row;
    row.context_tokens = context;
    for (size_t i = 0; i < kCacheFormatCount; ++i) {
      row.cache[i] = cache_size(config, kFormats[i], context);
      row.fits[i] =
          plan.weight_bytes + row.cache[i].total() <= machine.total_bytes;
    }
    plan.rows.push_back(row);
  }
  return plan;
}

}  // namespace hadal
