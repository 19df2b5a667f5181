// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/spending_view.h"

#include <algorithm>

namespace tributary::ctl {
namespace {

using nlohmann::ordered_json;

constexpr const char* kUnit = "client";

bool Has(const std::set<std::string>& texts, const char* word) {
  return std::ranges::any_of(
      texts, [&](const std::string& text) { return text.starts_with(word); });
}

}  // namespace

ordered_json Json(const Spending& spending) {
  return {{"epsilon", spending.epsilon},
          {"delta", spending.delta},
          {"unit", kUnit},
          {"neighbours", dp::Name(spending.neighbours)},
          {"noise", dp::Name(spending.noise)},
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

Table SpendingTable(const std::vector<Spending>& spendings) {
  Table table({{"EPSILON", Align::kRight},
               {"DELTA", Align::kRight},
               {"UNIT"},
               {"NEIGHBOURS"},
               {"SAMPLING"},
               {"ACCOUNTANT"},
               {"ROUNDS", Align::kRight},
               {"COHORT", Align::kRight},
               {"NOISE", Align::kRight},
               {"ON MEAN", Align::kRight}});
  for (const Spending& spending : spendings) {
    table.Add({Decimal(spending.epsilon), Short(spending.delta), kUnit,
               std::string(dp::Name(spending.neighbours)),
               std::string(dp::Name(spending.sampling)),
               std::string(dp::Name(spending.accountant)),
               std::to_string(spending.rounds), std::to_string(spending.cohort),
               Decimal(spending.noise_multiplier),
               Short(spending.NoiseOnMean())});
  }
  return table;
}

void PrintUncovered(const std::set<std::string>& noises,
                    const std::set<std::string>& samplings, std::ostream& out) {
  out << "\nThe unit is one client with all of its examples, over all rounds "
         "charged. The numbers cover what the released models tell anybody. "
         "They do not cover\n";
  if (Has(noises, "central")) {
    out << "  what the coordinator sees before it adds central noise: without "
           "secure aggregation every update\n";
  }
  const bool is_sampled =
      Has(samplings, "Poisson") || Has(samplings, "fixed size");
  if (is_sampled && Has(noises, "distributed")) {
    out << "  the coordinator's view of distributed noise on sampled cohorts, "
           "for it knows who was in them: against it the epsilon "
           "above holds\n";
  }
  if (is_sampled) {
    out << "  anybody else who knows who was in which cohort"
        << (Has(noises, "distributed")
                ? ", as its members do in part: a secure session shows each "
                  "its neighbours' names\n"
                : "\n");
  }
  out << "  what anybody but this ledger's coordinator released of the same "
         "clients\n";
}

}  // namespace tributary::ctl
