// Prometheus text exposition, version 0.0.4.
#include "server/api/service_metrics.h"

#include <fmt/format.h>

#include "hadal/version.h"

namespace hadal {
namespace {

constexpr double kSeconds[] = {
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    30,
    60,
    120,
    300,
    600};
constexpr double kTokenSeconds[] = {
    0.001,
    0.0025,
    0.005,
    0.01,
    0.02,
    0.03,
    0.05,
    0.075,
    0.1,
    0.15,
    0.2,
    0.3,
    0.5,
    1,
    2.5,
    5};
constexpr double kRates[] = {1, 3, 10, 30, 100, 300, 1e3, 3e3, 1e4, 3e4, 1e5};

void header(
    std::string& out,
    std::string_view name,
    std::string_view type,
    std::string_view help) {
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

template <class T>
void gauge(
    std::string& out, std::string_view name, T value, std::string_view help) {
  header(out, name, "gauge", help);
  out += fmt::format("{} {}\n", name, value);
}

template <class T>
void counter(
    std::string& out, std::string_view name, T value, std::string_view help) {
  header(out, name, "counter", help);
  out += fmt::format("{} {}\n", name, value);
}

void write_sequences(std::string& out, const EngineStatus& status) {
  int64_t queued = 0;
  int64_t running = 0;
  int64_t prompt = 0;
  int64_t prompt_left = 0;
  for (const SequenceStatus& sequence : status.sequences) {
    bool waits = sequence.phase == SequenceStatus::Phase::queued;
    ++(waits ? queued : running);
    if (sequence.phase == SequenceStatus::Phase::prompt)
      ++prompt;
    if (sequence.phase != SequenceStatus::Phase::generating)
      prompt_left += sequence.prompt_tokens - sequence.prompt_done;
  }
  gauge(out, "hadal_requests_running", running, "Sequences that are computed");
  gauge(out, "hadal_requests_queued", queued, "Sequences that wait");
  gauge(
      out, "hadal_requests_in_prompt", prompt, "Sequences that read a prompt");
  gauge(
      out,
      "hadal_prompt_tokens_waiting",
      prompt_left,
      "Prompt tokens that are still to be read, of all sequences");
  gauge(
      out, "hadal_queue_limit", status.queue_limit, "Sequences that may wait");
}

void write_engine(std::string& out, const EngineStatus& status) {
  write_sequences(out, status);
  gauge(
      out,
      "hadal_cache_bytes_used",
      status.cache_bytes_used,
      "Memory of sequences and saved prefixes");
  gauge(
      out,
      "hadal_cache_bytes_budget",
      status.cache_bytes_budget,
      "What they may use");
  gauge(
      out, "hadal_saved_prefixes", status.saved_prefixes, "Prefixes in memory");
  gauge(
      out,
      "hadal_saved_prefix_bytes",
      status.saved_prefix_bytes,
      "Memory that only saved prefixes hold");
  gauge(
      out, "hadal_disk_prefixes", status.disk_prefixes, "Prefixes on the disk");
  gauge(out, "hadal_disk_cache_bytes", status.disk_bytes, "Their bytes");
  counter(out, "hadal_steps_total", status.steps, "Steps of the executor");
  counter(
      out,
      "hadal_prompt_tokens_total",
      status.prompt_tokens,
      "Prompt tokens that were computed");
  counter(
      out,
      "hadal_cached_tokens_total",
      status.cached_tokens,
      "Prompt tokens taken from memory and disk");
  counter(
      out,
      "hadal_disk_cached_tokens_total",
      status.disk_cached_tokens,
      "Of these, from the disk");
  counter(
      out,
      "hadal_generated_tokens_total",
      status.generated_tokens,
      "Tokens generated");
  counter(
      out,
      "hadal_evicted_prefixes_total",
      status.evicted_prefixes,
      "Saved prefixes that made room");
  counter(
      out,
      "hadal_executor_seconds_total",
      status.executor_seconds,
      "Time inside the executor");
  counter(
      out,
      "hadal_busy_seconds_total",
      status.busy_seconds,
      "Time with a sequence running");
  gauge(
      out,
      "hadal_prompt_speed",
      status.prompt_tokens_per_second,
      "Prompt tokens a second, lately");
  gauge(
      out,
      "hadal_step_seconds",
      status.step_seconds,
      "A step without prompt tokens, lately");
}

}  // namespace

std::string Histogram::text(
    std::string_view name, std::string_view help) const {
  std::string out;
  header(out, name, "histogram", help);
  uint64_t total = 0;
  for (size_t i = 0; i <= bounds_.size(); ++i) {
    total += counts_[i].load(std::memory_order_relaxed);
    std::string bound =
        i < bounds_.size() ? fmt::format("{}", bounds_[i]) : "+Inf";
    out += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", name, bound, total);
  }
  out += fmt::format(
      "{}_sum {}\n{}_count {}\n",
      name,
      sum_.load(std::memory_order_relaxed),
      name,
      total);
  return out;
}

ServiceMetrics::ServiceMetrics()
    : time_to_first_token_seconds(kSeconds),
      inter_token_seconds(kTokenSeconds),
      queue_seconds(kSeconds),
      prompt_tokens_per_second(kRates) {}

void ServiceMetrics::count_request(std::string_view route, int status) {
  std::lock_guard lock(mutex_);
  ++requests_[{std::string(route), status}];
}

void ServiceMetrics::count_stop(std::string_view reason) {
  std::lock_guard lock(mutex_);
  ++stops_[std::string(reason)];
}

std::string ServiceMetrics::text(const EngineStatus* status) const {
  std::string out;
  header(out, "hadal_build_info", "gauge", "The version of the program");
  out += fmt::format("hadal_build_info{{version=\"{}\"}} 1\n", version());
  gauge(out, "hadal_ready", status == nullptr ? 0 : 1, "The model is loaded");
  {
    std::lock_guard lock(mutex_);
    header(out, "hadal_requests_total", "counter", "Answers that ended");
    for (const auto& [key, count] : requests_)
      out += fmt::format(
          "hadal_requests_total{{route=\"{}\",status=\"{}\"}} {}\n",
          key.first,
          key.second,
          count);
    header(out, "hadal_finished_total", "counter", "Choices by finish reason");
    for (const auto& [reason, count] : stops_)
      out += fmt::format(
          "hadal_finished_total{{reason=\"{}\"}} {}\n", reason, count);
  }
  counter(
      out,
      "hadal_tool_parse_failures_total",
      parse_failures_.load(),
      "Blocks that looked like tool calls and were given back as text");
  out += time_to_first_token_seconds.text(
      "hadal_time_to_first_token_seconds",
      "From the request to its first token");
  out += inter_token_seconds.text(
      "hadal_inter_token_seconds", "Between two tokens of a choice");
  out += queue_seconds.text("hadal_queue_seconds", "In the queue");
  out += prompt_tokens_per_second.text(
      "hadal_prompt_tokens_per_second",
      "Speed of reading a prompt, cached tokens left out");
  if (status != nullptr)
    write_engine(out, *status);
  return out;
}

}  // namespace hadal
