#include "cli/convert/measure.h"

#include "base/progress.h"
#include "cli/eval/compare.h"
#include "cli/eval/text_windows.h"
#include "cli/read_text.h"
#include "hadal/tokenizer.h"

namespace hadal::cli {

CardFigures measure_output(
    const Conversion& conversion,
    const ConvertOptions& options,
    std::stop_token stop) {
  constexpr int64_t kWindowTokens = 512;
  const Model source = Model::load({.checkpoint = options.source.string()});
  const Model output =
      Model::load({.checkpoint = conversion.destination().string()});
  const Windows windows = text_windows(
      Tokenizer::load(options.source),
      read_text(bundled_text().string()),
      kWindowTokens);
  Progress progress("comparing", ProgressUnit::tokens);
  const CompareResult result = compare(
      source,
      output,
      windows,
      {.on_progress = [&](int64_t done,
                          int64_t total) { progress.update(done, total); },
       .stop = stop});
  return {
      .text = "the text that comes with Hadal",
      .tokens = result.a.tokens,
      .kl_mean = result.kl_mean,
      .kl_median = result.kl_median,
      .kl_p99 = result.kl_p99,
      .top1_agreement = result.top1_agreement,
      .perplexity_source = result.a.perplexity(),
      .perplexity_output = result.b.perplexity()};
}

}  // namespace hadal::cli
