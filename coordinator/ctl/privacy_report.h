// SPDX-License-Identifier: Apache-2.0
// What a ledger's entries add up to, for each run and each population, and who
// took part. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/ctl/known_cohorts.h"
#include "privacy/dp/ledger.h"
#include "tributary/v1/ledger.pb.h"

namespace tributary::ctl {

// Debits of one run, or of all runs of one population, with all without which
// an epsilon says nothing.
struct Account {
  std::string population;
  std::string run;  // empty: of the population
  std::int64_t rounds = 0;
  std::uint64_t first_entry = 0;
  std::uint64_t last_entry = 0;
  dp::Unit unit = dp::Unit::kClient;
  // What its rounds were; mostly one of each.
  std::set<std::string> neighbours;
  std::set<std::string> noises;
  std::set<std::string> samplings;  // "Poisson 0.01"
  std::set<std::string> plans;      // SHA-256, hex
  // By the statistic's name: the least noise multiplier of any round.
  std::map<std::string, double> noise_multipliers;
  // UNIMPLEMENTED where nothing accounts for all of it together.
  absl::StatusOr<dp::Spend::Epsilon> spent = dp::Spend::Epsilon{};
  // To the client of its population that was in most rounds, of whatever runs;
  // of all its rounds where nobody counted. None without sampling.
  absl::StatusOr<std::optional<KnownCohorts>> known_cohorts = std::nullopt;
};

struct TookPart {
  std::string population;
  std::vector<v1::Participation> clients;  // most rounds first
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  double mean = 0;
};

struct PrivacyReport {
  std::vector<Account> runs;         // in the order of their first entries
  std::vector<Account> populations;  // by name
  std::vector<TookPart> took_part;   // by population
};

// Only what concerns the run and the population, where they are named. Entries
// are those of a chain that was checked. Participation is counted for
// populations, whatever the run.
struct ReportFilter {
  std::string run;
  std::string population;
};
PrivacyReport ReportPrivacy(std::span<const dp::Entry> entries,
                            std::span<const v1::Participation> participation,
                            const ReportFilter& filter);

}  // namespace tributary::ctl
