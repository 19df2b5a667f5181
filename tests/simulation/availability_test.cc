// SPDX-License-Identifier: Apache-2.0
#include "simulation/availability.h"

#include <stdlib.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "proto/codec/yaml.h"
#include "rapidcheck.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using round::Duration;
using round::Instant;
using std::chrono::hours;
using std::chrono::seconds;

Availability Make(const std::string& yaml, std::uint64_t seed = 1) {
  v1::SimulationPlan simulation;
  REQUIRE(codec::ParseYaml("clients: 1\ntrain: {}\navailability: " + yaml,
                           "availability", simulation)
              .ok());
  v1::Plan plan;
  *plan.mutable_simulation() = simulation;
  const auto made = Availability::Make(
      codec::WithDefaults(plan).simulation().availability(), KeyFromSeed(seed));
  REQUIRE(made.ok());
  return *made;
}

TEST_CASE("without a word about it everyone is always on") {
  const Availability availability = Make("{always: {}}");
  CHECK(availability.IsOn(7, Instant(hours(1000))));
  CHECK_FALSE(availability.OffAt(7, Instant{}).has_value());
}

TEST_CASE("a client is on until it is off, the same whenever it is asked") {
  for (const char* yaml :
       {"{markov: {mean_on: 60s, mean_off: 30s}}",
        "{markov: {mean_on: 10s, mean_off: 1000s}}", "{daily: {on: 9h}}",
        "{daily: {on: 9h, spread: 2h}}"}) {
    const Availability availability = Make(yaml);
    const Availability again = Make(yaml);
    CHECK(rc::check([&] {
      const auto client = *rc::gen::inRange<std::size_t>(0, 1'000'000);
      const Instant when(Duration(*rc::gen::inRange(0, 500'000'000)));
      const bool is_on = availability.IsOn(client, when);
      RC_ASSERT(again.IsOn(client, when) == is_on);
      if (!is_on) return;
      const auto off = availability.OffAt(client, when);
      RC_ASSERT(off.has_value());
      RC_ASSERT(*off > when);
      RC_ASSERT(availability.IsOn(client, *off - Duration(1)));
      RC_ASSERT(!availability.IsOn(client, *off));
      const auto middle = when + (*off - when) / 2;
      RC_ASSERT(availability.IsOn(client, middle));
      RC_ASSERT(availability.OffAt(client, middle) == off);
    }));
  }
}

// 20,000 clients: the part of them that is on is off by more than 0.014 (four
// standard deviations) once in 16,000 seeds; the mean of their remaining times,
// which are exponential, by more than 3.5 % as rarely.
TEST_CASE("markov clients are on as often and as long as is said") {
  const Availability availability =
      Make("{markov: {mean_on: 120s, mean_off: 60s}}");
  for (const Instant when : {Instant{}, Instant(hours(5))}) {
    int on = 0;
    double remaining = 0;
    for (std::size_t client = 0; client < 20000; ++client) {
      if (!availability.IsOn(client, when)) continue;
      ++on;
      remaining += std::chrono::duration<double>(
                       *availability.OffAt(client, when) - when)
                       .count();
    }
    CHECK(on / 20000.0 == Approx(2.0 / 3).margin(0.014));
    CHECK(remaining / on == Approx(120).epsilon(0.035));
  }
}

TEST_CASE("daily clients are on at the same time of each day") {
  const Availability availability = Make("{daily: {on: 6h}}");
  int on = 0;
  for (std::size_t client = 0; client < 4000; ++client) {
    const Instant when(hours(30));
    const bool is_on = availability.IsOn(client, when);
    CHECK(availability.IsOn(client, when + hours(24)) == is_on);
    on += is_on;
  }
  // A quarter of them, within four standard deviations.
  CHECK(on / 4000.0 == Approx(0.25).margin(0.028));
  const Availability together = Make("{daily: {on: 6h, spread: 0s}}");
  CHECK(together.IsOn(3, Instant(hours(5))));
  CHECK(together.OffAt(3, Instant(hours(5))) == Instant(hours(6)));
  CHECK_FALSE(together.IsOn(3, Instant(hours(7))));
}

TEST_CASE("clients follow the traces of a file, over and over") {
  std::string name =
      (std::filesystem::temp_directory_path() / "trace-XXXXXX").string();
  const int file = mkstemp(name.data());
  REQUIRE(file >= 0);
  close(file);
  std::ofstream(name) << "trace,from,to\na,0,10\nb,20,40\na,50,60\n";
  const Availability availability =
      Make("{trace: {path: " + name + ", period: 100s}}");
  std::filesystem::remove(name);
  const auto at = [](int when) { return Instant(seconds(when)); };
  CHECK(availability.IsOn(0, at(5)));
  CHECK(availability.OffAt(0, at(5)) == at(10));
  CHECK_FALSE(availability.IsOn(0, at(10)));
  CHECK(availability.IsOn(0, at(155)));
  CHECK(availability.OffAt(0, at(155)) == at(160));
  CHECK(availability.IsOn(1, at(25)));
  CHECK_FALSE(availability.IsOn(1, at(5)));
  CHECK(availability.IsOn(2, at(5)));  // follows a again
}

TEST_CASE("a trace that makes no sense is refused by its row") {
  const auto error = [](const std::string& text) {
    const auto traces = ParseTraces(text, "t.csv");
    REQUIRE_FALSE(traces.ok());
    return std::string(traces.status().message());
  };
  CHECK(error("").find("t.csv:1: not the header") == 0);
  CHECK(error("trace,from,to\n").find("holds no spells") != std::string::npos);
  CHECK(error("trace,from,to\na,1\n").find("t.csv:2: 2 columns") == 0);
  CHECK(error("trace,from,to\na,1,2\na,x,9\n").find("t.csv:3: no spell") == 0);
  CHECK(error("trace,from,to\na,9,9\n").find("t.csv:2: no spell") == 0);
  CHECK(error("trace,from,to\na,-1,9\n").find("t.csv:2: no spell") == 0);
  CHECK(error("trace,from,to\na,0,9\na,5,20\n")
            .find("trace a: the spell from "
                  "5 meets") != std::string::npos);
  CHECK(ParseTraces("trace,from,to\r\na,0,9\r\na,10,20\r\n", "t.csv").ok());
}

}  // namespace
}  // namespace tributary::simulation
