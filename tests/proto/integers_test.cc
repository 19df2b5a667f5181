// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/integers.h"

#include <cmath>

#include "privacy/secagg/modulus.h"
#include "proto/codec/privacy_rules.h"
#include "proto/codec/secagg.h"
#include "proto/codec/yaml.h"
#include "tests/proto/plans.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

using Scalars = aggregation::IntegerFormat::Scalars;

const std::string kPrivacy =
    "privacy: {unit: client, neighbours: add_or_remove_one, noise: "
    "distributed, sampling: none, delta: 1e-6, epsilon: 8, population: 1000, "
    "noise_multiplier: 2, clipping: {norm: 0.5}}\n";

v1::Plan PlanOf(const std::string& sections) {
  v1::Plan plan;
  REQUIRE(ParseYaml(kGoodPlan + sections, "p", plan).ok());
  if (plan.has_privacy()) plan.mutable_update()->set_max_weight(1);
  plan.mutable_round()->set_cohort_size(1000);
  const absl::Status valid = ValidatePlan(plan);
  INFO(valid.message());
  REQUIRE(valid.ok());
  return WithDefaults(plan);
}

Manifest TwoTensors() {
  return Manifest({{.name = "a", .shape = {300}}, {.name = "b", .shape = {7}}});
}

aggregation::IntegerFormat FormatOf(const v1::Plan& plan, double clip_norm) {
  const auto integers = ToIntegerUpdate(plan, TwoTensors(), clip_norm).value();
  return ToIntegerFormat(integers, plan.update(), TwoTensors(), plan.strategy())
      .value();
}

TEST_CASE("masked updates have examples and loss among their words") {
  const v1::Plan plan = PlanOf("secure_aggregation: {}\n");
  CHECK(plan.update().encoding() == v1::UpdatePlan::PACKED);
  const auto format = FormatOf(plan, 0);
  CHECK(format.scalars == Scalars::kExamplesAndLoss);
  CHECK(format.Words() == 309);
  // 16 bits with the sign; max_abs 4.
  CHECK(format.layout.parameters.step() == 0x1p-13);
  // 1,300 asked x weight 1,000 x 2^15 < 2^36.
  CHECK(format.word_bits == 37);
}

TEST_CASE(
    "under privacy the clip norm sets the grid, and the noise its bound") {
  const v1::Plan plan = PlanOf("secure_aggregation: {}\n" + kPrivacy);
  const v1::IntegerUpdate integers =
      ToIntegerUpdate(plan, TwoTensors(), 0.5).value();
  const auto format = FormatOf(plan, 0.5);
  CHECK(format.scalars == Scalars::kNone);
  CHECK(format.layout.parameters.step() == 0x1p-16);
  // ceil(sqrt(s^2 c^2 + d/4 + (s c + sqrt(d)/2))), sqrt(-2 ln beta) being 1.
  const double norm = 32768;
  const double root = std::sqrt(307.0);
  CHECK(integers.norm_bound() ==
        std::ceil(std::sqrt(norm * norm + root * root / 4 + norm + root / 2)));
  CHECK(integers.noise() == v1::IntegerUpdate::SKELLAM);
  // 800 of 1,000 are sure to come, 50 of them may be corrupt.
  CHECK(CertainShares(plan) == 750);
  const double share = std::pow(2 * integers.norm_bound(), 2) / 750;
  CHECK(integers.noise_variance() % 2 == 0);
  CHECK(std::fabs(static_cast<double>(integers.noise_variance()) - share) <= 2);
  // Another norm, the same integers.
  const auto wider = ToIntegerUpdate(plan, TwoTensors(), 1.0).value();
  CHECK(wider.norm_bound() == integers.norm_bound());
  CHECK(wider.noise_variance() == integers.noise_variance());
  CHECK(wider.word_bits() == integers.word_bits());
}

TEST_CASE("no sum of a cohort wraps, noise included") {
  for (const char* sections : {"secure_aggregation: {}\n", ""}) {
    const std::string masked = "secure_aggregation: {}\n";
    const v1::Plan plan =
        PlanOf(*sections == '\0' ? masked + kPrivacy : masked);
    const auto integers = ToIntegerUpdate(plan, TwoTensors(), 0.5).value();
    const auto format = FormatOf(plan, 0.5);
    const double tail =
        16 * std::sqrt(static_cast<double>(integers.noise_variance()));
    CHECK(static_cast<double>(secagg::LargestInput(
              format.word_bits, AskedClients(plan.round()))) >=
          static_cast<double>(format.LargestWord()) + tail);
  }
}

TEST_CASE("adaptive clipping takes its count's noise from the update's") {
  v1::Plan plan = PlanOf("secure_aggregation: {}\n" + kPrivacy);
  const auto fixed = ToIntegerUpdate(plan, TwoTensors(), 0.5).value();
  plan.mutable_privacy()
      ->mutable_clipping()
      ->mutable_adaptive()
      ->set_count_noise(50);
  const auto adaptive = ToIntegerUpdate(plan, TwoTensors(), 0.5).value();
  CHECK(adaptive.clip_word());
  CHECK(FormatOf(plan, 0.5).Words() == 308);
  // (2^-2 - 100^-2)^-1/2 = 2.0004.
  CHECK(static_cast<double>(adaptive.noise_variance()) /
            static_cast<double>(fixed.noise_variance()) ==
        Approx(1 / (1 - 4e-4)).epsilon(1e-6));
  plan.mutable_privacy()
      ->mutable_clipping()
      ->mutable_adaptive()
      ->set_count_noise(1);
  CHECK(ToIntegerUpdate(plan, TwoTensors(), 0.5).status().message() ==
        "privacy.clipping.adaptive.count_noise: a noise multiplier of 2 leaves "
        "nothing for the updates beside a count with noise of 1: take a count "
        "noise above 1");
}

TEST_CASE("the terms are the plan's, and refused where no graph can hold") {
  v1::Plan plan = PlanOf("secure_aggregation: {}\n");
  const auto terms = ToTerms(plan, 309, 37).value();
  CHECK(terms.min_survivors == 800);
  CHECK(terms.min_cohort == 801);
  CHECK(terms.max_cohort == 1300);
  CHECK(terms.corrupt_per_mille == 50);
  CHECK(terms.dropped_per_mille == 100);
  plan.mutable_secure_aggregation()->set_corrupt(0.5);
  plan.mutable_secure_aggregation()->set_dropped(0.3);
  CHECK(ToTerms(plan, 309, 37).status().code() ==
        absl::StatusCode::kInvalidArgument);
}

TEST_CASE("a plan's digest changes with all that a client is given") {
  v1::Task task;
  const Digest before = PlanDigest(task);
  task.set_round(3);
  task.set_seed("s");
  CHECK(PlanDigest(task) == before);
  const auto change = [&](auto apply) {
    v1::Task changed = task;
    apply(changed);
    return PlanDigest(changed) != before;
  };
  CHECK(change([](auto& t) { t.set_archive("a"); }));
  CHECK(change([](auto& t) { t.mutable_training()->set_epochs(2); }));
  CHECK(change([](auto& t) { t.mutable_update()->set_max_abs(2); }));
  CHECK(change([](auto& t) { t.mutable_integers()->set_clip_norm(2); }));
  CHECK(change([](auto& t) { t.mutable_secure()->set_min_cohort(4); }));
  CHECK(change(
      [](auto& t) { t.mutable_strategy()->mutable_ditto()->set_lambda(1); }));
}

TEST_CASE("both sides read the same terms from a task") {
  const v1::Plan plan = PlanOf("secure_aggregation: {}\n");
  const auto planned = ToTerms(plan, 309, 37).value();
  v1::Task task;
  task.set_run("digits-1");
  task.set_round(3);
  task.set_attempt(2);
  task.set_model(std::string(Sha256("model").AsBytes()));
  *task.mutable_secure() = ToMessage(planned);
  const auto terms = TermsOf(task).value();
  CHECK(terms.run == "digits-1");
  CHECK(terms.round == 3);
  CHECK(terms.attempt == 2);
  CHECK(terms.model == Sha256("model"));
  CHECK(terms.plan == PlanDigest(task));
  CHECK(terms.length == planned.length);
  CHECK(terms.min_survivors == planned.min_survivors);
  CHECK(terms.max_cohort == planned.max_cohort);
  task.set_model("short");
  CHECK_FALSE(TermsOf(task).ok());
}

}  // namespace
}  // namespace tributary::codec
