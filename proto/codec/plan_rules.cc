// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/plan_rules.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "aggregation/grid.h"
#include "google/protobuf/descriptor.h"
#include "proto/codec/asynchronous_rules.h"
#include "proto/codec/hierarchy_rules.h"
#include "proto/codec/attack.h"
#include "proto/codec/device_plan.h"
#include "proto/codec/limits.h"
#include "proto/codec/privacy_rules.h"
#include "proto/codec/quarantine_rules.h"
#include "proto/codec/robust_rules.h"
#include "proto/codec/source_rules.h"
#include "proto/codec/strategy_rules.h"
#include "proto/codec/yaml.h"

namespace tributary::codec {
namespace {

// As many floats as one manifest can hold.
constexpr double kMaxParameters = 17'179'869'184.0;  // 2^34

class Rules {
 public:
  void Fail(std::string path, std::string reason) {
    problems_.push_back({std::move(path), std::move(reason)});
  }
  Problems Take() { return std::move(problems_); }

  void CheckNames(const v1::Plan& plan);
  void CheckArchitecture(const v1::Architecture& architecture);
  void CheckRound(const v1::RoundPlan& round);
  void CheckTraining(const v1::TrainingPlan& training);
  void CheckUpdate(const v1::UpdatePlan& update);
  void CheckStop(const v1::Plan& plan);
  void CheckSimulation(const v1::Plan& plan);
  void CheckPartition(const v1::SimulationPlan& simulation);

 private:
  Problems problems_;
};

void Rules::CheckNames(const v1::Plan& plan) {
  for (const char c : plan.name()) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      Fail("name", "holds a control character");
      break;
    }
  }
  // It is part of certificates, file names and metric labels.
  for (const char c : plan.population()) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '.' &&
        c != '_' && c != '-') {
      Fail("population", absl::StrCat(Quoted(plan.population()),
                                      " may hold only letters, digits, '.', "
                                      "'_' and '-'"));
      break;
    }
  }
}

void Rules::CheckArchitecture(const v1::Architecture& architecture) {
  const std::string path = "model.architecture";
  double parameters = 0;
  const auto dense = [](double inputs, double outputs) {
    return (inputs + 1) * outputs;
  };
  switch (architecture.kind_case()) {
    case v1::Architecture::KIND_NOT_SET:
      Fail(path, absl::StrCat(
                     "needs one of ",
                     NamesOf(*v1::Architecture::descriptor()->FindOneofByName(
                         "kind"))));
      return;
    case v1::Architecture::kTorchscript:
      if (architecture.torchscript().empty()) {
        Fail(path + ".torchscript", "is empty");
      }
      return;
    case v1::Architecture::kLinear:
      parameters = dense(architecture.linear().inputs(),
                         architecture.linear().outputs());
      break;
    case v1::Architecture::kMlp: {
      double inputs = architecture.mlp().inputs();
      for (const auto width : architecture.mlp().hidden()) {
        parameters += dense(inputs, width);
        inputs = width;
      }
      parameters += dense(inputs, architecture.mlp().outputs());
      break;
    }
    case v1::Architecture::kFedavgCnn: {
      const auto& cnn = architecture.fedavg_cnn();
      const double height = cnn.height() == 0 ? 28 : cnn.height();
      const double width = cnn.width() == 0 ? 28 : cnn.width();
      // 64 channels, halved twice in each direction, into 512 units.
      parameters =
          dense(64 * std::floor(height / 4) * std::floor(width / 4), 512) +
          dense(512, cnn.outputs() == 0 ? 10 : cnn.outputs());
      break;
    }
    case v1::Architecture::kAutoencoder: {
      // There and back: each product twice.
      double inputs = architecture.autoencoder().inputs();
      for (const auto width : architecture.autoencoder().hidden()) {
        parameters += 2 * dense(inputs, width);
        inputs = width;
      }
      break;
    }
    case v1::Architecture::kConv1D:
    case v1::Architecture::kGru:
    case v1::Architecture::kCharGru:
      return;  // bounded by its limits
  }
  if (parameters > kMaxParameters) {
    Fail(path, "has more than 2^34 parameters");
  }
}

void Rules::CheckRound(const v1::RoundPlan& round) {
  // A cohort that is absent, 0 or no number was reported as that.
  if (round.cohort_size() == 0) return;
  if (round.has_min_updates() && round.min_updates() > round.cohort_size()) {
    Fail("round.min_updates",
         absl::StrCat(round.min_updates(), " exceeds round.cohort_size ",
                      round.cohort_size()));
  }
}

void Rules::CheckTraining(const v1::TrainingPlan& training) {
  if (training.has_epochs() == training.has_steps()) {
    Fail("training", "exactly one of epochs and steps");
  }
  if (training.optimizer() == v1::TrainingPlan::ADAM &&
      training.momentum() != 0) {
    Fail("training.momentum", "is for sgd; adam has its own");
  }
}

void Rules::CheckUpdate(const v1::UpdatePlan& update) {
  if (update.has_top_k_fraction() &&
      update.encoding() != v1::UpdatePlan::TOP_K) {
    Fail("update.top_k_fraction", "is for encoding top_k");
  }
  const auto check_grid = [&](const std::string& key, double max_abs) {
    const auto grid = aggregation::Grid::Make({max_abs, update.max_weight()});
    if (!grid.ok()) {
      Fail(key, std::string(grid.status().message()));
    } else if (grid->bits() < 16) {
      // Coarser than bfloat16 and the model would stop learning.
      Fail(key, absl::StrCat("leaves ", grid->bits(),
                             " bits for a coordinate beside "
                             "update.max_weight; at least 16 are needed"));
    }
  };
  // A value out of its own limits was reported as that.
  if (update.max_weight() == 0 || !(update.max_abs() > 0)) return;
  check_grid("update.max_abs", update.max_abs());
  if (update.has_buffer_max_abs() && update.buffer_max_abs() > 0) {
    check_grid("update.buffer_max_abs", update.buffer_max_abs());
  }
}

void Rules::CheckStop(const v1::Plan& plan) {
  const v1::StopPlan& stop = plan.stop();
  if (stop.has_target() && stop.metric().empty()) {
    Fail("stop.target", "needs stop.metric");
  }
  if (!stop.metric().empty() && !stop.has_target()) {
    Fail("stop.metric", "needs stop.target");
  }
  if (stop.has_target() && !std::isfinite(stop.target())) {
    Fail("stop.target", "is not finite");
  }
  if (!stop.metric().empty() && plan.evaluation().every_rounds() == 0) {
    Fail("stop.metric", "needs evaluation.every_rounds");
  }
}

void Rules::CheckPartition(const v1::SimulationPlan& simulation) {
  const v1::Partition& partition = simulation.partition();
  const std::string path = "simulation.partition";
  if (!simulation.has_clients() && !partition.has_natural() &&
      !partition.has_file()) {
    Fail("simulation.clients",
         "is required, but for partition.natural and partition.file");
  }
  if (partition.has_quantity() && partition.quantity().shares_case() ==
                                      v1::Partition::Quantity::SHARES_NOT_SET) {
    Fail(path + ".quantity",
         absl::StrCat(
             "needs one of ",
             NamesOf(*v1::Partition::Quantity::descriptor()->FindOneofByName(
                 "shares"))));
  }
  const v1::Partition::FeatureShift& shift = partition.feature_shift();
  const bool has_list = shift.rotation_degrees_size() > 0;
  if (partition.has_feature_shift() && !shift.has_noise() &&
      !shift.has_rotation_max_degrees() && !has_list) {
    Fail(path + ".feature_shift",
         "needs noise, rotation_max_degrees or rotation_degrees");
  }
  if (shift.has_rotation_max_degrees() && has_list) {
    Fail(path + ".feature_shift.rotation_degrees",
         "cannot stand beside rotation_max_degrees; keep one of them");
  }
  const std::uint32_t adversaries =
      AdversariesAmong(simulation, simulation.clients());
  if (partition.repeat() > 0 &&
      (simulation.clients() - adversaries) % partition.repeat() != 0) {
    Fail(path + ".repeat",
         absl::StrCat("simulation.clients ", simulation.clients(),
                      adversaries > 0
                          ? absl::StrCat(" less ", adversaries, " adversaries")
                          : "",
                      " is no multiple of ", partition.repeat()));
  }
}

void Rules::CheckSimulation(const v1::Plan& plan) {
  if (!plan.has_simulation()) return;
  const v1::SimulationPlan& simulation = plan.simulation();
  const std::uint32_t quorum = plan.round().has_min_updates()
                                   ? plan.round().min_updates()
                                   : WithDefaults(plan).round().min_updates();
  if (simulation.clients() > 0 && simulation.clients() < quorum) {
    Fail("simulation.clients",
         absl::StrCat(simulation.clients(), " is fewer than round.min_updates ",
                      quorum, ": no round could close"));
  }
  if (plan.evaluation().every_rounds() > 0 && !simulation.has_test()) {
    Fail("simulation.test", "is required by evaluation.every_rounds");
  }
  const char* without = "says nothing without simulation.client_test_fraction";
  if (simulation.client_test_fraction() <= 0) {
    if (simulation.has_client_evaluation_every_rounds()) {
      Fail("simulation.client_evaluation_every_rounds", without);
    }
    if (simulation.has_client_evaluations()) {
      Fail("simulation.client_evaluations", without);
    }
  }
  CheckPartition(simulation);
  if (simulation.has_train()) {
    FindSourceProblems(simulation.train(), "simulation.train", problems_);
  }
  if (simulation.has_test()) {
    FindSourceProblems(simulation.test(), "simulation.test", problems_);
  }
  FindDeviceProblems(simulation, problems_);
}

}  // namespace

Problems FindPlanProblems(const v1::Plan& plan) {
  Problems problems;
  FindLimitProblems(plan, "", problems);
  Rules rules;
  rules.CheckNames(plan);
  if (plan.model().has_architecture()) {
    rules.CheckArchitecture(plan.model().architecture());
  }
  rules.CheckRound(plan.round());
  if (plan.has_training()) rules.CheckTraining(plan.training());
  rules.CheckUpdate(plan.update());
  CheckStrategy(plan, problems);
  CheckAsynchronous(plan, problems);
  CheckHierarchy(plan, problems);
  // Beside asynchronous they are refused as a whole, and say nothing of rounds
  // whose keys nobody wrote.
  const bool is_refused = plan.has_asynchronous() &&
                          (plan.has_secure_aggregation() || plan.has_privacy());
  if (!is_refused) CheckPrivacy(plan, problems);
  CheckRobust(plan, problems);
  CheckMomentum(plan, problems);
  CheckAttack(plan, problems);
  CheckQuarantine(plan, problems);
  rules.CheckStop(plan);
  rules.CheckSimulation(plan);
  for (Problem& problem : rules.Take()) problems.push_back(std::move(problem));
  return problems;
}

absl::Status ValidatePlan(const v1::Plan& plan) {
  return ToStatus(FindPlanProblems(plan));
}

}  // namespace tributary::codec
