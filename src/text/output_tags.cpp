// Recognising tags, whole and in part.
#include "text/output_tags.h"

#include <algorithm>
#include <array>
#include <span>

namespace hadal {
namespace {

constexpr std::string_view kWord = "DSML";
constexpr std::array<std::string_view, 3> kBars = {"｜", "|", "‖"};
constexpr size_t kMaxBars = 2;

constexpr std::array<std::string_view, 4> kMarkedBlocks = {
    "tool_calls", "calls", "function_calls", "tool_use"};
constexpr std::array<std::string_view, 2> kPlainBlocks = {
    "tool_calls", "function_calls"};
constexpr std::array<std::string_view, 2> kCallNames = {"invoke", "tool_call"};
constexpr std::array<std::string_view, 1> kMarkedCalls = {"invoke"};
constexpr std::array<std::string_view, 5> kPlainClosings = {
    "parameter", "invoke", "tool_calls", "function_calls", "tool_call"};

using Names = std::span<const std::string_view>;

bool contains(Names names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool any_starts_with(Names names, std::string_view prefix) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return name.starts_with(prefix);
  });
}

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_';
}

// Bars with at most one space before each; returns how many.
size_t skip_bars(std::string_view text, size_t& at) {
  size_t bars = 0;
  while (true) {
    size_t after = at;
    if (after < text.size() && text[after] == ' ')
      ++after;
    size_t bar_bytes = 0;
    for (std::string_view bar : kBars)
      if (text.substr(after).starts_with(bar))
        bar_bytes = bar.size();
    if (bar_bytes == 0 || bars == kMaxBars)
      return bars;
    at = after + bar_bytes;
    ++bars;
  }
}

void skip_one_space(std::string_view text, size_t& at) {
  if (at < text.size() && text[at] == ' ')
    ++at;
}

// A marker at `at`; on a full match `at` stands behind it and a space.
TagMatch match_marker(std::string_view text, size_t& at) {
  size_t position = at;
  size_t bars = skip_bars(text, position);
  skip_one_space(text, position);
  std::string_view word = text.substr(position, kWord.size());
  if (word != kWord)
    return kWord.starts_with(word) ? TagMatch::partial : TagMatch::none;
  position += kWord.size();
  bars += skip_bars(text, position);
  skip_one_space(text, position);
  if (bars == 0)
    return position == text.size() ? TagMatch::partial : TagMatch::none;
  at = position;
  return TagMatch::full;
}

std::string_view name_at(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && is_name_character(text[end]))
    ++end;
  return text.substr(at, end - at);
}

// An opening whose name starts at `at`.
BlockOpening match_opening_name(
    std::string_view text, size_t at, Names blocks, Names calls) {
  std::string_view name = name_at(text, at);
  bool at_end = at + name.size() == text.size();
  if (at_end) {
    bool possible =
        any_starts_with(blocks, name) || any_starts_with(calls, name);
    return {possible ? TagMatch::partial : TagMatch::none, 0, false};
  }
  size_t length = at + name.size();
  if (contains(blocks, name))
    return {TagMatch::full, length, false};
  // A call needs attributes, so only a space may follow its name.
  if (contains(calls, name) && is_space(text[length]))
    return {TagMatch::full, length, true};
  return {};
}

struct Attributes {
  std::string name;
  std::optional<bool> is_string;
  bool self_closing = false;
};

std::optional<bool> truth(std::string_view text) {
  if (text == "true")
    return true;
  if (text == "false")
    return false;
  return std::nullopt;
}

void skip_spaces(std::string_view text, size_t& at) {
  while (at < text.size() && is_space(text[at]))
    ++at;
}

// A value in double, single or no quotes. False when it does not end.
bool read_attribute_value(
    std::string_view text, size_t& at, std::string_view& value) {
  char quote = at < text.size() ? text[at] : '\0';
  if (quote == '"' || quote == '\'') {
    size_t end = text.find(quote, at + 1);
    if (end == std::string_view::npos)
      return false;
    value = text.substr(at + 1, end - at - 1);
    at = end + 1;
    return true;
  }
  size_t start = at;
  while (at < text.size() && !is_space(text[at]) && text[at] != '>' &&
         text[at] != '"' && text[at] != '\'')
    ++at;
  value = text.substr(start, at - start);
  return at > start;
}

// Attributes up to the '>' that ends `text`, as XML has them.
std::optional<Attributes> read_attributes(std::string_view text) {
  Attributes read;
  size_t at = 0;
  bool has_name = false;
  while (true) {
    size_t before = at;
    skip_spaces(text, at);
    std::string_view rest = text.substr(at);
    read.self_closing = rest == "/>";
    if (rest == ">" || read.self_closing)
      return has_name ? std::optional(read) : std::nullopt;
    std::string_view key = name_at(text, at);
    if (key.empty() || at == before)
      return std::nullopt;
    at += key.size();
    skip_spaces(text, at);
    if (at >= text.size() || text[at] != '=')
      return std::nullopt;
    ++at;
    skip_spaces(text, at);
    std::string_view value;
    if (!read_attribute_value(text, at, value))
      return std::nullopt;
    if (key == "name" && !has_name) {
      read.name = std::string(value);
      has_name = !value.empty();
    } else if (key == "string") {
      read.is_string = truth(value);
    }
  }
}

// Names are printed raw, so they may hold quotes: the name then runs up to the
// attribute `string`.
std::optional<Attributes> read_raw_attributes(std::string_view text) {
  constexpr std::string_view kStart = " name=\"";
  if (!text.starts_with(kStart))
    return std::nullopt;
  for (bool is_string : {true, false}) {
    std::string_view end =
        is_string ? "\" string=\"true\">" : "\" string=\"false\">";
    if (text.ends_with(end) && text.size() > kStart.size() + end.size()) {
      std::string_view name =
          text.substr(kStart.size(), text.size() - kStart.size() - end.size());
      return Attributes{std::string(name), is_string, false};
    }
  }
  return std::nullopt;
}

// The opening tag of `word` that ends the text. The earliest place at which the
// word is followed by fitting attributes counts: a later one is in a value.
std::optional<CallTag> find_open_tag(
    std::string_view text, std::string_view word, CallTag::Kind kind) {
  for (size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    std::string_view rest = text.substr(at + word.size());
    std::optional<Attributes> attributes = read_attributes(rest);
    if (!attributes)
      attributes = read_raw_attributes(rest);
    if (!attributes)
      continue;
    CallTag tag;
    tag.kind = kind;
    size_t open = text.rfind('<', at);
    tag.start = open == std::string_view::npos ? at : open;
    tag.name = std::move(attributes->name);
    tag.is_string = attributes->is_string;
    tag.self_closing = attributes->self_closing;
    tag.has_marker = text.substr(tag.start, at - tag.start).find(kWord) !=
                     std::string_view::npos;
    return tag;
  }
  return std::nullopt;
}

CallTag::Kind closing_kind(std::string_view tag, bool& has_marker) {
  size_t at = 2;
  has_marker = match_marker(tag, at) == TagMatch::full;
  std::string_view name = name_at(tag, at);
  if (contains(kCallNames, name))
    return CallTag::Kind::invoke_close;
  if (name == "parameter")
    return CallTag::Kind::parameter_close;
  if (has_marker ? contains(kMarkedBlocks, name) : contains(kPlainBlocks, name))
    return CallTag::Kind::block_close;
  if (!has_marker && name == "think")
    return CallTag::Kind::think_close;
  return CallTag::Kind::other;
}

}  // namespace

BlockOpening match_block_opening(std::string_view text, bool allow_plain) {
  size_t at = 1;
  TagMatch marker = match_marker(text, at);
  if (marker == TagMatch::full)
    return match_opening_name(text, at, kMarkedBlocks, kMarkedCalls);
  BlockOpening plain;
  if (allow_plain)
    plain = match_opening_name(text, 1, kPlainBlocks, kCallNames);
  if (plain.match == TagMatch::none && marker == TagMatch::partial)
    plain.match = TagMatch::partial;
  return plain;
}

TagMatch match_value_end(std::string_view text, bool allow_plain) {
  constexpr std::string_view kStart = "</";
  if (!text.starts_with(kStart))
    return kStart.starts_with(text) ? TagMatch::partial : TagMatch::none;
  size_t at = kStart.size();
  TagMatch marker = match_marker(text, at);
  if (marker != TagMatch::none || !allow_plain)
    return marker;
  std::string_view name = name_at(text, kStart.size());
  size_t end = kStart.size() + name.size();
  if (end == text.size())
    return any_starts_with(kPlainClosings, name) ? TagMatch::partial
                                                 : TagMatch::none;
  if (!contains(kPlainClosings, name))
    return TagMatch::none;
  skip_spaces(text, end);
  if (end == text.size())
    return TagMatch::partial;
  return text[end] == '>' ? TagMatch::full : TagMatch::none;
}

CallTag classify_tag(std::string_view text) {
  CallTag tag;
  tag.start = text.rfind('<');
  if (tag.start != std::string_view::npos &&
      text.substr(tag.start).starts_with("</")) {
    tag.kind = closing_kind(text.substr(tag.start), tag.has_marker);
    return tag;
  }
  std::optional<CallTag> best;
  auto consider = [&](std::string_view word, CallTag::Kind kind) {
    std::optional<CallTag> found = find_open_tag(text, word, kind);
    if (found && (!best || found->start < best->start))
      best = std::move(found);
  };
  consider("invoke", CallTag::Kind::invoke_open);
  consider("parameter", CallTag::Kind::parameter_open);
  consider("tool_call", CallTag::Kind::invoke_open);
  if (best)
    return *best;
  if (tag.start != std::string_view::npos &&
      match_block_opening(text.substr(tag.start), true).match == TagMatch::full)
    tag.kind = CallTag::Kind::block_open;
  return tag;
}

bool is_cut_invoke(std::string_view text) {
  size_t at = 0;
  skip_spaces(text, at);
  std::string_view tag = text.substr(at);
  if (tag.empty())
    return true;
  if (tag.front() != '<')
    return false;
  size_t name_start = 1;
  TagMatch marker = match_marker(tag, name_start);
  if (marker == TagMatch::partial)
    return true;
  if (marker == TagMatch::none)
    name_start = 1;
  std::string_view name = name_at(tag, name_start);
  if (name_start + name.size() == tag.size())
    return any_starts_with(kCallNames, name);
  return contains(kCallNames, name) && tag.find('>') == std::string_view::npos;
}

}  // namespace hadal
