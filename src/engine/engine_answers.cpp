// From logits to tokens, and how requests end.
#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"
#include "engine/engine_loop.h"

namespace hadal {
namespace {

using State = EngineSequence::State;

double seconds_between(
    EngineClock::time_point from, EngineClock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

Error as_error(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    return error;
  } catch (const std::exception& error) {
    return Error(ErrorCode::internal, error.what());
  } catch (...) {
    return Error(ErrorCode::internal, "an exception of unknown type");
  }
}

EngineTimings timings(
    const EngineSequence& sequence, EngineClock::time_point now) {
  if (sequence.turn == 0)
    return {.queue_seconds = seconds_between(sequence.submitted, now)};
  const bool generated = sequence.answer.tokens() > 0;
  const auto prompt_end = generated ? sequence.first_logits : now;
  return {
      .queue_seconds =
          seconds_between(sequence.submitted, sequence.given_place),
      .prompt_seconds = seconds_between(sequence.given_place, prompt_end),
      .generate_seconds = seconds_between(prompt_end, now)};
}

}  // namespace

// The choices do not touch each other and may be made side by side; what
// follows from them is told in order.
void EngineLoop::choose_tokens(std::span<const Piece> ready) {
  struct Outcome {
    AnswerToken token;
    std::exception_ptr thrown;
  };
  std::vector<Outcome> outcomes(ready.size());
  model_.for_each(static_cast<int64_t>(ready.size()), [&](int64_t i) {
    Outcome& outcome = outcomes[static_cast<size_t>(i)];
    try {
      outcome.token = ready[static_cast<size_t>(i)].sequence->answer.next(
          std::span(logits_).subspan(
              static_cast<size_t>(i * model_.vocabulary),
              static_cast<size_t>(model_.vocabulary)));
    } catch (...) {
      outcome.thrown = std::current_exception();
    }
  });
  for (size_t i = 0; i < ready.size(); ++i) {
    EngineSequence& sequence = *ready[i].sequence;
    if (outcomes[i].thrown == nullptr) {
      try {
        take_token(sequence, outcomes[i].token);
        continue;
      } catch (...) {
        outcomes[i].thrown = std::current_exception();
      }
    }
    if (sequence.state != State::ended)
      end(sequence, EngineFinish::failed, -1, as_error(outcomes[i].thrown));
  }
}

void EngineLoop::take_token(
    EngineSequence& sequence, const AnswerToken& token) {
  const int32_t id = token.choice.token;
  if (sequence.answer.tokens() == 1)
    sequence.first_logits = EngineClock::now();
  sequence.state = State::generating;
  sequence.tokens.push_back(id);
  ++totals_.generated_tokens;
  const Continue next = sequence.request.observer->on_token(
      {.id = id,
       .in_reasoning = token.in_reasoning,
       .is_end = token.is_end,
       .logprob = token.choice.logprob,
       .top_logprobs = token.choice.logprobs});
  if (token.is_end)
    end(sequence, EngineFinish::end_token, id);
  else if (next == Continue::no)
    end(sequence, EngineFinish::observer);
  else if (
      sequence.answer.tokens() == sequence.request.max_tokens ||
      static_cast<int64_t>(sequence.tokens.size()) > capacity_)
    end(sequence, EngineFinish::length);
}

// The sequence itself goes with the next sweep; its observer is told after
// that.
void EngineLoop::end(
    EngineSequence& sequence,
    EngineFinish finish,
    int32_t end_token,
    std::optional<Error> error) {
  const auto now = EngineClock::now();
  sequence.state = State::ended;
  save_end(sequence, finish);
  sequence.cache.reset();
  if (sequence.turn > 0) {
    const double seconds = seconds_between(sequence.given_place, now);
    request_seconds_ =
        request_seconds_ == 0
            ? seconds
            : request_seconds_ + 0.2 * (seconds - request_seconds_);
    inbox_.set_pace(request_seconds_, options_.max_sequences);
  }
  ends_.emplace_back(
      sequence.request.observer,
      EngineEnd{
          .finish = finish,
          .end_token = end_token,
          .prompt_tokens = sequence.prompt_tokens,
          .cached_tokens = sequence.cached_tokens,
          .generated_tokens = sequence.answer.tokens(),
          .reasoning_tokens = sequence.answer.reasoning_tokens(),
          .timings = timings(sequence, now),
          .error = std::move(error)});
}

// Whoever hears of an end finds it in the status, too.
void EngineLoop::tell_ends() {
  if (ends_.empty())
    return;
  publish(!has_work());
  for (const auto& [observer, end] : std::exchange(ends_, {})) {
    try {
      observer->on_end(end);
    } catch (const std::exception& thrown) {
      log(LogLevel::error, "engine", "an observer threw: {}", thrown.what());
    }
  }
}

void EngineLoop::sweep() {
  const auto ended = [](const auto& sequence) {
    return sequence->state == State::ended;
  };
  std::erase_if(live_, ended);
  std::erase_if(removed_, ended);
  for (auto at = queued_.begin(); at != queued_.end();) {
    if (at->second->state != State::ended) {
      ++at;
      continue;
    }
    queue_.remove(at->first);
    inbox_.left_queue(1);
    at = queued_.erase(at);
  }
}

}  // namespace hadal
