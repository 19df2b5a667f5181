// SPDX-License-Identifier: Apache-2.0
// How every program of ours reads its command line, so that all of them answer
// alike.
//
//   CLI::App app("Makes, shows and exports model files", "tributary-model");
//   app.add_option("PLAN", file, "plan.yaml")->required();
//   app.add_option("--out", out, "file to write (default: model.pt)");
//   const std::vector<std::string> arguments(argv + 1, argv + argc);
//   if (auto code = Read(app, VERSION, arguments, std::cout, std::cerr)) {
//     return *code;
//   }
//
// Positionals are written in capitals. What an option or a command does begins
// small and has no full stop. A default that CLI11 knows
// (capture_default_str) is shown as those that it does not: "(default: X)".
//
// One thread.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace tributary::command_line {

// Exit codes of every program, besides 0.
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
inline constexpr int kInterrupted = 130;  // Ctrl-C

// Reads the arguments, the program's name not among them. Returns the exit code
// if that was all: 0 after --help and --version, which it adds, on `out`;
// kUsage after a mistake, which it names on `err`, a misspelt word before what
// is missing. The app has a name; its commands are there.
std::optional<int> Read(CLI::App& app, const std::string& version,
                        std::vector<std::string> arguments, std::ostream& out,
                        std::ostream& err);

}  // namespace tributary::command_line
