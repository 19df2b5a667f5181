// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <sstream>

#include "coordinator/ctl/message_json.h"
#include "coordinator/ctl/run_view.h"
#include "coordinator/ctl/terminal.h"
// Last.
#include "tests/catch.h"

namespace tributary::ctl {
namespace {

TEST_CASE("a table is as wide as its widest cells, numbers to the right") {
  Table table({{"NAME"}, {"N", Align::kRight}});
  table.Add({"ümlaut", "1"});
  table.Add({"b", "100"});
  CHECK(table.Lines(Style::kPlain) ==
        std::vector<std::string>{"NAME      N", "ümlaut    1", "b       100"});
}

TEST_CASE("a name cannot move the cursor") {
  CHECK(Shown("a\x1b[2Jb\n\x7f") == "a?[2Jb??");
  CHECK(Shown("a\xc2\x9b"
              "2J") == "a?2J");
  CHECK(Shown("grün") == "grün");
}

TEST_CASE("a bar fills from the left and never overflows") {
  CHECK(Bar(0, 10, 4) == "[----]");
  CHECK(Bar(5, 10, 4) == "[##--]");
  CHECK(Bar(20, 10, 4) == "[####]");
  CHECK(Bar(1, 0, 4) == "[----]");
}

v1::RunDetail Detail() {
  v1::RunDetail detail;
  auto& summary = *detail.mutable_summary();
  summary.set_run("digits-1");
  summary.set_plan_name("digits");
  summary.set_population("gateways");
  summary.set_state(v1::RUNNING);
  summary.set_released_rounds(1);
  summary.set_total_rounds(2);
  detail.set_phase("collecting");
  detail.set_round(2);
  detail.set_attempt(1);
  detail.set_asked_clients(12);
  detail.set_accepted_updates(5);
  detail.set_wanted_updates(10);
  auto& round = *detail.add_rounds();
  round.set_round(1);
  round.set_attempts(1);
  round.set_accepted(10);
  round.set_total_weight(3'000);
  round.set_train_loss(1.5);
  round.set_seconds(2.25);
  round.set_model(std::string("\x00\xff", 2));
  (*round.mutable_metrics())["accuracy"] = 0.875;
  (*detail.mutable_refusals())["too_late"] = 2;
  (*detail.mutable_refusals())["duplicate"] = 0;
  return detail;
}

TEST_CASE("a run is shown with its bars, its rounds and its refusals") {
  CHECK(RunLines(Detail(), Style::kPlain, 10) ==
        std::vector<std::string>{
            "run digits-1  plan digits  population gateways  running",
            "[###############---------------] 1 of 2 rounds",
            "[###############---------------] 5 of 10 updates in round 2, "
            "collecting; 12 asked, 0 waiting",
            "ROUND  UPDATES  EXAMPLES  TRAIN LOSS  ACCURACY  SECONDS",
            "    1       10      3000      1.5000    0.8750      2.2"});
  CHECK(RefusalLines(Detail()) ==
        std::vector<std::string>{"refused: too_late 2"});
}

TEST_CASE("a run says how many clients are in quarantine") {
  v1::RunDetail detail = Detail();
  detail.set_quarantined_clients(3);
  CHECK(RunLines(detail, Style::kPlain, 10)
            .at(2)
            .ends_with("12 asked, 0 waiting, 3 in quarantine"));
}

TEST_CASE("an asynchronous run says who trains and how stale its updates are") {
  v1::RunDetail detail = Detail();
  detail.set_phase("buffering");
  detail.clear_asked_clients();
  detail.mutable_buffer()->set_training_clients(20);
  detail.mutable_buffer()->set_mean_staleness(1.25);
  detail.mutable_buffer()->set_max_staleness(4);
  CHECK(RunLines(detail, Style::kPlain, 10)
            .at(2)
            .ends_with("5 of 10 updates in round 2, buffering; 20 training, "
                       "staleness 1.2 in the mean, 4 at most"));
}

TEST_CASE("figures that nobody measured are not shown as zeros") {
  v1::RunDetail detail = Detail();
  v1::RoundRecord& round = *detail.mutable_rounds(0);
  CHECK(RoundLine(round, 2) ==
        "round 1/2  updates 10  examples 3000  train loss 1.5000  2.2 s");
  round.clear_total_weight();
  round.clear_train_loss();
  CHECK(RunLines(detail, Style::kPlain, 10).back() ==
        "    1       10         -           -    0.8750      2.2");
  CHECK(RoundLine(round, 2) == "round 1/2  updates 10  2.2 s");
  const auto json = ToJson(detail).at("rounds")[0];
  CHECK(json.at("total_weight").is_null());
  CHECK(json.at("train_loss").is_null());
}

TEST_CASE("an epsilon is shown with all that it is worth nothing without") {
  v1::RunDetail detail;
  v1::RunPrivacy& privacy = *detail.mutable_privacy();
  privacy.set_budget(8);
  privacy.set_delta(1e-6);
  privacy.set_unit(v1::PrivacyPlan::CLIENT);
  privacy.set_neighbours(v1::PrivacyPlan::ADD_OR_REMOVE_ONE);
  privacy.set_noise_multiplier(1.5);
  privacy.set_debits(1);
  privacy.set_most_debits(50);
  CHECK(RunLines(detail, Style::kPlain, 10).back() ==
        "epsilon (not yet) of 8 at delta 1e-06; unit client, neighbours add or "
        "remove one, noise multiplier 1.5; 1 of 50 debits");
  privacy.set_epsilon(0.25);
  CHECK(RunLines(detail, Style::kPlain, 10)
            .back()
            .find("epsilon 0.25 of 8 at delta 1e-06") == 0);
}

TEST_CASE("of a damaged ledger no figure is shown") {
  v1::RunDetail detail;
  v1::RunPrivacy& privacy = *detail.mutable_privacy();
  privacy.set_budget(8);
  privacy.set_delta(1e-6);
  privacy.set_most_debits(50);
  privacy.set_problem("the ledger is damaged at entry 2");
  const std::string line = RunLines(detail, Style::kPlain, 10).back();
  CHECK(line.starts_with("epsilon (unknown) of 8 at delta 1e-06; "));
  CHECK(line.ends_with(
      "; (unknown) of 50 debits; what was spent is unknown: the ledger is "
      "damaged at entry 2"));
  const auto json = ToJson(detail).at("privacy");
  CHECK(json.at("epsilon").is_null());
  CHECK(json.at("debits").is_null());
  CHECK(json.at("problem") == "the ledger is damaged at entry 2");
}

TEST_CASE("JSON has every field, numbers as numbers and hashes in hex") {
  const auto json = ToJson(Detail());
  CHECK(json.at("summary").at("state") == "RUNNING");
  CHECK(json.at("waiting_clients") == 0);
  CHECK(json.at("rounds")[0].at("total_weight") == 3'000);
  CHECK(json.at("rounds")[0].at("model") == "00ff");
  CHECK(json.at("rounds")[0].at("metrics").at("accuracy") == 0.875);
  CHECK(json.at("refusals").at("too_late") == 2);
  CHECK(json.begin().key() == "summary");
  v1::RunDetail detail = Detail();
  detail.mutable_summary()->mutable_submitted()->set_seconds(1'767'225'600);
  detail.mutable_rounds(0)->set_train_loss(
      std::numeric_limits<double>::quiet_NaN());
  CHECK(ToJson(detail).at("summary").at("submitted") == "2026-01-01T00:00:00Z");
  CHECK(ToJson(detail).at("rounds")[0].at("train_loss").is_null());
}

}  // namespace
}  // namespace tributary::ctl
