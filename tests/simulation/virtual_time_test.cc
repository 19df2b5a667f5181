// SPDX-License-Identifier: Apache-2.0
#include "simulation/virtual_time.h"

#include <string>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using round::Duration;

TEST_CASE("what is due first happens first, and equals in their order") {
  VirtualTime time;
  std::string order;
  time.After(Duration(20), [&] { order += 'c'; });
  time.After(Duration(10), [&] { order += 'a'; });
  time.After(Duration(20), [&] { order += 'd'; });
  time.After(Duration(10), [&] {
    order += 'b';
    time.After(Duration(10), [&] { order += 'e'; });
  });
  while (time.RunNext()) {
  }
  CHECK(order == "abcde");
  CHECK(time.now() == round::Instant(Duration(20)));
}

TEST_CASE("what was due in the past happens now") {
  VirtualTime time;
  time.After(Duration(10), [&] { time.At(round::Instant{}, [] {}); });
  CHECK(time.RunNext());
  CHECK(time.RunNext());
  CHECK(time.now() == round::Instant(Duration(10)));
  CHECK_FALSE(time.RunNext());
}

}  // namespace
}  // namespace tributary::simulation
