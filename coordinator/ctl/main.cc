// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "coordinator/ctl/program.h"

int main(int argc, char** argv) {
  // A reader that goes away (| head) is no reason to die in the middle.
  signal(SIGPIPE, SIG_IGN);
  return tributary::ctl::RunProgram(
      std::vector<std::string>(argv + 1, argv + argc), std::cout, std::cerr,
      isatty(STDOUT_FILENO) == 1 ? tributary::ctl::Style::kTerminal
                                 : tributary::ctl::Style::kPlain);
}
