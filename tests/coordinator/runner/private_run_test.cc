// SPDX-License-Identifier: Apache-2.0
// Runs that promise privacy: what a coordinator asks of them, what it charges,
// and what it does when nothing is left.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/store/database.h"
#include "coordinator/store/store.h"
#include "proto/codec/ledger.h"
#include "tests/coordinator/runner/private_federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

// Vouches for nobody.
class NoAuthority final : public secagg::Authority {
 public:
  absl::StatusOr<std::unique_ptr<secagg::Peer>> Identify(
      std::string_view) const override {
    return absl::UnauthenticatedError("nobody");
  }
};

v1::Plan SecurePlan() {
  v1::Plan plan = MakePlan({.min_updates = 3});
  plan.mutable_update()->clear_encoding();
  plan.mutable_secure_aggregation()->set_dropped(0.1);
  return plan;
}

std::string Refusal(Federation& federation, const v1::Plan& plan) {
  bool is_given = false;
  const auto model = federation.coordinator().StoreBlob([&]() -> std::string {
    return std::exchange(is_given, true) ? "" : FirstModel();
  });
  REQUIRE(model.ok());
  const auto run = federation.coordinator().Submit(plan, *model, nullptr);
  REQUIRE_FALSE(run.ok());
  return std::string(run.status().message());
}

TEST_CASE("secure aggregation needs somebody who vouches for clients") {
  Federation federation;
  CHECK(Refusal(federation, SecurePlan()) ==
        "secure_aggregation: this coordinator knows nobody who vouches for "
        "clients; name tls.authority in its configuration, beside insecure "
        "too, and restart it");
  federation.coordinator().SetAuthority(std::make_shared<NoAuthority>());
  federation.Submit(SecurePlan());
}

TEST_CASE("a plan whose sessions no graph withstands is not taken") {
  Federation federation;
  federation.coordinator().SetAuthority(std::make_shared<NoAuthority>());
  v1::Plan plan = SecurePlan();
  plan.mutable_secure_aggregation()->set_corrupt(0.4);
  plan.mutable_secure_aggregation()->set_dropped(0.25);
  CHECK(Refusal(federation, plan).find("secure_aggregation") == 0);
}

TEST_CASE("no run of a coordinator leaves its masks out") {
  Federation federation;
  v1::Plan plan = SecurePlan();
  v1::SimulationPlan& simulation = *plan.mutable_simulation();
  simulation.set_clients(10);
  simulation.mutable_train()->mutable_csv()->set_path("train.csv");
  simulation.set_skip_masks(true);
  CHECK(Refusal(federation, plan) ==
        "simulation.skip_masks: is the simulator's alone, here every secure "
        "session has its masks; leave it out");
}

TEST_CASE("a private run has no seed that tells its cohorts") {
  Federation federation;
  v1::Plan plan = PrivatePlan();
  plan.set_seed(7);
  CHECK(Refusal(federation, plan) ==
        "seed: cannot stand beside privacy, for whoever knows it can say who "
        "is in each cohort; leave it out (the simulator alone takes both)");
}

TEST_CASE("a private run releases no buffers") {
  Federation federation;
  CHECK(
      Refusal(federation, PrivatePlan()).find("privacy: the model's buffer ") ==
      0);
}

// The releases that entries of the run stand for.
std::set<std::pair<std::uint32_t, std::uint32_t>> Charged(
    const v1::LedgerPage& ledger, const std::string& run) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> charged;
  for (const v1::LedgerEntry& entry : ledger.entries()) {
    if (entry.run() == run) charged.emplace(entry.round(), entry.attempt());
  }
  return charged;
}

TEST_CASE("each release of a private run is charged, and shown") {
  PrivateFederation clients;
  const std::string run = clients.federation().Submit(RunnablePlan(2));
  const double noise =
      clients.federation().Show(run).plan().privacy().noise_multiplier();
  CHECK(noise > 0.1);
  REQUIRE(clients.Drive(run).summary().state() == v1::FINISHED);
  const v1::RunDetail shown = clients.Settled(run);
  CHECK(shown.privacy().debits() == 2);
  CHECK(shown.privacy().most_debits() >= 2);
  CHECK(shown.privacy().noise_multiplier() == noise);
  CHECK(shown.privacy().epsilon() > 0);
  CHECK(shown.privacy().epsilon() <= shown.privacy().budget());
  CHECK(clients.federation().MetricOf("tributary_privacy_debits_total",
                                      {{"run", run}}) == 2);
  // What says something of single clients is not there.
  CHECK(shown.rounds(0).accepted() == 4);
  CHECK_FALSE(shown.rounds(0).has_total_weight());
  CHECK_FALSE(shown.rounds(0).has_train_loss());

  const v1::LedgerPage ledger = clients.Ledger();
  REQUIRE(ledger.entries_size() == 2);
  dp::Chain chain;
  for (const v1::LedgerEntry& entry : ledger.entries()) {
    const auto read = codec::ToEntry(entry);
    REQUIRE(read.ok());
    CHECK(chain.Check(*read).ok());
    CHECK(read->debit.contributors == 4);
    CHECK(read->debit.clip_norm == 1);
  }
  REQUIRE(ledger.participation_size() == 4);
  CHECK(ledger.participation(3).client() == "client-3");
  CHECK(ledger.participation(3).rounds() == 2);

  // Bit for bit the same from the ledger that is on the disk.
  clients.Restart();
  CHECK(clients.Settled(run).privacy().epsilon() == shown.privacy().epsilon());
}

TEST_CASE("with local noise an attempt is charged before an update comes") {
  PrivateFederation clients;
  v1::Plan plan = RunnablePlan(1);
  plan.mutable_privacy()->set_noise(v1::PrivacyPlan::LOCAL);
  const std::string run = clients.federation().Submit(plan);
  bool is_seen = false;
  const v1::RunDetail end = clients.Drive(run, [&](int) {
    const v1::RunDetail shown = clients.federation().Show(run);
    if (shown.phase() != "collecting" || shown.accepted_updates() > 0) return;
    is_seen = true;
    CHECK(Charged(clients.Ledger(), run).contains({1, 1}));
  });
  CHECK(is_seen);
  CHECK(end.summary().state() == v1::FINISHED);
  CHECK(Charged(clients.Ledger(), run).size() == 1);
}

TEST_CASE("a ledger gives the epsilon that its run showed, bit for bit") {
  std::set<double> epsilons;
  for (const auto accountant : {v1::PrivacyPlan::RDP, v1::PrivacyPlan::PLD}) {
    v1::Plan plan = RunnablePlan(2);
    plan.mutable_privacy()->set_accountant(accountant);
    plan.mutable_privacy()->set_noise_multiplier(4);
    PrivateFederation clients;
    const std::string run = clients.federation().Submit(plan);
    REQUIRE(clients.Drive(run).summary().state() == v1::FINISHED);
    const double shown = clients.Settled(run).privacy().epsilon();
    const v1::LedgerPage ledger = clients.Ledger();
    dp::Spend spend;
    for (const v1::LedgerEntry& entry : ledger.entries()) {
      CHECK(entry.accountant() == accountant);
      spend.Add(codec::ToEntry(entry)->debit);
    }
    CHECK(spend.At(spend.delta())->epsilon == shown);
    epsilons.insert(shown);
  }
  CHECK(epsilons.size() == 2);
}

TEST_CASE("restarted anywhere, a private run pays for all that it releases") {
  int letters = 0;
  for (int point = 0; point <= letters || point == 0; ++point) {
    PrivateFederation clients;
    const std::string run = clients.federation().Submit(RunnablePlan(2));
    const v1::RunDetail end = clients.Drive(run, [&](int number) {
      if (point == 0) letters = number;
      if (number == point) clients.Restart();
    });
    INFO("restarted before letter " << point);
    REQUIRE(end.summary().state() == v1::FINISHED);
    const auto charged = Charged(clients.Ledger(), run);
    for (const v1::RoundRecord& round : end.rounds()) {
      CHECK(charged.contains({round.round(), round.attempts()}));
    }
    // Nobody masks anything here, so nothing has to be paid for twice.
    CHECK(charged.size() == 2);
  }
}

TEST_CASE("a round that would overspend does not start") {
  v1::Plan plan = RunnablePlan(40);
  plan.mutable_privacy()->set_noise_multiplier(1);
  plan.mutable_privacy()->set_epsilon(12);
  PrivateFederation clients;
  const std::string run = clients.federation().Submit(plan);
  const v1::RunDetail end = clients.Drive(run);
  CHECK(end.summary().state() == v1::FAILED);
  CHECK(end.summary().message().find("the privacy budget is spent") == 0);
  const v1::RunDetail shown = clients.Settled(run);
  REQUIRE(shown.privacy().most_debits() >= 1);
  REQUIRE(shown.privacy().most_debits() < 40);
  CHECK(end.summary().released_rounds() == shown.privacy().most_debits());
  CHECK(shown.privacy().epsilon() <= 12);
  // One more would have been too much.
  const v1::LedgerPage ledger = clients.Ledger();
  dp::Spend spend;
  for (const v1::LedgerEntry& entry : ledger.entries()) {
    spend.Add(codec::ToEntry(entry)->debit);
  }
  CHECK(spend.At(0.01)->epsilon == shown.privacy().epsilon());
  spend.Add(codec::ToEntry(ledger.entries(0))->debit);
  CHECK(spend.At(0.01)->epsilon > 12);
}

TEST_CASE("runs of one population share its budget") {
  v1::Plan plan = RunnablePlan(2);
  plan.mutable_privacy()->set_noise_multiplier(4);
  plan.mutable_privacy()->set_epsilon(12);
  plan.mutable_privacy()->set_population_epsilon(12);
  PrivateFederation clients;
  const std::string first = clients.federation().Submit(plan);
  REQUIRE(clients.Drive(first).summary().state() == v1::FINISHED);
  plan.mutable_stop()->set_rounds(40);
  const std::string second = clients.federation().Submit(plan);
  clients.Drive(second);
  const auto rest = clients.Settled(second).privacy().debits();
  plan.set_population("fans");
  const std::string elsewhere = clients.federation().Submit(plan);
  CHECK(clients.federation().Show(elsewhere).privacy().most_debits() ==
        rest + 2);
  plan.set_population("pumps");
  CHECK(Refusal(clients.federation(), plan).find("population_epsilon") !=
        std::string::npos);
}

absl::Status ReadAll(Federation& federation) {
  return federation.coordinator().ReadLedger(
      {}, [](const v1::LedgerPage&) { return true; });
}

// Restarts the coordinator after the table of its ledger was changed.
void Doctor(PrivateFederation& clients, const std::string& sql) {
  Federation& federation = clients.federation();
  federation.Close();
  {
    auto database = store::Database::Open(
        std::filesystem::path(federation.options().state_folder) /
        "tributary.db");
    REQUIRE(database.ok());
    REQUIRE((*database)->Execute(sql).ok());
  }
  federation.Open();
  federation.ComeBack(clients.clients());
}

// Whether the metrics say anything at all of what the run spent.
bool HasFigures(Federation& federation, const std::string& run) {
  for (const coordinator::Metric& metric : federation.coordinator().Metrics()) {
    const auto label = metric.labels.find("run");
    if (label == metric.labels.end() || label->second != run) continue;
    if (metric.name == "tributary_privacy_epsilon" ||
        metric.name == "tributary_privacy_debits_total") {
      return true;
    }
  }
  return false;
}

TEST_CASE("with a damaged ledger no private run goes on, and others do") {
  std::string sql;
  std::string said;
  SECTION("an entry that is missing") {
    sql = "DELETE FROM ledger WHERE seq = 1";
    said = "the ledger of privacy is damaged at entry 1: it is missing";
  }
  SECTION("an entry that was changed") {
    sql =
        "UPDATE ledger SET entry = substr(entry, 1, length(entry) - 1) || "
        "x'00' WHERE seq = 2";
    said = "the ledger of privacy is damaged at entry 2 (run ";
  }
  SECTION("an end that was cut off") {
    sql = "DELETE FROM ledger WHERE seq > 3";
    said = "the ledger of privacy is damaged after entry 3, its last: it has ";
  }
  SECTION("all of it taken out") {
    sql = "DELETE FROM ledger";
    said = "the ledger of privacy is damaged after entry 0, its last: it has 0";
  }
  PrivateFederation clients;
  Federation& federation = clients.federation();
  PlanChoice other;
  other.population = "fans";
  const std::string plain = federation.Submit(MakePlan(other));
  const std::string over = federation.Submit(RunnablePlan(2));
  REQUIRE(clients.Drive(over).summary().state() == v1::FINISHED);
  CHECK(federation.MetricOf("tributary_privacy_ledger_intact", {}) == 1);
  const std::string run = federation.Submit(RunnablePlan(50));
  bool is_damaged = false;
  const v1::RunDetail end = clients.Drive(run, [&](int) {
    if (is_damaged || federation.Show(run).privacy().debits() < 3) return;
    is_damaged = true;
    Doctor(clients, sql);
  });
  REQUIRE(is_damaged);
  CHECK(end.summary().state() == v1::FAILED);
  const std::string& why = end.summary().message();
  INFO(why);
  CHECK(why.starts_with(said));
  CHECK(why.ends_with("; put back a state folder with a whole ledger"));
  CHECK(federation.Show(plain).summary().state() == v1::RUNNING);
  CHECK(Refusal(federation, RunnablePlan(1)) ==
        "privacy: what was spent is not known: " + why);
  // Nobody takes what is left of it for what was spent.
  CHECK(federation.MetricOf("tributary_privacy_ledger_intact", {}) == 0);
  for (const std::string& one : {over, run}) {
    const v1::RunPrivacy shown = federation.Show(one).privacy();
    CHECK_FALSE(shown.has_epsilon());
    CHECK_FALSE(shown.has_debits());
    CHECK(shown.problem().starts_with(said));
    CHECK_FALSE(HasFigures(federation, one));
  }
  const absl::Status read = ReadAll(federation);
  CHECK(absl::IsDataLoss(read));
  CHECK(read.message().find("the ledger of privacy is damaged") == 0);
}

TEST_CASE("entries of a run that is over are missed when they are cut off") {
  PrivateFederation clients;
  Federation& federation = clients.federation();
  const std::string run = federation.Submit(RunnablePlan(3));
  REQUIRE(clients.Drive(run).summary().state() == v1::FINISHED);
  REQUIRE(ReadAll(federation).ok());
  Doctor(clients, "DELETE FROM ledger WHERE seq = 3");
  const std::string said =
      "the ledger of privacy is damaged after entry 2, its last: it has 2 "
      "entries of run " +
      run + ", which was charged at least 3 times";
  CHECK(federation.Show(run).summary().state() == v1::FINISHED);
  CHECK(federation.Show(run).privacy().problem() == said);
  CHECK(ReadAll(federation).message() == said);
  CHECK(Refusal(federation, RunnablePlan(1)).find(said) != std::string::npos);
}

}  // namespace
}  // namespace tributary::testing
