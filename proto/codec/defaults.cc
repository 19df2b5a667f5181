// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/defaults.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <thread>

#include "proto/codec/attack.h"
#include "proto/codec/device_plan.h"
#include "proto/codec/duration.h"
#include "proto/codec/privacy_rules.h"
#include "proto/codec/quarantine_rules.h"
#include "proto/codec/yaml.h"

namespace tributary::codec {
namespace {

using std::chrono::seconds;

// Under privacy nobody more than the cohort is asked where that is a sample, or
// all there are.
double OverSelection(const v1::Plan& plan) {
  const v1::PrivacyPlan& privacy = plan.privacy();
  const bool is_sampled = privacy.sampling() == v1::PrivacyPlan::POISSON ||
                          privacy.sampling() == v1::PrivacyPlan::FIXED_SIZE;
  const bool is_everybody =
      plan.has_privacy() && privacy.population() <= plan.round().cohort_size();
  return is_sampled || is_everybody ? 1.0 : 1.3;
}

std::uint32_t LeastUpdates(const v1::Plan& plan) {
  if (plan.privacy().sampling() == v1::PrivacyPlan::POISSON) {
    // Such that a tenth of the population may be away.
    const dp::PoissonDraws draws = PoissonDrawsOf(plan);
    const std::int64_t waiting = draws.population - draws.population / 10;
    return static_cast<std::uint32_t>(
        std::max<std::int64_t>(1, draws.LargestMinimum(waiting)));
  }
  // ceil(0.8 cohort), in integers.
  return static_cast<std::uint32_t>(
      (std::uint64_t{4} * plan.round().cohort_size() + 4) / 5);
}

void FillAsynchronous(v1::Plan& plan) {
  constexpr std::uint32_t kLeastConcurrency = 10;
  v1::AsynchronousPlan& asynchronous = *plan.mutable_asynchronous();
  if (!asynchronous.has_concurrency()) {
    asynchronous.set_concurrency(
        std::max(kLeastConcurrency, plan.round().cohort_size()));
  }
  if (!asynchronous.has_staleness_exponent()) {
    asynchronous.set_staleness_exponent(0.5);
  }
  if (!asynchronous.has_max_staleness()) asynchronous.set_max_staleness(100);
  if (!asynchronous.has_mixing()) {
    asynchronous.mutable_fedbuff();
  } else if (!asynchronous.mixing().has_rate()) {
    asynchronous.mutable_mixing()->set_rate(0.6);
  }
}

void FillHierarchy(v1::Plan& plan) {
  v1::HierarchyPlan& hierarchy = *plan.mutable_hierarchy();
  if (!hierarchy.has_min_leaves()) hierarchy.set_min_leaves(1);
  if (!hierarchy.has_deadline_share()) hierarchy.set_deadline_share(0.8);
  if (!hierarchy.has_edge_rounds()) hierarchy.set_edge_rounds(1);
  if (plan.has_secure_aggregation() &&
      hierarchy.masks() == v1::HierarchyPlan::MASKS_UNSPECIFIED) {
    hierarchy.set_masks(v1::HierarchyPlan::PER_AGGREGATOR);
  }
}

void FillRound(v1::Plan& plan) {
  v1::RoundPlan& round = *plan.mutable_round();
  if (!round.has_deadline())
    *round.mutable_deadline() = DurationOf(seconds(600));
  if (plan.has_hierarchy()) FillHierarchy(plan);
  // The rest says nothing where nobody is waited for.
  if (plan.has_asynchronous()) return FillAsynchronous(plan);
  if (!round.has_over_selection())
    round.set_over_selection(OverSelection(plan));
  if (!round.has_max_attempts()) round.set_max_attempts(10);
  if (!round.has_min_updates()) round.set_min_updates(LeastUpdates(plan));
  if (!round.has_selection_timeout()) {
    *round.mutable_selection_timeout() = DurationOf(seconds(10));
  }
  if (!round.has_retry_backoff()) {
    *round.mutable_retry_backoff() = DurationOf(seconds(5));
  }
}

void FillArchitecture(v1::Architecture& architecture) {
  if (architecture.has_gru() && architecture.gru().layers() == 0) {
    architecture.mutable_gru()->set_layers(1);
  }
  if (architecture.has_char_gru()) {
    auto& gru = *architecture.mutable_char_gru();
    if (gru.embedding() == 0) gru.set_embedding(8);
    if (gru.layers() == 0) gru.set_layers(1);
  }
  if (!architecture.has_fedavg_cnn()) return;
  auto& cnn = *architecture.mutable_fedavg_cnn();
  if (cnn.height() == 0) cnn.set_height(28);
  if (cnn.width() == 0) cnn.set_width(28);
  if (cnn.channels() == 0) cnn.set_channels(1);
  if (cnn.outputs() == 0) cnn.set_outputs(10);
}

void FillUpdate(v1::UpdatePlan& update) {
  if (!update.has_buffer_max_abs()) {
    update.set_buffer_max_abs(update.max_abs());
  }
  if (update.encoding() == v1::UpdatePlan::ENCODING_UNSPECIFIED) {
    update.set_encoding(v1::UpdatePlan::FLOAT32);
  }
  if (update.encoding() == v1::UpdatePlan::TOP_K &&
      !update.has_top_k_fraction()) {
    update.set_top_k_fraction(0.01);
  }
}

// Secure aggregation and differential privacy; before FillUpdate.
void FillPacked(v1::Plan& plan) {
  v1::UpdatePlan& update = *plan.mutable_update();
  if (update.encoding() == v1::UpdatePlan::ENCODING_UNSPECIFIED) {
    update.set_encoding(v1::UpdatePlan::PACKED);
  }
  if (!update.has_bits()) update.set_bits(16);
  v1::RoundPlan& round = *plan.mutable_round();
  if (plan.has_secure_aggregation()) {
    auto& secure = *plan.mutable_secure_aggregation();
    if (!secure.has_min_cohort()) {
      secure.set_min_cohort(std::max(3u, round.min_updates() + 1));
    }
    if (!secure.has_corrupt()) secure.set_corrupt(0.05);
    if (!secure.has_dropped()) secure.set_dropped(0.1);
    if (secure.adversary() ==
        v1::SecureAggregationPlan::ADVERSARY_UNSPECIFIED) {
      secure.set_adversary(v1::SecureAggregationPlan::SEMI_MALICIOUS);
    }
    if (secure.cipher() == v1::SecureAggregationPlan::CIPHER_UNSPECIFIED) {
      secure.set_cipher(v1::SecureAggregationPlan::AES_256_CTR);
    }
    if (!secure.has_step_deadline()) {
      *secure.mutable_step_deadline() = DurationOf(seconds(60));
    }
  }
  if (!plan.has_privacy()) return;
  auto& clipping = *plan.mutable_privacy()->mutable_clipping();
  if (clipping.has_adaptive()) {
    auto& adaptive = *clipping.mutable_adaptive();
    if (!adaptive.has_quantile()) adaptive.set_quantile(0.5);
    if (!adaptive.has_learning_rate()) adaptive.set_learning_rate(0.2);
    if (!adaptive.has_count_noise()) {
      adaptive.set_count_noise(std::max(1.0, round.cohort_size() / 20.0));
    }
  }
}

void FillOptimizer(v1::ServerOptimizer& optimizer) {
  switch (optimizer.kind_case()) {
    case v1::ServerOptimizer::KIND_NOT_SET:
    case v1::ServerOptimizer::kFedavg: {
      auto& fedavg = *optimizer.mutable_fedavg();
      if (!fedavg.has_learning_rate()) fedavg.set_learning_rate(1);
      return;
    }
    case v1::ServerOptimizer::kFedavgm: {
      auto& fedavgm = *optimizer.mutable_fedavgm();
      if (!fedavgm.has_learning_rate()) fedavgm.set_learning_rate(1);
      if (!fedavgm.has_momentum()) fedavgm.set_momentum(0.9);
      return;
    }
    case v1::ServerOptimizer::kFedadam: {
      auto& fedadam = *optimizer.mutable_fedadam();
      if (!fedadam.has_learning_rate()) fedadam.set_learning_rate(0.01);
      if (!fedadam.has_beta1()) fedadam.set_beta1(0.9);
      if (!fedadam.has_beta2()) fedadam.set_beta2(0.99);
      if (!fedadam.has_tau()) fedadam.set_tau(1e-3);
      return;
    }
    case v1::ServerOptimizer::kFedadagrad: {
      auto& fedadagrad = *optimizer.mutable_fedadagrad();
      if (!fedadagrad.has_learning_rate()) fedadagrad.set_learning_rate(0.1);
      if (!fedadagrad.has_beta1()) fedadagrad.set_beta1(0);
      if (!fedadagrad.has_tau()) fedadagrad.set_tau(1e-3);
      return;
    }
    case v1::ServerOptimizer::kFedyogi: {
      auto& fedyogi = *optimizer.mutable_fedyogi();
      if (!fedyogi.has_learning_rate()) fedyogi.set_learning_rate(0.01);
      if (!fedyogi.has_beta1()) fedyogi.set_beta1(0.9);
      if (!fedyogi.has_beta2()) fedyogi.set_beta2(0.99);
      if (!fedyogi.has_tau()) fedyogi.set_tau(1e-3);
      return;
    }
  }
}

void FillQuarantine(v1::Plan& plan) {
  if (!plan.has_quarantine()) return;
  v1::QuarantinePlan& quarantine = *plan.mutable_quarantine();
  if (!quarantine.has_strikes()) quarantine.set_strikes(3);
  if (!quarantine.has_rounds()) quarantine.set_rounds(10);
  if (!quarantine.has_outlier_weight() && WeighsUpdates(plan)) {
    quarantine.set_outlier_weight(kOutlierWeight);
  }
}

void FillStrategy(v1::Plan& plan) {
  if (!plan.has_strategy()) return;
  v1::StrategyPlan& strategy = *plan.mutable_strategy();
  // A plan without a rate is refused for that.
  const double given = plan.training().learning_rate();
  const double rate = given > 0 ? given : 1;
  switch (strategy.kind_case()) {
    case v1::StrategyPlan::kFednova: {
      auto& fednova = *strategy.mutable_fednova();
      if (!fednova.has_max_steps()) fednova.set_max_steps(10'000);
      return;
    }
    case v1::StrategyPlan::kScaffold: {
      auto& scaffold = *strategy.mutable_scaffold();
      if (!scaffold.has_clients() && plan.has_simulation()) {
        scaffold.set_clients(plan.simulation().clients());
      }
      if (!scaffold.has_max_control()) {
        scaffold.set_max_control(plan.update().max_abs() / rate);
      }
      return;
    }
    case v1::StrategyPlan::kFeddyn: {
      auto& feddyn = *strategy.mutable_feddyn();
      if (!feddyn.has_clients() && plan.has_simulation()) {
        feddyn.set_clients(plan.simulation().clients());
      }
      return;
    }
    case v1::StrategyPlan::kQfedavg: {
      auto& qfedavg = *strategy.mutable_qfedavg();
      if (!qfedavg.has_lipschitz()) qfedavg.set_lipschitz(1 / rate);
      if (!qfedavg.has_max_loss()) qfedavg.set_max_loss(10);
      if (!qfedavg.has_max_normaliser()) qfedavg.set_max_normaliser(1024);
      return;
    }
    case v1::StrategyPlan::kFedrep: {
      auto& fedrep = *strategy.mutable_fedrep();
      if (!fedrep.has_head_epochs()) fedrep.set_head_epochs(1);
      return;
    }
    case v1::StrategyPlan::kFedper:
    case v1::StrategyPlan::kDitto:
    case v1::StrategyPlan::KIND_NOT_SET:
      return;
  }
}

void FillRobust(v1::Plan& plan) {
  if (!plan.has_robust()) return;
  v1::RobustPlan& robust = *plan.mutable_robust();
  for (auto& step : *robust.mutable_pre_steps()) {
    if (step.has_bucketing() && !step.bucketing().has_size()) {
      step.mutable_bucketing()->set_size(2);
    }
  }
  if (robust.has_krum() && !robust.krum().has_selected()) {
    robust.mutable_krum()->set_selected(1);
  }
  if (robust.has_geometric_median()) {
    auto& median = *robust.mutable_geometric_median();
    if (!median.has_iterations()) median.set_iterations(3);
    if (!median.has_smoothing()) median.set_smoothing(1e-6);
  }
  if (robust.has_centered_clipping()) {
    auto& clipping = *robust.mutable_centered_clipping();
    // Momentum makes updates so much longer (Karimireddy et al. 2021).
    if (!clipping.has_radius()) {
      clipping.set_radius(10 / (1 - plan.update().momentum()));
    }
    if (!clipping.has_iterations()) clipping.set_iterations(1);
  }
}

void FillPartition(v1::Partition& partition) {
  switch (partition.kind_case()) {
    case v1::Partition::KIND_NOT_SET:
      partition.mutable_iid();
      break;
    case v1::Partition::kDirichlet: {
      auto& dirichlet = *partition.mutable_dirichlet();
      if (!dirichlet.has_min_examples()) dirichlet.set_min_examples(1);
      break;
    }
    case v1::Partition::kShards: {
      auto& shards = *partition.mutable_shards();
      if (!shards.has_shards_per_client()) shards.set_shards_per_client(2);
      break;
    }
    case v1::Partition::kQuantity: {
      auto& quantity = *partition.mutable_quantity();
      if (!quantity.has_min_examples()) quantity.set_min_examples(1);
      break;
    }
    case v1::Partition::kGroups: {
      auto& groups = *partition.mutable_groups();
      if (groups.order() == v1::Partition::Groups::ORDER_UNSPECIFIED) {
        groups.set_order(v1::Partition::Groups::IN_ORDER);
      }
      break;
    }
    case v1::Partition::kIid:
    case v1::Partition::kNatural:
    case v1::Partition::kFile:
      break;
  }
  if (!partition.has_repeat()) partition.set_repeat(1);
}

void FillClientEvaluation(v1::Plan& plan) {
  v1::SimulationPlan& simulation = *plan.mutable_simulation();
  if (simulation.client_test_fraction() <= 0) return;
  if (!simulation.has_client_evaluation_every_rounds()) {
    simulation.set_client_evaluation_every_rounds(
        plan.evaluation().every_rounds());
  }
  if (!simulation.has_client_evaluations()) {
    simulation.set_client_evaluations(1000);
  }
}

void FillSimulation(v1::SimulationPlan& simulation) {
  *simulation.mutable_train() = WithDefaults(simulation.train());
  if (simulation.has_test()) {
    *simulation.mutable_test() = WithDefaults(simulation.test());
  }
  FillPartition(*simulation.mutable_partition());
  if (simulation.has_attack()) FillAttack(*simulation.mutable_attack());
  if (!simulation.has_workers()) simulation.set_workers(1);
  FillDevices(simulation);
}

}  // namespace

v1::Plan WithDefaults(const v1::Plan& given) {
  v1::Plan plan = given;
  FillArchitecture(*plan.mutable_model()->mutable_architecture());
  FillRound(plan);
  auto& training = *plan.mutable_training();
  if (training.optimizer() == v1::TrainingPlan::OPTIMIZER_UNSPECIFIED) {
    training.set_optimizer(v1::TrainingPlan::SGD);
  }
  if (training.loss() == v1::TrainingPlan::LOSS_UNSPECIFIED) {
    training.set_loss(v1::TrainingPlan::CROSS_ENTROPY);
  }
  if (plan.has_secure_aggregation() || plan.has_privacy()) FillPacked(plan);
  FillUpdate(*plan.mutable_update());
  FillOptimizer(*plan.mutable_server_optimizer());
  FillStrategy(plan);
  FillRobust(plan);
  FillQuarantine(plan);
  auto& evaluation = *plan.mutable_evaluation();
  if (!evaluation.has_deadline()) {
    *evaluation.mutable_deadline() = DurationOf(seconds(60));
  }
  if (plan.has_simulation()) {
    FillSimulation(*plan.mutable_simulation());
    FillClientEvaluation(plan);
  }
  return plan;
}

v1::CoordinatorConfig WithDefaults(const v1::CoordinatorConfig& given) {
  v1::CoordinatorConfig config = given;
  if (config.listen().empty()) {
    config.set_listen(config.insecure() ? "127.0.0.1:8470" : "0.0.0.0:8470");
  }
  if (config.admin_listen().empty()) config.set_admin_listen("127.0.0.1:8471");
  if (config.http_listen().empty()) config.set_http_listen("127.0.0.1:8472");
  if (!config.has_upload_credits()) config.set_upload_credits(8);
  if (!config.has_fold_threads()) {
    config.set_fold_threads(
        std::clamp(std::thread::hardware_concurrency(), 1u, 256u));
  }
  if (!config.has_idle_earliest()) {
    *config.mutable_idle_earliest() = DurationOf(seconds(5));
  }
  if (!config.has_idle_latest()) {
    *config.mutable_idle_latest() = DurationOf(seconds(15));
  }
  if (!config.has_buffer_mib()) config.set_buffer_mib(128);
  if (config.log_level().empty()) config.set_log_level("info");
  if (!config.has_drain()) *config.mutable_drain() = DurationOf(seconds(20));
  return config;
}

}  // namespace tributary::codec
