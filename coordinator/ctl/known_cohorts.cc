// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/known_cohorts.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "coordinator/ctl/terminal.h"

namespace tributary::ctl {
namespace {

struct Priced {
  dp::Charge charge;
  double epsilon = 0;  // of one round
};

bool IsSampled(const dp::Charge& charge) {
  return charge.mechanism.sampling != dp::Sampling::kNone &&
         charge.mechanism.rate < 1;
}

}  // namespace

absl::StatusOr<std::optional<KnownCohorts>> SpendOfKnownCohorts(
    std::span<const dp::Charge> charges, std::int64_t rounds, double delta) {
  if (std::ranges::none_of(charges, IsSampled)) return std::nullopt;
  std::vector<Priced> priced;
  for (dp::Charge charge : charges) {
    charge.mechanism.sampling = dp::Sampling::kNone;
    charge.mechanism.neighbours = dp::Neighbours::kReplaceOne;
    const dp::Charge one{charge.mechanism, 1};
    const auto epsilon = dp::Epsilon(dp::Accountant::kRdp, {&one, 1}, delta);
    if (!epsilon.ok()) return epsilon.status();
    priced.push_back({std::move(charge), *epsilon});
  }
  // Nobody counts in which rounds a client was.
  std::ranges::stable_sort(priced, std::ranges::greater(), &Priced::epsilon);
  std::vector<dp::Charge> dearest;
  KnownCohorts known{.delta = delta};
  for (Priced& one : priced) {
    one.charge.rounds = std::min(one.charge.rounds, rounds - known.rounds);
    if (one.charge.rounds <= 0) break;
    known.rounds += one.charge.rounds;
    dearest.push_back(std::move(one.charge));
  }
  const auto epsilon = dp::Epsilon(dp::Accountant::kRdp, dearest, delta);
  if (!epsilon.ok()) return epsilon.status();
  known.epsilon = *epsilon;
  return known;
}

nlohmann::ordered_json Json(const KnownCohorts& known) {
  return {
      {"epsilon", known.epsilon},
      {"delta", known.delta},
      {"unit", "client"},
      {"neighbours", dp::Name(dp::Neighbours::kReplaceOne)},
      {"sampling", dp::Name(dp::Sampling::kNone)},
      {"accountant", dp::Name(dp::Accountant::kRdp)},
      {"accountant_version", dp::kAccountantVersion},
      {"rounds", known.rounds},
  };
}

void Print(const KnownCohorts& known, const std::set<std::string>& noises,
           std::ostream& out) {
  out << (noises.contains(std::string(dp::Name(dp::Noise::kCentral)))
              ? "against whoever knows the cohorts"
              : "against the coordinator, and whoever knows the cohorts")
      << ": epsilon " << Decimal(known.epsilon) << " for a client in "
      << known.rounds << " rounds (delta " << Short(known.delta) << ", "
      << dp::Name(dp::Neighbours::kReplaceOne) << ", "
      << dp::Name(dp::Accountant::kRdp) << ")\n";
}

}  // namespace tributary::ctl
