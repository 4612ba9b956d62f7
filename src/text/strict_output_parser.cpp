// Reading a completion step by step, as the official parser does.
#include "text/strict_output_parser.h"

#include <fmt/format.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "text/json_value.h"

namespace hadal {
namespace {

// Thrown within this file: each step may end the whole.
struct Refusal {
  std::string message;
};

// A string as Python's repr writes it, for the official messages.
std::string python_repr(std::string_view text) {
  bool has_single = text.find('\'') != std::string_view::npos;
  bool has_double = text.find('"') != std::string_view::npos;
  char quote = has_single && !has_double ? '"' : '\'';
  std::string out(1, quote);
  for (char c : text) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\\' || c == quote)
      out += {'\\', c};
    else
      out += c;
  }
  out += quote;
  return out;
}

class StrictParser {
 public:
  StrictParser(std::string_view text, const PromptFormat& format)
      : text_(text),
        block_start_("\n\n" + dsml_open(format.block_name)),
        block_end_(dsml_close(format.block_name)),
        invoke_start_(dsml_open(format.invoke_name)),
        invoke_end_(unclosed(dsml_close(format.invoke_name))),
        parameter_start_(dsml_open(format.parameter_name)),
        // The '<' before it belongs to the parameter's text.
        parameter_end_(unclosed(dsml_close(format.parameter_name)).substr(1)) {}

  ChatAnswer parse(bool thinking) {
    ChatAnswer answer;
    if (thinking) {
      answer.reasoning = read_until({kThinkClose, block_start_});
      if (stop_ != kThinkClose)
        throw Refusal{"Invalid thinking format: missing </think>"};
    }
    answer.content = read_until({kEndOfSentence, block_start_});
    if (stop_ == block_start_) {
      read_calls(answer);
      if (!read_until({kEndOfSentence}).empty())
        throw Refusal{"Unexpected content after tool calls"};
      answer.finish = ChatFinish::tool_calls;
    } else if (stop_ != kEndOfSentence) {
      throw Refusal{"Invalid format: missing EOS token"};
    }
    if (at_ != text_.size())
      throw Refusal{"Unexpected content at end"};
    for (std::string_view token :
         {kBeginOfSentence,
          kEndOfSentence,
          kThinkOpen,
          kThinkClose,
          kDsmlMarker})
      for (const std::string& part : {answer.content, answer.reasoning})
        if (part.find(token) != std::string::npos)
          throw Refusal{
              fmt::format("Unexpected special token '{}' in content", token)};
    return answer;
  }

 private:
  static std::string unclosed(std::string tag) {
    tag.pop_back();
    return tag;
  }

  // The text up to the first of the stops, which is then in stop_ and behind.
  // Without any, the rest of the text, and stop_ is empty.
  std::string read_until(std::initializer_list<std::string_view> stops) {
    size_t end = text_.size();
    stop_ = "";
    for (std::string_view stop : stops) {
      size_t found = text_.find(stop, at_);
      if (found < end) {
        end = found;
        stop_ = stop;
      }
    }
    std::string read(text_.substr(at_, end - at_));
    at_ = end + stop_.size();
    return read;
  }

  void read_calls(ChatAnswer& answer) {
    while (at_ < text_.size()) {
      std::string between = read_until({invoke_start_, block_end_});
      if (between != ">\n")
        throw Refusal{fmt::format(
            "Tool call format error: expected '>\\n' but got {}",
            python_repr(between))};
      if (stop_ == block_end_)
        return;
      if (stop_.empty())
        throw Refusal{"Missing special token in tool calls"};
      answer.tool_calls.push_back(read_call());
    }
    throw Refusal{"Missing special token in tool calls"};
  }

  ToolCall read_call() {
    ToolCall call;
    call.name = read_tool_name();
    std::vector<std::string> names;
    std::string items;
    while (stop_ == parameter_start_) {
      read_parameter(names, items);
      std::string after = read_until({parameter_start_, invoke_end_});
      if (after != ">\n")
        throw Refusal{fmt::format(
            "Parameter format error: expected '>\\n' but got {}",
            python_repr(after))};
    }
    call.arguments = "{" + items + "}";
    return call;
  }

  // `\s*name="NAME">\n`, and one more newline when no parameter follows.
  std::string read_tool_name() {
    std::string text = read_until({parameter_start_, invoke_end_});
    constexpr std::string_view kStart = "name=\"";
    constexpr std::string_view kEnd = "\">\n";
    std::string_view rest = text;
    size_t first = rest.find_first_not_of(" \t\n\r\f\v");
    rest.remove_prefix(std::min(first, rest.size()));
    if (rest.starts_with(kStart)) {
      rest.remove_prefix(kStart.size());
      size_t end = rest.ends_with("\n\n") && rest.size() > kEnd.size()
                       ? rest.size() - kEnd.size() - 1
                       : rest.size() - std::min(kEnd.size(), rest.size());
      if (rest.substr(end).starts_with(kEnd))
        return std::string(rest.substr(0, end));
    }
    throw Refusal{fmt::format("Tool name format error: {}", python_repr(text))};
  }

  // ` name="K" string="true|false">VALUE<`
  void read_parameter(std::vector<std::string>& names, std::string& items) {
    std::string text = read_until({parameter_end_});
    constexpr std::string_view kStart = " name=\"";
    constexpr std::string_view kTrue = "\" string=\"true\">";
    constexpr std::string_view kFalse = "\" string=\"false\">";
    size_t at_true = text.find(kTrue);
    size_t at_false = text.find(kFalse);
    size_t name_end = std::min(at_true, at_false);
    if (!text.starts_with(kStart) || !text.ends_with('<') ||
        name_end == std::string::npos || name_end < kStart.size())
      throw Refusal{
          fmt::format("Parameter format error: {}", python_repr(text))};
    std::string name = text.substr(kStart.size(), name_end - kStart.size());
    bool is_string = name_end == at_true;
    size_t value_at = name_end + (is_string ? kTrue : kFalse).size();
    std::string value = text.substr(value_at, text.size() - 1 - value_at);
    for (const std::string& known : names)
      if (known == name)
        throw Refusal{
            fmt::format("Duplicate parameter name: {}", python_repr(name))};
    items += names.empty() ? "" : ", ";
    append_json_string(items, name);
    items += ": ";
    if (is_string)
      append_json_string(items, value);
    else
      items += value;
    names.push_back(std::move(name));
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string_view stop_;
  std::string block_start_;
  std::string block_end_;
  std::string invoke_start_;
  std::string invoke_end_;
  std::string parameter_start_;
  std::string parameter_end_;
};

}  // namespace

Result<ChatAnswer> parse_strictly(
    std::string_view text, bool thinking, const PromptFormat& format) {
  try {
    return StrictParser(text, format).parse(thinking);
  } catch (Refusal& refusal) {
    return Failure{ErrorCode::invalid_argument, std::move(refusal.message), ""};
  }
}

}  // namespace hadal
