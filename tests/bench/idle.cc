// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <string>
#include <thread>

#include "tests/bench/ingest.h"

namespace tributary::bench {
namespace {

constexpr int kIdle = 2'000;
constexpr int kActive = 200;
constexpr std::size_t kFloats = 10'000;
// For what the handshakes left behind to be freed.
constexpr std::chrono::seconds kSettle{3};

}  // namespace

std::vector<Figure> MeasureIdle(const Bench& bench) {
  CoordinatorSubject coordinator(bench, Transport::kTls);
  const double before = coordinator.process().ResidentKib();
  const double cpu_before = coordinator.process().CpuSeconds();
  const auto load =
      StartLoad(bench, Transport::kTls, coordinator.address(), kIdle, kFloats);
  Expect(*load, "connect", "connected " + std::to_string(kIdle));
  std::this_thread::sleep_for(kSettle);
  const double after = coordinator.process().ResidentKib();
  const double cpu_after = coordinator.process().CpuSeconds();

  coordinator.Submit(kActive, kFloats);
  const std::string active = std::to_string(kActive);
  Expect(*load, "round " + active, "ready " + active);
  Expect(*load, "upload", "done " + active);
  const int updates = coordinator.AwaitRelease(1);
  return {
      {"idle.rss_kib_per_client", (after - before) / kIdle, "KiB", 144.0,
       "2,000 idle mutual-TLS Join streams; bare gRPC needs 120"},
      {"idle.handshake_cpu_ms",
       (cpu_after - cpu_before) * 1e3 / kIdle,
       "ms",
       {},
       "connection, handshake, hello and welcome"},
      {"idle.round_updates", static_cast<double>(updates), "", 200,
       "updates in the model of a round over 200 of the 2,000",
       Wanted::kAtLeast},
  };
}

}  // namespace tributary::bench
