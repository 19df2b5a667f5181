// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "coordinator/ctl/program.h"

int main(int argc, char** argv) {
  // A reader that goes away (| head) is no reason to die in the middle.
  signal(SIGPIPE, SIG_IGN);
  // Errors say what gRPC's log lines would, in words. Who sets it sees them.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  return tributary::ctl::RunProgram(
      std::vector<std::string>(argv + 1, argv + argc), std::cout, std::cerr,
      isatty(STDOUT_FILENO) == 1 ? tributary::ctl::Style::kTerminal
                                 : tributary::ctl::Style::kPlain);
}
