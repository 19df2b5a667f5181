// SPDX-License-Identifier: Apache-2.0
// tributaryctl privacy report and verify.
#include <algorithm>
#include <set>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/ledger_source.h"
#include "coordinator/ctl/privacy_report.h"
#include "coordinator/ctl/spending_view.h"

namespace tributary::ctl {
namespace {

using nlohmann::ordered_json;

// Clients of a population that the tables name.
constexpr std::size_t kShownClients = 10;

std::string AccountantText(dp::Accountant accountant) {
  return absl::StrCat(std::string(dp::Name(accountant)), " v",
                      dp::kAccountantVersion);
}

ordered_json Json(const Account& account) {
  ordered_json json;
  if (!account.run.empty()) json["run"] = account.run;
  json["population"] = account.population;
  json["rounds"] = account.rounds;
  if (account.spent.ok()) {
    json["epsilon"] = account.spent->epsilon;
    json["delta"] = account.spent->delta;
    json["accountant"] = dp::Name(account.spent->accountant);
    json["accountant_version"] = dp::kAccountantVersion;
  } else {
    json["epsilon"] = nullptr;
    json["problem"] = std::string(account.spent.status().message());
  }
  if (account.known_cohorts.ok() && *account.known_cohorts) {
    json["known_cohorts"] = Json(**account.known_cohorts);
  }
  json["unit"] = dp::Name(account.unit);
  json["neighbours"] = absl::StrJoin(account.neighbours, ", ");
  json["sampling"] = account.samplings;
  json["noise"] = account.noises;
  json["noise_multipliers"] = account.noise_multipliers;
  json["first_entry"] = account.first_entry;
  json["last_entry"] = account.last_entry;
  json["plans"] = account.plans;
  return json;
}

ordered_json Json(const TookPart& took_part) {
  ordered_json clients = ordered_json::array();
  for (const v1::Participation& client : took_part.clients) {
    clients.push_back(
        {{"client", client.client()}, {"rounds", client.rounds()}});
  }
  return {{"population", took_part.population},
          {"least", took_part.least},
          {"mean", took_part.mean},
          {"most", took_part.most},
          {"clients", std::move(clients)}};
}

template <typename Parts>
ordered_json JsonOf(const Parts& parts) {
  ordered_json list = ordered_json::array();
  for (const auto& part : parts) list.push_back(Json(part));
  return list;
}

std::string NoiseText(const Account& account) {
  return absl::StrCat(absl::StrJoin(account.noises, ", "), " (",
                      absl::StrJoin(account.noise_multipliers, ", ",
                                    [](std::string* out, const auto& one) {
                                      absl::StrAppend(out, one.first, " ",
                                                      Short(one.second));
                                    }),
                      ")");
}

void Print(Session& session, const char* title,
           const std::vector<Account>& accounts) {
  Table table({{title},
               {"EPSILON", Align::kRight},
               {"DELTA", Align::kRight},
               {"UNIT"},
               {"NEIGHBOURS"},
               {"SAMPLING"},
               {"ACCOUNTANT"},
               {"ROUNDS", Align::kRight},
               {"ENTRIES"},
               {"NOISE (MULTIPLIERS)"}});
  for (const Account& account : accounts) {
    const bool is_known = account.spent.ok();
    table.Add({account.run.empty() ? account.population : account.run,
               is_known ? Decimal(account.spent->epsilon) : "-",
               is_known ? Short(account.spent->delta) : "-",
               std::string(dp::Name(account.unit)),
               absl::StrJoin(account.neighbours, ", "),
               absl::StrJoin(account.samplings, ", "),
               is_known ? AccountantText(account.spent->accountant) : "-",
               absl::StrCat(account.rounds),
               absl::StrCat(account.first_entry, " - ", account.last_entry),
               NoiseText(account)});
  }
  table.Print(session.out, session.style);
  for (const Account& account : accounts) {
    const std::string name =
        Shown(account.run.empty() ? account.population : account.run);
    if (!account.spent.ok()) {
      session.out << name
                  << ": no epsilon: " << account.spent.status().message()
                  << "\n";
    }
    if (account.known_cohorts.ok() && *account.known_cohorts) {
      session.out << name << ", ";
      Print(**account.known_cohorts, account.noises, session.out);
    }
  }
}

void Print(Session& session, const TookPart& took_part) {
  session.out << "\n"
              << took_part.clients.size() << " clients of "
              << Shown(took_part.population) << " took part in charged rounds, "
              << took_part.least << " to " << took_part.most << " each, "
              << Short(took_part.mean)
              << " on average: over all runs of the population since the "
                 "ledger began; counted, not chained\n";
  Table table({{"CLIENT"}, {"ROUNDS", Align::kRight}});
  const std::size_t shown = std::min(took_part.clients.size(), kShownClients);
  for (std::size_t i = 0; i < shown; ++i) {
    const v1::Participation& client = took_part.clients[i];
    table.Add({client.client(), absl::StrCat(client.rounds())});
  }
  table.Print(session.out, session.style);
  if (shown < took_part.clients.size()) {
    session.out << "... and " << took_part.clients.size() - shown
                << " more, in --json\n";
  }
}

void PrintConditions(const PrivacyReport& report, std::ostream& out) {
  std::set<std::string> noises;
  std::set<std::string> samplings;
  for (const Account& account : report.runs) {
    noises.insert(account.noises.begin(), account.noises.end());
    samplings.insert(account.samplings.begin(), account.samplings.end());
  }
  PrintUncovered(noises, samplings, out);
}

// What a question without an answer named that the ledger does not know, with
// what it knows.
absl::Status Unknown(std::span<const dp::Entry> entries,
                     const LedgerQuestion& question) {
  std::set<std::string> populations;
  std::set<std::string> runs;
  for (const dp::Entry& entry : entries) {
    const dp::Debit& debit = entry.debit;
    populations.insert(debit.population);
    if (question.population.empty() ||
        debit.population == question.population) {
      runs.insert(debit.run);
    }
  }
  const auto is_unknown = [](const char* option, const std::string& name,
                             const std::set<std::string>& known) {
    return absl::NotFoundError(absl::StrCat(
        option, ": the ledger has no entry of \"", name, "\"; it has ",
        known.empty() ? "none" : absl::StrJoin(known, ", ")));
  };
  if (!question.population.empty() &&
      !populations.contains(question.population)) {
    return is_unknown("--population", question.population, populations);
  }
  if (question.run.empty()) return absl::OkStatus();
  return is_unknown("--run", question.run, runs);
}

absl::Status CutOff(const LedgerSource& source) {
  return absl::DataLossError(
      absl::StrCat(source.name, ": its last ", source.bytes_cut_off,
                   " bytes are a record that was cut off; ",
                   source.entries.size(), " entries before it are whole"));
}

absl::StatusOr<dp::Ledger> Checked(const LedgerSource& source) {
  auto ledger = dp::Ledger::Replay(source.entries);
  if (ledger.ok()) return ledger;
  return absl::DataLossError(
      absl::StrCat(source.name, ": ", ledger.status().message()));
}

absl::Status Verify(const LedgerSource& source, const std::string& head,
                    dp::Chain& chain) {
  const auto ledger = Checked(source);
  if (!ledger.ok()) return ledger.status();
  chain = ledger->chain();
  if (source.bytes_cut_off > 0) return CutOff(source);
  if (source.is_file && source.entries.empty()) {
    return absl::DataLossError(
        absl::StrCat(source.name,
                     ": is empty: a ledger without an entry says "
                     "nothing of what was spent"));
  }
  if (head.empty()) return absl::OkStatus();
  const auto wanted = Digest::FromHex(head);
  if (!wanted.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--head: ", wanted.status().message()));
  }
  const bool is_there = std::ranges::any_of(
      source.entries,
      [&](const dp::Entry& entry) { return entry.hash == *wanted; });
  if (is_there) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(source.name, ": no entry has the hash ", head,
                   ": it was cut off, or made anew as a whole"));
}

}  // namespace

ExitCode PrivacyVerified(Session& session, const LedgerQuestion& question) {
  const auto source = ReadLedger(question.file, session.connection);
  if (!source.ok() && !absl::IsDataLoss(source.status())) {
    return source.status();
  }
  dp::Chain chain;
  const absl::Status status =
      source.ok() ? Verify(*source, question.head, chain) : source.status();
  if (absl::IsInvalidArgument(status)) return status;
  if (session.IsJson()) {
    ordered_json document = {{"is_whole", status.ok()}};
    if (status.ok()) {
      document["entries"] = chain.number();
      document["head"] = chain.head().Hex();
    } else {
      document["problem"] = std::string(status.message());
    }
    session.Print(document);
    return status.ok() ? 0 : kExitFailed;
  }
  if (!status.ok()) return status;
  session.out << chain.number() << " entries, each as it was written\n"
              << "head " << chain.head().Hex()
              << "\n\nNote the head somewhere else: \"privacy verify --head\" "
                 "then shows whether the end was cut off, or all of it made "
                 "anew, which a chain cannot show of itself. In how many "
                 "rounds each client was is counted, not chained."
              << std::endl;
  return 0;
}

ExitCode PrivacyReported(Session& session, const LedgerQuestion& question) {
  const auto source = ReadLedger(question.file, session.connection);
  if (!source.ok()) return source.status();
  const auto ledger = Checked(*source);
  if (!ledger.ok()) return ledger.status();
  if (source->bytes_cut_off > 0) {
    session.err << "tributaryctl: " << CutOff(*source).message() << std::endl;
  }
  const PrivacyReport report =
      ReportPrivacy(ledger->entries(), source->participation,
                    {.run = question.run, .population = question.population});
  if (report.runs.empty()) {
    if (auto unknown = Unknown(ledger->entries(), question); !unknown.ok()) {
      return unknown;
    }
  }
  if (session.IsJson()) {
    session.Print({{"entries", ledger->chain().number()},
                   {"head", ledger->chain().head().Hex()},
                   {"runs", JsonOf(report.runs)},
                   {"populations", JsonOf(report.populations)},
                   {"participation", JsonOf(report.took_part)}});
    return 0;
  }
  if (report.runs.empty()) {
    session.out << "nothing was charged: the ledger has no entry" << std::endl;
    return 0;
  }
  Print(session, "RUN", report.runs);
  if (!report.populations.empty()) {
    session.out << "\nAll runs of a population together:\n";
    Print(session, "POPULATION", report.populations);
  }
  for (const TookPart& took_part : report.took_part) Print(session, took_part);
  PrintConditions(report, session.out);
  session.out << std::flush;
  return 0;
}

}  // namespace tributary::ctl
