// hadal tokenize: text to ids and back, and chat requests to prompts.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/model_location.h"
#include "cli/exit_codes.h"
#include "cli/model_flags.h"
#include "cli/read_text.h"
#include "cli/render_requests.h"
#include "cli/verbs.h"
#include "hadal/chat.h"
#include "hadal/error.h"
#include "hadal/tokenizer.h"

namespace hadal::cli {
namespace {

using Json = nlohmann::ordered_json;

struct TokenizeFlags {
  std::string model;
  std::optional<std::string> text;
  std::optional<std::string> file;
  std::optional<std::string> ids;
  bool decode = false;
  bool plain = false;
  bool pieces = false;
  bool render = false;
  std::string revision;
  bool json = false;
};

std::string input_text(const TokenizeFlags& flags) {
  if (flags.text)
    return *flags.text;
  if (!flags.file && ::isatty(STDIN_FILENO) == 1)
    throw UsageError(
        "no text: give it as an argument, with --file, or on standard input");
  return read_text(flags.file.value_or("-"));
}

// Ids in decimal, between them spaces, commas or brackets.
std::vector<int32_t> parse_ids(std::string_view text, int32_t vocabulary) {
  constexpr std::string_view kBetween = " \t\r\n,[]";
  std::vector<int32_t> ids;
  size_t at = 0;
  while ((at = text.find_first_not_of(kBetween, at)) != text.npos) {
    const size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    const std::string_view word = text.substr(at, end - at);
    int32_t id = 0;
    const auto [stop, error] =
        std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc() || stop != word.data() + word.size() || id < 0 ||
        id >= vocabulary)
      throw UsageError(fmt::format(
          "ids: found \"{}\", expected numbers from 0 to {}",
          word,
          vocabulary - 1));
    ids.push_back(id);
    at = end;
  }
  return ids;
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void print_decoded(
    const Tokenizer& tokenizer, std::string_view ids, bool json) {
  const std::vector<int32_t> parsed = parse_ids(ids, tokenizer.size());
  const std::string text = tokenizer.decode(parsed);
  if (json)
    std::cout << dump({{"text", text}, {"ids", parsed}}) << "\n";
  else
    std::cout << text << "\n";
}

void print_encoded(
    const Tokenizer& tokenizer,
    const std::string& text,
    const TokenizeFlags& flags) {
  const std::vector<int32_t> ids = tokenizer.encode(
      text, flags.plain ? SpecialTokens::as_text : SpecialTokens::recognised);
  if (flags.json) {
    Json out = {{"ids", ids}};
    out["pieces"] = Json::array();
    for (const int32_t id : ids)
      out["pieces"].push_back(std::string(tokenizer.bytes(id)));
    std::cout << dump(out) << "\n";
  } else if (flags.pieces) {
    for (const int32_t id : ids)
      std::cout << id << '\t' << dump(Json(std::string(tokenizer.bytes(id))))
                << '\n';
  } else {
    for (size_t i = 0; i < ids.size(); ++i)
      std::cout << (i == 0 ? "" : " ") << ids[i];
    std::cout << '\n';
  }
}

int run(const TokenizeFlags& flags) {
  // A tokenizer.json alone will do: no weights are needed.
  const std::filesystem::path place =
      std::filesystem::is_regular_file(flags.model)
          ? std::filesystem::path(flags.model)
          : find_model(flags.model);
  const Tokenizer tokenizer = Tokenizer::load(place);
  if (flags.render) {
    const std::filesystem::path folder =
        std::filesystem::is_directory(place) ? place : place.parent_path();
    render_requests(
        tokenizer,
        detect_revision(folder.string(), flags.revision).value(),
        std::cin,
        std::cout);
    return kSuccess;
  }
  if (!flags.revision.empty())
    throw UsageError("--revision needs --render, which it is for");
  if (flags.ids || flags.decode) {
    print_decoded(
        tokenizer, flags.ids ? *flags.ids : input_text(flags), flags.json);
    return kSuccess;
  }
  const std::string text = input_text(flags);
  require_utf8(text, flags.text ? "the text" : flags.file.value_or("-"));
  print_encoded(tokenizer, text, flags);
  return kSuccess;
}

}  // namespace

Run add_tokenize(CLI::App& app) {
  auto flags = std::make_shared<TokenizeFlags>();
  CLI::Option* const text =
      app.add_option("text", flags->text, "The text")->option_text("TEXT");
  CLI::Option* const file =
      app.add_option(
             "-f,--file",
             flags->file,
             "Read it from a file, - for standard input (the default)")
          ->option_text("FILE")
          ->excludes(text);
  CLI::Option* const ids =
      app.add_option("--ids", flags->ids, "Print the text of these ids instead")
          ->option_text("\"ID ...\"")
          ->excludes(text)
          ->excludes(file);
  CLI::Option* const decode =
      app.add_flag(
             "--decode", flags->decode, "The input holds ids: print their text")
          ->excludes(ids);
  app.add_flag(
      "--plain",
      flags->plain,
      "Control tokens spelled in the text are ordinary text, as when a user "
      "types them");
  app.add_flag(
      "--pieces", flags->pieces, "One line a token: its id and its bytes");
  app.add_flag(
         "--render",
         flags->render,
         "Read chat requests as a client would POST them, one JSON a line on "
         "standard input, and print {\"prompt\", \"ids\"} or {\"error\"} a "
         "line")
      ->excludes(text)
      ->excludes(file)
      ->excludes(ids)
      ->excludes(decode);
  app.add_option(
         "--revision",
         flags->revision,
         "The prompt format of --render; default: found out from the "
         "checkpoint")
      ->option_text("v4|v4-0731");
  app.add_flag("--json", flags->json, "Print JSON (docs/cli.md)");
  add_model_flag(app, flags->model);
  app.footer(
      "--model may also be a tokenizer.json.\n\n"
      "Examples:\n"
      "  hadal tokenize \"Hello there\"\n"
      "  hadal tokenize --ids \"0 19923 1\"\n"
      "  echo '{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}' | "
      "hadal tokenize --render");
  return [flags] { return run(*flags); };
}

}  // namespace hadal::cli
