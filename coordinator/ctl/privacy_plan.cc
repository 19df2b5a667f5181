// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/privacy_plan.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace tributary::ctl {
namespace {

constexpr std::int64_t kMostRounds = 1'000'000'000;
constexpr std::int64_t kMostClients = 1'000'000'000'000;

template <typename... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status Between(const char* option, std::int64_t value, std::int64_t least,
                     std::int64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return Wrong(option, ": ", value, " is not between ", least, " and ", most);
}

absl::Status Check(const PrivacyQuestion& question) {
  if (question.epsilon.has_value() == question.noise_multiplier.has_value()) {
    return Wrong(
        "--epsilon, --noise-multiplier: give one of the two, the other is "
        "computed");
  }
  if (question.epsilon &&
      !(*question.epsilon > 0 && std::isfinite(*question.epsilon))) {
    return Wrong("--epsilon: ", *question.epsilon, " is not a positive number");
  }
  if (question.noise_multiplier &&
      !(*question.noise_multiplier >= dp::kLeastNoiseMultiplier &&
        *question.noise_multiplier <= dp::kMostNoiseMultiplier)) {
    return Wrong("--noise-multiplier: ", *question.noise_multiplier,
                 " is not between ", dp::kLeastNoiseMultiplier, " and ",
                 dp::kMostNoiseMultiplier);
  }
  absl::Status status = Between("--rounds", question.rounds, 1, kMostRounds);
  status.Update(Between("--population", question.population, 1, kMostClients));
  status.Update(Between("--cohort", question.cohort, 1, question.population));
  status.Update(Between("--parameters", question.parameters, 0, kMostClients));
  if (!status.ok()) return status;
  // Releasing one client's data in the clear, whole, would satisfy a larger
  // one.
  const double largest = 1 / static_cast<double>(question.population);
  if (!(question.delta > 0 && question.delta < largest)) {
    return Wrong("--delta: ", question.delta,
                 " is not between 0 and 1 / --population = ", largest,
                 "; a tenth of that is usual");
  }
  return absl::OkStatus();
}

double Rate(const PrivacyQuestion& question, std::int64_t cohort) {
  return static_cast<double>(cohort) / static_cast<double>(question.population);
}

dp::GaussianRounds Rounds(const Spending& spending,
                          const PrivacyQuestion& question) {
  return {.noise_multiplier = spending.noise_multiplier,
          .sampling = spending.sampling,
          .rate = Rate(question, spending.cohort),
          .neighbours = spending.neighbours,
          .rounds = spending.rounds};
}

absl::Status SetEpsilon(const PrivacyQuestion& question, Spending& spending) {
  const auto epsilon = dp::Epsilon(spending.accountant,
                                   Rounds(spending, question), spending.delta);
  if (epsilon.ok()) spending.epsilon = *epsilon;
  return epsilon.status();
}

absl::Status SetNoise(const PrivacyQuestion& question, Spending& spending) {
  const auto noise =
      dp::CalibrateNoise(spending.accountant, Rounds(spending, question),
                         {*question.epsilon, spending.delta});
  if (!noise.ok()) return noise.status();
  spending.noise_multiplier = *noise;
  return SetEpsilon(question, spending);
}

}  // namespace

absl::StatusOr<PrivacyPlan> PlanPrivacy(const PrivacyQuestion& question) {
  if (absl::Status status = Check(question); !status.ok()) return status;

  PrivacyPlan plan;
  Spending& answer = plan.answer;
  answer.delta = question.delta;
  answer.sampling = question.sampling;
  // In any other cohort that is not drawn client by client, another one takes
  // the place of a client that is not there.
  const bool may_be_missing = question.sampling == dp::Sampling::kPoisson ||
                              (question.sampling == dp::Sampling::kNone &&
                               question.cohort == question.population);
  answer.neighbours = question.neighbours.value_or(
      may_be_missing ? dp::Neighbours::kAddOrRemoveOne
                     : dp::Neighbours::kReplaceOne);
  const auto covers = [&](dp::Accountant accountant) {
    return dp::Covers(accountant, answer.sampling, answer.neighbours);
  };
  answer.accountant = question.accountant.value_or(
      covers(dp::Accountant::kPld).ok() ? dp::Accountant::kPld
                                        : dp::Accountant::kRdp);
  if (const auto status = covers(answer.accountant); !status.ok()) {
    return Wrong("--accountant, --sampling, --neighbours: ", status.message());
  }
  if (answer.neighbours == dp::Neighbours::kAddOrRemoveOne && !may_be_missing) {
    return Wrong(
        "--neighbours: add-or-remove-one without sampling is for cohorts of "
        "the whole population: in others another client takes the place of "
        "one that is not there; take replace-one");
  }
  answer.rounds = question.rounds;
  answer.cohort = question.cohort;
  if (question.noise_multiplier) {
    answer.noise_multiplier = *question.noise_multiplier;
  }
  const absl::Status status = question.epsilon ? SetNoise(question, answer)
                                               : SetEpsilon(question, answer);
  if (absl::IsOutOfRange(status)) {
    return Wrong("--epsilon: ", status.message(),
                 "; ask for fewer rounds or a larger epsilon");
  }
  if (!status.ok()) return status;

  Spending other = answer;
  other.accountant = answer.accountant == dp::Accountant::kPld
                         ? dp::Accountant::kRdp
                         : dp::Accountant::kPld;
  if (covers(other.accountant).ok() && SetEpsilon(question, other).ok()) {
    plan.other_accountant = other;
  }
  for (const std::int64_t part : {10, 2}) {
    Spending earlier = answer;
    earlier.rounds = question.rounds / part;
    if (earlier.rounds > 0 && SetEpsilon(question, earlier).ok()) {
      plan.earlier_rounds.push_back(earlier);
    }
  }
  if (question.epsilon) {
    for (const std::int64_t times : {2, 5, 10}) {
      Spending larger = answer;
      larger.cohort = times * question.cohort;
      if (larger.cohort <= question.population &&
          SetNoise(question, larger).ok()) {
        plan.larger_cohorts.push_back(larger);
      }
    }
  }
  if (answer.sampling == dp::Sampling::kPoisson) {
    const auto mean = static_cast<double>(question.cohort);
    const double deviation =
        std::sqrt(mean * (1 - Rate(question, question.cohort)));
    plan.largest_cohort =
        std::min(question.population,
                 static_cast<std::int64_t>(std::ceil(mean + 5 * deviation)));
  }
  if (question.parameters > 0) {
    plan.noise_norm = answer.NoiseOnMean() *
                      std::sqrt(static_cast<double>(question.parameters));
  }
  return plan;
}

}  // namespace tributary::ctl
