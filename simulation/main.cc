// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "simulation/program.h"

int main(int argc, char** argv) {
  using tributary::simulation::Console;
  using tributary::simulation::Progress;
  const Console console{.out = std::cout,
                        .report = std::cerr,
                        .style = isatty(STDERR_FILENO) == 1
                                     ? Progress::Style::kBar
                                     : Progress::Style::kLines};
  return tributary::simulation::RunProgram(
      std::vector<std::string>(argv + 1, argv + argc), console);
}
