// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/duration.h"

#include <string>

// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

std::int64_t Nanos(const std::string& text) {
  const auto duration = ParseDuration(text);
  return duration ? duration->seconds() * 1'000'000'000 + duration->nanos()
                  : -1;
}

TEST_CASE("durations are read exactly") {
  CHECK(Nanos("90s") == 90'000'000'000);
  CHECK(Nanos("500ms") == 500'000'000);
  CHECK(Nanos("2m") == 120'000'000'000);
  CHECK(Nanos("1.5h") == 5'400'000'000'000);
  CHECK(Nanos("0.1s") == 100'000'000);
  CHECK(Nanos("0s") == 0);
  CHECK(Nanos("0.000000001s") == 1);
}

TEST_CASE("what is no duration is refused") {
  for (const char* text :
       {"", "s", "90", "-1s", "+1s", " 1s", "1 s", "1sec", "1e3s", "1.2.3s",
        ".s", "0x10s", "0.0000000001s", "99999999999999999999s",
        "0.00000000000000000000000000001h"}) {
    INFO(text);
    CHECK(Nanos(text) == -1);
  }
}

TEST_CASE("durations are written as people would") {
  for (const char* text :
       {"90s", "500ms", "2m", "1h", "0s", "1.5s", "0.000000001s", "1ms"}) {
    CHECK(FormatDuration(*ParseDuration(text)) == text);
  }
}

}  // namespace
}  // namespace tributary::codec
