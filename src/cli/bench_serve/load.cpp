#include "cli/bench_serve/load.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "cli/remote.h"
#include "hadal/error.h"
#include "server/http/sse_parser.h"

namespace hadal::cli {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::array kWords = {
    "the",   "a",    "fox",    "dog",   "house", "tree",  "runs",  "sees",
    "big",   "red",  "little", "day",   "night", "water", "and",   "with",
    "under", "over", "friend", "story", "good",  "new",   "small", "day",
    "sun",   "road", "walks",  "finds", "two",   "three", "one",   "home"};
constexpr int64_t kProbeWords = 200;

// Words without a meaning; what the model answers does not matter.
std::string words(int64_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out;
  for (int64_t i = 0; i < count; ++i)
    out += std::string(i == 0 ? "" : " ") + kWords[random() % kWords.size()];
  return out;
}

std::string request_body(
    const LoadOptions& options, const std::string& prompt, int64_t max_tokens) {
  const Json body = {
      {"model", options.model},
      {"messages", {{{"role", "user"}, {"content", prompt}}}},
      {"max_tokens", max_tokens},
      {"min_tokens", max_tokens},
      {"ignore_eos", true},
      {"stream", true},
      {"stream_options", {{"include_usage", true}}}};
  return body.dump();
}

int64_t count(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer()
             ? found->get<int64_t>()
             : 0;
}

// Whether the chunk brings a part of the answer.
bool has_piece(const Json& chunk) {
  const auto choices = chunk.find("choices");
  if (choices == chunk.end() || !choices->is_array() || choices->empty())
    return false;
  const Json delta = choices->front().value("delta", Json::object());
  for (const char* key : {"content", "reasoning_content", "reasoning"})
    if (const auto text = delta.find(key);
        text != delta.end() && text->is_string() && *text != "")
      return true;
  const auto calls = delta.find("tool_calls");
  return calls != delta.end() && calls->is_array() && !calls->empty();
}

void read_usage(const Json& chunk, RequestRecord& record) {
  const auto usage = chunk.find("usage");
  if (usage == chunk.end() || !usage->is_object())
    return;
  record.prompt_tokens = count(*usage, "prompt_tokens");
  record.completion_tokens = count(*usage, "completion_tokens");
  const auto details = usage->find("prompt_tokens_details");
  if (details != usage->end() && details->is_object())
    record.cached_tokens = count(*details, "cached_tokens");
}

class Load {
 public:
  Load(
      const LoadOptions& options,
      const std::function<void(int64_t)>& done,
      std::stop_token stop)
      : options_(options), done_(done), stop_(std::move(stop)) {}

  LoadResult run() {
    probe();
    result_.requests.resize(static_cast<size_t>(options_.requests));
    start_ = Clock::now();
    std::vector<std::jthread> clients;
    for (int i = 0; i < options_.clients; ++i)
      clients.emplace_back([this] { work(); });
    clients.clear();  // joins
    result_.seconds = now();
    if (stop_.stop_requested())
      throw Error(ErrorCode::cancelled, "stopped");
    return std::move(result_);
  }

 private:
  double now() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }

  void probe() {
    HttpClient client(options_.server);
    const RequestRecord record =
        ask(client, words(kProbeWords, std::random_device()()), 1);
    if (!record.error.empty())
      throw Error(ErrorCode::io, record.error);
    if (record.prompt_tokens > 0)
      tokens_per_word_ = static_cast<double>(record.prompt_tokens) /
                         static_cast<double>(kProbeWords);
  }

  std::string prompt(int64_t number) const {
    const auto size = static_cast<int64_t>(
        static_cast<double>(options_.prompt_tokens) / tokens_per_word_);
    if (!options_.shared_prompt)
      return words(std::max<int64_t>(size, 1), seed_ + number);
    constexpr int64_t kOwnWords = 8;
    return words(std::max<int64_t>(size - kOwnWords, 1), seed_) + " " +
           words(kOwnWords, seed_ + number + 1);
  }

  void work() {
    HttpClient client(options_.server);
    while (!stop_.stop_requested()) {
      const int64_t number = next_++;
      if (number >= options_.requests)
        return;
      RequestRecord record = ask(client, prompt(number), options_.max_tokens);
      const std::lock_guard lock(mutex_);
      result_.requests[static_cast<size_t>(number)] = std::move(record);
      if (done_)
        done_(++finished_);
    }
  }

  RequestRecord ask(
      HttpClient& client, const std::string& prompt, int64_t max_tokens) {
    RequestRecord record;
    const std::string body = request_body(options_, prompt, max_tokens);
    SseParser events;
    record.start = now();
    try {
      const HttpResponse response = client.post(
          "/v1/chat/completions",
          body,
          [&](std::string_view bytes) {
            for (const SseEvent& event : events.push(bytes))
              take(event.data, record);
            return true;
          },
          stop_);
      require_success(response);
      if (record.pieces.empty() && record.error.empty())
        record.error = "an answer without a token";
    } catch (const std::exception& error) {
      record.error = error.what();
    }
    record.end = now();
    return record;
  }

  void take(const std::string& data, RequestRecord& record) const {
    if (data == "[DONE]")
      return;
    const Json chunk = Json::parse(data, nullptr, false);
    if (!chunk.is_object())
      return;
    if (chunk.contains("error"))
      record.error = server_message(chunk);
    if (has_piece(chunk))
      record.pieces.push_back(now());
    read_usage(chunk, record);
  }

  const LoadOptions& options_;
  const std::function<void(int64_t)>& done_;
  std::stop_token stop_;
  const uint64_t seed_ = std::random_device()();
  double tokens_per_word_ = 1;
  Clock::time_point start_ = Clock::now();
  std::atomic<int64_t> next_ = 0;

  std::mutex mutex_;
  int64_t finished_ = 0;
  LoadResult result_;
};

}  // namespace

LoadResult run_load(
    const LoadOptions& options,
    const std::function<void(int64_t)>& done,
    std::stop_token stop) {
  return Load(options, done, std::move(stop)).run();
}

}  // namespace hadal::cli
