// SPDX-License-Identifier: Apache-2.0
#include "coordinator/checkpoint/plan_options.h"

#include <rapidcheck.h>

#include <chrono>
#include <cstdint>

#include "proto/codec/privacy_rules.h"
// Last.
#include "tests/catch.h"

namespace tributary::checkpoint {
namespace {

using namespace std::chrono_literals;

v1::Plan APlan() {
  v1::Plan plan;
  auto* round = plan.mutable_round();
  round->set_cohort_size(10);
  round->set_over_selection(1.2);
  round->set_min_updates(8);
  round->mutable_deadline()->set_seconds(90);
  round->mutable_selection_timeout()->set_nanos(250'000'000);
  round->mutable_retry_backoff()->set_seconds(2);
  round->mutable_retry_backoff()->set_nanos(500'000'000);
  round->set_max_attempts(4);
  plan.mutable_stop()->set_rounds(20);
  plan.mutable_stop()->set_metric("accuracy");
  plan.mutable_stop()->set_target(0.94);
  plan.mutable_evaluation()->set_every_rounds(5);
  plan.mutable_evaluation()->mutable_deadline()->set_seconds(45);
  plan.mutable_update()->set_max_weight(512);
  return plan;
}

TEST_CASE("a plan's rounds are the engine's options") {
  const auto options = ToOptions(APlan());
  REQUIRE(options.ok());
  round::Options expected;
  expected.cohort_size = 10;
  expected.over_selection = 1.2;
  expected.min_updates = 8;
  expected.deadline = 90s;
  expected.selection_timeout = 250ms;
  expected.retry_backoff = 2500ms;
  expected.max_attempts = 4;
  expected.rounds = 20;
  expected.stop_metric = "accuracy";
  expected.stop_target = 0.94;
  expected.evaluate_every = 5;
  expected.evaluation_deadline = 45s;
  expected.max_weight = 512;
  CHECK(*options == expected);
}

v1::Plan ATreesPlan() {
  v1::Plan plan = APlan();
  plan.mutable_round()->set_cohort_size(25);
  auto* hierarchy = plan.mutable_hierarchy();
  hierarchy->add_fan_out(3);
  hierarchy->add_fan_out(2);
  hierarchy->set_min_leaves(2);
  hierarchy->set_deadline_share(0.75);
  return plan;
}

TEST_CASE("each tier of a tree has its part of the cohort") {
  const v1::Plan plan = ATreesPlan();
  const auto root = ToOptions(plan);
  REQUIRE(root.ok());
  CHECK(root->cohort_size == 25);
  CHECK(root->min_updates == 8);
  CHECK(root->evaluate_every == 5);
  CHECK_FALSE(root->parent);
  CHECK(root->tree == round::TreeOptions{.aggregators = 3,
                                         .leaves_each = 9,
                                         .takes_trainers = true});

  const auto middle = ToOptions(plan, 1);
  REQUIRE(middle.ok());
  CHECK(middle->cohort_size == 9);
  CHECK(middle->min_updates == 2);
  CHECK(middle->evaluate_every == 0);
  CHECK(middle->stop_metric.empty());
  CHECK(middle->parent == round::ParentOptions{.deadline_share = 0.75});
  CHECK(middle->tree == round::TreeOptions{.aggregators = 2,
                                           .leaves_each = 5,
                                           .takes_trainers = true});

  const auto last = ToOptions(plan, 2);
  REQUIRE(last.ok());
  CHECK(last->cohort_size == 5);
  CHECK(last->parent);
  CHECK_FALSE(last->tree);
  CHECK(ToOptions(plan, 3).status().message() ==
        "hierarchy.fan_out: has aggregators in 2 tiers, and tier 3 is asked "
        "for");
  CHECK_FALSE(ToOptions(APlan(), 1).ok());
}

TEST_CASE("a root says what is wrong with the tiers below it") {
  v1::Plan plan = ATreesPlan();
  plan.mutable_hierarchy()->set_min_leaves(7);
  CHECK(ToOptions(plan).status().message() ==
        "for the aggregators of tier 2: round.min_updates: 7 exceeds "
        "round.cohort_size 5");
}

TEST_CASE("asynchronous rounds are the engine's options") {
  v1::Plan plan = APlan();
  plan.clear_round();
  plan.mutable_round()->set_cohort_size(10);
  plan.mutable_round()->mutable_deadline()->set_seconds(90);
  plan.mutable_asynchronous()->set_concurrency(20);
  plan.mutable_asynchronous()->set_staleness_exponent(0.25);
  plan.mutable_asynchronous()->set_max_staleness(7);
  const auto options = ToOptions(plan);
  REQUIRE(options.ok());
  CHECK(options->over_selection == 1);
  CHECK(options->min_updates == 10);
  REQUIRE(options->asynchronous);
  CHECK(*options->asynchronous ==
        round::AsynchronousOptions{.concurrency = 20,
                                   .staleness_exponent = 0.25,
                                   .max_staleness = 7,
                                   .mixing_rate = std::nullopt});
  plan.mutable_round()->set_cohort_size(1);
  plan.mutable_asynchronous()->mutable_mixing()->set_rate(0.6);
  CHECK(ToOptions(plan)->asynchronous->mixing_rate == 0.6);
}

TEST_CASE("a plan's rules know how many clients the engine asks") {
  CHECK(rc::check([] {
    v1::Plan plan = APlan();
    auto* round = plan.mutable_round();
    round->set_cohort_size(*rc::gen::inRange<std::uint32_t>(8, 100'000));
    round->set_over_selection(*rc::gen::inRange(100, 300) / 100.0);
    RC_ASSERT(static_cast<std::uint32_t>(ToOptions(plan).value().Asked()) ==
              codec::AskedClients(plan.round()));
  }));
}

v1::Plan AMaskedPlan() {
  v1::Plan plan = APlan();
  plan.mutable_update()->set_encoding(v1::UpdatePlan::PACKED);
  plan.mutable_secure_aggregation()->set_min_cohort(9);
  plan.mutable_secure_aggregation()->set_dropped(0.2);
  plan.mutable_secure_aggregation()->mutable_step_deadline()->set_seconds(7);
  return plan;
}

TEST_CASE("a plan with secure aggregation has masked rounds") {
  const auto options = ToOptions(AMaskedPlan());
  REQUIRE(options.ok());
  CHECK(options->packed);
  CHECK(options->secure == round::SecureOptions{.step_deadline = 7s,
                                                .min_cohort = 9,
                                                .dropped = 0.2});
}

TEST_CASE("skipped masks leave packed updates") {
  v1::Plan plan = AMaskedPlan();
  plan.mutable_simulation()->set_skip_masks(true);
  const auto options = ToOptions(plan);
  REQUIRE(options.ok());
  CHECK(options->packed);
  CHECK_FALSE(options->secure.has_value());
}

TEST_CASE("a plan with privacy says who is drawn and what is clipped") {
  v1::Plan plan = APlan();
  plan.mutable_update()->set_encoding(v1::UpdatePlan::PACKED);
  plan.mutable_round()->set_over_selection(1);
  auto* privacy = plan.mutable_privacy();
  privacy->set_sampling(v1::PrivacyPlan::POISSON);
  privacy->set_population(500);
  privacy->mutable_clipping()->set_norm(0.75);
  auto options = ToOptions(plan);
  REQUIRE(options.ok());
  CHECK(options->sampling == round::Sampling::kPoisson);
  CHECK(options->population == 500);
  // 8 of 10 in the mean are too many: nobody may be missing.
  CHECK(options->least_waiting == 500);
  CHECK(options->clip_norm == 0.75);
  CHECK_FALSE(options->max_debits.has_value());

  // privacy/dp/poisson_draws_test.cc: 100 of 2,000, 12 rounds of 10 attempts.
  v1::Plan demo = plan;
  demo.mutable_round()->set_cohort_size(100);
  demo.mutable_round()->set_min_updates(40);
  demo.mutable_round()->set_max_attempts(10);
  demo.mutable_stop()->set_rounds(12);
  demo.mutable_privacy()->set_population(2'000);
  demo.mutable_privacy()->set_delta(1e-4);
  demo.mutable_secure_aggregation()->set_min_cohort(43);
  demo.mutable_secure_aggregation()->mutable_step_deadline()->set_seconds(7);
  options = ToOptions(demo);
  REQUIRE(options.ok());
  CHECK(options->least_waiting == 1'786);

  privacy->set_sampling(v1::PrivacyPlan::FIXED_SIZE);
  CHECK(ToOptions(plan)->sampling == round::Sampling::kFixedSize);

  // Whoever is asked: the population is the accountant's alone.
  privacy->set_sampling(v1::PrivacyPlan::NONE);
  plan.mutable_round()->set_over_selection(1.2);
  options = ToOptions(plan);
  REQUIRE(options.ok());
  CHECK(options->sampling == round::Sampling::kAny);
  CHECK(options->population == 0);

  CHECK(options->charged == round::Charged::kReleases);
  // Of local noise updates come with all there is.
  privacy->set_noise(v1::PrivacyPlan::LOCAL);
  CHECK(ToOptions(plan)->charged == round::Charged::kAttempts);

  privacy->set_sampling(v1::PrivacyPlan::POISSON);
  CHECK(ToOptions(plan).status().message() ==
        "round.over_selection: 1.2 is not 1, as privacy.sampling needs");
}

TEST_CASE("a plan whose values do not fit together is refused by key") {
  v1::Plan plan = APlan();
  plan.mutable_round()->set_min_updates(11);
  const auto options = ToOptions(plan);
  CHECK(options.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(options.status().message() ==
        "round.min_updates: 11 exceeds round.cohort_size 10");
}

TEST_CASE("numbers beyond an engine's are refused, not wrapped") {
  v1::Plan plan = APlan();
  plan.mutable_round()->set_cohort_size(0xffffffff);
  plan.mutable_round()->mutable_deadline()->set_seconds(INT64_MAX);
  plan.mutable_round()->mutable_retry_backoff()->set_seconds(INT64_MIN);
  const std::string said(ToOptions(plan).status().message());
  CHECK(said.find("round.cohort_size") != std::string::npos);
  CHECK(said.find("round.deadline") != std::string::npos);
  CHECK(said.find("round.retry_backoff") != std::string::npos);
}

TEST_CASE("a plan's quarantine is the engine's") {
  v1::Plan plan = APlan();
  CHECK_FALSE(ToOptions(plan)->quarantine);
  plan.mutable_quarantine()->set_strikes(4);
  plan.mutable_quarantine()->set_rounds(7);
  CHECK(ToOptions(plan)->quarantine ==
        round::QuarantineOptions{.strikes = 4, .rounds = 7});
}

}  // namespace
}  // namespace tributary::checkpoint
