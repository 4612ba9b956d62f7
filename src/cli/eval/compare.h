// How much two models differ on a text, and how well each predicts it.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <vector>

#include "hadal/model.h"

namespace hadal::cli {

using Windows = std::vector<std::vector<int32_t>>;

struct EvalOptions {
  // Called with the tokens done and their total.
  std::function<void(int64_t done, int64_t total)> on_progress;
  std::stop_token stop;
};

struct PerplexityResult {
  int64_t tokens = 0;    // that were predicted: all but the first of a window
  double mean_loss = 0;  // nats a token
  double perplexity() const;
};

// KL(A || B) in nats over the next token, one number a position.
struct CompareResult {
  PerplexityResult a;
  PerplexityResult b;
  double kl_mean = 0;
  double kl_median = 0;
  double kl_p99 = 0;
  double kl_max = 0;
  double top1_agreement = 0;  // share of positions with the same best token
};

// Both throw what Session::feed throws; an empty list breaks an invariant.
PerplexityResult perplexity(
    const Model& model, const Windows& windows, const EvalOptions& options);
// Both models have the same vocabulary, or Error(invalid_argument).
CompareResult compare(
    const Model& a,
    const Model& b,
    const Windows& windows,
    const EvalOptions& options);

}  // namespace hadal::cli
