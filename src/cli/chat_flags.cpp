#include "cli/chat_flags.h"

#include <CLI/CLI.hpp>
#include <array>

#include "cli/exit_codes.h"
#include "cli/read_text.h"

namespace hadal::cli {
namespace {

constexpr const char* kPromptGroup = "Prompt";
constexpr std::array kLevels = {
    Thinking::none,
    Thinking::minimal,
    Thinking::low,
    Thinking::medium,
    Thinking::high,
    Thinking::xhigh,
    Thinking::max};

}  // namespace

std::string thinking_words() {
  std::string words;
  for (const Thinking level : kLevels)
    words += (words.empty() ? "" : ", ") + std::string(name(level));
  return words;
}

std::optional<Thinking> thinking_from(std::string_view word) {
  for (const Thinking level : kLevels)
    if (word == name(level))
      return level;
  return std::nullopt;
}

std::shared_ptr<ChatFlags> add_chat_flags(CLI::App& app) {
  auto flags = std::make_shared<ChatFlags>();
  app.add_option(
         "-s,--system", flags->system, "The system message; default: none")
      ->option_text("TEXT")
      ->group(kPromptGroup);
  app.add_option_function<std::string>(
         "--thinking",
         [flags](const std::string& word) {
           const std::optional<Thinking> level = thinking_from(word);
           if (!level)
             throw CLI::ValidationError(
                 "--thinking",
                 "found \"" + word + "\", expected one of " + thinking_words());
           flags->thinking = *level;
         },
         "How much the model thinks before it answers; default: none")
      ->option_text("none|high|max")
      ->group(kPromptGroup);
  app.add_option(
         "--tools",
         flags->tools_file,
         "A file with the JSON array of tools that the model may call, as in "
         "the OpenAI API")
      ->option_text("FILE")
      ->group(kPromptGroup);
  app.add_option(
         "--revision",
         flags->revision,
         "The prompt format; default: found out from the checkpoint")
      ->option_text("v4|v4-0731")
      ->group(kPromptGroup);
  return flags;
}

ChatOptions chat_options(
    const ChatFlags& flags, const std::filesystem::path& checkpoint) {
  ChatOptions options;
  options.revision =
      detect_revision(checkpoint.string(), flags.revision).value();
  options.thinking = flags.thinking;
  if (!flags.tools_file.empty()) {
    options.tools = read_text(flags.tools_file);
    require_utf8(options.tools, flags.tools_file);
  }
  return options;
}

}  // namespace hadal::cli
