// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/strategy_rules.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "aggregation/grid.h"
#include "proto/codec/strategy.h"
#include "proto/codec/yaml.h"

namespace tributary::codec {
namespace {

class StrategyRules {
 public:
  StrategyRules(const v1::Plan& plan, std::string key, Problems& problems)
      : plan_(plan), key_("strategy." + std::move(key)), problems_(problems) {}

  void Fail(const std::string& field, std::string reason) {
    problems_.push_back(
        {field.empty() ? key_ : JoinPath(key_, field), std::move(reason)});
  }

  // What the server computes from an update must be what the client meant.
  void NeedsExactUpdates() {
    const auto encoding = plan_.update().encoding();
    if (encoding == v1::UpdatePlan::ENCODING_UNSPECIFIED ||
        encoding == v1::UpdatePlan::FLOAT32) {
      return;
    }
    Fail("", absl::StrCat("needs update.encoding float32, not ",
                          absl::AsciiStrToLower(
                              v1::UpdatePlan::Encoding_Name(encoding))));
  }
  void NeedsSgd() {
    if (plan_.training().optimizer() != v1::TrainingPlan::ADAM) return;
    Fail("", "needs training.optimizer sgd, not adam");
  }
  void NeedsNoMomentum() {
    if (plan_.training().momentum() == 0) return;
    Fail("", "needs training.momentum 0");
  }
  void NeedsNoProximalTerm(const std::string& why) {
    if (plan_.training().proximal_mu() == 0) return;
    Fail("", "needs training.proximal_mu 0: " + why);
  }
  // Only x <- x + d.
  void NeedsPlainServer() {
    const v1::ServerOptimizer& server = plan_.server_optimizer();
    const bool plain =
        server.kind_case() == v1::ServerOptimizer::KIND_NOT_SET ||
        (server.has_fedavg() && (!server.fedavg().has_learning_rate() ||
                                 server.fedavg().learning_rate() == 1));
    if (!plain) Fail("", "needs server_optimizer fedavg of learning_rate 1");
  }
  void NeedsClients(std::uint32_t clients) {
    if (clients == 0) {
      Fail("clients",
           "is required where there is no simulation.clients: the number of "
           "clients in the population");
    } else if (clients < plan_.round().cohort_size()) {
      Fail("clients", absl::StrCat(clients, " is fewer than round.cohort_size ",
                                   plan_.round().cohort_size()));
    }
  }
  // As for update.max_abs: a grid too coarse would stop the learning.
  void CheckBound(const std::string& field, double bound) {
    const std::uint32_t max_weight = plan_.update().max_weight();
    if (max_weight == 0 || !(bound > 0)) return;
    const auto grid = aggregation::Grid::Make({bound, max_weight});
    if (!grid.ok()) Fail(field, std::string(grid.status().message()));
  }

 private:
  const v1::Plan& plan_;
  const std::string key_;
  Problems& problems_;
};

void CheckFedNova(const v1::Plan& plan, const v1::StrategyPlan& full,
                  Problems& problems) {
  StrategyRules rules(plan, "fednova", problems);
  rules.NeedsExactUpdates();
  rules.NeedsSgd();
  const std::uint32_t most = full.fednova().max_steps();
  if (plan.training().has_steps() && plan.training().steps() > most) {
    rules.Fail("max_steps", absl::StrCat(most, " is fewer than training.steps ",
                                         plan.training().steps()));
  }
}

void CheckScaffold(const v1::Plan& plan, const v1::StrategyPlan& full,
                   Problems& problems) {
  StrategyRules rules(plan, "scaffold", problems);
  rules.NeedsExactUpdates();
  rules.NeedsSgd();
  rules.NeedsNoMomentum();
  rules.NeedsNoProximalTerm("the control variates do the same for it");
  rules.NeedsClients(full.scaffold().clients());
  rules.CheckBound("max_control", full.scaffold().max_control());
}

void CheckFedDyn(const v1::Plan& plan, const v1::StrategyPlan& full,
                 Problems& problems) {
  StrategyRules rules(plan, "feddyn", problems);
  rules.NeedsExactUpdates();
  rules.NeedsNoProximalTerm("alpha is its proximal term");
  rules.NeedsPlainServer();
  rules.NeedsClients(full.feddyn().clients());
}

void CheckQFedAvg(const v1::Plan& plan, Problems& problems) {
  StrategyRules rules(plan, "qfedavg", problems);
  rules.NeedsExactUpdates();
  rules.NeedsSgd();
}

}  // namespace

void CheckStrategy(const v1::Plan& plan, Problems& problems) {
  if (!plan.has_strategy()) return;
  const v1::StrategyPlan full = WithDefaults(plan).strategy();
  switch (plan.strategy().kind_case()) {
    case v1::StrategyPlan::kFednova:
      return CheckFedNova(plan, full, problems);
    case v1::StrategyPlan::kScaffold:
      return CheckScaffold(plan, full, problems);
    case v1::StrategyPlan::kFeddyn:
      return CheckFedDyn(plan, full, problems);
    case v1::StrategyPlan::kQfedavg:
      return CheckQFedAvg(plan, problems);
    case v1::StrategyPlan::kFedper:
    case v1::StrategyPlan::kFedrep:
    case v1::StrategyPlan::kDitto:
      return;
    case v1::StrategyPlan::KIND_NOT_SET:
      problems.push_back({"strategy",
                          "needs one of fednova, scaffold, feddyn, qfedavg, "
                          "fedper, fedrep and ditto"});
      return;
  }
}

}  // namespace tributary::codec
