// The flags that say how tokens are chosen and when to stop.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hadal/sampling.h"

namespace CLI {
class App;
}

namespace hadal::cli {

// What the user gave; what is absent comes from the model's own file.
struct SamplingFlags {
  std::optional<float> temperature;
  std::optional<int64_t> top_k;
  std::optional<float> top_p;
  std::optional<float> min_p;
  std::optional<float> repetition_penalty;
  std::optional<float> presence_penalty;
  std::optional<float> frequency_penalty;
  std::optional<uint64_t> seed;
  std::vector<std::string> logit_bias;  // "ID=VALUE"
  std::optional<int64_t> max_tokens;
  std::vector<std::string> stop;
};

std::shared_ptr<SamplingFlags> add_sampling_flags(CLI::App& app);

// Starts from DIR/generation_config.json (do_sample, temperature, top_k, top_p,
// min_p, repetition_penalty; absent: the plain distribution), then applies the
// flags. Throws UsageError for a logit bias that is not of its form,
// Error(corrupt) for a file that is not.
SamplingOptions sampling_options(
    const SamplingFlags& flags, const std::filesystem::path& directory);
StopOptions stop_options(const SamplingFlags& flags);

}  // namespace hadal::cli
