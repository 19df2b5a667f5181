// SPDX-License-Identifier: Apache-2.0
// How the commands of tributary-simulate are spelt; what they do is in
// simulation/commands/, one file each.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "simulation/progress.h"

namespace tributary::simulation {

// Where a command writes to. Lifetime: the streams outlive it.
struct Console {
  std::ostream& out;     // what was asked for
  std::ostream& report;  // progress and errors
  Progress::Style style = Progress::Style::kLines;
};

// Runs the command that the arguments (without the program's name) spell.
// Returns the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
int RunProgram(const std::vector<std::string>& arguments,
               const Console& console);

}  // namespace tributary::simulation
