// hadal completion: scripts that complete verbs, flags and their values. They
// are made from the parser itself, so they know every flag.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/exit_codes.h"
#include "cli/verbs.h"

namespace hadal::cli {
namespace {

// What follows a flag.
enum class Value { none, words, file, directory, other };

struct Flag {
  std::vector<std::string> names;  // "--model", "-m"
  std::string what;
  Value value = Value::none;
  std::string words;  // joined by spaces
};

struct VerbFlags {
  std::string name;
  std::string what;
  std::vector<Flag> flags;
  Value positional = Value::none;
  std::string words;  // of the positional
};

// The kind of a value, from the text that --help shows for it.
Value value_of(const CLI::Option& option, std::string& words) {
  if (option.get_items_expected_max() == 0)
    return Value::none;
  const std::string& text = option.get_option_text();
  if (text.find('|') != std::string::npos) {
    words = text;
    std::replace(words.begin(), words.end(), '|', ' ');
    return Value::words;
  }
  if (text.find("DIR") != std::string::npos)
    return Value::directory;
  if (text.find("FILE") != std::string::npos ||
      text.find("GOLDEN") != std::string::npos)
    return Value::file;
  return Value::other;
}

void add_flags(const CLI::App& app, VerbFlags& verb) {
  const auto known = [&verb](const std::string& name) {
    return std::any_of(
        verb.flags.begin(), verb.flags.end(), [&name](const Flag& flag) {
          return std::find(flag.names.begin(), flag.names.end(), name) !=
                 flag.names.end();
        });
  };
  for (const CLI::Option* option : app.get_options()) {
    Flag flag{.what = option->get_description()};
    flag.value = value_of(*option, flag.words);
    for (const std::string& name : option->get_lnames())
      flag.names.push_back("--" + name);
    for (const std::string& name : option->get_snames())
      flag.names.push_back("-" + name);
    if (flag.names.empty()) {
      verb.positional = flag.value;
      verb.words = flag.words;
    } else if (!known(flag.names.front())) {
      verb.flags.push_back(std::move(flag));
    }
  }
}

// A verb below the verb (bench serve) is a word of it, and its flags count as
// the verb's own.
VerbFlags flags_of(const CLI::App& app) {
  VerbFlags verb{.name = app.get_name(), .what = app.get_description()};
  add_flags(app, verb);
  for (const CLI::App* below : app.get_subcommands({})) {
    add_flags(*below, verb);
    verb.positional = Value::words;
    verb.words += (verb.words.empty() ? "" : " ") + below->get_name();
  }
  return verb;
}

std::string joined(const std::vector<std::string>& parts, const char* between) {
  return fmt::format("{}", fmt::join(parts, between));
}

// In single quotes, for all three shells.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' ? "'\\''" : c == '\n' ? " " : std::string(1, c);
  return out + "'";
}

// compgen's arguments for a value.
std::string bash_choices(Value value, const std::string& words) {
  switch (value) {
    case Value::words:
      return "-W " + quoted(words);
    case Value::directory:
      return "-d";
    case Value::file:
      return "-f";
    case Value::none:
    case Value::other:
      break;
  }
  return "";
}

void print_bash(const std::vector<VerbFlags>& verbs, std::ostream& out) {
  std::vector<std::string> names;
  for (const VerbFlags& verb : verbs)
    names.push_back(verb.name);
  out << "# bash completion of hadal: source <(hadal completion bash)\n"
         "_hadal() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]}\n"
         "  local before=${COMP_WORDS[COMP_CWORD-1]} verb= i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case ${COMP_WORDS[i]} in\n"
      << "      " << joined(names, " | ")
      << ") verb=${COMP_WORDS[i]}; break ;;\n"
         "    esac\n"
         "  done\n"
         "  local flags= choices=\n"
         "  case $verb in\n";
  for (const VerbFlags& verb : verbs) {
    std::vector<std::string> all;
    out << "    " << verb.name << ")\n      case $before in\n";
    for (const Flag& flag : verb.flags) {
      all.insert(all.end(), flag.names.begin(), flag.names.end());
      if (flag.value == Value::none)
        continue;
      const std::string choices = bash_choices(flag.value, flag.words);
      out << "        " << joined(flag.names, " | ") << ") ";
      if (!choices.empty())
        out << "COMPREPLY=($(compgen " << choices << " -- \"$word\")); ";
      out << "return ;;\n";
    }
    out << "      esac\n      flags=" << quoted(joined(all, " "))
        << "\n      choices="
        << quoted(bash_choices(verb.positional, verb.words)) << " ;;\n";
  }
  out << "    *) flags='--help --version --log " << joined(names, " ")
      << "' ;;\n"
         "  esac\n"
         "  if [[ $word == -* || -z $verb || -z $choices ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$flags\" -- \"$word\"))\n"
         "  else\n"
         "    eval \"COMPREPLY=(\\$(compgen $choices -- \\\"\\$word\\\"))\"\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _hadal hadal\n";
}

// The part of an argument's specification behind its description.
std::string zsh_value(Value value, const std::string& words) {
  switch (value) {
    case Value::none:
      return "";
    case Value::words:
      return ":value:(" + words + ")";
    case Value::directory:
      return ":directory:_files -/";
    case Value::file:
      return ":file:_files";
    case Value::other:
      break;
  }
  return ":value: ";
}

// Brackets and colons have a meaning in a specification.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\')
      out += '\\';
    out += c;
  }
  return out;
}

void print_zsh(const std::vector<VerbFlags>& verbs, std::ostream& out) {
  out << "#compdef hadal\n"
         "# zsh completion of hadal: source <(hadal completion zsh)\n"
         "_hadal() {\n"
         "  local -a verbs\n"
         "  verbs=(\n";
  for (const VerbFlags& verb : verbs)
    out << "    " << quoted(verb.name + ":" + zsh_text(verb.what)) << "\n";
  out << "  )\n"
         "  local context state line\n"
         "  _arguments -C '1:verb:->verb' '*::argument:->argument'\n"
         "  case $state in\n"
         "    verb) _describe verb verbs ;;\n"
         "    argument)\n"
         "      case $words[1] in\n";
  for (const VerbFlags& verb : verbs) {
    out << "        " << verb.name << ") _arguments";
    for (const Flag& flag : verb.flags)
      for (const std::string& name : flag.names)
        out << " \\\n          "
            << quoted(
                   name + "[" + zsh_text(flag.what) + "]" +
                   zsh_value(flag.value, flag.words));
    if (verb.positional != Value::none)
      out << " \\\n          "
          << quoted("*" + zsh_value(verb.positional, verb.words));
    out << " ;;\n";
  }
  out << "      esac ;;\n"
         "  esac\n"
         "}\n"
         "compdef _hadal hadal\n";
}

std::string fish_value(Value value, const std::string& words) {
  switch (value) {
    case Value::none:
      return "";
    case Value::words:
      return " -x -a " + quoted(words);
    case Value::directory:
      return " -x -a '(__fish_complete_directories)'";
    case Value::file:
      return " -r -F";
    case Value::other:
      break;
  }
  return " -x";
}

void print_fish(const std::vector<VerbFlags>& verbs, std::ostream& out) {
  out << "# fish completion of hadal: hadal completion fish | source\n"
         "complete -c hadal -f\n";
  for (const VerbFlags& verb : verbs)
    out << "complete -c hadal -n __fish_use_subcommand -a " << verb.name
        << " -d " << quoted(verb.what) << "\n";
  for (const VerbFlags& verb : verbs) {
    const std::string in =
        "complete -c hadal -n '__fish_seen_subcommand_from " + verb.name + "'";
    for (const Flag& flag : verb.flags) {
      out << in;
      for (const std::string& name : flag.names)
        out
            << (name.starts_with("--") ? " -l " + name.substr(2)
                                       : " -s " + name.substr(1));
      out << " -d " << quoted(flag.what) << fish_value(flag.value, flag.words)
          << "\n";
    }
    if (verb.positional == Value::file)
      out << in << " -F\n";
    else if (verb.positional == Value::words)
      out << in << " -a " << quoted(verb.words) << "\n";
  }
}

int run(const CLI::App& program, const std::string& shell) {
  std::vector<VerbFlags> verbs;
  for (const CLI::App* verb : program.get_subcommands({}))
    verbs.push_back(flags_of(*verb));
  if (shell == "bash")
    print_bash(verbs, std::cout);
  else if (shell == "zsh")
    print_zsh(verbs, std::cout);
  else
    print_fish(verbs, std::cout);
  return kSuccess;
}

}  // namespace

Run add_completion(CLI::App& app, CLI::App& program) {
  auto shell = std::make_shared<std::string>();
  app.add_option("shell", *shell, "The shell")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>{"bash", "zsh", "fish"}))
      ->option_text("bash|zsh|fish");
  app.footer(
      "Examples:\n"
      "  source <(hadal completion bash)\n"
      "  source <(hadal completion zsh)\n"
      "  hadal completion fish | source");
  return [shell, &program] { return run(program, *shell); };
}

}  // namespace hadal::cli
