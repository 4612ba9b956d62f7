#include "cli/bench_serve/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

namespace hadal::cli {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Percentiles& values) {
  return {
      {"mean", values.mean},
      {"p50", values.p50},
      {"p90", values.p90},
      {"p99", values.p99},
      {"max", values.max}};
}

std::string row(const char* name, const Percentiles& values) {
  return fmt::format(
      "{:<22}{:>10.1f}{:>10.1f}{:>10.1f}{:>10.1f}{:>10.1f}\n",
      name,
      values.mean * 1000,
      values.p50 * 1000,
      values.p90 * 1000,
      values.p99 * 1000,
      values.max * 1000);
}

}  // namespace

Percentiles percentiles(std::vector<double> values) {
  Percentiles out;
  if (values.empty())
    return out;
  std::sort(values.begin(), values.end());
  const auto count = static_cast<double>(values.size());
  const auto at = [&](double share) {
    const auto rank = static_cast<size_t>(std::ceil(share * count));
    return values[std::max<size_t>(rank, 1) - 1];
  };
  out.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  out.p50 = at(0.5);
  out.p90 = at(0.9);
  out.p99 = at(0.99);
  out.max = values.back();
  return out;
}

LoadReport summarised(const LoadResult& result) {
  LoadReport out;
  out.seconds = result.seconds;
  std::vector<double> first, between, whole;
  for (const RequestRecord& record : result.requests) {
    if (!record.error.empty()) {
      ++out.errors[record.error];
      continue;
    }
    ++out.succeeded;
    out.prompt_tokens += record.prompt_tokens;
    out.cached_tokens += record.cached_tokens;
    out.completion_tokens += record.completion_tokens;
    whole.push_back(record.end - record.start);
    if (!record.pieces.empty())
      first.push_back(record.pieces.front() - record.start);
    for (size_t i = 1; i < record.pieces.size(); ++i)
      between.push_back(record.pieces[i] - record.pieces[i - 1]);
  }
  out.first_token = percentiles(std::move(first));
  out.between_pieces = percentiles(std::move(between));
  out.request = percentiles(std::move(whole));
  if (out.seconds > 0) {
    out.requests_rate = static_cast<double>(out.succeeded) / out.seconds;
    out.prompt_rate = static_cast<double>(out.prompt_tokens) / out.seconds;
    out.completion_rate =
        static_cast<double>(out.completion_tokens) / out.seconds;
  }
  return out;
}

std::string report_text(const LoadOptions& options, const LoadReport& report) {
  std::string out = fmt::format(
      "{} at {}: {} clients, {} requests in {:.1f} s\n\n",
      options.model,
      options.server.url,
      options.clients,
      options.requests,
      report.seconds);
  out += fmt::format(
      "{:<22}{:>10}{:>10}{:>10}{:>10}{:>10}\n",
      "milliseconds",
      "mean",
      "p50",
      "p90",
      "p99",
      "max");
  out += row("first token", report.first_token);
  out += row("between tokens", report.between_pieces);
  out += row("whole request", report.request);
  out += fmt::format(
      "\nanswers {:.1f} tokens/s, prompts {:.1f} tokens/s, {:.2f} requests/s\n",
      report.completion_rate,
      report.prompt_rate,
      report.requests_rate);
  out += fmt::format(
      "prompts {} tokens ({} reused), answers {} tokens\n",
      report.prompt_tokens,
      report.cached_tokens,
      report.completion_tokens);
  for (const auto& [message, times] : report.errors)
    out += fmt::format("failed {} times: {}\n", times, message);
  return out;
}

std::string report_json(const LoadOptions& options, const LoadReport& report) {
  Json errors = Json::array();
  for (const auto& [message, times] : report.errors)
    errors.push_back({{"message", message}, {"count", times}});
  const Json out = {
      {"url", options.server.url},
      {"model", options.model},
      {"clients", options.clients},
      {"requests", options.requests},
      {"succeeded", report.succeeded},
      {"errors", errors},
      {"seconds", report.seconds},
      {"prompt_tokens", report.prompt_tokens},
      {"cached_tokens", report.cached_tokens},
      {"completion_tokens", report.completion_tokens},
      {"requests_per_second", report.requests_rate},
      {"prompt_tokens_per_second", report.prompt_rate},
      {"completion_tokens_per_second", report.completion_rate},
      {"first_token_seconds", json_of(report.first_token)},
      {"between_tokens_seconds", json_of(report.between_pieces)},
      {"request_seconds", json_of(report.request)}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hadal::cli
