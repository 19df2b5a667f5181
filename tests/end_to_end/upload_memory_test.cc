// SPDX-License-Identifier: Apache-2.0
// One model of memory: what a coordinator's process holds at most while a
// cohort uploads is a base, its buffers, a few models and a constant
// for each connection, never cohort x model.
#include <string>

#include "tests/bench/subjects.h"

#include "tests/catch.h"

namespace tributary::bench {
namespace {

constexpr double kMib = 1024;  // in KiB
constexpr int kClients = 60;
constexpr std::size_t kFloats = 1'663'370;
constexpr double kModel = kFloats * sizeof(float) / 1024.0;

// What gRPC may take for the uploads that the credits let run at once
// (`buffer_mib`), however many clients there are.
constexpr double kBuffers = 128 * kMib;
// Sum, current model, next model.
constexpr int kModels = 3;
constexpr double kConnection = 144;

TEST_CASE("a cohort's uploads are never in memory together") {
  constexpr double kBound =
      kBuffers + kModels * kModel + kClients * kConnection;
  // Far from what the cohort's updates would take.
  static_assert(kBound < kClients * kModel / 2);

  const Bench bench{TRIBUTARY_PROGRAMS, Certificates(kClients)};
  CoordinatorSubject coordinator(bench, Transport::kTls);
  const double base = coordinator.process().ResidentKib();
  coordinator.Submit(kClients, kFloats);
  const auto load = StartLoad(bench, Transport::kTls, coordinator.address(),
                              kClients, kFloats);
  const std::string count = std::to_string(kClients);
  Expect(*load, "connect", "connected " + count);
  Expect(*load, "round", "ready " + count);
  Expect(*load, "upload", "done " + count);
  REQUIRE(coordinator.AwaitRelease(1) == kClients);
  const double peak = coordinator.process().PeakKib();
  INFO("base " << base / kMib << " MiB, peak " << peak / kMib << " MiB, "
               << kClients << " updates " << kClients * kModel / kMib
               << " MiB");
  CHECK(peak <= base + kBound);
}

}  // namespace
}  // namespace tributary::bench
