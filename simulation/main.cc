// SPDX-License-Identifier: Apache-2.0
// tributary-simulate: runs a plan over virtual clients.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <iostream>
#include <string>

#include "simulation/commands.h"

namespace {

using tributary::simulation::ExistingFiles;
using tributary::simulation::Progress;
using tributary::simulation::SimulateOptions;

constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

// The first stops the run where it is; the next ends the process.
void Interrupt(int signal) {
  interrupted.store(true);
  std::signal(signal, SIG_DFL);
}

int Fail(const absl::Status& status) {
  std::cerr << "tributary-simulate: " << status.message() << "\n";
  return kFailure;
}

int Simulate(const SimulateOptions& options) {
  std::signal(SIGINT, Interrupt);
  std::signal(SIGTERM, Interrupt);
  const auto end =
      tributary::simulation::Simulate(options, interrupted, std::cerr);
  if (!end.ok()) return Fail(end.status());
  const bool is_stopped = end->end == tributary::round::RunEnd::kStopped;
  if (options.progress) {
    std::cerr << (is_stopped ? "interrupted" : end->reason) << "; results in "
              << options.out.string() << "\n";
  }
  switch (end->end) {
    case tributary::round::RunEnd::kFinished:
      return 0;
    case tributary::round::RunEnd::kStopped:
      return kInterrupted;
    case tributary::round::RunEnd::kFailed:
      return Fail(absl::AbortedError("the run failed: " + end->reason));
  }
  return kFailure;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Runs a Tributary plan over virtual clients in one process");
  app.set_version_flag("--version",
                       std::string("tributary-simulate ") + TRIBUTARY_VERSION);
  SimulateOptions options;
  int workers = 0;
  bool is_quiet = false;
  std::string plan, out;
  const auto add_common = [&](CLI::App& command) {
    command.add_option("PLAN", plan, "plan.yaml with a simulation section");
    command.add_option("--out", out, "folder to fill; must be empty or new");
    command.add_flag_callback(
        "--force", [&] { options.existing = ExistingFiles::kOverwrite; },
        "overwrite what the folder holds");
    command.add_flag("--quiet", is_quiet, "show nothing but errors");
  };
  add_common(app);
  app.add_option("--workers", workers,
                 "threads that train (default: the plan's)")
      ->check(CLI::Range(1, 1024));
  CLI::App* partition = app.add_subcommand(
      "partition",
      "write each client's examples for real clients, and test.csv");
  add_common(*partition);
  try {
    app.parse(argc, argv);
    if (plan.empty()) throw CLI::RequiredError("PLAN");
    if (out.empty()) throw CLI::RequiredError("--out");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  options.plan = plan;
  options.out = out;
  if (workers > 0) options.workers = workers;
  options.progress = isatty(STDERR_FILENO) == 1 ? Progress::Style::kBar
                                                : Progress::Style::kLines;
  if (is_quiet) options.progress.reset();
  if (*partition) {
    const auto written =
        tributary::simulation::WritePartition(options, std::cout);
    return written.ok() ? 0 : Fail(written);
  }
  return Simulate(options);
}
