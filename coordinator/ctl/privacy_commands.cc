// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/privacy_plan.h"
#include "coordinator/ctl/spending_view.h"

namespace tributary::ctl {
namespace {

using nlohmann::ordered_json;

constexpr const char* kArithmetic =
    "This is arithmetic, for Gaussian noise on the sum. A plan's section "
    "`privacy` sets it up: \"privacy plan PLAN\" says what that costs, with "
    "any "
    "noise; what its run was charged is in the ledger (tributaryctl privacy "
    "report).";

// What must be true for the epsilons above to be.
void PrintConditions(const PrivacyPlan& plan, std::ostream& out) {
  out << "\nThe unit is one client with all of its examples, over all rounds. "
         "It holds if\n"
         "  each client's update is clipped to the clip norm, and the sum is "
         "divided by "
      << plan.answer.cohort << ", however many came\n";
  switch (plan.answer.sampling) {
    case dp::Sampling::kNone:
      if (plan.answer.neighbours == dp::Neighbours::kAddOrRemoveOne) {
        out << "  everybody is in every round, and nobody takes another's "
               "place\n";
      }
      break;
    case dp::Sampling::kPoisson:
      out << "  each client is drawn independently and in secret, and a round "
             "has room for "
          << *plan.largest_cohort << " (5 standard deviations\n"
          << "    above the mean): one that closes at the first reports is "
             "not a Poisson sample\n";
      break;
    case dp::Sampling::kFixedSize:
      out << "  cohorts are drawn uniformly and in secret, and always have "
             "this size\n";
      break;
  }
  out << "  nothing else about a client is released, metrics included\n";
}

}  // namespace

ExitCode PrivacyPlanned(Session& session, const PrivacyQuestion& question) {
  const auto plan = PlanPrivacy(question);
  if (!plan.ok()) return plan.status();
  if (session.IsJson()) {
    ordered_json document = Json(plan->answer);
    document["population"] = question.population;
    if (plan->largest_cohort)
      document["largest_cohort"] = *plan->largest_cohort;
    if (plan->noise_norm) document["noise_norm"] = *plan->noise_norm;
    if (plan->other_accountant) {
      document["other_accountant"] = Json(*plan->other_accountant);
    }
    document["earlier_rounds"] = Json(plan->earlier_rounds);
    document["larger_cohorts"] = Json(plan->larger_cohorts);
    session.Print(document);
    return 0;
  }

  session.out << "noise multiplier " << Decimal(plan->answer.noise_multiplier)
              << ": noise of this many clip norms in each coordinate of the "
                 "sum\n";
  if (plan->noise_norm) {
    session.out << "its norm on the mean of " << plan->answer.cohort
                << " updates of " << question.parameters
                << " parameters: " << Short(*plan->noise_norm)
                << " clip norms; the mean's own is at most 1\n";
  }
  session.out << "\n";
  std::vector<Spending> spent = plan->earlier_rounds;
  spent.push_back(plan->answer);
  if (plan->other_accountant) spent.push_back(*plan->other_accountant);
  SpendingTable(spent).Print(session.out, session.style);
  if (!plan->larger_cohorts.empty()) {
    session.out << "\nThe same epsilon with larger cohorts:\n";
    SpendingTable(plan->larger_cohorts).Print(session.out, session.style);
  }
  PrintConditions(*plan, session.out);
  session.out << "\n" << kArithmetic << std::endl;
  return 0;
}

}  // namespace tributary::ctl
