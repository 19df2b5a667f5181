// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/ingest.h"

#include <cstdio>
#include <string>

namespace tributary::bench {
namespace {

constexpr std::size_t kFloats = 1'663'370;
constexpr double kModelMib = kFloats * 4.0 / (1 << 20);
constexpr int kClients = 50;

// CPU milliseconds an update, one value a repetition.
struct Costs {
  std::vector<double> coordinator;
  std::vector<double> drop;
};

class Pair {
 public:
  Pair(const Bench& bench, Transport transport)
      : coordinator_(bench, transport), drop_(bench, transport) {
    coordinator_.Submit(kClients, kFloats);
    load_ =
        StartLoad(bench, transport, coordinator_.address(), kClients, kFloats);
    drop_load_ =
        StartLoad(bench, transport, drop_.address(), kClients, kFloats);
    Expect(*load_, "connect", "connected 50");
    // The first round grows the spool and the heap; it is not counted.
    Ingest();
    Drop();
  }

  void Repeat(Costs& costs) {
    costs.drop.push_back(Drop());
    costs.coordinator.push_back(Ingest());
  }

 private:
  double Ingest() {
    Expect(*load_, "round", "ready 50");
    const double before = coordinator_.process().CpuSeconds();
    Expect(*load_, "upload", "done 50");
    // A verdict goes out before its update is folded.
    if (const int updates = coordinator_.AwaitRelease(++round_);
        updates != kClients) {
      Fail("a round of " + std::to_string(updates) + " updates");
    }
    return (coordinator_.process().CpuSeconds() - before) * 1e3 / kClients;
  }
  double Drop() {
    const double before = drop_.process().CpuSeconds();
    Expect(*drop_load_, "drop", "done 50");
    return (drop_.process().CpuSeconds() - before) * 1e3 / kClients;
  }

  CoordinatorSubject coordinator_;
  int round_ = 0;
  DropSubject drop_;
  std::unique_ptr<Process> load_;
  std::unique_ptr<Process> drop_load_;
};

}  // namespace

std::vector<Figure> MeasureIngestCpu(const Bench& bench, int repetitions) {
  Pair plain(bench, Transport::kPlain);
  Pair tls(bench, Transport::kTls);
  Costs plain_costs;
  Costs tls_costs;
  for (int i = 0; i < repetitions; ++i) {
    plain.Repeat(plain_costs);
    tls.Repeat(tls_costs);
    std::fprintf(stderr,
                 "repetition %d: plain %.1f (drop %.1f), TLS %.1f (drop %.1f) "
                 "ms an update\n",
                 i + 1, plain_costs.coordinator.back(), plain_costs.drop.back(),
                 tls_costs.coordinator.back(), tls_costs.drop.back());
  }
  std::vector<double> ratios;
  for (std::size_t i = 0; i < tls_costs.drop.size(); ++i) {
    ratios.push_back(tls_costs.coordinator[i] / tls_costs.drop[i]);
  }
  const std::string note =
      "50 clients, 6.65 MB each, over loopback; with folding and a 50th of the "
      "model's release";
  return {
      {"ingest.plain.cpu_ms_per_update", Median(plain_costs.coordinator), "ms",
       10.0, note},
      {"ingest.plain.receive_and_drop_ms",
       Median(plain_costs.drop),
       "ms",
       {},
       "gRPC alone, in the same run"},
      {"ingest.tls.cpu_ms_per_update", Median(tls_costs.coordinator), "ms",
       17.0, note},
      {"ingest.tls.receive_and_drop_ms",
       Median(tls_costs.drop),
       "ms",
       {},
       "gRPC alone, in the same run"},
      {"ingest.tls.over_receive_and_drop", Median(ratios), "x", 2.2,
       "median of interleaved ratios"},
  };
}

std::vector<Figure> MeasureIngestMemory(const Bench& bench) {
  std::vector<Figure> figures;
  for (const int clients : {10, 50, 200}) {
    CoordinatorSubject coordinator(bench, Transport::kTls);
    const double base = coordinator.process().ResidentKib() / 1024;
    coordinator.Submit(clients, kFloats);
    const auto load = StartLoad(bench, Transport::kTls, coordinator.address(),
                                clients, kFloats);
    const std::string count = std::to_string(clients);
    Expect(*load, "connect", "connected " + count);
    for (int round = 0; round < 2; ++round) {
      Expect(*load, "round", "ready " + count);
      Expect(*load, "upload", "done " + count);
    }
    // Waits for the release of the second model.
    Expect(*load, "round", "ready " + count);
    const double limit = base + 128 + 3 * kModelMib + clients * 144.0 / 1024;
    char note[96];
    std::snprintf(note, sizeof note,
                  "TLS; base %.1f + 128 + 3 models + 144 KiB x %d", base,
                  clients);
    figures.push_back({"ingest.peak_rss_mib_" + count,
                       coordinator.process().PeakKib() / 1024, "MiB", limit,
                       note});
  }
  return figures;
}

}  // namespace tributary::bench
