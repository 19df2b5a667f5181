// SPDX-License-Identifier: Apache-2.0
#include "proto/command_line/read.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace tributary::command_line {
namespace {

class Help final : public CLI::Formatter {
 public:
  // " TEXT", " {auto,cpu,cuda}", " (required)".
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text;
    // CLI11 adds what checks the value: "INT:INT in [1 - 1024]".
    const std::string type = option->get_type_name();
    const std::size_t choices = type.find(":{");
    if (option->get_type_size() != 0 && !option->get_positional()) {
      text =
          " " + (choices != std::string::npos ? type.substr(choices + 1)
                                              : type.substr(0, type.find(':')));
    }
    if (option->get_expected_max() == CLI::detail::expected_max_vector_size) {
      text += " ...";
    }
    if (option->get_required()) text += " (required)";
    return text;
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    if (!option->get_default_str().empty()) {
      text += " (default: " + option->get_default_str() + ")";
    }
    if (!option->get_envname().empty()) {
      text += " (or the variable " + option->get_envname() + ")";
    }
    return text;
  }
};

void ApplyStyle(CLI::App& app, const std::shared_ptr<Help>& help) {
  app.formatter(help);
  app.set_help_flag("-h,--help", "print this and exit");
  for (CLI::App* command :
       app.get_subcommands([](CLI::App*) { return true; })) {
    ApplyStyle(*command, help);
  }
}

// The one that was asked for: "tributary-model init".
const CLI::App& Innermost(const CLI::App& app) {
  const auto commands = app.get_subcommands();
  return commands.empty() ? app : Innermost(*commands.back());
}

std::string PathOf(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name()
                           : PathOf(*parent) + " " + command.get_name();
}

// Control characters as '?': a terminal is shown what was typed, no more.
std::string Shown(std::string word) {
  std::ranges::replace_if(
      word, [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; },
      '?');
  return word;
}

// What is wrong with the words that nothing took; empty if there are none.
std::string WhatIsLeft(const CLI::App& app) {
  const std::vector<std::string> left = app.remaining(/*recurse=*/true);
  if (left.empty()) return "";
  const auto option = std::ranges::find_if(
      left, [](const std::string& word) { return word.starts_with('-'); });
  if (option != left.end()) {
    return "\"" + Shown(*option) + "\" is no option here";
  }
  const bool wants_command = Innermost(app).get_require_subcommand_min() > 0;
  return "\"" + Shown(left.front()) + "\" is " +
         (wants_command ? "no command here" : "one argument too many");
}

}  // namespace

std::optional<int> Read(CLI::App& app, const std::string& version,
                        std::vector<std::string> arguments, std::ostream& out,
                        std::ostream& err) {
  ApplyStyle(app, std::make_shared<Help>());
  app.set_version_flag("--version", app.get_name() + " " + version,
                       "print the version and exit");
  std::ranges::reverse(arguments);
  try {
    app.parse(std::move(arguments));
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, out, err);
    const std::string left = WhatIsLeft(app);
    if (!left.empty()) err << app.get_name() << ": " << left << "\n";
    // What is missing may be what was misspelt; then both help.
    if (left.empty() ||
        dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) {
      err << app.get_name() << ": " << error.what() << "\n";
    }
    err << "see " << PathOf(Innermost(app)) << " --help\n";
    return kUsage;
  }
}

}  // namespace tributary::command_line
