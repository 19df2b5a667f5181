// SPDX-License-Identifier: Apache-2.0
// What operators ask of the coordinator.
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "tests/coordinator/runner/federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

PlanChoice OneClient() { return {.clients = 1, .min_updates = 1, .rounds = 1}; }

TEST_CASE("a population has one run at a time") {
  Federation federation;
  const std::string run = federation.Submit(MakePlan(OneClient()));
  const auto model = federation.coordinator().ModelOf(run, 0);
  REQUIRE(model.ok());
  const auto second =
      federation.coordinator().Submit(MakePlan(OneClient()), *model, nullptr);
  CHECK(absl::IsFailedPrecondition(second.status()));
  CHECK(std::string(second.status().message()).find(run) != std::string::npos);

  const auto stopped = federation.coordinator().StopRun(run);
  REQUIRE(stopped.ok());
  CHECK(stopped->state() == v1::STOPPED);
  CHECK(absl::IsFailedPrecondition(
      federation.coordinator().StopRun(run).status()));
  const std::string next = federation.Submit(MakePlan(OneClient()));
  CHECK(next != run);

  v1::ListRunsRequest request;
  const v1::ListRunsReply all = federation.coordinator().ListRuns(request);
  REQUIRE(all.runs_size() == 2);
  CHECK(all.runs(0).run() == next);
  request.set_after(next);
  CHECK(federation.coordinator().ListRuns(request).runs(0).run() == run);
}

TEST_CASE("all errors of a plan are reported at once") {
  Federation federation;
  v1::Plan plan = MakePlan({});
  plan.mutable_round()->set_min_updates(100);
  plan.mutable_update()->set_max_abs(-1);
  const auto submitted =
      federation.coordinator().Submit(plan, Digest{}, nullptr);
  CHECK(absl::IsInvalidArgument(submitted.status()));
  const std::string message(submitted.status().message());
  CHECK(message.find("min_updates") != std::string::npos);
  CHECK(message.find("max_abs") != std::string::npos);
}

TEST_CASE("a run is shown with its plan, defaults written out") {
  Federation federation;
  const std::string run = federation.Submit(MakePlan(OneClient()));
  const v1::Plan shown = federation.Show(run).plan();
  CHECK(shown.name() == "Pump wear");
  CHECK(shown.round().max_attempts() > 0);
  CHECK_FALSE(federation.Show(run).has_privacy());
}

TEST_CASE("a run without its model is refused") {
  Federation federation;
  const auto submitted =
      federation.coordinator().Submit(MakePlan({}), Digest{}, nullptr);
  CHECK(absl::IsNotFound(submitted.status()));
}

TEST_CASE("clients of a run that ends come back and take the next") {
  Federation federation;
  federation.Join("client-0");
  federation.CheckIn("client-0");
  const auto is_window = [](const Letter& letter) {
    return letter.message.has_come_back();
  };
  const Letter idle = federation.mail().Await(is_window);
  CHECK(idle.message.come_back().latest().nanos() == 2'000'000);

  const std::string first = federation.Submit(MakePlan(OneClient()));
  federation.CheckIn("client-0");
  const TestUpdate update = MakeUpdate(federation.AwaitTask("client-0"));
  CHECK(federation.Return("client-0", update).accepted());
  federation.mail().Await(is_window);
  CHECK(federation.Show(first).summary().state() == v1::FINISHED);
  // An answer that was lost is given again, even now.
  CHECK(federation.Return("client-0", update).accepted());

  const std::string second = federation.Submit(MakePlan(OneClient()));
  federation.CheckIn("client-0");
  CHECK(federation.AwaitTask("client-0").run() == second);
}

TEST_CASE("clients are listed with what came of them") {
  Federation federation;
  const std::string run = federation.Submit(MakePlan(OneClient()));
  federation.Drive(run, ClientNames(1));
  federation.Join("other", "fans", v1::EVALUATOR);
  federation.Close();
  federation.Open();
  v1::ListClientsRequest request;
  const v1::ListClientsReply all =
      federation.coordinator().ListClients(request);
  REQUIRE(all.clients_size() == 2);
  CHECK(all.clients(0).name() == "client-0");
  CHECK(all.clients(0).accepted() == 1);
  CHECK_FALSE(all.clients(0).connected());
  request.set_population("fans");
  REQUIRE(federation.coordinator().ListClients(request).clients_size() == 1);
}

TEST_CASE("an evaluation is shown with its round") {
  v1::Plan plan = MakePlan(OneClient());
  plan.mutable_evaluation()->set_every_rounds(1);
  Federation federation;
  const std::string run = federation.Submit(plan);
  federation.Join("judge", "pumps", v1::EVALUATOR);
  federation.CheckIn("judge");
  federation.Join("client-0");
  federation.CheckIn("client-0");
  const TestUpdate update = MakeUpdate(federation.AwaitTask("client-0"));
  CHECK(federation.Return("client-0", update).accepted());
  const v1::Task task = federation.AwaitTask("judge");
  CHECK(task.kind() == v1::Task::EVALUATE);
  v1::ClientMessage result;
  result.mutable_evaluation()->set_task_token(task.task_token());
  (*result.mutable_evaluation()->mutable_metrics())["accuracy"] = 0.5;
  federation.Say("judge", result);
  CHECK(federation.AwaitVerdict("judge").accepted());
  federation.mail().Await(
      [](const Letter& letter) { return letter.message.has_come_back(); });
  const v1::RunDetail shown = federation.Show(run);
  CHECK(shown.summary().state() == v1::FINISHED);
  REQUIRE(shown.rounds_size() == 1);
  CHECK(shown.rounds(0).metrics().at("accuracy") == 0.5);
}

TEST_CASE("a round without its quorum is abandoned and made again") {
  const v1::Plan plan = MakePlan({.clients = 2,
                                  .min_updates = 2,
                                  .rounds = 1,
                                  .deadline_milliseconds = 4'000});
  Federation federation;
  const std::string run = federation.Submit(plan);
  federation.Join("client-0");
  federation.CheckIn("client-0");
  federation.Join("client-1");
  federation.CheckIn("client-1");
  const v1::Task lost = federation.AwaitTask("client-0");
  CHECK(lost.attempt() == 1);
  CHECK(federation.Return("client-0", MakeUpdate(lost)).accepted());
  // The other says nothing until the deadline.
  federation.mail().Await(
      [](const Letter& letter) { return letter.message.has_cancel(); });
  federation.Drive(run, ClientNames(2));
  const v1::RunDetail shown = federation.Show(run);
  REQUIRE(shown.rounds_size() == 1);
  CHECK(shown.rounds(0).attempts() >= 2);
  CHECK(federation.ModelBytes(run, 1) ==
        OracleModels(plan, federation.Updates()).back());
  CHECK(federation.MetricOf("tributary_rounds_abandoned_total",
                            {{"run", run}}) >= 1);
}

TEST_CASE("a run that fails says which client failed last, and why") {
  v1::Plan plan = MakePlan(OneClient());
  plan.mutable_round()->set_max_attempts(1);
  Federation federation;
  const std::string run = federation.Submit(plan);
  federation.Join("client-0");
  federation.CheckIn("client-0");
  const v1::Task task = federation.AwaitTask("client-0");
  v1::ClientMessage message;
  message.mutable_task_failed()->set_task_token(task.task_token());
  message.mutable_task_failed()->set_message("this device's \x1b[31mdata");
  federation.Say("client-0", message);
  federation.mail().Await(
      [](const Letter& letter) { return letter.message.has_come_back(); });
  const v1::RunDetail shown = federation.Show(run);
  CHECK(shown.summary().state() == v1::FAILED);
  CHECK(absl::StrContains(shown.summary().message(),
                          "the last client to fail was client-0: this device's "
                          "\\033[31mdata"));
}

TEST_CASE("draining lets uploads in flight come in and asks nobody new") {
  Federation federation;
  const std::string run = federation.Submit(
      MakePlan({.clients = 1, .min_updates = 1, .rounds = 5}));
  federation.Join("client-0");
  federation.CheckIn("client-0");
  const TestUpdate update = MakeUpdate(federation.AwaitTask("client-0"));
  federation.Announce("client-0", update.header);
  federation.AwaitGrant("client-0");
  std::thread drain(
      [&] { federation.coordinator().Drain(std::chrono::seconds(20)); });
  CHECK(federation.Upload("client-0", update, 0).ok());
  CHECK(federation.AwaitVerdict("client-0").accepted());
  drain.join();
  federation.CheckIn("client-0");
  federation.mail().Await([](const Letter& letter) {
    CHECK_FALSE(letter.message.has_task());
    return letter.message.has_come_back();
  });
}

TEST_CASE("every metric has a help text and a name of ours") {
  Federation federation;
  CHECK(federation.MetricOf("tributary_runs", {}) == 0);
  const std::string run = federation.Submit(MakePlan(OneClient()));
  CHECK(federation.MetricOf("tributary_runs", {}) == 1);
  federation.Close();
  federation.Open();
  CHECK(federation.MetricOf("tributary_runs", {}) == 1);
  federation.Drive(run, ClientNames(1));
  CHECK(federation.MetricOf("tributary_runs", {}) == 0);
  for (const auto& metric : federation.coordinator().Metrics()) {
    CHECK(metric.name.rfind("tributary_", 0) == 0);
    CHECK_FALSE(metric.help.empty());
  }
  CHECK(federation.MetricOf("tributary_upload_bytes_total", {}) > 0);
  CHECK(federation.MetricOf("tributary_healthy", {}) == 1);
  CHECK(federation.MetricOf("tributary_rounds_released_total",
                            {{"run", run}}) == 1);
}

}  // namespace
}  // namespace tributary::testing
