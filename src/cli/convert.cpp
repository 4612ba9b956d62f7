// hadal convert: a checkpoint in other formats, or in another layout.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "base/interrupt.h"
#include "base/limits.h"
#include "base/progress.h"
#include "base/readable.h"
#include "base/thread_team.h"
#include "checkpoint/model_location.h"
#include "cli/convert/measure.h"
#include "cli/convert/own_importance.h"
#include "cli/convert/plan_report.h"
#include "cli/exit_codes.h"
#include "cli/model_flags.h"
#include "cli/verbs.h"
#include "convert/convert.h"
#include "convert/fit.h"
#include "convert/model_card.h"
#include "convert/sizes.h"
#include "hadal/error.h"

namespace hadal::cli {
namespace {

struct ConvertFlags {
  std::string model;
  std::string out;
  std::string recipe;
  std::string layout;
  std::string mtp;
  std::string quantiser = "search";
  std::string importance;
  std::string shard_size = "5G";
  int threads = 0;
  bool requantize = false;
  bool measure = false;
  bool dry_run = false;
  bool json = false;
};

AffineRule rule_of(const ConvertFlags& flags) {
  return flags.quantiser == "plain" ? AffineRule::plain : AffineRule::search;
}

constexpr std::string_view kFit = "fit:";

// Only affine codes are searched for.
bool may_search(const ConvertFlags& flags) {
  if (rule_of(flags) == AffineRule::plain)
    return false;
  return flags.recipe.starts_with(kFit) ||
         std::ranges::any_of(
             find_recipe(flags.recipe).rules, [](const RecipeRule& rule) {
               return rule.format.kind == TargetKind::affine;
             });
}

// What --importance says; by default the source's own, measured now.
std::optional<Importance> chosen_importance(
    const ConvertFlags& flags, std::stop_token stop) {
  if (flags.importance == "none")
    return std::nullopt;
  if (!flags.importance.empty())
    return Importance(flags.importance);
  if (flags.dry_run || !may_search(flags))
    return std::nullopt;
  return measure_own_importance(
      find_model(flags.model),
      flags.threads > 0 ? flags.threads : available_cores(),
      stop);
}

// The recipe by name, or made for the source: fit:96GB.
Recipe named_or_fitted(
    const ConvertFlags& flags, const Importance* importance) {
  if (!flags.recipe.starts_with(kFit))
    return find_recipe(flags.recipe);
  Recipe recipe = fit_recipe(
      load_checkpoint(find_model(flags.model)),
      {.bytes = parse_size(flags.recipe.substr(kFit.size())),
       .rule = rule_of(flags),
       .importance = importance,
       .mtp = flags.mtp == "keep"});
  recipe.name = flags.recipe;
  return recipe;
}

Recipe chosen_recipe(const ConvertFlags& flags, const Importance* importance) {
  Recipe recipe = named_or_fitted(flags, importance);
  if (!flags.layout.empty())
    recipe.layout = flags.layout == "mlx" ? CheckpointLayout::mlx
                                          : CheckpointLayout::release;
  // The release has its next-token module in the same files.
  if (flags.layout == "release")
    recipe.mtp = true;
  if (!flags.mtp.empty())
    recipe.mtp = flags.mtp == "keep";
  return recipe;
}

int run(const ConvertFlags& flags) {
  if (!flags.dry_run && flags.out.empty())
    throw UsageError("--out DIR is missing, where the output goes");
  Interrupt interrupt;
  const std::optional<Importance> importance =
      chosen_importance(flags, interrupt.token());
  Progress progress("converting", ProgressUnit::bytes);
  ConvertOptions options{
      .source = find_model(flags.model),
      .destination = flags.out,
      .recipe = chosen_recipe(flags, importance ? &*importance : nullptr),
      .rule = rule_of(flags),
      .importance = importance ? &*importance : nullptr,
      .shard_bytes = parse_size(flags.shard_size),
      .threads = flags.threads > 0 ? flags.threads : available_cores(),
      .requantize = flags.requantize,
      .stop = interrupt.token()};
  options.on_progress =
      [&progress](uint64_t done, uint64_t total, const std::string& tensor) {
        progress.update(
            static_cast<int64_t>(done), static_cast<int64_t>(total), tensor);
      };
  Conversion conversion(options, !flags.dry_run);
  if (flags.dry_run) {
    std::cout
        << (flags.json ? plan_json(conversion, options)
                       : plan_text(conversion, options));
    return kSuccess;
  }
  const ConvertResult result = conversion.run();
  progress.finish();
  if (result.was_complete)
    std::cerr << fmt::format(
        "hadal: {}: complete already, nothing to do\n", flags.out);
  else
    std::cerr << fmt::format(
        "hadal: {}: {} in {} files{}\n",
        flags.out,
        readable_bytes(conversion.plan().bytes),
        conversion.plan().shards.size(),
        result.shards_resumed > 0
            ? fmt::format(", {} of them from before", result.shards_resumed)
            : "");
  if (flags.measure) {
    const CardFigures figures =
        measure_output(conversion, options, interrupt.token());
    write_model_card(conversion, figures);
    std::cerr << fmt::format(
        "hadal: KL to the source {:.6f} on average, perplexity {:.4f} (source "
        "{:.4f})\n",
        figures.kl_mean,
        figures.perplexity_output,
        figures.perplexity_source);
  }
  for (const std::string& note : conversion.plan().notes)
    std::cerr << "hadal: " << note << "\n";
  return kSuccess;
}

std::string recipe_list() {
  std::string text = "Recipes:\n";
  for (const Recipe& recipe : named_recipes())
    text += fmt::format("  {:10} {}\n", recipe.name, recipe.summary);
  return text +
         "  fit:SIZE   the least loss within a size, for example fit:96GB\n"
         "  FILE.json  your own (docs/quantization.md)\n\n"
         "Example:\n"
         "  hadal convert --model deepseek-ai/DeepSeek-V4-Flash --out "
         "flash-4bit "
         "--recipe mlx-4bit";
}

}  // namespace

Run add_convert(CLI::App& app) {
  auto flags = std::make_shared<ConvertFlags>();
  add_model_flag(app, flags->model);
  app.add_option(
         "-o,--out",
         flags->out,
         "Where the output goes: a new or empty directory, or the one of an "
         "interrupted run")
      ->option_text("DIR");
  app.add_option("-r,--recipe", flags->recipe, "Which formats; see below")
      ->required()
      ->option_text("NAME|FILE");
  app.add_option(
         "--quantiser,--quantizer",
         flags->quantiser,
         "How affine codes are chosen: by search, or plainly as MLX does; "
         "default: search")
      ->check(CLI::IsMember({"plain", "search"}))
      ->option_text("plain|search");
  app.add_option(
         "--importance",
         flags->importance,
         "Weighs errors by channel: the output of hadal eval importance; "
         "default: "
         "a short pass over the bundled text, where the source fits in memory")
      ->option_text("FILE|none");
  app.add_option("--layout", flags->layout, "Instead of the recipe's layout")
      ->check(CLI::IsMember({"mlx", "release"}))
      ->option_text("mlx|release");
  app.add_option(
         "--mtp",
         flags->mtp,
         "Whether the next-token module is written; default: as the recipe "
         "says")
      ->check(CLI::IsMember({"keep", "drop"}))
      ->option_text("keep|drop");
  app.add_option(
         "--shard-size", flags->shard_size, "The size of a file; default: 5G")
      ->option_text("SIZE");
  app.add_option(
         "--threads",
         flags->threads,
         "Threads that encode; default: every core")
      ->check(CLI::Range(1, kMaxThreads))
      ->option_text("N");
  app.add_flag(
      "--requantize",
      flags->requantize,
      "Round numbers again that an earlier conversion rounded");
  app.add_flag(
      "--measure",
      flags->measure,
      "Compare with the source on the bundled text; the model card tells");
  app.add_flag(
      "--dry-run", flags->dry_run, "Show what would be written, and stop");
  app.add_flag(
      "--json", flags->json, "With --dry-run: print JSON (docs/cli.md)");
  app.footer(recipe_list());
  return [flags] { return run(*flags); };
}

}  // namespace hadal::cli
