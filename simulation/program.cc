// SPDX-License-Identifier: Apache-2.0
#include "simulation/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>
#include <ostream>

#include "simulation/commands/data.h"
#include "simulation/commands/partition.h"
#include "simulation/commands/run.h"
#include "simulation/interrupt.h"

namespace tributary::simulation {
namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;
// The command that need not be named.
constexpr const char* kDefault = "run";

int Fail(const Console& console, const absl::Status& status) {
  console.report << "tributary-simulate: " << status.message() << "\n";
  return kFailure;
}

int ExitCode(const Console& console, const absl::Status& status) {
  return status.ok() ? 0 : Fail(console, status);
}

// A command as it was spelt, to be done once the whole line is known to make
// sense.
struct Command {
  CLI::App* spelling;
  std::function<int()> action;
};

// PLAN, and what is said instead of what it says.
void AddPlan(CLI::App& command, PlanSource& plan) {
  command.add_option("PLAN", plan.file, "plan.yaml with a simulation section")
      ->required();
  command
      .add_option("--set", plan.settings,
                  "KEY=VALUE in place of the plan's, such as "
                  "round.cohort_size=20; can be repeated")
      ->allow_extra_args(false);
  command.add_option("--data", plan.data,
                     "folder of data sets, ${data} in the plan's paths");
}

// The folder to fill.
void AddOut(CLI::App& command, std::filesystem::path& out,
            ExistingFiles& existing) {
  command.add_option("--out", out, "folder to fill; must be empty or new")
      ->required();
  command.add_flag_callback(
      "--force", [&existing] { existing = ExistingFiles::kOverwrite; },
      "overwrite what the folder holds");
}

struct RunLine {
  SimulateOptions options;
  bool is_quiet = false;
};

int Run(const RunLine& line, const Console& console) {
  SimulateOptions options = line.options;
  options.progress = console.style;
  if (line.is_quiet) options.progress.reset();
  const auto end = Simulate(options, CatchInterrupts(), console.report);
  if (!end.ok()) return Fail(console, end.status());
  const bool is_stopped = end->end == round::RunEnd::kStopped;
  if (options.progress) {
    console.report << (is_stopped ? "interrupted" : end->reason)
                   << "; results in " << options.out.string() << "\n";
  }
  switch (end->end) {
    case round::RunEnd::kFinished:
      return 0;
    case round::RunEnd::kStopped:
      return kInterrupted;
    case round::RunEnd::kFailed:
      return Fail(console,
                  absl::AbortedError("the run failed: " + end->reason));
  }
  return kFailure;
}

Command AddRun(CLI::App& app, const Console& console) {
  auto line = std::make_shared<RunLine>();
  CLI::App* command = app.add_subcommand(
      kDefault, "run a plan; what is done without a command");
  AddPlan(*command, line->options.plan);
  AddOut(*command, line->options.out, line->options.existing);
  command
      ->add_option("--workers", line->options.plan.workers,
                   "threads that train (default: the plan's)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--quiet", line->is_quiet, "show nothing but errors");
  return {command, [line, &console] { return Run(*line, console); }};
}

Command AddPartition(CLI::App& app, const Console& console) {
  struct Line {
    PartitionOptions options;
    bool is_quiet = false;
  };
  auto line = std::make_shared<Line>();
  CLI::App* command = app.add_subcommand(
      "partition",
      "write each client's examples for real clients, and test.csv");
  AddPlan(*command, line->options.plan);
  AddOut(*command, line->options.out, line->options.existing);
  command->add_flag("--quiet", line->is_quiet, "show nothing but errors");
  return {command, [line, &console] {
            std::ostream nowhere(nullptr);
            return ExitCode(
                console,
                WritePartition(line->options,
                               line->is_quiet ? nowhere : console.out));
          }};
}

Command AddData(CLI::App& app, const Console& console) {
  struct Line {
    std::string name;
    std::filesystem::path folder;
  };
  auto line = std::make_shared<Line>();
  CLI::App* command =
      app.add_subcommand("data", "the public data sets of the ready plans");
  command->require_subcommand(1);
  command->add_subcommand("list", "what there is, and where it comes from");
  CLI::App* check = command->add_subcommand(
      "check",
      "print whose a set is and its licence; compare its files with those that "
      "were published");
  check->add_option("NAME", line->name, "as `data list` shows it")->required();
  check
      ->add_option("FOLDER", line->folder,
                   "the set's folder, or the folder of data sets")
      ->required();
  return {command, [line, check, &console] {
            if (*check) {
              return ExitCode(console,
                              CheckData(line->name, line->folder, console.out));
            }
            ListData(console.out);
            return 0;
          }};
}

// True for what is no argument of the default command.
bool IsOfProgram(const std::vector<Command>& commands,
                 const std::string& first) {
  return first == "-h" || first == "--help" || first == "--version" ||
         std::ranges::any_of(commands, [&](const Command& command) {
           return command.spelling->get_name() == first;
         });
}

}  // namespace

int RunProgram(const std::vector<std::string>& arguments,
               const Console& console) {
  CLI::App app("Runs a Tributary plan over virtual clients in one process",
               "tributary-simulate");
  app.set_version_flag("--version",
                       std::string("tributary-simulate ") + TRIBUTARY_VERSION);
  app.require_subcommand(1);
  const std::vector<Command> commands = {
      AddRun(app, console), AddPartition(app, console), AddData(app, console)};
  std::vector<std::string> line(arguments.rbegin(), arguments.rend());
  if (!line.empty() && !IsOfProgram(commands, line.back()))
    line.push_back(kDefault);
  try {
    app.parse(line);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, console.out, console.report) == 0 ? 0 : kUsage;
  }
  for (const Command& command : commands) {
    if (*command.spelling) return command.action();
  }
  return kUsage;
}

}  // namespace tributary::simulation
