#include "cli/eval/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "cli/verify/divergence.h"
#include "hadal/error.h"
#include "hadal/session.h"

namespace hadal::cli {
namespace {

using Row = std::span<const float>;

// Positions that are fed and compared at once; bounds the logits in memory.
constexpr int64_t kStep = 256;

size_t best(Row row) {
  return static_cast<size_t>(
      std::max_element(row.begin(), row.end()) - row.begin());
}

// -log of the probability that a row of logits gives to a token.
double loss(Row row, int32_t token) {
  const auto top = static_cast<double>(row[best(row)]);
  double sum = 0;
  for (const float x : row)
    sum += std::exp(static_cast<double>(x) - top);
  return top + std::log(sum) -
         static_cast<double>(row[static_cast<size_t>(token)]);
}

int64_t total_tokens(const Windows& windows) {
  int64_t total = 0;
  for (const auto& window : windows)
    total += static_cast<int64_t>(window.size());
  return total;
}

// Feeds all windows to every model and shows the logits of each position that
// has a next token: visit(rows of the models, next token).
template <class Visit>
void walk(
    const std::vector<const Model*>& models,
    const Windows& windows,
    const EvalOptions& options,
    const Visit& visit) {
  HADAL_CHECK(!windows.empty());
  const auto width = static_cast<size_t>(models[0]->info().vocabulary);
  const int64_t total = total_tokens(windows);
  int64_t done = 0;
  for (const auto& window : windows) {
    std::vector<Session> sessions;
    for (const Model* model : models)
      sessions.emplace_back(*model);
    const auto length = static_cast<int64_t>(window.size());
    for (int64_t at = 0; at + 1 < length; at += kStep) {
      const int64_t count = std::min(kStep, length - 1 - at);
      const std::span<const int32_t> part = std::span(window).subspan(
          static_cast<size_t>(at), static_cast<size_t>(count));
      std::vector<Row> logits;
      for (Session& session : sessions)
        logits.push_back(
            session.feed(part, {.all_logits = true, .stop = options.stop}));
      for (int64_t i = 0; i < count; ++i) {
        std::vector<Row> rows;
        for (const Row& all : logits)
          rows.push_back(all.subspan(static_cast<size_t>(i) * width, width));
        visit(rows, window[static_cast<size_t>(at + i + 1)]);
      }
      done += count;
      if (options.on_progress)
        options.on_progress(done, total);
    }
    ++done;
  }
}

}  // namespace

double PerplexityResult::perplexity() const {
  return std::exp(mean_loss);
}

PerplexityResult perplexity(
    const Model& model, const Windows& windows, const EvalOptions& options) {
  PerplexityResult result;
  double sum = 0;
  walk({&model}, windows, options, [&](const auto& rows, int32_t next) {
    sum += loss(rows[0], next);
    ++result.tokens;
  });
  result.mean_loss = sum / static_cast<double>(result.tokens);
  return result;
}

CompareResult compare(
    const Model& a,
    const Model& b,
    const Windows& windows,
    const EvalOptions& options) {
  if (a.info().vocabulary != b.info().vocabulary)
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "the models have {} and {} tokens, so their predictions cannot be "
            "compared",
            a.info().vocabulary,
            b.info().vocabulary));
  CompareResult result;
  std::vector<double> divergences;
  double sum_a = 0;
  double sum_b = 0;
  int64_t agreed = 0;
  walk({&a, &b}, windows, options, [&](const auto& rows, int32_t next) {
    divergences.push_back(kl_divergence(rows[0], rows[1]));
    sum_a += loss(rows[0], next);
    sum_b += loss(rows[1], next);
    agreed += best(rows[0]) == best(rows[1]) ? 1 : 0;
  });
  const auto count = static_cast<double>(divergences.size());
  result.a = {static_cast<int64_t>(divergences.size()), sum_a / count};
  result.b = {static_cast<int64_t>(divergences.size()), sum_b / count};
  result.top1_agreement = static_cast<double>(agreed) / count;
  for (const double kl : divergences)
    result.kl_mean += kl / count;
  std::ranges::sort(divergences);
  const auto quantile = [&](double share) {
    return divergences[std::min(
        divergences.size() - 1, static_cast<size_t>(share * count))];
  };
  result.kl_median = quantile(0.5);
  result.kl_p99 = quantile(0.99);
  result.kl_max = divergences.back();
  return result;
}

}  // namespace hadal::cli
