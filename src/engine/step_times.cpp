#include "engine/step_times.h"

#include <algorithm>

namespace hadal {
namespace {

// A step's time moves slowly. The speed of prompts falls fast and rises
// slowly: being wrong upwards lets everybody wait.
constexpr double kStepWeight = 0.2;
constexpr double kSpeedUpWeight = 0.25;
constexpr double kSpeedDownWeight = 0.6;
// Before anything is known.
constexpr int64_t kFirstPromptTokens = 64;
// What the prompt tokens of a step cost is at least this share of the step: a
// step that was faster than the ones before says nothing of them.
constexpr double kLeastPromptShare = 0.05;

double blend(double old, double fresh, double weight) {
  return old == 0 ? fresh : old + weight * (fresh - old);
}

}  // namespace

void StepTimes::add(int64_t prompt_tokens, int64_t decoders, double seconds) {
  if (seconds <= 0 || (prompt_tokens == 0 && decoders == 0))
    return;
  if (prompt_tokens == 0) {
    step_ = blend(step_, seconds, kStepWeight);
    return;
  }
  const double others = decoders > 0 ? step_ : 0;
  const double cost = std::max(seconds - others, seconds * kLeastPromptShare);
  const double speed = static_cast<double>(prompt_tokens) / cost;
  speed_ =
      blend(speed_, speed, speed > speed_ ? kSpeedUpWeight : kSpeedDownWeight);
}

int64_t StepTimes::prompt_tokens_within(
    double max_seconds, int64_t most) const {
  const double left = std::max(0.0, max_seconds - step_);
  const double tokens =
      speed_ == 0 ? static_cast<double>(kFirstPromptTokens) : left * speed_;
  const double bounded = std::min(tokens, static_cast<double>(most));
  return std::clamp<int64_t>(
      static_cast<int64_t>(bounded), std::min(kLeastPromptTokens, most), most);
}

}  // namespace hadal
