// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/graph_parameters.h"

#include <string>
#include <vector>

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

struct Row {
  std::uint32_t corrupt_percent;
  std::uint32_t dropped_percent;
  // Degree and threshold for 100, 1,000, 10,000 and 100,000 clients; {0, 0}
  // where the reference has none.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> semi_honest;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> semi_malicious;
};

// Bell et al. 2020's rule at 2^-40 and 2^-20, of which 13 entries are test
// constants of federated-compute's graph_parameter_finder.
const std::vector<Row>& Reference() {
  static const auto& rows = *new std::vector<Row>{
      {5,
       5,
       {{12, 6}, {30, 17}, {34, 20}, {36, 21}},
       {{16, 11}, {52, 37}, {62, 44}, {68, 48}}},
      {5,
       10,
       {{16, 6}, {36, 19}, {42, 22}, {46, 23}},
       {{26, 16}, {78, 52}, {96, 64}, {106, 70}}},
      {5,
       20,
       {{20, 6}, {50, 21}, {60, 25}, {64, 27}},
       {{44, 25}, {148, 90}, {202, 123}, {230, 140}}},
      {5,
       30,
       {{26, 6}, {66, 23}, {80, 29}, {88, 31}},
       {{66, 36}, {314, 179}, {522, 299}, {602, 344}}},
      {10,
       5,
       {{16, 11}, {38, 24}, {42, 27}, {46, 29}},
       {{22, 17}, {66, 49}, {80, 59}, {88, 65}}},
      {10,
       10,
       {{22, 11}, {48, 27}, {54, 31}, {58, 33}},
       {{32, 22}, {96, 67}, {122, 85}, {134, 93}}},
      {10,
       20,
       {{28, 11}, {66, 31}, {78, 37}, {86, 41}},
       {{52, 32}, {194, 124}, {280, 179}, {312, 199}}},
      {10,
       30,
       {{34, 11}, {88, 36}, {108, 44}, {122, 49}},
       {{72, 42}, {414, 247}, {778, 465}, {926, 553}}},
      {20,
       5,
       {{26, 20}, {52, 37}, {62, 44}, {66, 46}},
       {{32, 27}, {90, 71}, {114, 89}, {126, 98}}},
      {20,
       10,
       {{32, 21}, {68, 44}, {80, 51}, {88, 55}},
       {{42, 32}, {140, 104}, {184, 136}, {204, 150}}},
      {20,
       20,
       {{40, 21}, {98, 54}, {122, 67}, {134, 73}},
       {{62, 42}, {302, 206}, {482, 328}, {552, 375}}},
      {20,
       30,
       {{48, 21}, {140, 67}, {182, 87}, {202, 96}},
       {{82, 52}, {642, 409}, {0, 0}, {0, 0}}},
      {33,
       33,
       {{68, 34}, {286, 150}, {422, 221}, {480, 251}},
       {{0, 0}, {0, 0}, {0, 0}, {0, 0}}},
  };
  return rows;
}

TEST_CASE("degree and threshold are those of the reference table") {
  int compared = 0;
  for (const Row& row : Reference()) {
    for (const Adversary adversary :
         {Adversary::kSemiHonest, Adversary::kSemiMalicious}) {
      const auto& cells = adversary == Adversary::kSemiHonest
                              ? row.semi_honest
                              : row.semi_malicious;
      std::uint32_t clients = 100;
      for (const auto& [degree, threshold] : cells) {
        INFO(row.corrupt_percent << " % corrupt, " << row.dropped_percent
                                 << " % dropped, " << clients << " clients");
        if (degree != 0) {
          const auto graph = SparseGraph({clients, row.corrupt_percent * 10,
                                          row.dropped_percent * 10, adversary});
          REQUIRE(graph.ok());
          CHECK(graph->degree == degree);
          CHECK(graph->threshold == threshold);
          ++compared;
        }
        clients *= 10;
      }
    }
  }
  CHECK(compared == 98);
}

TEST_CASE("small cohorts and near-complete graphs are complete") {
  const auto small = ChooseGraph({50, 50, 100, Adversary::kSemiMalicious});
  REQUIRE(small.ok());
  // 2 of 50 corrupt: 2 * 26 > 49 + 2.
  CHECK(*small == GraphParameters{GraphKind::kComplete, 49, 26});
  const auto honest = ChooseGraph({50, 200, 300, Adversary::kSemiHonest});
  REQUIRE(honest.ok());
  CHECK(*honest == GraphParameters{GraphKind::kComplete, 49, 11});
  // 62 neighbours chosen, and as many more that choose, of 99.
  const auto near = ChooseGraph({100, 200, 200, Adversary::kSemiMalicious});
  REQUIRE(near.ok());
  CHECK(near->kind == GraphKind::kComplete);
  const auto sparse = ChooseGraph({1000, 50, 100, Adversary::kSemiMalicious});
  REQUIRE(sparse.ok());
  CHECK(*sparse == GraphParameters{GraphKind::kChosen, 78, 52});
  CHECK(ChooseGraph({1000, 50, 100, Adversary::kSemiHonest})->kind ==
        GraphKind::kHarary);
}

TEST_CASE("in every complete graph nobody gets both secrets of a client") {
  for (std::uint32_t clients = 3; clients < 200; ++clients) {
    for (const std::uint32_t corrupt : {0U, 100U, 250U}) {
      const CohortRisk risk{clients, corrupt, 100, Adversary::kSemiMalicious};
      const auto graph = ChooseGraph(risk);
      if (!graph.ok() || graph->kind != GraphKind::kComplete) continue;
      INFO(clients << " clients, " << corrupt);
      CHECK(2 * graph->threshold > graph->degree + risk.Corrupt());
      CHECK(graph->threshold <= graph->degree - risk.Dropped());
    }
  }
}

TEST_CASE("a risk that no threshold covers is refused with its reason") {
  const auto message = [](const CohortRisk& risk) {
    return std::string(ChooseGraph(risk).status().message());
  };
  CHECK(message({100, 500, 300, Adversary::kSemiMalicious}) ==
        "corrupt_per_mille 500 and twice dropped_per_mille 300 are more than "
        "900 together: no threshold covers both");
  CHECK(message({2, 0, 0, Adversary::kSemiHonest}) ==
        "clients: 2 is not in 3 .. 1048576");
  CHECK(message({100, 950, 0, Adversary::kSemiHonest}) ==
        "corrupt_per_mille: 950 is not in 0 .. 900");
  CHECK(message({100, 0, 901, Adversary::kSemiHonest}) ==
        "dropped_per_mille: 901 is not in 0 .. 900");
  CHECK(message({100'000, 330, 280, Adversary::kSemiMalicious}) ==
        "no graph of 100000 clients with at most 2047 neighbours withstands "
        "33000 corrupt and 28000 dropped; plan for fewer");
  CHECK(ChooseGraph({3, 0, 400, Adversary::kSemiMalicious}).status().code() ==
        absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace tributary::secagg
