// SPDX-License-Identifier: Apache-2.0
// tributaryctl: command line in, exit code out (0 done, 1 failed, 2 usage, 130
// interrupted). Results go to `out`, errors to `err`.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "coordinator/ctl/terminal.h"

namespace tributary::ctl {

int RunProgram(const std::vector<std::string>& arguments, std::ostream& out,
               std::ostream& err, Style style);

}  // namespace tributary::ctl
