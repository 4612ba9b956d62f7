// Reading the thinking fields.
#include "text/request_thinking.h"

#include <fmt/format.h>

#include <optional>

#include "text/prompt_format.h"
#include "text/request_fields.h"

namespace hadal {
namespace {

constexpr std::string_view kDefaultLevel = "high";
constexpr std::string_view kOff = "none";
// The model card asks for this much context for the maximum effort.
constexpr int64_t kMaxEffortContextTokens = 393'216;

class ThinkingReader {
 public:
  ThinkingReader(
      const JsonValue& source,
      const PromptFormat& format,
      std::vector<std::string>& warnings)
      : source_(source), format_(format), warnings_(warnings) {}

  // Reads every source, so that wrong types are found in all of them.
  void read() {
    read_thinking_field();
    add_level(source_, "", "reasoning_effort");
    if (const JsonValue* config = object_field(source_, "", "output_config"))
      add_level(*config, "output_config", "effort");
    if (const JsonValue* reasoning = object_field(source_, "", "reasoning"))
      add_level(*reasoning, "reasoning", "effort");
    read_template_arguments();
    read_think();
  }

  bool on() const {
    if (switched_)
      return *switched_;
    if (level_)
      return *level_ != kOff;
    const JsonValue* model = field(source_, "model");
    return model == nullptr || !model->is_string() ||
           model->as_string() != "deepseek-chat";
  }

  std::string level() const {
    return level_ && *level_ != kOff ? *level_ : std::string(kDefaultLevel);
  }

 private:
  void add_switch(std::optional<bool> on) {
    if (!switched_)
      switched_ = on;
  }

  void read_thinking_field() {
    const JsonValue* thinking = field(source_, "thinking");
    if (thinking == nullptr)
      return;
    if (thinking->is_boolean()) {
      add_switch(thinking->as_boolean());
      return;
    }
    object_field(source_, "", "thinking");
    std::optional<std::string> type =
        string_field(*thinking, "thinking", "type");
    if (!type)
      return;
    if (*type == "enabled" || *type == "adaptive")
      add_switch(true);
    else if (*type == "disabled")
      add_switch(false);
    else
      warnings_.push_back(fmt::format(
          "thinking.type '{}' is unknown and was ignored; expected enabled, "
          "adaptive or disabled",
          *type));
  }

  void read_template_arguments() {
    constexpr std::string_view kPath = "chat_template_kwargs";
    const JsonValue* arguments = object_field(source_, "", kPath);
    if (arguments == nullptr)
      return;
    template_switch_ = bool_field(*arguments, kPath, "thinking");
    std::optional<bool> enable =
        bool_field(*arguments, kPath, "enable_thinking");
    if (!template_switch_)
      template_switch_ = enable;
    add_level(*arguments, kPath, "reasoning_effort");
  }

  void read_think() {
    const JsonValue* think = field(source_, "think");
    if (think != nullptr && think->is_boolean())
      add_switch(think->as_boolean());
    else
      add_level(source_, "", "think");
    add_switch(template_switch_);
  }

  void add_level(
      const JsonValue& object, std::string_view path, std::string_view key) {
    std::optional<std::string> level = string_field(object, path, key);
    if (!level)
      return;
    if (*level != kOff && !effort_word(format_, *level)) {
      warnings_.push_back(fmt::format(
          "{} '{}' is unknown and was ignored; expected none, minimal, low, "
          "medium, high, xhigh or max",
          member_path(path, key),
          *level));
      return;
    }
    if (!level_)
      level_ = level;
  }

  const JsonValue& source_;
  const PromptFormat& format_;
  std::vector<std::string>& warnings_;
  std::optional<bool> switched_;
  std::optional<bool> template_switch_;
  std::optional<std::string> level_;
};

}  // namespace

void read_thinking(
    const JsonValue& source,
    const RequestOptions& options,
    ChatRequest& request) {
  const PromptFormat& format = prompt_format(options.revision);
  ThinkingReader reader(source, format, request.warnings);
  reader.read();
  request.thinking = reader.on();
  request.level = request.thinking ? reader.level() : std::string(kOff);
  request.effort_word = std::string(*effort_word(format, reader.level()));
  if (request.thinking && request.effort_word == "max" &&
      options.context_tokens > 0 &&
      options.context_tokens < kMaxEffortContextTokens)
    request.warnings.push_back(fmt::format(
        "effort '{}' wants a context of at least {} tokens; this one has {}",
        request.level,
        kMaxEffortContextTokens,
        options.context_tokens));
}

}  // namespace hadal
