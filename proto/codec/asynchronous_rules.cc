// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/asynchronous_rules.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::codec {
namespace {

class AsynchronousRules {
 public:
  AsynchronousRules(const v1::Plan& plan, Problems& problems)
      : plan_(plan), problems_(problems) {}

  void CheckRound() {
    const v1::RoundPlan& round = plan_.round();
    const auto refuse = [this](bool is_said, const char* key,
                               const char* reason) {
      if (is_said) {
        Fail(absl::StrCat("round.", key),
             absl::StrCat(reason, " in asynchronous rounds; leave it out"));
      }
    };
    refuse(round.has_over_selection(), "over_selection",
           "nobody is asked for a round");
    refuse(round.has_min_updates(), "min_updates",
           "exactly cohort_size updates are a model");
    refuse(round.has_selection_timeout(), "selection_timeout",
           "nobody waits to be chosen");
    refuse(round.has_retry_backoff(), "retry_backoff",
           "no round is abandoned and tried again");
    refuse(round.has_max_attempts(), "max_attempts",
           "no round is abandoned and tried again");
  }

  // The weight says the staleness, and nothing else: it must be able to.
  void CheckWeight() {
    constexpr std::uint32_t kLeast = 256;
    const v1::UpdatePlan& update = plan_.update();
    const bool is_told_apart = !plan_.asynchronous().has_staleness_exponent() ||
                               plan_.asynchronous().staleness_exponent() > 0;
    if (is_told_apart && update.max_weight() > 0 &&
        update.max_weight() < kLeast) {
      Fail("update.max_weight",
           absl::StrCat(update.max_weight(),
                        " is too coarse: in asynchronous rounds it is what a "
                        "fresh update weighs, and staler ones weigh a whole "
                        "number less; at least ",
                        kLeast));
    }
    if (update.encoding() == v1::UpdatePlan::PACKED) {
      Fail("update.encoding",
           "packed updates weigh 1 each, so no staleness could be told");
    }
  }

  void CheckMixing() {
    if (!plan_.asynchronous().has_mixing()) return;
    if (plan_.round().cohort_size() > 1) {
      Fail("round.cohort_size",
           absl::StrCat(plan_.round().cohort_size(),
                        " is not 1: asynchronous.mixing makes a model of each "
                        "update"));
    }
    const v1::ServerOptimizer& server = plan_.server_optimizer();
    const bool is_plain =
        server.kind_case() == v1::ServerOptimizer::KIND_NOT_SET ||
        (server.has_fedavg() && (!server.fedavg().has_learning_rate() ||
                                 server.fedavg().learning_rate() == 1));
    if (!is_plain) {
      Fail("server_optimizer",
           "says nothing beside asynchronous.mixing, which mixes models; leave "
           "it out");
    }
  }

  void CheckOthers() {
    Exclude(plan_.has_secure_aggregation(), "secure_aggregation",
            "masks are of a cohort that answers together");
    Exclude(plan_.has_privacy(), "privacy",
            "how often a client takes part is not bounded by rounds, and no "
            "accountant here covers that");
    Exclude(plan_.simulation().has_attack(), "simulation.attack",
            "its adversaries know their round's other updates");
    switch (plan_.strategy().kind_case()) {
      case v1::StrategyPlan::kFednova:
        return ExcludeStrategy("fednova");
      case v1::StrategyPlan::kQfedavg:
        return ExcludeStrategy("qfedavg");
      case v1::StrategyPlan::kScaffold:
        return ExcludeStrategy("scaffold");
      case v1::StrategyPlan::kFeddyn:
        return ExcludeStrategy("feddyn");
      case v1::StrategyPlan::kFedrep:
      case v1::StrategyPlan::kFedper:
      case v1::StrategyPlan::kDitto:
      case v1::StrategyPlan::KIND_NOT_SET:
        return;
    }
  }

  // All of its clients may be in a model, each once.
  void CheckSimulation() {
    const std::uint32_t clients = plan_.simulation().clients();
    const std::uint32_t wanted = plan_.round().cohort_size();
    if (clients > 0 && clients < wanted) {
      Fail("simulation.clients",
           absl::StrCat(clients, " is fewer than round.cohort_size ", wanted,
                        ": no model could be released"));
    }
  }

 private:
  void Fail(std::string key, std::string reason) {
    problems_.push_back({std::move(key), std::move(reason)});
  }
  void Exclude(bool is_said, const char* key, const char* why) {
    if (!is_said) return;
    Fail("asynchronous", absl::StrCat("cannot stand beside ", key, ": ", why));
  }
  void ExcludeStrategy(const char* name) {
    Fail("asynchronous",
         absl::StrCat("cannot stand beside strategy.", name,
                      ": its server weighs the updates of one round against "
                      "each other"));
  }

  const v1::Plan& plan_;
  Problems& problems_;
};

}  // namespace

void CheckAsynchronous(const v1::Plan& plan, Problems& problems) {
  if (!plan.has_asynchronous()) return;
  AsynchronousRules rules(plan, problems);
  rules.CheckRound();
  rules.CheckWeight();
  rules.CheckMixing();
  rules.CheckOthers();
  rules.CheckSimulation();
}

}  // namespace tributary::codec
