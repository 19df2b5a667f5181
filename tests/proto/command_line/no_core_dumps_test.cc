// SPDX-License-Identifier: Apache-2.0
#include "proto/command_line/no_core_dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "tests/catch.h"

namespace tributary::command_line {
namespace {

TEST_CASE("no core of the process is dumped, to a file or a pipe") {
  REQUIRE_FALSE(ForbidCoreDumps());
  rlimit limit{1, 1};
  REQUIRE(::getrlimit(RLIMIT_CORE, &limit) == 0);
  CHECK(limit.rlim_cur == 0);
  CHECK(limit.rlim_max == 0);
  CHECK(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
}

}  // namespace
}  // namespace tributary::command_line
