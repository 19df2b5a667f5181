// SPDX-License-Identifier: Apache-2.0
// tributary-coordinator: the central process.
#include <sys/resource.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "coordinator/server/program.h"
#include "proto/command_line/no_core_dumps.h"
#include "proto/command_line/read.h"

namespace {

// A connection is a descriptor, and so is an update that waits to be folded: as
// many as the system allows rather than the shell's default of 1,024.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "The coordinator of a federation: it selects clients, collects "
      "their updates and makes the next model",
      "tributary-coordinator");
  std::string config;
  bool only_check = false;
  app.add_option("--config", config, "configuration file (YAML)")
      ->required()
      ->type_name("FILE");
  app.add_flag("--check", only_check,
               "check the configuration and the files it names, and exit");
  if (const auto code = tributary::command_line::Read(
          app, TRIBUTARY_VERSION,
          std::vector<std::string>(argv + 1, argv + argc), std::cout,
          std::cerr)) {
    return *code;
  }

  const auto fail = [](const absl::Status& status) {
    std::fprintf(stderr, "tributary-coordinator: %s\n",
                 std::string(status.message()).c_str());
    return tributary::command_line::kFailure;
  };
  const absl::StatusOr<tributary::coordinator::Program> program =
      tributary::coordinator::ReadProgram(config);
  if (!program.ok()) return fail(program.status());
  if (only_check) {
    std::printf("%s is valid\n", config.c_str());
    return 0;
  }
  RaiseDescriptorLimit();
  if (const auto error = tributary::command_line::ForbidCoreDumps()) {
    return fail(
        absl::UnknownError("forbidding core dumps: " + error.message()));
  }
  const absl::Status status = tributary::coordinator::Run(*program);
  return status.ok() ? 0 : fail(status);
}
