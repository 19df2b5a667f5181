// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/hierarchy_rules.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::codec {
namespace {

class HierarchyRules {
 public:
  HierarchyRules(const v1::Plan& plan, Problems& problems)
      : plan_(plan), problems_(problems) {}

  // What a tree will have.
  void CheckBuilt() {
    const v1::HierarchyPlan& hierarchy = plan_.hierarchy();
    if (hierarchy.fan_out_size() > 1) {
      Fail("hierarchy.fan_out",
           "more than one tier of aggregators is not built yet");
    }
    if (hierarchy.edge_rounds() > 1) {
      Fail("hierarchy.edge_rounds", "more than one is not built yet");
    }
    const bool is_packed = plan_.has_secure_aggregation() ||
                           plan_.has_privacy() ||
                           plan_.update().encoding() == v1::UpdatePlan::PACKED;
    if (is_packed) {
      Fail("hierarchy",
           "sums of integer updates (secure_aggregation, privacy, "
           "update.encoding: packed) are not built yet in a tree");
    }
  }

  void CheckFanOut() {
    std::uint64_t nodes = 1;
    for (const std::uint32_t children : plan_.hierarchy().fan_out()) {
      nodes *= std::max(children, 1u);
      if (nodes <= plan_.round().cohort_size()) continue;
      Fail("hierarchy.fan_out",
           absl::StrCat("has more aggregators in a tier than "
                        "round.cohort_size, ",
                        plan_.round().cohort_size(), ", has leaves"));
      return;
    }
  }

  void CheckMasks() {
    if (plan_.hierarchy().masks() != v1::HierarchyPlan::MASKS_UNSPECIFIED &&
        !plan_.has_secure_aggregation()) {
      Fail("hierarchy.masks", "says nothing without secure_aggregation");
    }
  }

  void CheckOthers() {
    Exclude(plan_.has_asynchronous(), "asynchronous",
            "a sum of a subtree is of one round");
    Exclude(plan_.has_robust(), "robust",
            "its root sees sums of many updates, and its aggregators each a "
            "part of them");
    Exclude(
        plan_.privacy().sampling() != v1::PrivacyPlan::SAMPLING_UNSPECIFIED &&
            plan_.privacy().sampling() != v1::PrivacyPlan::NONE,
        "privacy.sampling",
        "the coins of a leaf that goes over to another aggregator would be "
        "tossed twice, and the accountant counts one");
  }

  void CheckLinks() {
    if (plan_.simulation().tier_links_size() <=
        plan_.hierarchy().fan_out_size()) {
      return;
    }
    Fail("simulation.tier_links",
         absl::StrCat(plan_.simulation().tier_links_size(),
                      " tiers, and hierarchy.fan_out has ",
                      plan_.hierarchy().fan_out_size()));
  }

 private:
  void Fail(std::string key, std::string reason) {
    problems_.push_back({std::move(key), std::move(reason)});
  }
  void Exclude(bool is_said, const char* key, const char* why) {
    if (!is_said) return;
    Fail("hierarchy", absl::StrCat("cannot stand beside ", key, ": ", why));
  }

  const v1::Plan& plan_;
  Problems& problems_;
};

}  // namespace

void CheckHierarchy(const v1::Plan& plan, Problems& problems) {
  HierarchyRules rules(plan, problems);
  rules.CheckLinks();
  if (!plan.has_hierarchy()) return;
  rules.CheckBuilt();
  rules.CheckFanOut();
  rules.CheckMasks();
  rules.CheckOthers();
}

std::uint32_t LeavesOfTier(const v1::Plan& plan, std::uint32_t tier) {
  std::uint64_t nodes = 1;
  const auto& fan_out = plan.hierarchy().fan_out();
  const int tiers =
      std::min(static_cast<int>(tier), static_cast<int>(fan_out.size()));
  for (int i = 0; i < tiers; ++i) nodes *= std::max(fan_out[i], 1u);
  return static_cast<std::uint32_t>((plan.round().cohort_size() + nodes - 1) /
                                    nodes);
}

}  // namespace tributary::codec
