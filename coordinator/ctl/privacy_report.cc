// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/privacy_report.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::ctl {
namespace {

std::string SamplingText(const dp::Mechanism& mechanism) {
  const std::string name(dp::Name(mechanism.sampling));
  if (mechanism.sampling == dp::Sampling::kNone) return name;
  return absl::StrCat(name, " ", mechanism.rate);
}

// An account that still counts.
struct Counting {
  Account account;
  dp::Spend spend;
};

void Count(const dp::Entry& entry, Counting& counting) {
  Account& account = counting.account;
  const dp::Debit& debit = entry.debit;
  if (account.rounds == 0) {
    account.population = debit.population;
    account.first_entry = entry.number;
    account.unit = debit.unit;
  }
  ++account.rounds;
  account.last_entry = entry.number;
  account.neighbours.insert(std::string(dp::Name(debit.mechanism.neighbours)));
  account.noises.insert(std::string(dp::Name(debit.mechanism.noise)));
  account.samplings.insert(SamplingText(debit.mechanism));
  account.plans.insert(debit.plan.Hex());
  for (const dp::Statistic& statistic : debit.mechanism.statistics) {
    const double noise = statistic.NoiseMultiplier();
    const auto [least, is_new] =
        account.noise_multipliers.emplace(statistic.name, noise);
    least->second = std::min(least->second, noise);
  }
  counting.spend.Add(debit);
}

// By population: the rounds of the client that was in most.
using MostRounds = std::map<std::string, std::int64_t>;

Account Finished(Counting counting, const MostRounds& most) {
  Account& account = counting.account;
  const double delta = counting.spend.delta();
  account.spent = counting.spend.At(delta);
  const auto counted = most.find(account.population);
  account.known_cohorts = SpendOfKnownCohorts(
      counting.spend.charges(),
      counted == most.end() ? account.rounds
                            : std::min(account.rounds, counted->second),
      delta);
  return std::move(account);
}

TookPart CountRounds(std::vector<v1::Participation> clients) {
  TookPart took_part;
  took_part.population = clients.front().population();
  std::ranges::stable_sort(clients, [](const auto& a, const auto& b) {
    return a.rounds() > b.rounds();
  });
  took_part.most = clients.front().rounds();
  took_part.least = clients.back().rounds();
  for (const auto& client : clients) {
    took_part.mean += static_cast<double>(client.rounds()) /
                      static_cast<double>(clients.size());
  }
  took_part.clients = std::move(clients);
  return took_part;
}

}  // namespace

PrivacyReport ReportPrivacy(std::span<const dp::Entry> entries,
                            std::span<const v1::Participation> participation,
                            const ReportFilter& filter) {
  std::map<std::string, Counting> runs;
  std::map<std::string, Counting> populations;
  for (const dp::Entry& entry : entries) {
    const dp::Debit& debit = entry.debit;
    if (!filter.population.empty() && debit.population != filter.population) {
      continue;
    }
    if (!filter.run.empty() && debit.run != filter.run) continue;
    Counting& run = runs[debit.run];
    run.account.run = debit.run;
    Count(entry, run);
    if (filter.run.empty()) Count(entry, populations[debit.population]);
  }
  PrivacyReport report;
  std::map<std::string, std::vector<v1::Participation>> clients;
  for (const v1::Participation& one : participation) {
    if (filter.population.empty() || one.population() == filter.population) {
      clients[one.population()].push_back(one);
    }
  }
  MostRounds most;
  for (auto& [name, all] : clients) {
    report.took_part.push_back(CountRounds(std::move(all)));
    most[name] = static_cast<std::int64_t>(report.took_part.back().most);
  }
  for (auto& [name, counting] : runs) {
    report.runs.push_back(Finished(std::move(counting), most));
  }
  std::ranges::sort(report.runs, {}, &Account::first_entry);
  for (auto& [name, counting] : populations) {
    report.populations.push_back(Finished(std::move(counting), most));
  }
  return report;
}

}  // namespace tributary::ctl
