// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/robust_rules.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "proto/codec/limits.h"
#include "proto/codec/robust.h"
#include "proto/codec/yaml.h"

namespace tributary::codec {
namespace {

using Step = v1::RobustPlan::PreStep;

std::string Name(v1::UpdatePlan::Encoding encoding) {
  return absl::AsciiStrToLower(v1::UpdatePlan::Encoding_Name(encoding));
}

bool IsPacked(const v1::Plan& plan) {
  return plan.has_secure_aggregation() || plan.has_privacy();
}

// The strategy's name if what clients send under it is more than the model's
// change, or the coordinator reckons with the mean of all; nothing else.
std::optional<std::string> StrategyOfMeans(const v1::StrategyPlan& strategy) {
  switch (strategy.kind_case()) {
    case v1::StrategyPlan::kFednova:
      return "fednova";
    case v1::StrategyPlan::kScaffold:
      return "scaffold";
    case v1::StrategyPlan::kFeddyn:
      return "feddyn";
    case v1::StrategyPlan::kQfedavg:
      return "qfedavg";
    case v1::StrategyPlan::kFedper:
    case v1::StrategyPlan::kFedrep:
    case v1::StrategyPlan::kDitto:
    case v1::StrategyPlan::KIND_NOT_SET:
      break;
  }
  return std::nullopt;
}

class RobustRules {
 public:
  RobustRules(const v1::Plan& plan, Problems& problems)
      : plan_(WithDefaults(plan)),
        robust_(plan_.robust()),
        problems_(problems) {}

  // Whether there is a rule that exists; the rest says nothing otherwise.
  bool CheckRule();
  void CheckAdversaries();
  void CheckUpdates();
  void CheckCompanions();

 private:
  void Fail(std::string path, std::string reason) {
    problems_.push_back({std::move(path), std::move(reason)});
  }
  bool ReadsAdversaries() const;

  const v1::Plan plan_;
  const v1::RobustPlan& robust_;
  Problems& problems_;
};

bool RobustRules::CheckRule() {
  const std::size_t before = problems_.size();
  const auto names = [](const google::protobuf::Descriptor& message,
                        const char* choice) {
    return absl::StrCat("needs one of ",
                        NamesOf(*message.FindOneofByName(choice)));
  };
  if (robust_.rule_case() == v1::RobustPlan::RULE_NOT_SET) {
    Fail("robust", names(*v1::RobustPlan::descriptor(), "rule"));
  }
  for (int i = 0; i < robust_.pre_steps_size(); ++i) {
    if (robust_.pre_steps(i).kind_case() == Step::KIND_NOT_SET) {
      Fail(absl::StrCat("robust.pre_steps[", i, "]"),
           names(*Step::descriptor(), "kind"));
    }
  }
  if (robust_.has_fltrust()) {
    Fail("robust.fltrust",
         "is not built yet: nobody trains its root update; take another rule");
  }
  return problems_.size() == before;
}

bool RobustRules::ReadsAdversaries() const {
  return robust_.has_trimmed_mean() || robust_.has_krum() ||
         robust_.has_bulyan() ||
         std::ranges::any_of(robust_.pre_steps(), [](const Step& step) {
           return step.has_nearest_neighbour_mixing();
         });
}

void RobustRules::CheckAdversaries() {
  if (robust_.has_adversaries() == ReadsAdversaries()) return;
  if (robust_.has_adversaries()) {
    return Fail("robust.adversaries",
                "is for trimmed_mean, krum, bulyan and "
                "nearest_neighbour_mixing; this rule withstands what it "
                "withstands without being told, so leave it out");
  }
  Fail("robust.adversaries",
       "is required by trimmed_mean, krum, bulyan and "
       "nearest_neighbour_mixing: as many updates of a round may be "
       "adversaries'");
}

// The fewest updates with which a round may close are enough, so more are.
void RobustRules::CheckUpdates() {
  const std::uint32_t least = plan_.round().min_updates();
  const bool is_said =
      least == 0 || (ReadsAdversaries() && !robust_.has_adversaries());
  if (is_said || least > plan_.round().cohort_size()) return;
  const absl::Status valid = robust::Validate(ToRecipe(robust_), least);
  if (valid.ok()) return;
  // The message names the key first.
  const std::string message(valid.message());
  const std::size_t end = message.find(": ");
  Fail(message.substr(0, end),
       absl::StrCat(message.substr(end + 2),
                    "; a round may close with round.min_updates ", least));
}

void RobustRules::CheckCompanions() {
  if (plan_.has_secure_aggregation()) {
    Fail("robust",
         "cannot stand beside secure_aggregation, under which nobody sees an "
         "update: robustness there means rules over the sums of disjoint "
         "cohorts or subtrees, which is not built yet. Clipping inside the "
         "client guards against corrupted data only, for an adversary's "
         "client does not clip");
  }
  if (plan_.has_privacy()) {
    Fail("robust",
         "cannot stand beside privacy: its noise is for the mean of clipped "
         "updates, and one update moves what a robust rule gives by more");
  }
  const auto encoding = plan_.update().encoding();
  if (!IsPacked(plan_) && encoding != v1::UpdatePlan::FLOAT32) {
    Fail("robust",
         absl::StrCat("needs update.encoding float32, not ", Name(encoding),
                      ": a rule reads any part of any update, and what is "
                      "compressed is read from its beginning only"));
  }
  if (const auto strategy = StrategyOfMeans(plan_.strategy())) {
    Fail("robust",
         absl::StrCat("cannot stand beside strategy.", *strategy,
                      ", which reckons with the mean of all that clients "
                      "send; fedper, fedrep and ditto can"));
  }
  if (plan_.has_asynchronous()) {
    Fail("robust",
         "cannot stand beside asynchronous: a rule compares the updates of a "
         "round, which start from the same model");
  }
}

}  // namespace

void CheckRobust(const v1::Plan& plan, Problems& problems) {
  if (!plan.has_robust()) return;
  RobustRules rules(plan, problems);
  if (rules.CheckRule()) {
    rules.CheckAdversaries();
    // No number of updates would make it fit.
    if (!plan.has_asynchronous()) rules.CheckUpdates();
  }
  rules.CheckCompanions();
}

void CheckMomentum(const v1::Plan& plan, Problems& problems) {
  if (plan.update().momentum() == 0) return;
  const auto fail = [&](std::string reason) {
    problems.push_back({"update.momentum", std::move(reason)});
  };
  if (IsPacked(plan)) {
    fail(absl::StrCat(
        "cannot stand beside ",
        plan.has_secure_aggregation() ? "secure_aggregation" : "privacy",
        ", whose updates are integers of this round's change alone"));
  }
  const auto encoding = plan.update().encoding();
  if (encoding == v1::UpdatePlan::INT8 || encoding == v1::UpdatePlan::TOP_K) {
    fail(absl::StrCat("needs update.encoding float32 or bfloat16, not ",
                      Name(encoding),
                      ": its error feedback carries over what was not sent, "
                      "and momentum would carry that over again"));
  }
  if (const auto strategy = StrategyOfMeans(plan.strategy())) {
    fail(absl::StrCat("cannot stand beside strategy.", *strategy,
                      ", which reckons with the change of this round alone"));
  }
  if (plan.has_asynchronous()) {
    fail("cannot stand beside asynchronous: it is advanced once a round");
  }
}

}  // namespace tributary::codec
