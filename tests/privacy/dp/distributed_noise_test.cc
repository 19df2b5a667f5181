// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/distributed_noise.h"

#include <string>

#include "tests/privacy/dp/reference.h"

#include "tests/catch.h"

namespace tributary::dp {
namespace {

DistributedNoise Example() {
  return {.scale = 1000,
          .local_deviation = 0.1,
          .clients = 100,
          .dimension = 1 << 20};
}

TEST_CASE("Skellam shares cost what their paper's code says") {
  // google-research/federated, distributed_dp/accounting_utils.py.
  CHECK(EpsilonOf(SkellamRdp(Example()), 1e-5).epsilon ==
        Approx(5.4118729).epsilon(1e-7));
  DistributedNoise coarse = Example();
  coarse.scale = 20;
  coarse.dimension = 1024;
  CHECK(EpsilonOf(SkellamRdp(coarse), 1e-5).epsilon ==
        Approx(6.5619179).epsilon(1e-7));
}

TEST_CASE("shares on a Poisson cohort cost what the general bound says") {
  const DistributedNoise noise{.scale = 4096,
                               .local_deviation = 0.05,
                               .clients = 1000,
                               .dimension = 1 << 20};
  const RdpEpsilon spent =
      EpsilonOf(1000 * PoissonRdp(0.01, SkellamRdp(noise)), 1e-6);
  CHECK(spent.epsilon == Approx(1.3482695).epsilon(1e-7));
  CHECK(spent.order == 15);
}

TEST_CASE("the bound that always holds is wider than the usual one") {
  DistributedNoise always = Example();
  always.beta = 0;
  CHECK(NormsAfterRounding(always).l2 == Approx(1 + 1024 / 1000.0));
  CHECK(NormsAfterRounding(Example()).l2 < NormsAfterRounding(always).l2);
  // On the grid |x| <= x^2, so few small coordinates bound L1 by L2^2.
  DistributedNoise small = Example();
  small.scale = 4;
  small.dimension = 10'000;
  const RoundedNorms norms = NormsAfterRounding(small);
  CHECK(norms.l1 * 4 == Approx(norms.l2 * 4 * norms.l2 * 4));
}

TEST_CASE("every row of the distributed table with Skellam noise agrees") {
  const auto rows = ReferenceRows("ddp_reference.csv");
  if (!rows) return;
  int held = 0;
  for (const auto& row : *rows) {
    if (row[0] != "skellam") continue;
    ++held;
    DistributedNoise noise{.clip = std::stod(row[4]),
                           .scale = std::stod(row[1]),
                           .local_deviation = std::stod(row[2]),
                           .clients = std::stoll(row[3]),
                           .dimension = std::stoll(row[6])};
    if (row[5] == "0") noise.beta = 0;
    REQUIRE(noise.Validate().ok());
    const RdpEpsilon spent = EpsilonOf(
        std::stod(row[8]) * PoissonRdp(std::stod(row[7]), SkellamRdp(noise)),
        std::stod(row[9]));
    INFO("scale " << row[1] << " dimension " << row[6]);
    CHECK(spent.epsilon == Approx(std::stod(row[10])).epsilon(1e-7));
    CHECK(spent.order == std::stod(row[11]));
  }
  CHECK(held == 6);
}

TEST_CASE("a field of the shares out of range is named") {
  DistributedNoise noise = Example();
  noise.local_deviation = 0;
  CHECK(noise.Validate().message() ==
        "local_deviation: 0 is not a positive number");
  noise = Example();
  noise.beta = 1;
  CHECK(noise.Validate().message() == "beta: 1 is not in [0, 1)");
}

}  // namespace
}  // namespace tributary::dp
