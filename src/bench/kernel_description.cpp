// What each kernel is called and what it must read and compute.
#include "bench/kernel_description.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "kernels/synthetic_weight.h"

namespace hadal {
namespace {

const char* name_of(ActivationFormat format) {
  switch (format) {
    case ActivationFormat::f32:
      return "f32";
    case ActivationFormat::bf16:
      return "bf16";
    case ActivationFormat::int8:
      return "int8";
    case ActivationFormat::int16:
      return "int16";
  }
  return "";
}

void add_product(
    KernelUse& use,
    const WeightView& weight,
    ActivationFormat activation,
    int64_t tokens) {
  const auto kind = static_cast<int>(product_arithmetic(activation));
  use.operations[kind] += 2.0 * static_cast<double>(weight.rows) *
                          static_cast<double>(weight.cols) *
                          static_cast<double>(tokens);
}

void add_weight(KernelUse& use, const WeightView& weight) {
  use.weight_bytes += static_cast<double>(stored_bytes(weight));
}

template <class Params>
void describe_mixing(const Params& params, KernelUse& use) {
  add_weight(use, params.fn);
  add_product(use, params.fn, ActivationFormat::f32, params.tokens);
}
}  // namespace

void describe(const LinearParams& params, const HostReads&, KernelUse& use) {
  use.name = fmt::format(
      "linear {} {}x{} {}",
      format_name(params.weight),
      params.weight.rows,
      params.weight.cols,
      name_of(params.activation));
  add_weight(use, params.weight);
  add_product(use, params.weight, params.activation, params.tokens);
}

// Several products that run as one operation are named after the first kind of
// them and counted together.
void describe(
    std::span<const LinearParams> products,
    const HostReads& reads,
    KernelUse& use) {
  int64_t others = 0;
  for (const LinearParams& params : products) {
    KernelUse one;
    describe(params, reads, one);
    if (use.name.empty())
      use.name = one.name;
    others += one.name != use.name ? 1 : 0;
    add_weight(use, params.weight);
    add_product(use, params.weight, params.activation, params.tokens);
  }
  const auto alike = static_cast<int64_t>(products.size()) - others;
  if (alike > 1)
    use.name = fmt::format("{} x {}", alike, use.name);
  if (others > 0)
    use.name += fmt::format(" and {} others", others);
}

void describe(
    const ExpertsParams& params, const HostReads& reads, KernelUse& use) {
  use.name = fmt::format(
      "experts {} {}, shared {} {}",
      format_name(params.experts.gate[0]),
      name_of(params.expert_activation),
      format_name(params.shared_gate),
      name_of(params.shared_activation));
  const std::vector<int32_t> indices =
      reads.values(params.indices, params.tokens * params.per_token);
  const std::set<int32_t> chosen(indices.begin(), indices.end());
  // Experts of a layer are of one shape.
  for (const WeightView* stack :
       {params.experts.gate, params.experts.up, params.experts.down})
    use.weight_bytes += static_cast<double>(chosen.size()) *
                        static_cast<double>(stored_bytes(stack[0]));
  for (const WeightView* stack :
       {params.experts.gate, params.experts.up, params.experts.down})
    add_product(
        use,
        stack[0],
        params.expert_activation,
        params.tokens * params.per_token);
  for (const WeightView* weight :
       {&params.shared_gate, &params.shared_up, &params.shared_down}) {
    add_weight(use, *weight);
    add_product(use, *weight, params.shared_activation, params.tokens);
  }
}

void describe(
    const HyperConnectionPreParams& params, const HostReads&, KernelUse& use) {
  use.name = "hyper-connection pre";
  describe_mixing(params, use);
}
void describe(
    const HyperConnectionPostParams&, const HostReads&, KernelUse& use) {
  use.name = "hyper-connection post";
}
void describe(
    const HyperConnectionBetweenParams& params,
    const HostReads&,
    KernelUse& use) {
  use.name = "hyper-connection between";
  describe_mixing(params.pre, use);
}
void describe(
    const HyperConnectionHeadParams& params, const HostReads&, KernelUse& use) {
  use.name = "hyper-connection head";
  describe_mixing(params, use);
}

void describe(const IndexerParams& params, const HostReads&, KernelUse& use) {
  use.name = "indexer";
  const Arithmetic scores = params.rows.layout.format == RowFormat::fp4
                                ? Arithmetic::int8_dot
                                : Arithmetic::fp32_fma;
  for (int64_t t = 0; t < params.tokens; ++t) {
    const int64_t rows = (params.first_position + t + 1) / params.ratio;
    // All rows are taken unscored when they are few.
    if (rows <= params.top_k)
      continue;
    use.score_operations[static_cast<int>(scores)] +=
        2.0 * static_cast<double>(rows * params.heads * params.dim);
    use.cache_bytes +=
        static_cast<double>(rows * params.rows.layout.row_bytes());
  }
}

void describe(
    const SparseAttentionParams& params,
    const HostReads& reads,
    KernelUse& use) {
  use.name = params.ratio == 0            ? "attention, window"
             : params.selected == nullptr ? "attention, window and all rows"
                                          : "attention, window and chosen rows";
  std::vector<int32_t> counts;
  if (params.selected != nullptr)
    counts = reads.values(params.counts, params.tokens);
  for (int64_t t = 0; t < params.tokens; ++t) {
    const int64_t position = params.first_position + t;
    int64_t rows = 0;
    if (params.ratio > 0)
      rows = params.selected != nullptr ? counts[static_cast<size_t>(t)]
                                        : (position + 1) / params.ratio;
    const int64_t window = std::min(params.window, position + 1);
    use.score_operations[static_cast<int>(Arithmetic::fp32_fma)] +=
        4.0 * static_cast<double>((window + rows) * params.heads * params.dim);
    use.cache_bytes += static_cast<double>(
        window * params.window_layout.row_bytes() +
        rows * params.compressed.layout.row_bytes());
  }
}

void describe(const RouterParams&, const HostReads&, KernelUse& use) {
  use.name = "router";
}
void describe(const RmsNormParams&, const HostReads&, KernelUse& use) {
  use.name = "rms norm";
}
void describe(const RotaryParams&, const HostReads&, KernelUse& use) {
  use.name = "rotary";
}
void describe(const Fp8RoundTripParams&, const HostReads&, KernelUse& use) {
  use.name = "fp8 round trip";
}
void describe(const HadamardFp4Params&, const HostReads&, KernelUse& use) {
  use.name = "hadamard fp4";
}
void describe(const CompressorPoolParams&, const HostReads&, KernelUse& use) {
  use.name = "compressor pool";
}

void describe(
    std::span<const CompressParams>, const HostReads&, KernelUse& use) {
  use.name = "compress";
}
void describe(
    std::span<const StoreRowsParams>, const HostReads&, KernelUse& use) {
  use.name = "store rows";
}
void describe(
    std::span<const FinishRowsParams> all, const HostReads&, KernelUse& use) {
  use.name = fmt::format("finish {} kinds of rows", all.size());
}
void describe(const EmbedParams&, const HostReads&, KernelUse& use) {
  use.name = "embed";
}
void describe(const AddToStreamsParams&, const HostReads&, KernelUse& use) {
  use.name = "add to streams";
}

}  // namespace hadal
