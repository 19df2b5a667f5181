// SPDX-License-Identifier: Apache-2.0
#include "proto/command_line/no_core_dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>

namespace tributary::command_line {

std::error_code ForbidCoreDumps() {
  constexpr rlimit kNone{0, 0};
  // A limit of 0 does not hold for a pipe that core_pattern names; not being
  // dumpable does.
  if (::setrlimit(RLIMIT_CORE, &kNone) != 0 ||
      ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return {errno, std::generic_category()};
  }
  return {};
}

}  // namespace tributary::command_line
