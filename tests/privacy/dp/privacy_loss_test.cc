// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/privacy_loss.h"

#include <cmath>
#include <ctime>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "privacy/dp/analytic_gaussian.h"
#include "privacy/dp/loss_composition.h"
#include "rapidcheck.h"
#include "tests/privacy/dp/reference.h"

#include "tests/catch.h"

namespace tributary::dp {
namespace {

double Repeated(const PrivacyLoss& loss, std::int64_t count, double delta) {
  const RepeatedLoss repeated{&loss, count};
  return ComposedEpsilon({&repeated, 1}, delta).value();
}

double Poisson(double rate, double noise, std::int64_t rounds, double delta) {
  return Repeated(PoissonGaussianLoss(rate, noise, LossInterval(rate, noise)),
                  rounds, delta);
}

// The criterion: never below the exact value, at most a thousandth above the
// reference, which stands with 8 digits.
bool IsTight(double epsilon, double reference) {
  return epsilon >= reference * (1 - 1e-3) && epsilon <= reference * (1 + 1e-3);
}

TEST_CASE("without sampling epsilon is Balle and Wang's") {
  // dp_accounting 0.6.0, get_epsilon_gaussian.
  CHECK(AnalyticGaussianEpsilon(0.5, 1e-5) == Approx(9.9972561).epsilon(1e-8));
  CHECK(AnalyticGaussianEpsilon(1, 1e-6) == Approx(4.8865541).epsilon(1e-8));
  CHECK(AnalyticGaussianEpsilon(4 / std::sqrt(100), 1e-9) ==
        Approx(17.611019).epsilon(1e-7));
  // Published for Gboard: 3.42 and 0.994 at delta 1e-10 and rho = 1/2s^2.
  CHECK(AnalyticGaussianEpsilon(1 / std::sqrt(0.3), 1e-10) ==
        Approx(3.4157).margin(5e-5));
  CHECK(AnalyticGaussianEpsilon(1 / std::sqrt(0.0288), 1e-10) ==
        Approx(0.9956).margin(5e-5));
  CHECK(AnalyticGaussianEpsilon(10, 0.5) == 0);
  CHECK(AnalyticGaussianDelta(1, 0) == Approx(std::erf(std::sqrt(0.125))));
}

TEST_CASE("on the grid epsilon is never below the exact one, nor far above") {
  for (const double noise : {0.5, 1.0, 4.0, 50.0}) {
    for (const std::int64_t rounds : {1, 10, 1'000}) {
      for (const double delta : {1e-3, 1e-6, 1e-12}) {
        const double exact = AnalyticGaussianEpsilon(
            noise / std::sqrt(static_cast<double>(rounds)), delta);
        if (exact > 200) continue;
        const double epsilon = Poisson(1, noise, rounds, delta);
        INFO(noise << " " << rounds << " " << delta << ": " << epsilon << " "
                   << exact);
        CHECK(epsilon >= exact * (1 - 1e-10));
        CHECK(epsilon <= exact * (1 + 1e-4) + 1e-7);
      }
    }
  }
}

TEST_CASE("epsilon by PLD is that of dp_accounting 0.6.0") {
  // pld.PLDAccountant, ADD_OR_REMOVE_ONE, interval 1e-4.
  CHECK(IsTight(Poisson(0.001, 0.5, 1'000, 1e-5), 3.2388806));
  CHECK(IsTight(Poisson(0.01, 1, 1'000, 1e-9), 2.9895903));
  CHECK(IsTight(Poisson(0.016, 1.1, 3'750, 1e-5), 5.1456608));
  CHECK(IsTight(Poisson(0.5, 4, 100, 1e-5), 5.8687206));
  // REPLACE_ONE.
  CHECK(IsTight(Repeated(PoissonReplacedGaussianLoss(0.01, 1, 1e-4), 100, 1e-5),
                0.8951259));
  // DiscreteGaussianDpEvent, sensitivity 1.
  CHECK(IsTight(Repeated(DiscreteGaussianLoss(1, 1e-4), 1, 1e-5), 4.4302381));
}

TEST_CASE("every row of epsilons by PLD agrees") {
  const auto rows = ReferenceRows("dp_reference.csv");
  if (!rows) return;
  int checked = 0;
  for (const auto& row : *rows) {
    const double rate = std::stod(row[2]);
    const double noise = std::stod(row[3]);
    const auto rounds = static_cast<std::int64_t>(std::stoll(row[4]));
    const double delta = std::stod(row[5]);
    double epsilon = 0;
    if (row[0] == "gaussian" && (row[1] == "none" || row[1] == "poisson")) {
      epsilon = Poisson(rate, noise, rounds, delta);
    } else if (row[0] == "gaussian" && row[1] == "poisson_replace_one") {
      epsilon = Repeated(
          PoissonReplacedGaussianLoss(rate, noise, LossInterval(rate, noise)),
          rounds, delta);
    } else if (row[0] == "discrete_gaussian") {
      epsilon = Repeated(DiscreteGaussianLoss(noise, 1e-4), rounds, delta);
    } else {
      continue;  // what has no loss distribution here
    }
    INFO(row[0] << " " << row[1] << " " << rate << " " << noise << " " << rounds
                << " " << delta << ": " << epsilon);
    CHECK(IsTight(epsilon, std::stod(row[7])));
    if (!row[11].empty()) {
      const double exact = AnalyticGaussianEpsilon(
          noise / std::sqrt(static_cast<double>(rounds)), delta);
      CHECK(exact == Approx(std::stod(row[11])).epsilon(1e-7));
      CHECK(epsilon >= exact * (1 - 1e-10));
    }
    if (!row[12].empty()) {
      // A grid ten times as fine: no answer of ours may be below it but by
      // what the finer grid itself is above the truth.
      CHECK(epsilon >= std::stod(row[12]) * (1 - 1e-5));
    }
    ++checked;
  }
  CHECK(checked == 39);
}

TEST_CASE("both directions keep their mass, and the grid only adds loss") {
  for (const PrivacyLoss& loss :
       {PoissonGaussianLoss(0.01, 1, 1e-3), PoissonGaussianLoss(1, 0.5, 1e-3),
        PoissonReplacedGaussianLoss(0.2, 0.8, 1e-3),
        DiscreteGaussianLoss(3, 1e-3)}) {
    for (const LossDistribution& one : {loss.removal, loss.addition}) {
      CHECK(std::accumulate(one.mass.begin(), one.mass.end(),
                            one.infinite_mass) == Approx(1).epsilon(1e-12));
      // E e^-loss = 1 minus what only the other neighbour gives.
      double other = 0;
      bool has_negative = false;
      for (std::size_t j = 0; j < one.mass.size(); ++j) {
        has_negative |= one.mass[j] < 0;
        other += one.mass[j] *
                 std::exp(-static_cast<double>(one.lowest +
                                               static_cast<std::int64_t>(j)) *
                          one.interval);
      }
      CHECK_FALSE(has_negative);
      CHECK(other == Approx(1).epsilon(1e-9));
    }
  }
}

TEST_CASE("epsilon by PLD grows with rate, rounds, less noise, smaller delta") {
  // 1e-4: what a grid chosen for the rate and noise moves.
  CHECK(rc::check([] {
    const double rate = *rc::gen::inRange(10, 900) / 1000.0;
    const double noise = *rc::gen::inRange(200, 800) / 100.0;
    const std::int64_t rounds = *rc::gen::inRange(1, 300);
    const double delta = std::pow(10, -*rc::gen::inRange(3, 12));
    const double epsilon = Poisson(rate, noise, rounds, delta);
    double more = 0;
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        more = Poisson(rate * 1.1, noise, rounds, delta);
        break;
      case 1:
        more = Poisson(rate, noise, rounds + 10, delta);
        break;
      case 2:
        more = Poisson(rate, noise / 1.1, rounds, delta);
        break;
      default:
        more = Poisson(rate, noise, rounds, delta / 2);
    }
    RC_ASSERT(more >= epsilon * (1 - 1e-4));
  }));
}

TEST_CASE("releases of several kinds add up in any order") {
  const PrivacyLoss some = PoissonGaussianLoss(0.05, 1, 1e-4);
  const PrivacyLoss others = PoissonGaussianLoss(0.2, 3, 1e-4);
  const std::vector<RepeatedLoss> parts = {
      {&some, 30}, {&others, 20}, {&some, 70}};
  const std::vector<RepeatedLoss> merged = {{&others, 20}, {&some, 100}};
  CHECK(ComposedEpsilon(parts, 1e-6).value() ==
        Approx(ComposedEpsilon(merged, 1e-6).value()).epsilon(1e-9));
  CHECK(ComposedEpsilon({}, 1e-6).value() == 0);
}

TEST_CASE("what cannot be composed is an error or infinite, never a number") {
  const PrivacyLoss fine = PoissonGaussianLoss(0.05, 1, 1e-4);
  const PrivacyLoss coarse = PoissonGaussianLoss(0.05, 1, 1e-3);
  const std::vector<RepeatedLoss> mixed = {{&fine, 1}, {&coarse, 1}};
  CHECK(ComposedEpsilon(mixed, 1e-6).status().message() ==
        "losses on grids of 0.001 and 0.0001 cannot be added");
  const PrivacyLoss wide = PoissonGaussianLoss(1, 0.5, 1e-4);
  const RepeatedLoss many{&wide, 10'000'000};
  CHECK(ComposedEpsilon({&many, 1}, 1e-6).status().code() ==
        absl::StatusCode::kOutOfRange);
  CHECK(Repeated(fine, 1, 1e-40) == std::numeric_limits<double>::infinity());
}

TEST_CASE("ten thousand rounds are accounted in less than two seconds") {
  // Of processor time, loss distribution included: the grid here is the finest
  // of the reference's rows. Sanitizers slow it down several times.
  const std::clock_t start = std::clock();
  CHECK(IsTight(Poisson(0.001, 1, 10'000, 1e-6), 0.55539236));
  const double seconds =
      static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::printf("10,000 compositions: %.3f s of processor time\n", seconds);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(_GLIBCXX_TSAN)
  CHECK(seconds < 2);
#endif
}

}  // namespace
}  // namespace tributary::dp
