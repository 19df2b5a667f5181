// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/privacy_plan.h"

namespace tributary::ctl {
namespace {

using nlohmann::ordered_json;

constexpr const char* kUnit = "client";
constexpr const char* kArithmetic =
    "This is arithmetic, for noise on the sum. A plan's section `privacy` sets "
    "it up; what its run was charged is in the ledger (tributaryctl privacy "
    "report).";

ordered_json Json(const Spending& spending) {
  return {{"epsilon", spending.epsilon},
          {"delta", spending.delta},
          {"unit", kUnit},
          {"neighbours", dp::Name(spending.neighbours)},
          {"sampling", dp::Name(spending.sampling)},
          {"accountant", dp::Name(spending.accountant)},
          {"rounds", spending.rounds},
          {"cohort", spending.cohort},
          {"noise_multiplier", spending.noise_multiplier},
          {"noise_on_mean", spending.NoiseOnMean()}};
}

ordered_json Json(const std::vector<Spending>& spendings) {
  ordered_json list = ordered_json::array();
  for (const Spending& spending : spendings) list.push_back(Json(spending));
  return list;
}

Table SpendingTable() {
  return Table({{"EPSILON", Align::kRight},
                {"DELTA", Align::kRight},
                {"UNIT"},
                {"NEIGHBOURS"},
                {"SAMPLING"},
                {"ACCOUNTANT"},
                {"ROUNDS", Align::kRight},
                {"COHORT", Align::kRight},
                {"NOISE", Align::kRight},
                {"ON MEAN", Align::kRight}});
}

void Add(Table& table, const Spending& spending) {
  table.Add({Decimal(spending.epsilon), Short(spending.delta), kUnit,
             std::string(dp::Name(spending.neighbours)),
             std::string(dp::Name(spending.sampling)),
             std::string(dp::Name(spending.accountant)),
             std::to_string(spending.rounds), std::to_string(spending.cohort),
             Decimal(spending.noise_multiplier),
             Short(spending.NoiseOnMean())});
}

// What must be true for the epsilons above to be.
void PrintConditions(const PrivacyPlan& plan, std::ostream& out) {
  out << "\nThe unit is one client with all of its examples, over all rounds. "
         "It holds if\n"
         "  each client's update is clipped to the clip norm, and the sum is "
         "divided by "
      << plan.answer.cohort << ", however many came\n";
  switch (plan.answer.sampling) {
    case dp::Sampling::kNone:
      out << "  nothing more: who is in which cohort may be known\n";
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
  Table spent = SpendingTable();
  for (const Spending& earlier : plan->earlier_rounds) Add(spent, earlier);
  Add(spent, plan->answer);
  if (plan->other_accountant) Add(spent, *plan->other_accountant);
  spent.Print(session.out, session.style);
  if (!plan->larger_cohorts.empty()) {
    session.out << "\nThe same epsilon with larger cohorts:\n";
    Table larger = SpendingTable();
    for (const Spending& one : plan->larger_cohorts) Add(larger, one);
    larger.Print(session.out, session.style);
  }
  PrintConditions(*plan, session.out);
  session.out << "\n" << kArithmetic << std::endl;
  return 0;
}

}  // namespace tributary::ctl
