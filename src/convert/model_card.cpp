#include "convert/model_card.h"

#include <fmt/format.h>

#include "base/atomic_file.h"
#include "base/readable.h"
#include "convert/plan_summary.h"

namespace hadal {
namespace {

std::string table(const PlanSummary& summary) {
  std::string out =
      "| part | source | here | bits a weight | size | read a token |\n"
      "|---|---|---|---|---|---|\n";
  const auto row = [&out](const std::string& part, const GroupSummary& group) {
    out += fmt::format(
        "| {} | {} | {}{} | {:.2f} | {} | {} |\n",
        part,
        group.source,
        group.output,
        group.rerounded > 0 ? " (rounded again)" : "",
        group.bits_per_weight(),
        readable_bytes(group.bytes),
        readable_bytes(group.bytes_per_token));
  };
  for (const GroupSummary& group : summary.groups)
    row(std::string(name(group.group)), group);
  GroupSummary total = summary.total;
  total.rerounded = 0;
  row("all", total);
  return out;
}

std::string figures_text(const CardFigures& figures) {
  return fmt::format(
      "\n## Against the source\n\nMeasured on {} ({} tokens), output against "
      "source.\n\n"
      "| KL mean | median | 99th percentile | same best token | perplexity: "
      "source | output |\n|---|---|---|---|---|---|\n"
      "| {:.6f} | {:.6f} | {:.6f} | {:.2f} % | {:.4f} | {:.4f} |\n",
      figures.text,
      figures.tokens,
      figures.kl_mean,
      figures.kl_median,
      figures.kl_p99,
      100 * figures.top1_agreement,
      figures.perplexity_source,
      figures.perplexity_output);
}

}  // namespace

std::string model_card(
    const Conversion& conversion, const std::optional<CardFigures>& figures) {
  const ConvertPlan& plan = conversion.plan();
  const ConversionKey key = conversion.key();
  const bool mlx = plan.recipe.layout == CheckpointLayout::mlx;
  std::string out = fmt::format(
      "---\n{}tags: [deepseek_v4{}]\n---\n\n# {}, recipe {}\n\n",
      mlx ? "library_name: mlx\n" : "",
      mlx ? ", mlx" : "",
      conversion.source_name(),
      plan.recipe.name);
  out += fmt::format(
      "Converted by Hadal from `{}` (fingerprint {}), {} layout.\n\n"
      "Recipe: {}.\n\n```json\n{}\n```\n\nOptions: `{}`. Every tensor's hash "
      "stands in `{}`; `hadal inspect --check` compares.\n\n",
      conversion.source_name(),
      key.source,
      name(plan.recipe.layout),
      plan.recipe.summary.empty() ? plan.recipe.name : plan.recipe.summary,
      key.recipe,
      key.options,
      kManifestName);
  out += table(summarise(conversion.model().config, plan));
  for (const std::string& note : plan.notes)
    out += "\n* " + note;
  if (!plan.notes.empty())
    out += "\n";
  if (figures)
    out += figures_text(*figures);
  return out;
}

void write_model_card(
    const Conversion& conversion, const std::optional<CardFigures>& figures) {
  AtomicFile file(conversion.destination() / kModelCardName);
  file.write(model_card(conversion, figures));
  file.commit();
}

}  // namespace hadal
