// SPDX-License-Identifier: Apache-2.0
// tributaryctl privacy report and verify, of a file and of a coordinator.
#include "proto/codec/ledger.h"

#include <string>
#include <vector>

#include "tests/coordinator/ctl/command_line.h"
#include "tests/coordinator/ctl/fake_admin.h"
#include "tests/proto/files.h"
#include "tests/proto/ledgers.h"
// Last.
#include "tests/catch.h"

namespace tributary::ctl {
namespace {

// Two runs of one population that took turns, and who took part.
struct LedgerFixture {
  LedgerFixture() {
    dp::Chain chain;
    for (std::uint32_t round = 1; round <= 1'000; ++round) {
      entries.push_back(chain.Append(codec::SomeDebit(round)));
      if (round <= 10) {
        entries.push_back(chain.Append(codec::SomeDebit(round, "run-2")));
      }
    }
    head = chain.head().Hex();
    for (const char* client : {"ada", "bob", "cem"}) {
      auto& one = *took_part.add_participation();
      one.set_population("sensors");
      one.set_client(client);
      one.set_rounds(
          static_cast<std::uint64_t>(3 * took_part.participation_size()));
    }
  }

  std::vector<v1::LedgerPage> Pages() const {
    std::vector<v1::LedgerPage> pages;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i % 100 == 0) pages.emplace_back();
      *pages.back().add_entries() = codec::ToMessage(entries[i]);
    }
    pages.push_back(took_part);
    return pages;
  }
  std::string Bytes() const {
    std::string bytes;
    for (const v1::LedgerPage& page : Pages()) bytes += codec::ToRecord(page);
    return bytes;
  }
  std::string File() { return folder.Write("ledger.pb", Bytes()).string(); }

  TemporaryFolder folder;
  std::vector<dp::Entry> entries;
  v1::LedgerPage took_part;
  std::string head;
};

TEST_CASE_METHOD(LedgerFixture, "a report adds up runs and populations") {
  const Ended ended = Ctl({"privacy", "report", File(), "--json"});
  INFO(ended.err);
  REQUIRE(ended.exit == 0);
  const auto json = ended.Json();
  CHECK(json.at("entries") == 1'010);
  CHECK(json.at("head") == head);
  REQUIRE(json.at("runs").size() == 2);
  const auto& run = json.at("runs")[0];
  CHECK(run.at("run") == "run-1");
  CHECK(run.at("rounds") == 1'000);
  // dp_accounting 0.6.0, and what the noise being discrete costs.
  CHECK(run.at("epsilon").get<double>() == Approx(2.1245).epsilon(2e-3));
  CHECK(run.at("noise_multipliers").at("update") == Approx(1));
  CHECK(run.at("first_entry") == 1);
  CHECK(run.at("last_entry") == 1'010);
  CHECK(run.at("plans")[0] == Sha256("plan").Hex());
  CHECK(json.at("runs")[1].at("epsilon") < run.at("epsilon"));
  REQUIRE(json.at("populations").size() == 1);
  const auto& population = json.at("populations")[0];
  CHECK(population.at("rounds") == 1'010);
  CHECK(population.at("epsilon") > run.at("epsilon"));
  for (const auto& account : {run, json.at("runs")[1], population}) {
    CHECK(account.at("unit") == "client");
    CHECK(account.at("delta") == 1e-6);
    CHECK(account.at("neighbours") == "add or remove one");
    CHECK(account.at("sampling")[0] == "Poisson 0.01");
    CHECK(account.at("noise")[0] == "central");
    CHECK(account.at("accountant") == "PLD");
    CHECK(account.at("accountant_version") == dp::kAccountantVersion);
  }
  // z = 1, a replaced client (moves 2), 9 rounds by RDP: the least over the
  // orders a of 18 a + ln(1 - 1/a) - ln(1e-6 a) / (a - 1) is 48.0902; discrete
  // noise is accounted with a thousandth less.
  for (const auto& account : {run, json.at("runs")[1], population}) {
    const auto& known = account.at("known_cohorts");
    CHECK(known.at("epsilon").get<double>() == Approx(48.0902).epsilon(2e-3));
    CHECK(known.at("epsilon") > 48.0902);
    CHECK(known.at("rounds") == 9);
    CHECK(known.at("delta") == 1e-6);
    CHECK(known.at("neighbours") == "replace one");
    CHECK(known.at("accountant") == "RDP");
  }
  const auto& clients = json.at("participation")[0];
  CHECK(clients.at("least") == 3);
  CHECK(clients.at("mean") == 6);
  CHECK(clients.at("most") == 9);
  CHECK(clients.at("clients")[0].at("client") == "cem");
}

TEST_CASE_METHOD(LedgerFixture, "a report adds up by each run's accountant") {
  dp::Chain chain;
  entries.clear();
  std::vector<dp::Spend> live(3);
  for (const dp::Accountant accountant :
       {dp::Accountant::kRdp, dp::Accountant::kPld}) {
    const bool is_first = accountant == dp::Accountant::kRdp;
    for (std::uint32_t round = 1; round <= 30; ++round) {
      dp::Debit debit = codec::SomeDebit(round, is_first ? "run-1" : "run-2");
      debit.accountant = accountant;
      live[is_first ? 0 : 1].Add(debit);
      live[2].Add(debit);
      entries.push_back(chain.Append(debit));
    }
  }
  const auto json = Ctl({"privacy", "report", File(), "--json"}).Json();
  const auto& runs = json.at("runs");
  CHECK(runs[0].at("accountant") == "RDP");
  CHECK(runs[1].at("accountant") == "PLD");
  CHECK(runs[0].at("epsilon") > runs[1].at("epsilon"));
  // Bit for bit what the runs showed.
  CHECK(runs[0].at("epsilon").get<double>() == live[0].At(1e-6)->epsilon);
  CHECK(runs[1].at("epsilon").get<double>() == live[1].At(1e-6)->epsilon);
  const auto& population = json.at("populations")[0];
  CHECK(population.at("accountant") == "RDP");
  CHECK(population.at("epsilon").get<double>() == live[2].At(1e-6)->epsilon);
}

TEST_CASE_METHOD(LedgerFixture, "a coordinator's ledger is reported the same") {
  FakeAdmin admin;
  admin.ledger = Pages();
  admin.HandOver();
  const std::vector<std::string> to = {"--admin", admin.address(),
                                       "--insecure"};
  std::vector<std::string> line = to;
  line.insert(line.end(), {"privacy", "report", "--json"});
  const Ended asked = Ctl(line);
  REQUIRE(asked.exit == 0);
  CHECK(asked.out == Ctl({"privacy", "report", File(), "--json"}).out);
  line = to;
  line.insert(line.end(), {"privacy", "verify", "--head", head});
  CHECK(Ctl(line).exit == 0);
}

TEST_CASE_METHOD(LedgerFixture, "a report for people says the same") {
  const Ended ended = Ctl({"privacy", "report", File()});
  REQUIRE(ended.exit == 0);
  const auto says = [&](const std::string& text) {
    INFO(ended.out);
    CHECK(ended.out.find(text) != std::string::npos);
  };
  says(
      "RUN    EPSILON  DELTA  UNIT    NEIGHBOURS         SAMPLING      "
      "ACCOUNTANT  ROUNDS  ENTRIES   NOISE (MULTIPLIERS)\n");
  says(
      "  1e-06  client  add or remove one  Poisson 0.01  PLD v1        1000  "
      "1 - 1010  central (update 1)\n");
  says("All runs of a population together:\n");
  says(
      "3 clients of sensors took part in charged rounds, 3 to 9 each, 6 on "
      "average: over all runs of the population since the ledger began; "
      "counted, not chained\n");
  says("run-2, against whoever knows the cohorts: epsilon 48.1");
  says(" for a client in 9 rounds (delta 1e-06, replace one, RDP)\n");
  says("what the coordinator sees before it adds central noise");
  const Ended one = Ctl({"privacy", "report", File(), "--run", "run-2"});
  CHECK(one.out.find("run-1") == std::string::npos);
  CHECK(one.out.find("2 - 20") != std::string::npos);
  CHECK(Ctl({"privacy", "report", File(), "--run", "run-9"})
            .Says("--run: the ledger has no entry of \"run-9\"; it has run-1, "
                  "run-2"));
  const Ended others =
      Ctl({"privacy", "report", File(), "--population", "others"});
  CHECK(others.exit == 1);
  CHECK(others.out.empty());
  CHECK(others.Says(
      "--population: the ledger has no entry of \"others\"; it has sensors"));
}

TEST_CASE_METHOD(LedgerFixture, "an empty file is no ledger that is whole") {
  const std::string file = folder.Write("empty.pb", "").string();
  const Ended verified = Ctl({"privacy", "verify", file});
  CHECK(verified.exit == 1);
  CHECK(verified.Says("empty.pb: is empty"));
  const Ended json = Ctl({"privacy", "verify", file, "--json"});
  CHECK(json.exit == 1);
  CHECK(json.Json().at("is_whole") == false);
  CHECK(Ctl({"privacy", "report", file}).out ==
        "nothing was charged: the ledger has no entry\n");
  CHECK(Ctl({"privacy", "report", file, "--population", "sensors"})
            .Says("has no entry of \"sensors\"; it has none"));
  // A coordinator that was asked for nothing yet has none to show.
  FakeAdmin admin;
  admin.HandOver();
  CHECK(Ctl({"--admin", admin.address(), "--insecure", "privacy", "verify"})
            .exit == 0);
}

TEST_CASE_METHOD(LedgerFixture, "what a coordinator knows of damage is told") {
  FakeAdmin admin;
  admin.ledger = Pages();
  admin.ledger_answer = {grpc::StatusCode::DATA_LOSS,
                         "the ledger of privacy is damaged after entry 1010"};
  admin.HandOver();
  const std::vector<std::string> to = {"--admin", admin.address(), "--insecure",
                                       "privacy"};
  for (const char* command : {"report", "verify"}) {
    std::vector<std::string> line = to;
    line.push_back(command);
    const Ended ended = Ctl(line);
    CHECK(ended.exit == 1);
    CHECK(ended.out.empty());
    CHECK(ended.Says("the ledger of privacy is damaged after entry 1010"));
  }
}

TEST_CASE_METHOD(LedgerFixture, "a whole ledger is verified, with its head") {
  const Ended ended = Ctl({"privacy", "verify", File()});
  REQUIRE(ended.exit == 0);
  CHECK(ended.out.starts_with("1010 entries, each as it was written\nhead " +
                              head + "\n"));
  const Ended json =
      Ctl({"privacy", "verify", File(), "--head", head, "--json"});
  CHECK(json.exit == 0);
  CHECK(json.Json().at("is_whole") == true);
  CHECK(json.Json().at("head") == head);
}

TEST_CASE_METHOD(LedgerFixture, "a ledger that was changed fails to verify") {
  entries[499].debit.mechanism.statistics[0].variance = 9e8;
  const std::string expected =
      "ledger entry 500: was changed after it was written (run run-1, round "
      "490)";
  const Ended verified = Ctl({"privacy", "verify", File()});
  CHECK(verified.exit == 1);
  CHECK(verified.Says("ledger.pb: " + expected));
  const Ended json = Ctl({"privacy", "verify", File(), "--json"});
  CHECK(json.exit == 1);
  CHECK(json.Json().at("is_whole") == false);
  CHECK(json.Json().at("problem").get<std::string>().find(expected) !=
        std::string::npos);
  // And no epsilon is told of it.
  const Ended reported = Ctl({"privacy", "report", File()});
  CHECK(reported.exit == 1);
  CHECK(reported.out.empty());
  CHECK(reported.Says(expected));
}

TEST_CASE_METHOD(LedgerFixture, "an end that was cut off is told") {
  const std::string bytes = Bytes();
  // In the midst of a record.
  const auto torn = folder.Write("torn.pb", bytes.substr(0, bytes.size() - 3));
  const Ended verified = Ctl({"privacy", "verify", torn.string()});
  CHECK(verified.exit == 1);
  CHECK(verified.Says("bytes are a record that was cut off"));
  const Ended reported = Ctl({"privacy", "report", torn.string()});
  CHECK(reported.exit == 0);
  CHECK(reported.Says("cut off"));
  // Between two: only the head noted before shows it.
  entries.resize(900);
  CHECK(Ctl({"privacy", "verify", File()}).exit == 0);
  const Ended headless = Ctl({"privacy", "verify", File(), "--head", head});
  CHECK(headless.exit == 1);
  CHECK(headless.Says("no entry has the hash " + head));
  CHECK(Ctl({"privacy", "verify", File(), "--head", "xy"}).Says("--head: "));
}

TEST_CASE_METHOD(LedgerFixture, "runs that nothing accounts for together") {
  dp::Chain chain;
  entries = {chain.Append(codec::SomeDebit(1))};
  dp::Debit other = codec::SomeDebit(1, "run-2");
  other.mechanism.neighbours = dp::Neighbours::kReplaceOne;
  entries.push_back(chain.Append(other));
  const auto json = Ctl({"privacy", "report", File(), "--json"}).Json();
  CHECK(json.at("runs")[0].at("epsilon") > 0);
  CHECK(json.at("runs")[1].at("epsilon") > 0);
  CHECK(json.at("populations")[0].at("epsilon").is_null());
  const Ended ended = Ctl({"privacy", "report", File()});
  INFO(ended.out);
  CHECK(ended.out.find("sensors: no epsilon: rounds of different neighbouring "
                       "relations are not added up") != std::string::npos);
}

TEST_CASE_METHOD(LedgerFixture, "what is no ledger is refused by its name") {
  const auto file = folder.Write("plan.yaml", codec::ToBytes(entries[0]));
  const Ended verified = Ctl({"privacy", "verify", file.string()});
  CHECK(verified.exit == 1);
  CHECK(verified.Says("plan.yaml: is not a ledger"));
  const auto database = folder.Write(
      "tributary.db", std::string("SQLite format 3\0rest of it", 26));
  CHECK(Ctl({"privacy", "verify", database.string()})
            .Says("tributary.db: is a coordinator's database, not a ledger"));
  CHECK(Ctl({"privacy", "report", folder.path().string()})
            .Says("is a folder; name the ledger file in it (privacy.ledger)"));
  CHECK(Ctl({"privacy", "report", "/nowhere"}).Says("/nowhere: cannot be"));
}

}  // namespace
}  // namespace tributary::ctl
