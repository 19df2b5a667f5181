// SPDX-License-Identifier: Apache-2.0
#include "simulation/program.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <ostream>

#include "proto/command_line/read.h"
#include "simulation/commands/compare.h"
#include "simulation/commands/data.h"
#include "simulation/commands/dry_run.h"
#include "simulation/commands/membership.h"
#include "simulation/commands/partition.h"
#include "simulation/commands/report.h"
#include "simulation/commands/run.h"
#include "simulation/commands/sweep.h"
#include "simulation/interrupt.h"
#include "simulation/ranks/rank_place.h"
#include "simulation/shared_options.h"
#include "tributary/torch_trainer.h"

namespace tributary::simulation {
namespace {

using command_line::kFailure;
using command_line::kInterrupted;
using command_line::kUsage;
// The command that need not be named.
constexpr const char* kDefault = "run";
constexpr const char* kInterrupting =
    "\nfinishing the round, then writing a checkpoint; Ctrl-C again quits at "
    "once\n";

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

struct RunLine {
  SimulateOptions options;
  RankOptions ranks;
  std::filesystem::path resume;
  bool is_quiet = false;
  bool is_dry = false;
};

int ExitCodeOf(round::RunEnd end) {
  switch (end) {
    case round::RunEnd::kFinished:
      return 0;
    case round::RunEnd::kStopped:
      return kInterrupted;
    case round::RunEnd::kFailed:
      return kFailure;
  }
  return kFailure;
}

// Of a rank that is not the first one: it shows errors only.
int ExitCodeOfRank(int rank, const absl::StatusOr<round::EndRun>& end,
                   const Console& console) {
  if (end.ok()) return ExitCodeOf(end->end);
  console.report << "tributary-simulate: rank " << rank << ": "
                 << end.status().message() << "\n";
  return kFailure;
}

int Run(const RunLine& line, const Console& console) {
  if (line.is_dry) {
    return ExitCode(console, WriteCost(line.options.plan, console.out));
  }
  SimulateOptions options = line.options;
  if (!line.resume.empty()) {
    options = Resuming(line.resume);
    options.plan.workers = line.options.plan.workers;
    options.plan.device = line.options.plan.device;
    options.checkpoint_every = line.options.checkpoint_every;
  }
  RankOptions ranks = line.ranks;
  if (options.plan.device.kind == TorchDevice::Kind::kCuda) {
    ranks.cuda_device = options.plan.device.index;
  }
  auto membership = JoinRanks(ranks);
  if (!membership.ok()) return Fail(console, membership.status());
  options.ranks = std::move(membership->ranks);
  const int rank = options.ranks->rank();
  const bool shows = rank == 0 && !line.is_quiet;
  if (shows) options.progress = console.style;
  if (!shows) options.progress.reset();
  const auto& interrupted = CatchInterrupts(shows ? kInterrupting : nullptr);
  const auto end = Simulate(options, interrupted, console.report);
  if (!end.ok()) options.ranks->Leave(end.status());
  // Before the children are waited for: they end when they lose touch.
  options.ranks.reset();
  if (rank != 0) return ExitCodeOfRank(rank, end, console);
  if (!end.ok()) return Fail(console, end.status());
  if (membership->children != nullptr && end->end == round::RunEnd::kFinished) {
    const auto left = membership->children->Wait();
    if (!left.ok()) return Fail(console, left);
  }
  const bool is_stopped = end->end == round::RunEnd::kStopped;
  if (options.progress && is_stopped) {
    console.report << "interrupted; what there is so far is in "
                   << options.out.string()
                   << "\nto go on: tributary-simulate --resume "
                   << options.out.string() << "\n";
  } else if (options.progress) {
    console.report << end->reason << "; results in " << options.out.string()
                   << "\n";
  }
  if (end->end == round::RunEnd::kFailed) {
    return Fail(console, absl::AbortedError("the run failed: " + end->reason));
  }
  return ExitCodeOf(end->end);
}

void AddRanks(CLI::App& command, RankOptions& ranks) {
  constexpr long long kLongest = 86'400;  // a day
  command
      .add_option(
          "--ranks", ranks.local,
          "processes on this machine that share the training (default: "
          "those of RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, else "
          "one)")
      ->check(CLI::Range(1, 1024));
  command
      .add_option_function<long long>(
          "--rank-timeout",
          [&ranks](long long value) {
            ranks.timeout = std::chrono::seconds(value);
          },
          "seconds that a rank may take to come, and to answer (default: 300)")
      ->check(CLI::Range(1LL, kLongest));
}

// The rest of a run needs neither its plan nor another folder.
void AddResume(CLI::App& command, RunLine& line) {
  CLI::Option* resume = command.add_option(
      "--resume", line.resume,
      "results folder of an interrupted run, to go on with it");
  for (const char* other :
       {"PLAN", "--set", "--data", "--out", "--force", "--dry-run"}) {
    resume->excludes(command.get_option(other));
  }
  command.get_option("PLAN")->required(false);
  command.callback([&line] {
    if (!line.resume.empty()) return;
    if (line.options.plan.file.empty()) throw CLI::RequiredError("PLAN");
    if (!line.is_dry && line.options.out.empty()) {
      throw CLI::RequiredError("--out");
    }
  });
}

Command AddRun(CLI::App& app, const std::vector<std::string>& arguments,
               const Console& console) {
  auto line = std::make_shared<RunLine>();
  line->ranks.arguments = WithoutRanks(arguments);
  CLI::App* command = app.add_subcommand(
      kDefault, "run a plan; what is done without a command");
  AddPlan(*command, line->options.plan);
  AddOut(*command, line->options.out, line->options.existing);
  AddWorkers(*command, line->options.plan.workers);
  AddDevice(*command, line->options.plan.device);
  AddDryRun(*command, line->is_dry);
  AddCheckpointEvery(*command, line->options.checkpoint_every);
  AddRanks(*command, line->ranks);
  AddResume(*command, *line);
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

Command AddReport(CLI::App& app, const Console& console) {
  auto folder = std::make_shared<std::filesystem::path>();
  CLI::App* command = app.add_subcommand(
      "report", "write report.html of a results folder anew");
  command->add_option("FOLDER", *folder, "results folder")->required();
  return {command, [folder, &console] {
            const auto written = WriteReport(*folder);
            if (written.ok()) {
              console.out << (*folder / "report.html").string() << "\n";
            }
            return ExitCode(console, written);
          }};
}

Command AddCompare(CLI::App& app, const Console& console) {
  struct Line {
    std::vector<std::string> runs;
    CompareOptions options;
  };
  auto line = std::make_shared<Line>();
  CompareOptions& options = line->options;
  CLI::App* command = app.add_subcommand(
      "compare", "show runs side by side, here and as a page");
  command->add_option("RUN", line->runs, "results folders")->required();
  command->add_option("--out", options.out,
                      "the page to write (default: compare.html)");
  command->add_option("--metric", options.comparison.metric,
                      "what of the evaluation to compare (default: the plans' "
                      "stop.metric, else accuracy)");
  command->add_option("--target", options.comparison.target,
                      "value to reach (default: the plans' stop.target, else "
                      "the best that all runs reached)");
  command->add_option("--published", options.published,
                      "CSV of run,rounds: the rounds that others took to the "
                      "plans' targets, shown beside those of the runs");
  return {command, [line, &console] {
            line->options.runs.assign(line->runs.begin(), line->runs.end());
            const auto compared = CompareFolders(line->options, console.out);
            if (compared.ok()) {
              console.out << "\ncurves: " << line->options.out.string() << "\n";
            }
            return ExitCode(console, compared);
          }};
}

int Sweep(const SweepOptions& options, const Console& console) {
  const auto& interrupted =
      CatchInterrupts(options.progress ? kInterrupting : nullptr);
  const auto end = RunSweep(options, interrupted, console.out, console.report);
  if (!end.ok()) return Fail(console, end.status());
  if (end->interrupted) {
    console.report << "interrupted; the same command goes on\n";
    return kInterrupted;
  }
  console.report << end->finished
                 << (end->finished == 1 ? " run finished, "
                                        : " runs finished, ")
                 << end->failed << " failed; results in "
                 << options.out.string() << "\n";
  return end->failed == 0 ? 0 : kFailure;
}

Command AddSweep(CLI::App& app, const Console& console) {
  struct Line {
    SweepOptions options;
    bool is_quiet = false;
    bool is_dry = false;
  };
  auto line = std::make_shared<Line>();
  SweepOptions& options = line->options;
  CLI::App* command = app.add_subcommand(
      "sweep", "run every combination of a grid of values, then compare");
  command->add_option("FILE", options.file, "a plan, or a sweep.yaml")
      ->required();
  AddSettings(*command, options.settings);
  command
      ->add_option("--grid", options.grid,
                   "KEY=V1,V2: values to try, such as "
                   "training.learning_rate=0.1,0.3; can be repeated")
      ->allow_extra_args(false);
  AddDataFolder(*command, options.data);
  AddWorkers(*command, options.workers);
  AddDevice(*command, options.device);
  command
      ->add_option("--out", options.out,
                   "folder of the runs; finished ones in it are kept, "
                   "interrupted ones go on")
      ->required();
  AddDryRun(*command, line->is_dry);
  AddCheckpointEvery(*command, options.checkpoint_every);
  command->callback([line] {
    if (!line->is_dry && line->options.out.empty()) {
      throw CLI::RequiredError("--out");
    }
  });
  command->add_flag("--quiet", line->is_quiet, "show only the comparison");
  return {command, [line, &console] {
            if (line->is_dry) {
              return ExitCode(console,
                              WriteSweepCost(line->options, console.out));
            }
            SweepOptions chosen = line->options;
            chosen.progress = console.style;
            if (line->is_quiet) chosen.progress.reset();
            return Sweep(chosen, console);
          }};
}

// True for an argument of the default command: an option of its own, or a file
// that has no command's name. Any other word is a command, misspelt or not.
bool IsOfDefault(const std::vector<Command>& commands,
                 const std::string& first) {
  if (std::ranges::any_of(commands, [&](const Command& command) {
        return command.spelling->get_name() == first;
      })) {
    return false;
  }
  if (first.starts_with('-')) {
    return first != "-h" && first != "--help" && first != "--version";
  }
  return first.find_first_of("./") != std::string::npos ||
         std::filesystem::exists(first);
}

}  // namespace

int RunProgram(const std::vector<std::string>& arguments,
               const Console& console) {
  CLI::App app(
      "Runs a Tributary plan over virtual clients on this machine or several",
      "tributary-simulate");
  app.require_subcommand(1);
  const std::vector<Command> commands = {
      AddRun(app, arguments, console), AddPartition(app, console),
      AddData(app, console),           AddReport(app, console),
      AddCompare(app, console),        AddSweep(app, console)};
  std::vector<std::string> line = arguments;
  if (!line.empty() && IsOfDefault(commands, line.front())) {
    line.insert(line.begin(), kDefault);
  }
  if (const auto code = command_line::Read(app, TRIBUTARY_VERSION, line,
                                           console.out, console.report)) {
    return *code;
  }
  for (const Command& command : commands) {
    if (!*command.spelling) continue;
    const std::string name = command.spelling->get_name();
    const auto place = ReadRankPlace(&std::getenv);
    if (name != kDefault && place.ok() && place->size > 1) {
      return Fail(console,
                  absl::InvalidArgumentError(
                      name + " runs in one process, but WORLD_SIZE says that "
                             "there are more"));
    }
    return command.action();
  }
  return kUsage;
}

}  // namespace tributary::simulation
