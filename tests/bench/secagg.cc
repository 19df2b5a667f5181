// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/secagg.h"

#include <cstdio>
#include <sstream>
#include <string>

#include "tests/bench/process.h"

namespace tributary::bench {
namespace {

struct Costs {
  double server_seconds = 0;
  double client_milliseconds = 0;
  double server_over_limit = 0;
  double client_over_limit = 0;
  double server_vectors = 0;
  double gigabytes_per_second = 0;
  double two_threads = 0;
  double two_threads_wall = 0;
};

Costs Run(const std::filesystem::path& programs, const std::string& session) {
  Process process({(programs / "tributary-bench-secagg").string(), session},
                  Process::Read::kOutput);
  std::istringstream line(process.Line());
  Costs costs;
  line >> costs.server_seconds >> costs.client_milliseconds >>
      costs.server_over_limit >> costs.client_over_limit >>
      costs.server_vectors >> costs.gigabytes_per_second >> costs.two_threads >>
      costs.two_threads_wall;
  if (!line) Fail("tributary-bench-secagg " + session + " gave no figures");
  std::fprintf(stderr, "secagg %s: server %.2f s, client %.0f ms\n",
               session.c_str(), costs.server_seconds,
               costs.client_milliseconds);
  return costs;
}

}  // namespace

std::vector<Figure> MeasureSecureAggregation(
    const std::filesystem::path& programs, int repetitions) {
  std::vector<double> server, client;
  for (int i = 0; i < repetitions; ++i) {
    const Costs costs = Run(programs, "n50");
    server.push_back(costs.server_seconds);
    client.push_back(costs.client_milliseconds);
  }
  // A minute of CPU time, and a ratio of what was measured within it.
  const Costs large = Run(programs, "n1000");
  char rate[64];
  std::snprintf(rate, sizeof rate, "AES-256-CTR at %.2f GB/s",
                large.gigabytes_per_second);
  char wall[128];
  std::snprintf(wall, sizeof wall,
                "masks taken off a sum by two threads, each half of the words; "
                "with adding up, by the wall's clock %.2f",
                large.two_threads_wall);
  return {
      {"secagg.server_s.n50_1m", Median(server), "s", 0.5,
       "CPU of one core, 5 of 50 dropped, complete graph, 32-bit words"},
      {"secagg.client_ms.n50_1m", Median(client), "ms", 100.0,
       "the same, with P-256 certificates"},
      {"secagg.server_over_prg_limit.n1000_1m", large.server_over_limit, "x",
       2.0, std::string("900 inputs, 100 dropped, k = 78; ") + rate},
      {"secagg.client_over_prg_limit.n1000_1m", large.client_over_limit, "x",
       2.0, "its own mask and those with all it chose and was chosen by"},
      {"secagg.server_vectors.n1000_1m", large.server_vectors, "vectors", 3.0,
       "most memory the server's half and the sum hold, of 4 MB each"},
      {"secagg.server_two_threads.n1000_1m", large.two_threads, "x", 2.0, wall},
      {"secagg.server_s.n1000_1m", large.server_seconds, "s", std::nullopt, ""},
      {"secagg.client_ms.n1000_1m", large.client_milliseconds, "ms",
       std::nullopt, ""},
  };
}

}  // namespace tributary::bench
