// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/accountant.h"

#include <cmath>

#include "rapidcheck.h"

#include "tests/catch.h"

namespace tributary::dp {
namespace {

constexpr auto kAdd = Neighbours::kAddOrRemoveOne;
constexpr auto kReplace = Neighbours::kReplaceOne;

TEST_CASE(
    "epsilon of a run is what dp_accounting 0.6.0 says, by either "
    "accountant") {
  const GaussianRounds poisson{
      .noise_multiplier = 1, .rate = 0.01, .rounds = 1'000};
  CHECK(Epsilon(Accountant::kRdp, poisson, 1e-6).value() ==
        Approx(2.4366938).epsilon(1e-6));
  CHECK(Epsilon(Accountant::kPld, poisson, 1e-6).value() ==
        Approx(2.1245225).epsilon(1e-3));
  // The reference's noise is over the sensitivity of a replacement, 2 clips.
  const GaussianRounds fixed{.noise_multiplier = 4,
                             .sampling = Sampling::kFixedSize,
                             .rate = 0.01,
                             .neighbours = kReplace,
                             .rounds = 1'000};
  CHECK(Epsilon(Accountant::kRdp, fixed, 1e-5).value() ==
        Approx(1.4452982).epsilon(1e-6));
  const GaussianRounds replaced{.noise_multiplier = 2,
                                .rate = 0.1,
                                .neighbours = kReplace,
                                .rounds = 100};
  CHECK(Epsilon(Accountant::kPld, replaced, 1e-5).value() ==
        Approx(4.3680972).epsilon(1e-3));
  const GaussianRounds everybody{
      .noise_multiplier = 4, .sampling = Sampling::kNone, .rounds = 100};
  CHECK(Epsilon(Accountant::kPld, everybody, 1e-9).value() ==
        Approx(17.611019).epsilon(1e-7));
  CHECK(Epsilon(Accountant::kRdp, everybody, 1e-9).value() ==
        Approx(18.389229).epsilon(1e-7));
}

TEST_CASE("a replaced client costs at most what twice the sensitivity does") {
  const GaussianRounds replaced{.noise_multiplier = 2,
                                .rate = 0.1,
                                .neighbours = kReplace,
                                .rounds = 100};
  GaussianRounds all = replaced;
  all.rate = 1;
  GaussianRounds none = all;
  none.sampling = Sampling::kNone;
  CHECK(Epsilon(Accountant::kPld, all, 1e-5).value() ==
        Epsilon(Accountant::kPld, none, 1e-5).value());
  CHECK(Epsilon(Accountant::kPld, replaced, 1e-5).value() <
        Epsilon(Accountant::kPld, none, 1e-5).value());
}

TEST_CASE("a combination without an accountant is an error, never a number") {
  const auto code = [](Accountant accountant, Sampling sampling,
                       Neighbours neighbours) {
    const GaussianRounds rounds{.noise_multiplier = 1,
                                .sampling = sampling,
                                .rate = 0.1,
                                .neighbours = neighbours,
                                .rounds = 10};
    const auto epsilon = Epsilon(accountant, rounds, 1e-5);
    const auto noise =
        CalibrateNoise(accountant, rounds, {.epsilon = 1, .delta = 1e-5});
    CHECK(epsilon.status() == noise.status());
    return epsilon.status().code();
  };
  const auto no = absl::StatusCode::kUnimplemented;
  CHECK(code(Accountant::kRdp, Sampling::kFixedSize, kAdd) == no);
  CHECK(code(Accountant::kPld, Sampling::kFixedSize, kAdd) == no);
  CHECK(code(Accountant::kPld, Sampling::kFixedSize, kReplace) == no);
  CHECK(code(Accountant::kRdp, Sampling::kPoisson, kReplace) == no);
  const auto yes = absl::StatusCode::kOk;
  CHECK(code(Accountant::kRdp, Sampling::kFixedSize, kReplace) == yes);
  CHECK(code(Accountant::kPld, Sampling::kPoisson, kReplace) == yes);
  CHECK(code(Accountant::kRdp, Sampling::kNone, kReplace) == yes);
}

TEST_CASE("calibrated noise keeps the target and wastes at most 0.1 %") {
  CHECK(rc::check([] {
    const GaussianRounds rounds{.rate = *rc::gen::inRange(1, 300) / 1000.0,
                                .rounds = *rc::gen::inRange(1, 5'000)};
    const PrivacyTarget target{
        .epsilon = *rc::gen::inRange(5, 1'000) / 100.0,
        .delta = std::pow(10, -*rc::gen::inRange(4, 10))};
    GaussianRounds calibrated = rounds;
    calibrated.noise_multiplier =
        CalibrateNoise(Accountant::kRdp, rounds, target).value();
    RC_ASSERT(Epsilon(Accountant::kRdp, calibrated, target.delta).value() <=
              target.epsilon);
    if (calibrated.noise_multiplier == kLeastNoiseMultiplier) return;
    calibrated.noise_multiplier /= 1.0011;
    RC_ASSERT(Epsilon(Accountant::kRdp, calibrated, target.delta).value() >
              target.epsilon);
  }));
}

TEST_CASE("the tight accountant needs less noise for the same target") {
  const GaussianRounds rounds{.rate = 0.01, .rounds = 1'000};
  const PrivacyTarget target{.epsilon = 2.1245225, .delta = 1e-6};
  const double tight = CalibrateNoise(Accountant::kPld, rounds, target).value();
  // Noise 1 spends just this much.
  CHECK(tight == Approx(1).epsilon(2e-3));
  CHECK(CalibrateNoise(Accountant::kRdp, rounds, target).value() >
        1.05 * tight);
}

TEST_CASE("tiny rates and huge losses are accounted, not refused") {
  // A cohort of 100 among a million phones for 10,000 rounds: within the
  // unsampled bound by far, and below RDP.
  const GaussianRounds phones{
      .noise_multiplier = 0.8, .rate = 1e-4, .rounds = 10'000};
  const double tight = Epsilon(Accountant::kPld, phones, 1e-8).value();
  CHECK(tight > 0.01);
  CHECK(tight < Epsilon(Accountant::kRdp, phones, 1e-8).value());
  const GaussianRounds loud{
      .noise_multiplier = 0.3, .rate = 0.5, .rounds = 2'000};
  const double many = Epsilon(Accountant::kPld, loud, 1e-6).value();
  CHECK(many > 1'000);
  CHECK(many <= Epsilon(Accountant::kRdp, loud, 1e-6).value() * 1.001);
}

TEST_CASE("a field of the rounds out of range is named") {
  const GaussianRounds fine{.noise_multiplier = 1, .rate = 0.1, .rounds = 10};
  const auto message = [](const GaussianRounds& rounds, double delta) {
    return std::string(
        Epsilon(Accountant::kRdp, rounds, delta).status().message());
  };
  GaussianRounds wrong = fine;
  wrong.noise_multiplier = 0;
  CHECK(message(wrong, 1e-5) ==
        "noise_multiplier: 0 is not between 0.1 and 1e+06");
  wrong = fine;
  wrong.rate = std::nan("");
  CHECK(message(wrong, 1e-5) == "rate: nan is not in (0, 1]");
  wrong = fine;
  wrong.rounds = 0;
  CHECK(message(wrong, 1e-5) == "rounds: 0 is less than 1");
  CHECK(message(fine, 1) == "delta: 1 is not between 0 and 1");
  CHECK(CalibrateNoise(Accountant::kRdp, fine, {.epsilon = 0, .delta = 1e-5})
            .status()
            .message() == "epsilon: 0 is not a positive number");
  CHECK(
      CalibrateNoise(Accountant::kRdp, fine, {.epsilon = 1e-9, .delta = 1e-20})
          .status()
          .code() == absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace tributary::dp
