// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/mechanism.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "privacy/dp/adaptive_clip.h"
#include "privacy/dp/distributed_noise.h"
#include "privacy/dp/gaussian_rdp.h"
#include "rapidcheck.h"

#include "tests/catch.h"

namespace tributary::dp {
namespace {

constexpr auto kAdd = Neighbours::kAddOrRemoveOne;
constexpr auto kReplace = Neighbours::kReplaceOne;

// An update of 1,024 words, clipped to 1 on a grid of 1/1000.
Statistic Update(double noise_multiplier) {
  const RoundedNorms norms =
      NormsAfterRounding({.scale = 1000, .dimension = 1024});
  return {.name = "update",
          .words = 1024,
          .l1 = norms.l1 * 1000,
          .l2 = norms.l2 * 1000,
          .variance = std::pow(noise_multiplier * norms.l2 * 1000, 2)};
}

Statistic ClipCount(double deviation) {
  return {.name = "clip_count",
          .words = 1,
          .l1 = 1,
          .l2 = 1,
          .variance = deviation * deviation};
}

Mechanism Central(double noise_multiplier, double rate) {
  return {.noise = Noise::kCentral,
          .sampling = rate < 1 ? Sampling::kPoisson : Sampling::kNone,
          .rate = rate,
          .neighbours = kAdd,
          .statistics = {Update(noise_multiplier)}};
}

Mechanism Distributed(double noise_multiplier, double rate) {
  Mechanism mechanism = Central(noise_multiplier, rate);
  mechanism.noise = Noise::kDistributed;
  return mechanism;
}

double EpsilonAfter(Accountant accountant, const Mechanism& mechanism,
                    std::int64_t rounds, double delta) {
  const Charge charge{mechanism, rounds};
  return Epsilon(accountant, {&charge, 1}, delta).value();
}

TEST_CASE(
    "central noise costs what the Gaussian does, and 0.1 % at most more") {
  // dp_accounting 0.6.0.
  const double pld =
      EpsilonAfter(Accountant::kPld, Central(1, 0.01), 1'000, 1e-6);
  CHECK(pld >= 2.1245152);
  CHECK(pld <= 2.1245225 * 1.002);
  const double rdp =
      EpsilonAfter(Accountant::kRdp, Central(1, 0.01), 1'000, 1e-6);
  CHECK(rdp >= 2.4366938);
  CHECK(rdp <= 2.4366938 * 1.002);
}

TEST_CASE("the discrete Gaussian alone is never dearer than it is accounted") {
  // One word of sensitivity l with noise of variance (z l)^2: hockey-stick
  // divergence of the two distributions, summed over all integers in long
  // double.
  for (const double multiplier : {0.3, 1.0, 4.0}) {
    for (const std::int64_t l : {400, 1'000}) {
      const double deviation = multiplier * static_cast<double>(l);
      const Mechanism mechanism{
          .statistics = {{.name = "update",
                          .words = 1,
                          .l1 = static_cast<double>(l),
                          .l2 = static_cast<double>(l),
                          .variance = deviation * deviation}}};
      for (const double delta : {1e-3, 1e-6, 1e-9}) {
        const double epsilon =
            EpsilonAfter(Accountant::kPld, mechanism, 1, delta);
        long double total = 0;
        long double exact = 0;
        const auto reach = static_cast<std::int64_t>(14 * deviation) + 2 * l;
        const auto weight = [&](std::int64_t x) {
          return std::exp(-static_cast<long double>(x) *
                          static_cast<long double>(x) /
                          (2 * deviation * deviation));
        };
        for (std::int64_t x = -reach; x <= reach; ++x) {
          total += weight(x);
          exact +=
              std::max(weight(x) - std::exp(static_cast<long double>(epsilon)) *
                                       weight(x + l),
                       0.0L);
        }
        INFO(multiplier << " " << l << " " << delta << ": " << epsilon);
        CHECK(static_cast<double>(exact / total) <= delta);
        CHECK(static_cast<double>(exact / total) >= delta * 0.8);
      }
    }
  }
}

TEST_CASE("two statistics of a cohort cost together what one noise would") {
  const double multiplier = UpdateNoiseMultiplier(1, 5).value();
  Mechanism adaptive = Central(1, 0.01);
  adaptive.statistics = {Update(multiplier), ClipCount(ClipWordDeviation(5))};
  const double together = EpsilonAfter(Accountant::kPld, adaptive, 1'000, 1e-6);
  const double alone =
      EpsilonAfter(Accountant::kPld, Central(1, 0.01), 1'000, 1e-6);
  CHECK(together >= alone);
  // The word's noise is coarse: 2.25 of a variance of 100, a hundredth of it.
  CHECK(together <= alone * 1.002);
}

TEST_CASE("Skellam noise costs what its papers say, however it is sampled") {
  // The papers' formulas in Python: of Skellam noise as distributed_dp has
  // them, of fixed cohorts Wang et al. 2019, theorem 9.
  Mechanism mechanism = Distributed(8, 1);
  mechanism.neighbours = kReplace;
  CHECK(EpsilonAfter(Accountant::kRdp, mechanism, 10, 1e-5) ==
        Approx(3.6278519047571174).epsilon(1e-7));
  mechanism = Distributed(2, 1);
  mechanism.statistics.push_back(ClipCount(10));
  CHECK(EpsilonAfter(Accountant::kRdp, mechanism, 1, 1e-5) ==
        Approx(2.217254843579707).epsilon(1e-7));
  mechanism = Distributed(4, 0.02);
  mechanism.sampling = Sampling::kFixedSize;
  mechanism.neighbours = kReplace;
  CHECK(EpsilonAfter(Accountant::kRdp, mechanism, 300, 1e-6) ==
        Approx(1.9650943313449964).epsilon(1e-7));
}

TEST_CASE("the general bound for fixed cohorts is above the Gaussian's own") {
  const RdpCurve gaussian = GaussianRdp(2);
  const RdpCurve general = FixedSizeRdp(0.01, gaussian);
  const RdpCurve own = FixedSizeGaussianRdp(0.01, 2);
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    CHECK(general.divergence[i] >= own.divergence[i] * (1 - 1e-12));
    CHECK(general.divergence[i] <= gaussian.divergence[i]);
  }
  CHECK(EpsilonOf(1'000 * general, 1e-5).epsilon ==
        Approx(1.5010276474615947).epsilon(1e-9));
  CHECK(FixedSizeRdp(1, gaussian).divergence == gaussian.divergence);
}

TEST_CASE("every combination has an accountant or is refused with a way out") {
  struct Row {
    Noise noise;
    Sampling sampling;
    Neighbours neighbours;
    bool rdp;
    bool pld;
    const char* hint;
  };
  const auto none = Sampling::kNone;
  const auto poisson = Sampling::kPoisson;
  const auto fixed = Sampling::kFixedSize;
  for (const Row& row :
       {Row{Noise::kCentral, none, kAdd, true, true, ""},
        {Noise::kCentral, none, kReplace, true, true, ""},
        {Noise::kCentral, poisson, kAdd, true, true, ""},
        {Noise::kCentral, poisson, kReplace, false, true, ""},
        {Noise::kCentral, fixed, kReplace, true, false, ""},
        {Noise::kCentral, fixed, kAdd, false, false, "replace one"},
        {Noise::kDistributed, none, kAdd, true, false, ""},
        {Noise::kDistributed, none, kReplace, true, false, ""},
        {Noise::kDistributed, poisson, kAdd, true, false, ""},
        {Noise::kDistributed, poisson, kReplace, false, false,
         "take neighbours add_or_remove_one"},
        {Noise::kDistributed, fixed, kReplace, true, false, ""},
        {Noise::kDistributed, fixed, kAdd, false, false, "replace one"},
        {Noise::kLocal, none, kReplace, true, true, ""},
        {Noise::kLocal, none, kAdd, false, false,
         "take neighbours replace_one"},
        {Noise::kLocal, poisson, kAdd, false, false, "take sampling none"},
        {Noise::kLocal, poisson, kReplace, false, false, "take sampling none"},
        {Noise::kLocal, fixed, kAdd, false, false, "take sampling none"},
        {Noise::kLocal, fixed, kReplace, false, false, "take sampling none"}}) {
    const Charge charge{{.noise = row.noise,
                         .sampling = row.sampling,
                         .rate = 0.1,
                         .neighbours = row.neighbours,
                         .statistics = {Update(4)}},
                        10};
    INFO(Name(row.noise) << " " << Name(row.sampling) << " "
                         << Name(row.neighbours));
    const auto rdp = Epsilon(Accountant::kRdp, {&charge, 1}, 1e-5);
    const auto pld = Epsilon(Accountant::kPld, {&charge, 1}, 1e-5);
    const auto tightest = TightestFor({&charge, 1});
    CHECK(rdp.ok() == row.rdp);
    CHECK(pld.ok() == row.pld);
    CHECK(tightest.ok() == (row.rdp || row.pld));
    if (tightest.ok()) {
      CHECK(*tightest == (row.pld ? Accountant::kPld : Accountant::kRdp));
    } else {
      CHECK(tightest.status().code() == absl::StatusCode::kUnimplemented);
      CHECK(std::string(tightest.status().message()).find(row.hint) !=
            std::string::npos);
    }
    // Sampling never costs more than none.
    if (rdp.ok()) {
      Charge all = charge;
      all.mechanism.rate = 1;
      CHECK(*rdp <= Epsilon(Accountant::kRdp, {&all, 1}, 1e-5).value());
    }
  }
}

TEST_CASE(
    "a mechanism costs more with rate, rounds, less noise, smaller delta") {
  CHECK(rc::check([] {
    const auto noise = *rc::gen::element(Noise::kCentral, Noise::kDistributed);
    const double rate = *rc::gen::inRange(10, 800) / 1000.0;
    const double multiplier = *rc::gen::inRange(80, 800) / 100.0;
    const std::int64_t rounds = *rc::gen::inRange(1, 1'000);
    const double delta = std::pow(10, -*rc::gen::inRange(3, 12));
    const auto epsilon = [&](double q, double z, std::int64_t count, double d) {
      Mechanism mechanism = Central(z, q);
      mechanism.noise = noise;
      return EpsilonAfter(Accountant::kRdp, mechanism, count, d);
    };
    const double least = epsilon(rate, multiplier, rounds, delta);
    RC_ASSERT(epsilon(rate * 1.1, multiplier, rounds, delta) >= least);
    RC_ASSERT(epsilon(rate, multiplier / 1.1, rounds, delta) >= least);
    RC_ASSERT(epsilon(rate, multiplier, rounds + 1, delta) >= least);
    RC_ASSERT(epsilon(rate, multiplier, rounds, delta / 1.1) >= least);
    RC_ASSERT(epsilon(1, multiplier, rounds, delta) >= least);
  }));
}

TEST_CASE("charges add up, to the same bits in any order") {
  std::vector<Charge> charges;
  for (const double rate : {0.01, 0.02, 1.0}) {
    for (const double multiplier : {2.0, 3.0}) {
      charges.push_back({Central(multiplier, rate), rate < 1 ? 100 : 2});
      charges.push_back({Central(multiplier, rate), rate < 1 ? 50 : 1});
    }
  }
  std::vector<Charge> split;
  for (const Charge& charge : charges) {
    for (std::int64_t i = 0; i < charge.rounds; ++i) {
      split.push_back({charge.mechanism, 1});
    }
  }
  for (const Accountant accountant : {Accountant::kRdp, Accountant::kPld}) {
    const double once = Epsilon(accountant, charges, 1e-6).value();
    std::ranges::reverse(split);
    CHECK(Epsilon(accountant, split, 1e-6).value() == once);
    std::ranges::reverse(charges);
    CHECK(Epsilon(accountant, charges, 1e-6).value() == once);
  }
  CHECK(Epsilon(Accountant::kPld, charges, 1e-6).value() <
        Epsilon(Accountant::kRdp, charges, 1e-6).value());
  // Beside Skellam noise, by RDP alone.
  charges.push_back({Distributed(2, 0.01), 100});
  CHECK(TightestFor(charges).value() == Accountant::kRdp);
  CHECK(Epsilon(Accountant::kRdp, charges, 1e-6).value() >
        Epsilon(Accountant::kRdp, std::span(charges).first(12), 1e-6).value());
  CHECK_FALSE(Epsilon(Accountant::kPld, charges, 1e-6).ok());
  CHECK(Epsilon(Accountant::kPld, std::span<const Charge>(), 1e-6).value() ==
        0);
}

TEST_CASE("rounds of different neighbouring relations are not added up") {
  std::vector<Charge> charges = {{Central(2, 0.1), 10}, {Central(2, 0.1), 10}};
  charges[1].mechanism.neighbours = kReplace;
  CHECK(TightestFor(charges).status().code() ==
        absl::StatusCode::kUnimplemented);
  CHECK_FALSE(Epsilon(Accountant::kPld, charges, 1e-6).ok());
}

TEST_CASE("last digits of a noise multiplier do not make another mechanism") {
  // Norms of a clip norm that moves, rounded up to whole grid points.
  std::vector<Charge> charges;
  for (int round = 0; round < 200; ++round) {
    const double norm = std::ceil(17'000 + 37.3 * round);
    charges.push_back({{.sampling = Sampling::kPoisson,
                        .rate = 0.01,
                        .statistics = {{.name = "update",
                                        .words = 1000,
                                        .l1 = norm * 30,
                                        .l2 = norm,
                                        .variance = std::ceil(norm * norm)}}},
                       1});
  }
  const double epsilon = Epsilon(Accountant::kPld, charges, 1e-6).value();
  CHECK(epsilon == EpsilonAfter(Accountant::kPld, Central(1, 0.01), 200, 1e-6));
}

TEST_CASE("as many rounds fit as the target allows, and not one more") {
  const PrivacyTarget target{.epsilon = 2, .delta = 1e-6};
  const std::vector<Charge> earlier = {{Central(1, 0.01), 100}};
  for (const Mechanism& mechanism :
       {Central(1, 0.01), Distributed(1, 0.01), Central(20, 1)}) {
    const std::int64_t most =
        MostRounds(Accountant::kRdp, earlier, mechanism, 100'000, target)
            .value();
    std::vector<Charge> charges = earlier;
    charges.push_back({mechanism, most});
    CHECK(Epsilon(Accountant::kRdp, charges, 1e-6).value() <= 2);
    ++charges.back().rounds;
    CHECK(Epsilon(Accountant::kRdp, charges, 1e-6).value() > 2);
    CHECK(MostRounds(Accountant::kRdp, earlier, mechanism, 1, target).value() ==
          std::min<std::int64_t>(most, 1));
  }
  CHECK(MostRounds(Accountant::kRdp, {}, Central(0.2, 1), 10, target).value() ==
        0);
  CHECK(MostRounds(Accountant::kPld, {}, Distributed(1, 0.1), 10, target)
            .status()
            .code() == absl::StatusCode::kUnimplemented);
}

TEST_CASE("noise is calibrated to a target within 0.1 %") {
  const PrivacyTarget target{.epsilon = 2.1245225, .delta = 1e-6};
  const auto at = [](Noise noise) {
    return [noise](double multiplier) -> absl::StatusOr<Mechanism> {
      Mechanism mechanism = Central(multiplier, 0.01);
      mechanism.noise = noise;
      return mechanism;
    };
  };
  const double central =
      CalibrateNoise(Accountant::kPld, at(Noise::kCentral), 1'000, target, {})
          .value();
  // Noise 1 spends just this much.
  CHECK(central >= 1);
  CHECK(central <= 1.003);
  CHECK(EpsilonAfter(Accountant::kPld, Central(central, 0.01), 1'000, 1e-6) <=
        target.epsilon);
  const double distributed =
      CalibrateNoise(Accountant::kRdp, at(Noise::kDistributed), 1'000, target,
                     {})
          .value();
  CHECK(distributed > central);
  CHECK(EpsilonAfter(Accountant::kRdp, Distributed(distributed, 0.01), 1'000,
                     1e-6) <= target.epsilon);
  CHECK(EpsilonAfter(Accountant::kRdp, Distributed(distributed / 1.0011, 0.01),
                     1'000, 1e-6) > target.epsilon);
  CHECK(CalibrateNoise(Accountant::kRdp, at(Noise::kDistributed), 1'000, target,
                       {.most = 0.5})
            .status()
            .code() == absl::StatusCode::kOutOfRange);
}

TEST_CASE("what is wrong with a mechanism is named") {
  const auto message = [](const Mechanism& mechanism) {
    return std::string(mechanism.Validate().message());
  };
  CHECK(message({}) == "a mechanism without statistics");
  Mechanism wrong = Central(1, 0.1);
  wrong.rate = 0;
  CHECK(message(wrong) == "rate: 0 is not in (0, 1]");
  wrong = Central(1, 0.1);
  wrong.statistics[0].l2 = std::nan("");
  CHECK(message(wrong) == "statistic update: l2 nan is not a positive number");
  wrong = Central(0.05, 0.1);
  CHECK(message(wrong) ==
        "statistic update: noise multiplier 0.05 is not between 0.1 and 1e6");
  wrong = Central(1, 0.1);
  wrong.statistics[0].l2 = 50;
  wrong.statistics[0].variance = 2'500;
  CHECK(message(wrong) ==
        "statistic update: integer noise of standard deviation 50 is too "
        "coarse to be accounted as Gaussian: take more update.bits");
  // Skellam noise has its own accountant, coarse or not.
  wrong.noise = Noise::kDistributed;
  CHECK(wrong.Validate().ok());
  CHECK(Mechanism{.statistics = {ClipCount(2)}}.Validate().ok());
  CHECK_FALSE(Mechanism{.statistics = {ClipCount(1.5)}}.Validate().ok());
}

}  // namespace
}  // namespace tributary::dp
