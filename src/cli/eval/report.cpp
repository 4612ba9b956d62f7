#include "cli/eval/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace hadal::cli {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

std::string perplexity_text(const PerplexityResult& result) {
  return fmt::format(
      "perplexity {:.4f} over {} tokens ({:.4f} nats a token)\n",
      result.perplexity(),
      result.tokens,
      result.mean_loss);
}

std::string perplexity_json(const PerplexityResult& result) {
  const Json json = {
      {"tokens", result.tokens},
      {"mean_loss", result.mean_loss},
      {"perplexity", result.perplexity()}};
  return json.dump() + "\n";
}

std::string compare_text(const CompareResult& result) {
  return fmt::format(
      "KL (A || B), nats   mean {:.6f}  median {:.6f}  99th percentile {:.6f}  "
      "largest {:.4f}\n"
      "same best token     {:.2f} %\n"
      "perplexity          A {:.4f}  B {:.4f}  over {} tokens\n",
      result.kl_mean,
      result.kl_median,
      result.kl_p99,
      result.kl_max,
      100 * result.top1_agreement,
      result.a.perplexity(),
      result.b.perplexity(),
      result.a.tokens);
}

std::string compare_json(const CompareResult& result) {
  const Json json = {
      {"tokens", result.a.tokens},
      {"kl_mean", result.kl_mean},
      {"kl_median", result.kl_median},
      {"kl_p99", result.kl_p99},
      {"kl_max", result.kl_max},
      {"top1_agreement", result.top1_agreement},
      {"perplexity_a", result.a.perplexity()},
      {"perplexity_b", result.b.perplexity()}};
  return json.dump() + "\n";
}

}  // namespace hadal::cli
