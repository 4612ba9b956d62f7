// The strings in which the revisions of the prompt format differ, and those
// that all share. Everything that renders or parses takes a PromptFormat, so a
// new revision is a new table (spec/text.md 0, 2.4, 2.15).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hadal/chat.h"

namespace hadal {

inline constexpr std::string_view kBeginOfSentence = "<｜begin▁of▁sentence｜>";
inline constexpr std::string_view kEndOfSentence = "<｜end▁of▁sentence｜>";
inline constexpr std::string_view kUserToken = "<｜User｜>";
inline constexpr std::string_view kAssistantToken = "<｜Assistant｜>";
inline constexpr std::string_view kReminderToken = "<｜latest_reminder｜>";
inline constexpr std::string_view kThinkOpen = "<think>";
inline constexpr std::string_view kThinkClose = "</think>";
inline constexpr std::string_view kDsmlMarker = "｜DSML｜";

// A word of the encoder's reasoning_effort and the text it prints.
struct EffortText {
  std::string_view word;
  std::string_view text;
};

// A level that clients send and the encoder's word for it.
struct EffortLevel {
  std::string_view level;
  std::string_view word;
};

struct PromptFormat {
  ModelRevision revision;
  // Before a system text; empty when the text follows BOS directly.
  std::string_view system_token;
  // Tag names as they follow the DSML marker, with the space of v4.1.
  std::string_view block_name;
  std::string_view invoke_name;
  std::string_view parameter_name;
  std::span<const EffortText> efforts;
  std::span<const EffortLevel> levels;
};

const PromptFormat& prompt_format(ModelRevision revision);

// The text of an encoder word; nothing when the revision does not know it.
std::optional<std::string_view> effort_text(
    const PromptFormat& format, std::string_view word);

// The encoder word of a level as clients send it ("xhigh"); nothing for an
// unknown one.
std::optional<std::string_view> effort_word(
    const PromptFormat& format, std::string_view level);

// "<" + marker + name, without the closing ">" so that attributes may follow.
std::string dsml_open(std::string_view name);
// The whole closing tag.
std::string dsml_close(std::string_view name);

}  // namespace hadal
