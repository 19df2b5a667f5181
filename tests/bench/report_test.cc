// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/report.h"

#include <cmath>

#include "tests/catch.h"

namespace tributary::bench {
namespace {

TEST_CASE("a report names the figures on the wrong side of their limit") {
  const Figure within{"within", 2.0, "ms", 2.0, ""};
  const Figure free{"free", 9.0, "ms", {}, ""};
  const Figure over{"over", 2.1, "ms", 2.0, ""};
  const Figure none{"none", std::nan(""), "ms", 2.0, ""};
  CHECK(Verdict({within, free}) == "Within every limit.");
  CHECK(Verdict({over, within, none}) == "MISSED the limit: over none");
  const Figure fast{"fast", 3.0, "x", 3.0, "", Wanted::kAtLeast};
  const Figure slow{"slow", 2.9, "x", 3.0, "", Wanted::kAtLeast};
  CHECK(Verdict({fast}) == "Within every limit.");
  CHECK(Verdict({fast, slow}) == "MISSED the limit: slow");
}

TEST_CASE("a report that cannot be written says so") {
  CHECK_FALSE(WriteJson("/nowhere/bench.json", {}));
}

}  // namespace
}  // namespace tributary::bench
