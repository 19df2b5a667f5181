// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/privacy_rules.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "proto/codec/strategy.h"
#include "proto/codec/yaml.h"

namespace tributary::codec {
namespace {

class PrivacyRules {
 public:
  PrivacyRules(const v1::Plan& plan, Problems& problems)
      : given_(plan), plan_(WithDefaults(plan)), problems_(problems) {}

  void CheckUpdate();
  void CheckSession();
  void CheckSampling();
  void CheckDraws();
  void CheckNoise();
  void CheckStatistics();

 private:
  bool IsSampled() const {
    const auto sampling = plan_.privacy().sampling();
    return sampling == v1::PrivacyPlan::POISSON ||
           sampling == v1::PrivacyPlan::FIXED_SIZE;
  }
  void Fail(std::string path, std::string reason) {
    problems_.push_back({std::move(path), std::move(reason)});
  }

  const v1::Plan& given_;
  const v1::Plan plan_;
  Problems& problems_;
};

void PrivacyRules::CheckUpdate() {
  const bool is_packed = plan_.has_secure_aggregation() || plan_.has_privacy();
  const v1::UpdatePlan& update = given_.update();
  if (!is_packed) {
    const char* reason = "is for plans with secure_aggregation or privacy";
    if (update.encoding() == v1::UpdatePlan::PACKED) {
      Fail("update.encoding", absl::StrCat("packed ", reason));
    }
    if (update.has_bits()) Fail("update.bits", reason);
    return;
  }
  if (plan_.update().encoding() != v1::UpdatePlan::PACKED) {
    Fail("update.encoding",
         absl::StrCat(
             absl::AsciiStrToLower(
                 v1::UpdatePlan::Encoding_Name(update.encoding())),
             " cannot stand beside ",
             plan_.has_secure_aggregation() ? "secure_aggregation" : "privacy",
             ", which adds up integers: leave it out, and set update.bits"));
  }
}

void PrivacyRules::CheckSession() {
  if (!plan_.has_secure_aggregation()) {
    if (plan_.simulation().skip_masks()) {
      Fail("simulation.skip_masks", "says nothing without secure_aggregation");
    }
    return;
  }
  const v1::SecureAggregationPlan& secure = plan_.secure_aggregation();
  const std::uint32_t asked = AskedClients(plan_.round());
  const std::uint32_t least = plan_.round().min_updates();
  if (secure.min_cohort() <= least) {
    Fail("secure_aggregation.min_cohort",
         absl::StrCat(secure.min_cohort(), " must be over round.min_updates ",
                      least, ": or not one client could drop out"));
  } else if (secure.min_cohort() > asked) {
    Fail("secure_aggregation.min_cohort",
         absl::StrCat(secure.min_cohort(), " exceeds the ", asked,
                      " clients that are asked; lower it",
                      IsSampled() ? " or round.min_updates"
                                  : " or round.min_updates, or raise "
                                    "round.over_selection"));
  }
  const bool semi_honest =
      secure.adversary() == v1::SecureAggregationPlan::SEMI_HONEST;
  const double lost =
      secure.corrupt() + (semi_honest ? 1 : 2) * secure.dropped();
  if (lost > 0.9) {
    Fail("secure_aggregation",
         absl::StrCat("corrupt ", secure.corrupt(), " and ",
                      semi_honest ? "" : "twice ", "dropped ", secure.dropped(),
                      " are more than 0.9 together: no graph withstands it"));
  }
}

void PrivacyRules::CheckSampling() {
  const v1::PrivacyPlan& privacy = plan_.privacy();
  if (IsSampled() && plan_.round().over_selection() != 1) {
    Fail("round.over_selection",
         absl::StrCat(plan_.round().over_selection(),
                      " must be 1 where privacy.sampling hides who took part: "
                      "to take the first that come is another sampling"));
  }
  const bool is_everybody =
      privacy.population() == plan_.round().cohort_size() &&
      plan_.round().over_selection() == 1;
  // A population that is missing is said by itself.
  if (privacy.sampling() == v1::PrivacyPlan::NONE &&
      privacy.neighbours() == v1::PrivacyPlan::ADD_OR_REMOVE_ONE &&
      privacy.population() > 0 && !is_everybody) {
    const v1::RoundPlan& round = plan_.round();
    const std::string mismatch =
        round.cohort_size() == privacy.population()
            ? absl::StrCat("round.over_selection ", round.over_selection(),
                           " is not 1")
            : absl::StrCat("round.cohort_size ", round.cohort_size(),
                           " is not the population ", privacy.population());
    Fail("privacy.neighbours",
         absl::StrCat("add_or_remove_one under sampling none is for rounds of "
                      "the whole population, and ",
                      mismatch,
                      ": in other rounds another client takes the place of "
                      "one that is not there; take replace_one"));
  }
  if (privacy.population() < plan_.round().cohort_size()) {
    Fail("privacy.population",
         absl::StrCat(privacy.population(), " is fewer than round.cohort_size ",
                      plan_.round().cohort_size()));
  }
  if (privacy.population() > 0 &&
      privacy.delta() >= 1.0 / privacy.population()) {
    Fail("privacy.delta",
         absl::StrCat(privacy.delta(), " must be below 1 / population ",
                      1.0 / privacy.population(),
                      ", or to publish one client's data whole would do"));
  }
}

// Too small a draw is thrown away, and nothing is charged for it.
void PrivacyRules::CheckDraws() {
  const v1::PrivacyPlan& privacy = plan_.privacy();
  if (privacy.sampling() != v1::PrivacyPlan::POISSON) return;
  if (privacy.population() < plan_.round().cohort_size()) return;  // said
  const dp::PoissonDraws draws = PoissonDrawsOf(plan_);
  const std::int64_t most = draws.LargestMinimum(draws.population);
  const bool is_secure = plan_.has_secure_aggregation();
  const std::uint32_t mean = plan_.round().cohort_size();
  if (most < (is_secure ? 3 : 1)) {
    Fail("round.cohort_size",
         absl::StrCat(mean,
                      " is too small for privacy.sampling poisson: too "
                      "many draws have too few clients; take 40 or more, "
                      "or another sampling"));
    return;
  }
  const auto check = [&](std::string key, std::int64_t least,
                         std::int64_t allowed) {
    if (least <= allowed) return;
    Fail(std::move(key),
         absl::StrCat(least, " must be at most ", allowed,
                      " under privacy.sampling poisson with round.cohort_size ",
                      mean,
                      ": draws that are too small are thrown away, so often "
                      "that privacy.delta would not hold"));
  };
  check("round.min_updates", plan_.round().min_updates(),
        is_secure ? most - 1 : most);
  if (is_secure) {
    check("secure_aggregation.min_cohort",
          plan_.secure_aggregation().min_cohort(), most);
  }
}

void PrivacyRules::CheckNoise() {
  const v1::PrivacyPlan& privacy = plan_.privacy();
  if (privacy.noise() == v1::PrivacyPlan::DISTRIBUTED &&
      !plan_.has_secure_aggregation()) {
    Fail("privacy.noise",
         "distributed needs secure_aggregation: a share of the noise does not "
         "protect an update that is seen alone");
  }
  if (privacy.noise() == v1::PrivacyPlan::LOCAL &&
      privacy.clipping().has_adaptive()) {
    Fail("privacy.clipping.adaptive",
         "is for noise on the sum, not for local noise");
  }
  if (privacy.has_population_epsilon() &&
      privacy.population_epsilon() < privacy.epsilon()) {
    Fail("privacy.population_epsilon",
         absl::StrCat(privacy.population_epsilon(),
                      " is less than privacy.epsilon ", privacy.epsilon()));
  }
}

// Whatever is released beside the model needs noise and a debit.
void PrivacyRules::CheckStatistics() {
  if (plan_.update().max_weight() != 1) {
    Fail("update.max_weight",
         absl::StrCat(plan_.update().max_weight(),
                      " must be 1 under privacy: every client counts the "
                      "same, and how many examples it has is not told"));
  }
  switch (plan_.strategy().kind_case()) {
    case v1::StrategyPlan::kFednova:
    case v1::StrategyPlan::kScaffold:
    case v1::StrategyPlan::kQfedavg:
      Fail("strategy",
           "fednova, scaffold and qfedavg send numbers along that are not "
           "clipped: leave it out under privacy");
      break;
    default:
      break;
  }
  if (plan_.simulation().client_test_fraction() > 0) {
    Fail("simulation.client_test_fraction",
         "clients' own metrics have no noise: leave it out under privacy");
  }
}

}  // namespace

std::uint32_t AskedClients(const v1::RoundPlan& round) {
  constexpr double kRounding = 1e-9;
  return static_cast<std::uint32_t>(
      std::ceil(round.cohort_size() * round.over_selection() - kRounding));
}

dp::PoissonDraws PoissonDrawsOf(const v1::Plan& plan) {
  return {.population = std::max(1u, plan.privacy().population()),
          .cohort = plan.round().cohort_size(),
          .rounds = plan.stop().rounds(),
          .attempts = plan.round().max_attempts(),
          .delta = plan.privacy().delta()};
}

void CheckPrivacy(const v1::Plan& plan, Problems& problems) {
  PrivacyRules rules(plan, problems);
  rules.CheckUpdate();
  rules.CheckSession();
  if (!plan.has_privacy()) return;
  rules.CheckSampling();
  rules.CheckDraws();
  rules.CheckNoise();
  rules.CheckStatistics();
}

absl::Status CheckPrivateModel(const v1::Plan& plan, const Manifest& manifest) {
  if (!plan.has_privacy()) return absl::OkStatus();
  const auto local = LocalRanges(plan.strategy(), manifest);
  if (!local.ok()) return local.status();
  std::size_t offset = 0;
  for (const TensorSpec& tensor : manifest.tensors()) {
    const std::size_t end = offset + tensor.Size();
    const bool is_local =
        std::any_of(local->begin(), local->end(), [&](const FlatRange& range) {
          return range.begin <= offset && end <= range.end;
        });
    if (!tensor.trainable && !tensor.auxiliary && !is_local) {
      return absl::InvalidArgumentError(absl::StrCat(
          "privacy: the model's buffer ", tensor.name,
          " is a statistic of clients' examples, which no clipping bounds: "
          "take a model without buffers (GroupNorm in place of BatchNorm), or "
          "keep them on the clients with strategy fedper or fedrep"));
    }
    offset = end;
  }
  return absl::OkStatus();
}

}  // namespace tributary::codec
