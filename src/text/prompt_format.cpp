// The tables of the revisions.
#include "text/prompt_format.h"

#include <array>

#include "base/check.h"

namespace hadal {
namespace {

constexpr std::string_view kAbsoluteMaximum =
    "Reasoning Effort: Absolute maximum with no shortcuts permitted.\n"
    "You MUST be very thorough in your thinking and comprehensively decompose "
    "the problem to resolve the root cause, rigorously stress-testing your "
    "logic against all potential paths, edge cases, and adversarial "
    "scenarios.\n"
    "Explicitly write out your entire deliberation process, documenting every "
    "intermediate step, considered alternative, and rejected hypothesis to "
    "ensure absolutely no assumption is left unchecked.\n\n";

constexpr std::string_view kBeyondMaximum =
    "Reasoning Effort: Beyond maximum — exhaustive, relentless, and "
    "uncompromising.\n"
    "You MUST reason with the utmost depth and rigor, leaving absolutely "
    "nothing to chance: exhaustively decompose the problem into its most "
    "fundamental components, trace every causal chain to its root, and resolve "
    "the underlying cause rather than any surface symptom.\n"
    "Do not stop reasoning until you have independently verified the solution "
    "from multiple angles and are certain that no assumption remains unchecked "
    "and no error remains undiscovered.\n\n";

constexpr std::array<EffortText, 2> kEffortsV4 = {{
    {"high", ""},
    {"max", kAbsoluteMaximum},
}};
constexpr std::array<EffortLevel, 7> kLevelsV4 = {{
    {"minimal", "high"},
    {"low", "high"},
    {"medium", "high"},
    {"high", "high"},
    {"xhigh", "max"},
    {"max", "max"},
    {"ultra", "max"},
}};

constexpr std::array<EffortText, 3> kEffortsV40731 = {{
    {"low", ""},
    {"high", kAbsoluteMaximum},
    {"max", kBeyondMaximum},
}};
// V4.1 maps levels to words in the same way.
constexpr std::array<EffortLevel, 7> kLevelsV40731 = {{
    {"minimal", "low"},
    {"low", "low"},
    {"medium", "high"},
    {"high", "high"},
    {"xhigh", "high"},
    {"max", "max"},
    {"ultra", "max"},
}};

constexpr std::array<EffortText, 3> kEffortsV41 = {{
    {"low",
     "Reasoning Effort: 50 (range 1-100, the higher the value, the more "
     "thorough the reasoning)\n\n"},
    {"high",
     "Reasoning Effort: 75 (range 1-100, the higher the value, the more "
     "thorough the reasoning)\n\n"},
    {"max",
     "Reasoning Effort: 100 (range 1-100, the higher the value, the more "
     "thorough the reasoning)\n\n"},
}};

constexpr PromptFormat kV4 = {
    .revision = ModelRevision::v4,
    .system_token = "",
    .block_name = "tool_calls",
    .invoke_name = "invoke",
    .parameter_name = "parameter",
    .efforts = kEffortsV4,
    .levels = kLevelsV4,
};
constexpr PromptFormat kV40731 = {
    .revision = ModelRevision::v4_0731,
    .system_token = "",
    .block_name = "tool_calls",
    .invoke_name = "invoke",
    .parameter_name = "parameter",
    .efforts = kEffortsV40731,
    .levels = kLevelsV40731,
};
constexpr PromptFormat kV41 = {
    .revision = ModelRevision::v41,
    .system_token = "<｜System｜>",
    .block_name = " calls",
    .invoke_name = " invoke",
    .parameter_name = " parameter",
    .efforts = kEffortsV41,
    .levels = kLevelsV40731,
};

}  // namespace

const PromptFormat& prompt_format(ModelRevision revision) {
  switch (revision) {
    case ModelRevision::v4:
      return kV4;
    case ModelRevision::v4_0731:
      return kV40731;
    case ModelRevision::v41:
      return kV41;
  }
  check_failed("a known revision");
}

std::optional<std::string_view> effort_text(
    const PromptFormat& format, std::string_view word) {
  for (const EffortText& effort : format.efforts)
    if (effort.word == word)
      return effort.text;
  return std::nullopt;
}

std::optional<std::string_view> effort_word(
    const PromptFormat& format, std::string_view level) {
  for (const EffortLevel& known : format.levels)
    if (known.level == level)
      return known.word;
  return std::nullopt;
}

std::string dsml_open(std::string_view name) {
  std::string tag = "<";
  tag += kDsmlMarker;
  tag += name;
  return tag;
}

std::string dsml_close(std::string_view name) {
  std::string tag = "</";
  tag += kDsmlMarker;
  tag += name;
  tag += ">";
  return tag;
}

}  // namespace hadal
