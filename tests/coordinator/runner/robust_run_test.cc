// SPDX-License-Identifier: Apache-2.0
// Runs with a robust rule: what it makes of the updates in the spool, however
// often the coordinator stops before it is done, and what becomes of outliers.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/coordinator/runner/federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

v1::Plan PlanWith(const std::string& robust, int clients = 5, int rounds = 2) {
  return MakePlan({.clients = clients,
                   .min_updates = clients,
                   .rounds = rounds,
                   .sections = "robust: {" + robust + "}"});
}

// As one update of weight 1, which is how a rule's result counts.
TestUpdate MedianOf(const std::vector<TestUpdate>& updates) {
  TestUpdate median = updates.front();
  std::vector<float> column(updates.size());
  for (std::size_t i = 0; i < median.values.size(); ++i) {
    for (std::size_t k = 0; k < updates.size(); ++k) {
      column[k] = updates[k].values[i];
    }
    std::ranges::sort(column);
    const double low = column[(column.size() - 1) / 2];
    const double high = column[column.size() / 2];
    median.values[i] = static_cast<float>((low + high) / 2);
  }
  std::memcpy(median.bytes.data(), median.values.data(), median.bytes.size());
  median.header.set_weight(1);
  return median;
}

std::vector<std::string> MedianModels(
    v1::Plan plan, const std::vector<std::vector<TestUpdate>>& rounds) {
  plan.clear_robust();
  std::vector<std::vector<TestUpdate>> medians;
  for (const auto& updates : rounds) medians.push_back({MedianOf(updates)});
  return OracleModels(plan, medians);
}

TEST_CASE("a run by the median makes the models of the medians") {
  const int clients = GENERATE(4, 5);
  const int fold_threads = GENERATE(1, 3);
  const v1::Plan plan = PlanWith("median: {}", clients, 3);
  Federation federation(fold_threads);
  const std::string run = federation.Submit(plan);
  federation.Drive(run, ClientNames(clients));
  CHECK(federation.Show(run).summary().state() == v1::FINISHED);
  const auto expected = MedianModels(plan, federation.Updates());
  REQUIRE(expected.size() == 3);
  for (int round = 1; round <= 3; ++round) {
    CHECK(federation.ModelBytes(run, round) ==
          expected[static_cast<std::size_t>(round) - 1]);
  }
}

TEST_CASE("a robust run that restarts anywhere makes the same models") {
  // Centered clipping begins where it ended in the round before; bucketing
  // draws.
  const std::string robust = GENERATE(
      as<std::string>{}, "median: {}",
      "pre_steps: [{bucketing: {size: 2}}], centered_clipping: {radius: 100}");
  const v1::Plan plan = PlanWith(robust, 3);
  const auto clients = ClientNames(3);
  std::string expected;
  int letters = 0;
  {
    Federation federation;
    const std::string run = federation.Submit(plan);
    federation.Drive(run, clients, [&](int number) { letters = number; });
    expected = federation.ModelBytes(run, 2);
  }
  for (int point = 0; point <= letters; ++point) {
    Federation federation;
    const std::string run = federation.Submit(plan);
    federation.Drive(run, clients, [&](int number) {
      if (number != point) return;
      federation.Close();
      federation.Open();
      federation.ComeBack(clients);
    });
    INFO("restarted before letter " << point);
    CHECK(federation.Show(run).summary().state() == v1::FINISHED);
    CHECK(federation.ModelBytes(run, 2) == expected);
  }
}

// All three updates of a round are accepted, and the first of them cannot be
// read: what stands in its place is a folder.
struct UnreadableSpool {
  UnreadableSpool() {
    federation.ComeBack(clients);
    for (const std::string& client : clients) {
      updates.push_back(MakeUpdate(federation.AwaitTask(client)));
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (i + 1 == clients.size()) Hide();
      CHECK(federation.Return(clients[i], updates[i]).accepted());
    }
  }
  std::filesystem::path File() {
    return std::filesystem::path(federation.options().state_folder) / "spool" /
           "1";
  }
  void Hide() {
    std::filesystem::rename(File(), federation.folder() / "aside");
    std::filesystem::create_directory(File());
  }
  void PutBack() {
    std::filesystem::remove(File());
    std::filesystem::rename(federation.folder() / "aside", File());
  }
  void AwaitState(v1::RunState state) {
    for (int i = 0; i < 2'000; ++i) {
      if (federation.Show(run).summary().state() == state) return;
      federation.mail().Take(std::chrono::milliseconds(10));
    }
    FAIL("the run's state does not come");
  }

  const std::vector<std::string> clients = ClientNames(3);
  const v1::Plan plan = PlanWith("median: {}", 3, 1);
  Federation federation;
  std::string run = federation.Submit(plan);
  std::vector<TestUpdate> updates;
};

TEST_CASE_METHOD(UnreadableSpool,
                 "a rule that cannot read waits, and goes on when it can") {
  AwaitState(v1::PAUSED);
  CHECK(federation.Show(run).phase() == "released");
  PutBack();
  AwaitState(v1::FINISHED);
  CHECK(federation.coordinator().Health().ok());
  CHECK(federation.ModelBytes(run, 1) == MedianModels(plan, {updates}).back());
}

TEST_CASE_METHOD(UnreadableSpool,
                 "a coordinator that ends between the last update and its "
                 "model makes it after it has come back") {
  AwaitState(v1::PAUSED);
  federation.Close();
  PutBack();
  federation.Open();
  AwaitState(v1::FINISHED);
  CHECK(federation.ModelBytes(run, 1) == MedianModels(plan, {updates}).back());
}

TEST_CASE_METHOD(UnreadableSpool,
                 "a run whose accepted update is damaged fails and names it") {
  AwaitState(v1::PAUSED);
  federation.Close();
  PutBack();
  {
    std::fstream file(File(), std::ios::in | std::ios::out | std::ios::binary);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(0);
    file.put(byte);
  }
  federation.Open();
  AwaitState(v1::FAILED);
  const std::string message = federation.Show(run).summary().message();
  INFO(message);
  CHECK(message.find("the accepted update of client-0") != std::string::npos);
  CHECK(message.find("wrong checksum") != std::string::npos);
}

TEST_CASE("an outlier to the rule is counted, told, and put in quarantine") {
  v1::Plan plan =
      MakePlan({.clients = 4,
                .min_updates = 3,
                .rounds = 2,
                .sections = "{robust: {geometric_median: {}}, "
                            "quarantine: {strikes: 1, rounds: 1}}"});
  plan.mutable_round()->mutable_selection_timeout()->set_nanos(100'000'000);
  std::mutex mutex;
  std::vector<std::string> told;
  Federation federation;
  federation.Close();
  federation.options().log = [&](const coordinator::LogEvent& event) {
    const std::lock_guard lock(mutex);
    for (const auto& [key, value] : event.fields) {
      if (event.message == "outlying update" && key == "client") {
        told.push_back(value);
      }
    }
  };
  federation.Open();
  const std::string run = federation.Submit(plan);
  const std::vector<std::string> clients = {"ann", "bob", "cid", "mal"};
  federation.ComeBack(clients);
  std::map<std::string, v1::Task> tasks;
  for (const std::string& client : clients) {
    tasks[client] = federation.AwaitTask(client);
  }
  for (const auto& [client, task] : tasks) {
    std::vector<float> values = MakeUpdate(task).values;
    for (float& value : values) {
      value = client == "mal" ? 0.9f : value / 1024;
    }
    CHECK(federation.Return(client, MakeUpdate(task, std::move(values)))
              .accepted());
  }
  for (int i = 0; i < 2'000 && federation.Show(run).rounds_size() == 0; ++i) {
    federation.mail().Take(std::chrono::milliseconds(10));
  }
  CHECK(federation.Show(run).quarantined_clients() == 1);
  federation.CheckIn("mal");
  CHECK(federation.mail()
            .Await([](const Letter& letter) { return letter.to == "mal"; })
            .message.has_come_back());
  CHECK(federation.MetricOf("tributary_outlying_updates_total",
                            {{"run", run}}) == 1);
  const std::lock_guard lock(mutex);
  CHECK(told == std::vector<std::string>{"mal"});
}

}  // namespace
}  // namespace tributary::testing
