// The program `hadal`: picks the verb, runs it, and turns what it throws into
// one line on stderr and an exit status.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "cli/exit_codes.h"
#include "cli/load_model.h"
#include "cli/log_sink.h"
#include "cli/verbs.h"
#include "hadal/version.h"
#include "text/utf8.h"

namespace hadal::cli {
namespace {

struct Verb {
  CLI::App* app;
  Run run;
};

// The error line: always one line of UTF-8 without control characters,
// whatever the message quotes.
int fail(const std::string& text, int status) {
  std::string message = replace_invalid_utf8(text);
  for (char& c : message)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      c = ' ';
  std::cout.flush();
  std::cerr << "hadal: error: " << message << std::endl;
  return status;
}

// The verb that the arguments reached: errors point to its help.
std::string help_command(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? "hadal --help"
                        : "hadal " + chosen.front()->get_name() + " --help";
}

int parse_failure(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0)
    return app.exit(error);  // --help, --version
  return fail(
      std::string(error.what()) + "; see " + help_command(app), kWrongUsage);
}

int run_verb(const CLI::App& app, const std::vector<Verb>& verbs) {
  try {
    for (const Verb& verb : verbs)
      if (verb.app->parsed()) {
        const int status = verb.run();
        // A full disk or a closed pipe must not pass for success.
        std::cout.flush();
        if (std::fflush(stdout) != 0 || !std::cout)
          return fail("cannot write to standard output", kFailed);
        return status;
      }
    return kWrongUsage;  // the parser requires a verb
  } catch (const UsageError& error) {
    return fail(
        std::string(error.what()) + "; see " + help_command(app), kWrongUsage);
  } catch (const WeightsDoNotFit& error) {
    return fail(advice(error), kFailed);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled) {
      std::cerr << "hadal: interrupted" << std::endl;
      return kInterruptedExitCode;
    }
    return fail(error.what(), exit_code(error.code()));
  } catch (const std::bad_alloc&) {
    return fail(
        "out of memory; a smaller --context needs less, and so do fewer "
        "programs beside this one",
        kFailed);
  } catch (const std::exception& error) {
    return fail(
        std::string("unexpected: ") + error.what() +
            "; this is a defect in Hadal, please report it",
        kFailed);
  }
}

int run(int argc, char** argv) {
  CLI::App app{"Hadal runs DeepSeek-V4 models.", "hadal"};
  app.set_version_flag("--version", "hadal " + std::string(version()));
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  app.footer(
      "hadal VERB --help says more about each verb. Without --model the "
      "bundled nano\nmodel is used: hadal generate --prompt \"Tell me a "
      "story about a fox named Nina.\"");
  std::string log_levels;
  app.add_option(
         "--log",
         log_levels,
         "What the library reports on stderr: off, error, warning, info, debug "
         "or trace, for all areas or by area (warning,cache=debug)")
      ->envname("HADAL_LOG")
      ->option_text("LEVELS");

  const auto add = [&app](const char* name, const char* what, auto setup) {
    CLI::App* const verb = app.add_subcommand(name, what);
    return Verb{verb, setup(*verb)};
  };
  std::vector<Verb> verbs;
  verbs.push_back(add("generate", "Answer a prompt", add_generate));
  verbs.push_back(add("chat", "Talk with the model", add_chat));
  verbs.push_back(
      add("serve", "Answer OpenAI's and Anthropic's APIs", add_serve));
  verbs.push_back(
      add("inspect",
          "Show what a checkpoint holds and what it needs (reads headers only)",
          add_inspect));
  verbs.push_back(add(
      "verify", "Replay recorded logits and compare with them", add_verify));
  verbs.push_back(
      add("convert",
          "Write a checkpoint in other formats or another layout",
          add_convert));
  verbs.push_back(
      add("eval",
          "Measure a model on a text, compare two, or find what matters",
          add_eval));
  verbs.push_back(
      add("tokenize",
          "Turn text into token ids and back, or render chat requests",
          add_tokenize));
  verbs.push_back(
      add("bench",
          "Measure speeds and their share of what the machine can do",
          add_bench));
  verbs.push_back(
      add("doctor", "Check this machine and every kernel on it", add_doctor));
  verbs.push_back(
      add("completion",
          "Print the completion script of a shell",
          [&app](CLI::App& verb) { return add_completion(verb, app); }));

  if (argc > 1 && argv[1][0] != '-' &&
      std::none_of(verbs.begin(), verbs.end(), [argv](const Verb& verb) {
        return verb.app->get_name() == argv[1];
      }))
    return fail(
        "no verb " + std::string(argv[1]) + "; see hadal --help", kWrongUsage);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return parse_failure(app, error);
  }
  if (const std::string problem = start_log(log_levels); !problem.empty())
    return fail(problem, kWrongUsage);
  return run_verb(app, verbs);
}

}  // namespace
}  // namespace hadal::cli

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "");
  std::ios::sync_with_stdio(false);
  try {
    return hadal::cli::run(argc, argv);
  } catch (const std::exception& error) {
    return hadal::cli::fail(error.what(), hadal::cli::kFailed);
  }
}
