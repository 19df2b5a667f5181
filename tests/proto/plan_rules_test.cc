// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <limits>

#include "google/protobuf/util/message_differencer.h"
#include "proto/codec/attack.h"
#include "proto/codec/yaml.h"
#include "tests/proto/plans.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

v1::Plan GoodPlan() {
  v1::Plan plan;
  REQUIRE(ParseYaml(kGoodPlan, "p", plan).ok());
  return plan;
}

// What validation says of the good plan after one change.
absl::Status After(const std::function<void(v1::Plan&)>& change) {
  v1::Plan plan = GoodPlan();
  change(plan);
  return ValidatePlan(plan);
}

TEST_CASE("the good plan is valid, with and without its defaults") {
  CHECK(ValidatePlan(GoodPlan()).ok());
  CHECK(ValidatePlan(WithDefaults(GoodPlan())).ok());
}

TEST_CASE("the quorum fits the cohort") {
  CHECK(
      Says(After([](auto& plan) { plan.mutable_round()->set_min_updates(12); }),
           "round.min_updates: 12 exceeds round.cohort_size 10"));
}

TEST_CASE("training lasts epochs or steps, never both or neither") {
  const std::string line = "training: exactly one of epochs and steps";
  CHECK(Says(After([](auto& plan) { plan.mutable_training()->set_steps(3); }),
             line));
  CHECK(Says(After([](auto& plan) { plan.mutable_training()->clear_epochs(); }),
             line));
}

TEST_CASE("momentum is for sgd") {
  CHECK(Says(After([](auto& plan) {
               plan.mutable_training()->set_optimizer(v1::TrainingPlan::ADAM);
               plan.mutable_training()->set_momentum(0.9);
             }),
             "training.momentum: is for sgd; adam has its own"));
}

TEST_CASE("quarantine and sampled cohorts do not go together") {
  for (const auto sampling :
       {v1::PrivacyPlan::POISSON, v1::PrivacyPlan::FIXED_SIZE}) {
    CHECK(Says(After([&](auto& plan) {
                 plan.mutable_quarantine();
                 plan.mutable_privacy()->set_sampling(sampling);
               }),
               "quarantine: leaves clients out of the draw, and the accountant "
               "of privacy.sampling counts on each client of the population to "
               "be in it, whatever it sends; leave one of them out"));
  }
  CHECK(Says(After([](auto& plan) {
               plan.mutable_quarantine();
               plan.mutable_asynchronous();
             }),
             "quarantine: counts rounds, which asynchronous has not; leave one "
             "of them out"));
}

TEST_CASE("an outlier needs a rule that weighs updates") {
  const std::string line =
      "quarantine.outlier_weight: no update has a weight here: "
      "robust.geometric_median, centered_clipping and fltrust weigh updates, "
      "mean does after a norm_bound, krum if it takes all updates but the "
      "adversaries', and none after bucketing; leave it out";
  using Robust = std::function<void(v1::RobustPlan&)>;
  const auto with = [](const Robust& robust) {
    return After([&](auto& plan) {
      plan.mutable_quarantine()->set_outlier_weight(0.2);
      robust(*plan.mutable_robust());
    });
  };
  CHECK(Says(After([](auto& plan) {
               plan.mutable_quarantine()->set_outlier_weight(0.2);
             }),
             line));
  CHECK(Says(with([](auto& robust) { robust.mutable_median(); }), line));
  CHECK(Says(with([](auto& robust) { robust.mutable_krum(); }), line));
  CHECK(Says(with([](auto& robust) { robust.mutable_mean(); }), line));
  CHECK_FALSE(Says(with([](auto& robust) {
                     robust.mutable_mean();
                     robust.add_pre_steps()->mutable_norm_bound()->set_norm(1);
                   }),
                   line));
  CHECK_FALSE(Says(
      with([](auto& robust) { robust.mutable_geometric_median(); }), line));
  CHECK(Says(with([](auto& robust) {
               robust.mutable_geometric_median();
               robust.add_pre_steps()->mutable_bucketing();
             }),
             line));
  // All updates but the adversaries' of a cohort of ten.
  CHECK_FALSE(Says(with([](auto& robust) {
                     robust.set_adversaries(3);
                     robust.mutable_krum()->set_selected(7);
                   }),
                   line));
}

TEST_CASE("a quarantine has defaults, and where updates weigh an outlier too") {
  v1::Plan plan = GoodPlan();
  plan.mutable_quarantine();
  const v1::QuarantinePlan plain = WithDefaults(plan).quarantine();
  CHECK(plain.strikes() == 3);
  CHECK(plain.rounds() == 10);
  CHECK_FALSE(plain.has_outlier_weight());
  CHECK(ValidatePlan(WithDefaults(plan)).ok());
  plan.mutable_robust()->mutable_geometric_median();
  CHECK(WithDefaults(plan).quarantine().outlier_weight() == 0.1);
}

TEST_CASE("a top-k fraction needs top-k") {
  CHECK(Says(
      After([](auto& plan) { plan.mutable_update()->set_top_k_fraction(0.1); }),
      "update.top_k_fraction: is for encoding top_k"));
  CHECK(After([](auto& plan) {
          plan.mutable_update()->set_encoding(v1::UpdatePlan::TOP_K);
          plan.mutable_update()->set_top_k_fraction(0.1);
        }).ok());
}

TEST_CASE("every max_weight leaves at least 16 bits for a coordinate") {
  CHECK(After([](auto& plan) {
          plan.mutable_update()->set_max_weight(16'777'216);
        }).ok());
}

TEST_CASE("a target needs a metric, and a metric an evaluation") {
  CHECK(Says(After([](auto& plan) { plan.mutable_stop()->set_target(0.9); }),
             "stop.target: needs stop.metric"));
  CHECK(Says(
      After([](auto& plan) { plan.mutable_stop()->set_metric("accuracy"); }),
      "stop.metric: needs stop.target"));
  CHECK(Says(After([](auto& plan) {
               plan.mutable_stop()->set_metric("accuracy");
               plan.mutable_stop()->set_target(0.9);
             }),
             "stop.metric: needs evaluation.every_rounds"));
  CHECK(Says(After([](auto& plan) {
               plan.mutable_stop()->set_metric("accuracy");
               plan.mutable_stop()->set_target(
                   std::numeric_limits<double>::quiet_NaN());
             }),
             "stop.target: is not finite"));
}

TEST_CASE("a model has exactly one architecture, of a bearable size") {
  CHECK(
      Says(After([](auto& plan) {
             plan.mutable_model()->mutable_architecture()->clear_mlp();
           }),
           "model.architecture: needs one of linear, mlp, fedavg_cnn, conv1d, "
           "torchscript, gru, char_gru and autoencoder"));
  CHECK(Says(
      After([](auto& plan) {
        auto& linear =
            *plan.mutable_model()->mutable_architecture()->mutable_linear();
        linear.set_inputs(16'777'216);
        linear.set_outputs(1'048'576);
      }),
      "model.architecture: has more than 2^34 parameters"));
}

TEST_CASE("a population is a plain word") {
  CHECK(Says(After([](auto& plan) { plan.set_population("a b"); }),
             "population: \"a b\" may hold only letters, digits, '.', '_' and "
             "'-'"));
  CHECK_FALSE(After([](auto& plan) { plan.set_name("a\x1b[2J"); }).ok());
}

TEST_CASE("a simulation has clients for its quorum and data for its test") {
  const auto simulate = [](v1::Plan& plan) {
    plan.mutable_simulation()->set_clients(20);
    plan.mutable_simulation()->mutable_train()->mutable_csv()->set_path("t");
  };
  CHECK(After(simulate).ok());
  CHECK(Says(After([&](auto& plan) {
               simulate(plan);
               plan.mutable_simulation()->set_clients(7);
             }),
             "simulation.clients: 7 is fewer than round.min_updates 8: no "
             "round could close"));
  CHECK(Says(After([&](auto& plan) {
               simulate(plan);
               plan.mutable_evaluation()->set_every_rounds(1);
             }),
             "simulation.test: is required by evaluation.every_rounds"));
  CHECK(Says(After([&](auto& plan) {
               simulate(plan);
               plan.mutable_simulation()->set_client_evaluations(10);
             }),
             "simulation.client_evaluations: says nothing without "
             "simulation.client_test_fraction"));
  CHECK(After([&](auto& plan) {
          simulate(plan);
          plan.mutable_simulation()->set_client_test_fraction(0.2);
          plan.mutable_simulation()->set_client_evaluations(10);
        }).ok());
  CHECK(Says(After([&](auto& plan) {
               simulate(plan);
               plan.mutable_simulation()->mutable_train()->clear_csv();
             }),
             "simulation.train: needs one of csv, idx, cifar, leaf, bearings, "
             "inertial, engine_life, hourly_load, speaker_text, numpy, npz "
             "and synthetic"));
  CHECK(Says(
      After([&](auto& plan) {
        simulate(plan);
        plan.mutable_simulation()->mutable_train()->mutable_csv()->set_scale(0);
      }),
      "simulation.train.csv.scale: must be finite and not 0"));
}

TEST_CASE("simulated devices have names of their own and can be reached") {
  const auto simulated = [](const auto& change) {
    return After([&](v1::Plan& plan) {
      plan.mutable_simulation()->set_clients(20);
      plan.mutable_simulation()->mutable_train()->mutable_csv()->set_path("t");
      change(*plan.mutable_simulation());
    });
  };
  CHECK(Says(simulated([](auto& simulation) {
               simulation.add_devices()->set_name("phone");
               simulation.add_devices()->set_name("phone");
             }),
             "simulation.devices[1].name: \"phone\" stands twice"));
  CHECK(Says(simulated([](auto& simulation) {
               auto& markov =
                   *simulation.mutable_availability()->mutable_markov();
               markov.mutable_mean_on()->set_seconds(1);
               markov.mutable_mean_off()->set_seconds(1001);
             }),
             "simulation.availability.markov: mean_on and mean_off differ by "
             "more than a factor of 1,000"));
  CHECK(Says(simulated([](auto& simulation) {
               simulation.mutable_dropout()->set_while_training(1);
             }),
             "simulation.dropout: a probability of 1 leaves no client in any "
             "round"));
  v1::Plan plan;
  plan.mutable_simulation()->add_devices()->set_name("phone");
  plan.mutable_simulation()->mutable_devices(0)->mutable_upload()->set_median(
      9);
  const v1::DeviceClass phone = WithDefaults(plan).simulation().devices(0);
  CHECK(phone.share() == 1);
  CHECK(phone.upload().median() == 9);
  CHECK(phone.download().median() == 4e6);
  CHECK(phone.examples_per_second().median() == 1000);
}

TEST_CASE("a partition says how sizes, shifts and sharing are made") {
  const auto partitioned = [](const auto& change) {
    return After([&](v1::Plan& plan) {
      plan.mutable_simulation()->set_clients(20);
      plan.mutable_simulation()->mutable_train()->mutable_csv()->set_path(
          "train.csv");
      change(*plan.mutable_simulation()->mutable_partition());
    });
  };
  CHECK(Says(partitioned([](auto& partition) { partition.mutable_quantity(); }),
             "simulation.partition.quantity: needs one of dirichlet_alpha, "
             "log_normal_sigma and power_law_exponent"));
  CHECK(Says(
      partitioned([](auto& partition) { partition.mutable_feature_shift(); }),
      "simulation.partition.feature_shift: needs noise, "
      "rotation_max_degrees or rotation_degrees"));
  CHECK(Says(partitioned([](auto& partition) {
               partition.mutable_feature_shift()->set_rotation_max_degrees(30);
               partition.mutable_feature_shift()->add_rotation_degrees(90);
             }),
             "simulation.partition.feature_shift.rotation_degrees: cannot "
             "stand beside rotation_max_degrees; keep one of them"));
  CHECK(Says(partitioned([](auto& partition) { partition.set_repeat(3); }),
             "simulation.partition.repeat: simulation.clients 20 is no "
             "multiple of 3"));
  CHECK(partitioned([](auto& partition) {
          partition.mutable_shards();
          partition.mutable_feature_shift()->set_noise(0.1);
          partition.set_repeat(4);
        }).ok());
}

TEST_CASE("an attack has adversaries, honest clients and a rule to withstand") {
  const auto attacked = [](const auto& change) {
    return After([&](v1::Plan& plan) {
      plan.mutable_robust()->mutable_mean();
      auto& simulation = *plan.mutable_simulation();
      simulation.set_clients(25);
      simulation.mutable_train()->mutable_csv()->set_path("train.csv");
      simulation.mutable_attack()->set_fraction(0.2);
      change(plan, *simulation.mutable_attack());
    });
  };
  CHECK(attacked([](auto&, auto& attack) { attack.mutable_alie(); }).ok());
  CHECK(Says(attacked([](auto&, auto&) {}),
             "simulation.attack: needs one of sign_flip, bit_flip, gaussian, "
             "label_flip, alie, ipm, mimic, backdoor and free_riders"));
  CHECK(Says(attacked([](auto& plan, auto& attack) {
               attack.mutable_alie();
               plan.clear_robust();
             }),
             "simulation.attack: needs a rule in robust: adversaries' updates "
             "are made when all of a round's are there, as such rules read "
             "them; robust: {mean: {}} is the plain mean of updates, each "
             "counted once"));
  CHECK(Says(attacked([](auto&, auto& attack) {
               attack.mutable_sign_flip();
               attack.set_fraction(0.03);
             }),
             "simulation.attack.fraction: 0.03 of 25 clients is no whole "
             "adversary; have more of either, or leave the attack out"));
  CHECK(Says(attacked([](auto& plan, auto& attack) {
               attack.mutable_mimic();
               attack.set_fraction(0.9);
               plan.mutable_simulation()->set_clients(10);
             }),
             "simulation.attack.fraction: leaves 1 honest clients of 10; the "
             "attack needs at least 2"));
  CHECK(Says(attacked([](auto& plan, auto& attack) {
               attack.mutable_label_flip();
               plan.mutable_training()->set_loss(v1::TrainingPlan::MSE);
             }),
             "simulation.attack.label_flip: changes classes; training.loss "
             "must be cross_entropy or bce"));
  CHECK(Says(attacked([](auto& plan, auto& attack) {
               attack.mutable_sign_flip();
               plan.mutable_simulation()->mutable_partition()->set_repeat(3);
             }),
             "simulation.partition.repeat: simulation.clients 25 less 5 "
             "adversaries is no multiple of 3"));
}

TEST_CASE("an attack's defaults are written out but for those of a round") {
  v1::Plan plan;
  auto& attack = *plan.mutable_simulation()->mutable_attack();
  attack.mutable_gaussian();
  CHECK(WithDefaults(plan).simulation().attack().gaussian().deviation() == 30);
  attack.mutable_ipm();
  CHECK(WithDefaults(plan).simulation().attack().ipm().scale() == 0.1);
  attack.mutable_backdoor();
  const auto backdoor = WithDefaults(plan).simulation().attack().backdoor();
  CHECK(backdoor.trigger() == 3);
  CHECK(backdoor.poisoned() == 0.5);
  CHECK_FALSE(backdoor.has_scale());
  attack.mutable_alie();
  CHECK_FALSE(WithDefaults(plan).simulation().attack().alie().has_deviations());
}

// 0.29 x 100 is 28.999... in binary.
TEST_CASE("a fraction of the clients is a whole number of adversaries") {
  v1::SimulationPlan plan;
  CHECK(AdversariesAmong(plan, 25) == 0);
  plan.mutable_attack()->set_fraction(0.2);
  CHECK(AdversariesAmong(plan, 25) == 5);
  CHECK(AdversariesAmong(plan, 29) == 5);
  plan.mutable_attack()->set_fraction(0.29);
  CHECK(AdversariesAmong(plan, 100) == 29);
  CHECK(ClientsWithHonest(plan, 71) == 100);
  CHECK(ClientsWithHonest(plan, 1) == 1);
}

TEST_CASE("limits and rules are reported together, and by CheckLimits too") {
  v1::Plan plan = GoodPlan();
  plan.mutable_round()->set_cohort_size(2'000'000);
  plan.mutable_training()->set_steps(3);
  CHECK(Lines(CheckLimits(plan)).size() == 2);
  CHECK(CheckLimits(plan) == ValidatePlan(plan));
}

TEST_CASE("defaults are those the schema names, and stay put") {
  const v1::Plan plan = WithDefaults(GoodPlan());
  CHECK(plan.round().over_selection() == 1.3);
  CHECK(plan.round().min_updates() == 8);
  CHECK(plan.round().selection_timeout().seconds() == 10);
  CHECK(plan.round().max_attempts() == 10);
  CHECK(plan.training().optimizer() == v1::TrainingPlan::SGD);
  CHECK(plan.update().encoding() == v1::UpdatePlan::FLOAT32);
  CHECK(plan.update().buffer_max_abs() == 4);
  CHECK_FALSE(plan.update().has_top_k_fraction());
  CHECK(plan.server_optimizer().fedavg().learning_rate() == 1);
  CHECK(plan.evaluation().deadline().seconds() == 60);
  CHECK_FALSE(plan.has_seed());
  CHECK(google::protobuf::util::MessageDifferencer::Equals(WithDefaults(plan),
                                                           plan));
}

TEST_CASE("the default quorum is 80 % rounded up") {
  for (const auto& [cohort, quorum] :
       {std::pair(1, 1), {2, 2}, {3, 3}, {4, 4}, {5, 4}, {11, 9}, {12, 10}}) {
    v1::Plan plan = GoodPlan();
    plan.mutable_round()->set_cohort_size(cohort);
    CHECK(WithDefaults(plan).round().min_updates() ==
          static_cast<std::uint32_t>(quorum));
  }
}

}  // namespace
}  // namespace tributary::codec
