#include "engine/engine_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <chrono>

#include "cache/fake_model.h"
#include "generation/sampler.h"

namespace hadal::testing {
namespace {

void add_choice(
    Heard& heard,
    int32_t id,
    float logprob,
    std::span<const std::pair<int32_t, float>> top) {
  heard.tokens.push_back(id);
  heard.logprob_bits.push_back(std::bit_cast<uint32_t>(logprob));
  for (const auto& [token, value] : top)
    heard.top_logprobs.emplace_back(token, std::bit_cast<uint32_t>(value));
}

void fake_logits(uint64_t output, float* logits) {
  uint64_t state = output;
  for (int64_t i = 0; i < kFakeVocabulary; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    logits[i] = static_cast<float>(state >> 52) / 512;
  }
}

}  // namespace

void Listener::on_start(const EngineStart& start) {
  {
    const std::lock_guard lock(mutex_);
    ++heard_.starts;
    heard_.start = start;
    changed_.notify_all();
  }
  if (when_started)
    when_started();
}

void Listener::on_prompt(int64_t done, int64_t) {
  const std::lock_guard lock(mutex_);
  heard_.prompt_done.push_back(done);
}

Continue Listener::on_token(const EngineToken& token) {
  const std::lock_guard lock(mutex_);
  add_choice(heard_, token.id, token.logprob, token.top_logprobs);
  heard_.in_reasoning.push_back(token.in_reasoning);
  changed_.notify_all();
  return decide ? decide(heard_) : Continue::yes;
}

void Listener::on_end(const EngineEnd& end) {
  const std::lock_guard lock(mutex_);
  ++heard_.ends;
  heard_.end = end;
  changed_.notify_all();
}

void Listener::wait_for(const std::function<bool()>& condition) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, std::chrono::minutes(1), condition));
}

Heard Listener::wait() {
  wait_for([this] { return heard_.ends > 0; });
  const std::lock_guard lock(mutex_);
  return heard_;
}

void Listener::wait_tokens(size_t count) {
  wait_for([&] { return heard_.tokens.size() >= count || heard_.ends > 0; });
}

void Listener::wait_start() {
  wait_for([&] { return heard_.starts > 0; });
}

bool Listener::ended() {
  const std::lock_guard lock(mutex_);
  return heard_.ends > 0;
}

int64_t FakeModel::Run::total() const {
  int64_t sum = 0;
  for (const int64_t count : tokens)
    sum += count;
  return sum;
}

FakeModel fake_engine_model(int64_t pool_bytes, int64_t context) {
  FakeModel fake;
  fake.runs = std::make_shared<std::vector<FakeModel::Run>>();
  fake.before =
      std::make_shared<std::function<void(std::span<const BatchEntry>)>>();
  fake.model = {
      .layout = small_layout(),
      .pool = std::make_shared<PagePool>(pool_bytes),
      .vocabulary = kFakeVocabulary,
      .context = context,
      .chunk_tokens = 512,
      .run =
          [runs = fake.runs, before = fake.before](
              std::span<const BatchEntry> batch, float* logits) {
            if (*before)
              (*before)(batch);
            FakeModel::Run run;
            for (const BatchEntry& entry : batch) {
              const Outputs outputs = feed(*entry.cache, entry.tokens);
              run.tokens.push_back(static_cast<int64_t>(entry.tokens.size()));
              for (const int64_t at : entry.logits_at) {
                fake_logits(outputs[static_cast<size_t>(at)], logits);
                logits += kFakeVocabulary;
              }
            }
            runs->push_back(run);
          },
      .for_each =
          [](int64_t items, const std::function<void(int64_t)>& body) {
            for (int64_t i = 0; i < items; ++i)
              body(i);
          }};
  return fake;
}

std::vector<int32_t> fake_tokens(uint64_t seed, int64_t count) {
  std::vector<int32_t> tokens = random_tokens(seed, count);
  for (int32_t& token : tokens)
    token = 2 + token % (static_cast<int32_t>(kFakeVocabulary) - 2);
  return tokens;
}

EngineRequest fake_request(
    uint64_t seed,
    int64_t prompt_tokens,
    int64_t max_tokens,
    double temperature) {
  return fake_request(
      fake_tokens(seed, prompt_tokens), seed, max_tokens, temperature);
}

EngineRequest fake_request(
    std::vector<int32_t> prompt,
    uint64_t seed,
    int64_t max_tokens,
    double temperature) {
  EngineRequest made;
  made.prompt = std::move(prompt);
  made.sampling = {
      .temperature = static_cast<float>(temperature),
      .seed = seed,
      .logprobs = 2};
  made.max_tokens = max_tokens;
  made.observer = std::make_shared<Listener>();
  return made;
}

std::shared_ptr<Listener> listener(const EngineRequest& request) {
  return std::static_pointer_cast<Listener>(request.observer);
}

Gate::Gate(const FakeModel& fake) {
  *fake.before = [this](std::span<const BatchEntry>) {
    arrived_ = true;
    arrived_.notify_all();
    open_.wait(false);
  };
}

void Gate::open() {
  open_ = true;
  open_.notify_all();
}

Heard answer_alone(const EngineModel& model, const EngineRequest& request) {
  Heard heard;
  Sampler sampler(request.sampling, model.vocabulary, request.prompt);
  SequenceCache cache(model.layout, model.pool);
  std::vector<float> logits(static_cast<size_t>(model.vocabulary));
  std::vector<int32_t> next = request.prompt;
  int64_t length = 0;
  while (true) {
    for (size_t done = 0; done < next.size();) {
      const size_t count =
          std::min(next.size() - done, static_cast<size_t>(model.chunk_tokens));
      const int64_t last = static_cast<int64_t>(count) - 1;
      const BatchEntry entry{
          .cache = &cache,
          .tokens = std::span(next).subspan(done, count),
          .logits_at = {&last, size_t{done + count == next.size()}}};
      model.run({&entry, 1}, logits.data());
      done += count;
    }
    length += static_cast<int64_t>(next.size());
    const Choice choice = sampler.sample(logits);
    sampler.accept(choice.token);
    add_choice(heard, choice.token, choice.logprob, choice.logprobs);
    const bool is_end = std::find(
                            request.end_tokens.begin(),
                            request.end_tokens.end(),
                            choice.token) != request.end_tokens.end();
    if (is_end || sampler.outputs() == request.max_tokens ||
        length + 1 > model.context)
      return heard;
    next = {choice.token};
  }
}

std::string difference(const Heard& a, const Heard& b) {
  const size_t count = std::min(a.tokens.size(), b.tokens.size());
  for (size_t i = 0; i < count; ++i) {
    if (a.tokens[i] != b.tokens[i])
      return fmt::format("token {}: {} and {}", i, a.tokens[i], b.tokens[i]);
    if (a.logprob_bits[i] != b.logprob_bits[i])
      return fmt::format("log-probability bits of token {}", i);
  }
  if (a.tokens.size() != b.tokens.size())
    return fmt::format("{} and {} tokens", a.tokens.size(), b.tokens.size());
  if (a.top_logprobs != b.top_logprobs)
    return "log-probabilities of the best";
  return "";
}

}  // namespace hadal::testing
