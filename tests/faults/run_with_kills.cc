// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/run_with_kills.h"

#include <chrono>
#include <cstdint>

#include "privacy/crypto/random.h"

#include "tests/catch.h"

namespace tributary::testing {

using std::chrono::milliseconds;
using std::chrono::seconds;

KilledRun RunWithKills(Federation& federation, int seed) {
  KeyedStream instants(KeyFromSeed(static_cast<std::uint64_t>(seed)), "kill");
  federation.StartCoordinator();
  federation.StartAllClients();
  const std::string run = federation.Submit();
  int before_model = 0;
  for (int kill = 0; kill < kKillsPerRun; ++kill) {
    // Clients take seconds to start; no instant is wasted on waiting for them.
    federation.WaitFor(run, seconds(60), [&](const nlohmann::json& show) {
      return show.at("summary").at("released_rounds") > kill;
    });
    const milliseconds instant(instants.Below(400));
    const auto ended = federation.coordinator().WaitForExit(instant);
    INFO(federation.coordinator().Output());
    REQUIRE_FALSE(ended.has_value());
    federation.KillCoordinator();
    federation.StartCoordinator();
    INFO("after kill " << kill + 1);
    const std::string output = federation.coordinator().Output();
    const std::size_t resumed = output.find("run resumed");
    REQUIRE(resumed != std::string::npos);
    const std::string line =
        output.substr(resumed, output.find('\n', resumed) - resumed);
    if (line.find("phase=released") != std::string::npos) ++before_model;
  }
  const auto end = federation.WaitForEnd(run, seconds(180));
  INFO(end.dump(1));
  REQUIRE(end.at("summary").at("state") == "FINISHED");
  return {run, before_model};
}

}  // namespace tributary::testing
