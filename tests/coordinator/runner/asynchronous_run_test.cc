// SPDX-License-Identifier: Apache-2.0
// Asynchronous rounds in the coordinator: every model is what its record says,
// and every record what the staleness says, also when the process ends before
// any message or in the middle of a model.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/store/store.h"
#include "privacy/crypto/digest.h"
#include "tests/coordinator/runner/federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

constexpr std::uint32_t kFresh = 256;  // what a fresh update weighs

v1::Plan AsynchronousPlan(int rounds) {
  v1::Plan plan = MakePlan({.clients = 2, .min_updates = 2, .rounds = rounds});
  plan.clear_round();
  plan.mutable_round()->set_cohort_size(2);
  plan.mutable_round()->mutable_deadline()->set_seconds(60);
  plan.mutable_update()->set_max_weight(kFresh);
  plan.mutable_asynchronous()->set_concurrency(5);
  return plan;
}

v1::Plan MixingPlan(int rounds, double rate) {
  v1::Plan plan = AsynchronousPlan(rounds);
  plan.mutable_round()->set_cohort_size(1);
  plan.clear_server_optimizer();
  plan.mutable_asynchronous()->mutable_mixing()->set_rate(rate);
  return plan;
}

// Xie et al. 2019, section 5.2, with a = 0.5.
std::uint32_t WeightOf(int staleness) {
  return static_cast<std::uint32_t>(
      std::lround(kFresh / std::sqrt(1.0 + staleness)));
}

// A run that is over, as its folder has it.
struct Past {
  std::vector<std::string> models;               // files of rounds 1, 2, ...
  std::vector<std::vector<TestUpdate>> counted;  // in each
  std::set<std::string> tokens;                  // of all that counted
  std::vector<int> staleness;                    // of all that counted
};

// Closes the coordinator.
Past PastOf(Federation& federation, const v1::Plan& plan,
            const std::string& run) {
  Past past;
  REQUIRE(federation.Show(run).summary().state() == v1::FINISHED);
  std::map<std::string, int> rounds;  // by name of their model
  rounds[std::string(Sha256(FirstModel()).AsBytes())] = 0;
  for (int round = 1; round <= static_cast<int>(plan.stop().rounds());
       ++round) {
    const auto model = federation.coordinator().ModelOf(run, round);
    REQUIRE(model.ok());
    rounds[std::string(model->AsBytes())] = round;
    past.models.push_back(federation.ModelBytes(*model));
  }
  federation.Close();
  auto store = store::Store::Open(federation.options().state_folder);
  REQUIRE(store.ok());
  const auto rows = (*store)->Updates(run, "committed");
  REQUIRE(rows.ok());
  past.counted.resize(past.models.size());
  std::set<std::pair<int, std::string>> clients;
  for (const store::UpdateRow& row : *rows) {
    const std::string token(row.token.begin(), row.token.end());
    CHECK(past.tokens.insert(token).second);
    CHECK(clients.emplace(row.round, row.client).second);
    TestUpdate update = federation.UpdatesByToken().at(token);
    const int base = rounds.at(update.header.base_model());
    past.staleness.push_back(row.round - 1 - base);
    CHECK(row.weight == WeightOf(past.staleness.back()));
    update.weight = row.weight;
    past.counted.at(static_cast<std::size_t>(row.round) - 1)
        .push_back(std::move(update));
  }
  for (const auto& updates : past.counted) {
    CHECK(updates.size() == plan.round().cohort_size());
  }
  CHECK((OracleModels(plan, past.counted) == past.models));
  return past;
}

TEST_CASE(
    "asynchronous models are what their updates make, and each counts once") {
  const v1::Plan plan = GENERATE(AsynchronousPlan(6), MixingPlan(8, 0.6));
  Federation federation;
  const std::string run = federation.Submit(plan);
  federation.Drive(run, ClientNames(5));
  const Past past = PastOf(federation, plan, run);
  CHECK(std::ranges::count(past.staleness, 0) > 0);
  CHECK(std::ranges::max(past.staleness) > 0);
}

TEST_CASE(
    "a coordinator of asynchronous rounds that restarts anywhere loses "
    "no update that it acknowledged") {
  const v1::Plan plan = GENERATE(AsynchronousPlan(3), MixingPlan(5, 0.6));
  constexpr int kPoints = 40;
  int restarts = 0;
  for (int point = 0; point < kPoints; ++point) {
    Federation federation;
    std::mutex mutex;
    std::set<std::string> accepted;  // tokens
    const auto overhear = [&](const Letter& letter) {
      if (!letter.message.verdict().accepted()) return;
      const std::lock_guard lock(mutex);
      accepted.insert(letter.message.verdict().task_token());
    };
    federation.mail().overhear = overhear;
    const std::string run = federation.Submit(plan);
    const auto clients = ClientNames(5);
    federation.Drive(run, clients, [&](int number) {
      if (number != point) return;
      ++restarts;
      federation.Close();
      federation.mail().overhear = overhear;
      federation.Open();
      federation.ComeBack(clients);
    });
    INFO("restarted before letter " << point);
    const Past past = PastOf(federation, plan, run);
    CHECK(std::includes(past.tokens.begin(), past.tokens.end(),
                        accepted.begin(), accepted.end()));
  }
  CHECK(restarts > 10);
}

// Two of four updates are in, and their model cannot be made: where the file of
// the one before was is a pipe that nobody writes to.
struct StalledModel {
  StalledModel() {
    federation.ComeBack(clients);
    for (const std::string& client : clients) {
      updates.push_back(MakeUpdate(federation.AwaitTask(client)));
    }
    std::filesystem::rename(file, federation.folder() / "aside");
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    for (std::size_t i : {0, 1}) {
      CHECK(federation.Return(clients[i], updates[i]).accepted());
    }
  }
  // A check that failed must not leave the coordinator waiting for ever.
  ~StalledModel() {
    const int pipe = ::open(file.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (pipe >= 0) ::close(pipe);
  }
  std::filesystem::path File() {
    const std::string hex = Sha256(FirstModel()).Hex();
    return std::filesystem::path(federation.options().state_folder) / "blobs" /
           hex.substr(0, 2) / hex;
  }
  // The release reads on, in vain, and is tried again.
  void PutBack() {
    const int pipe = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    REQUIRE(pipe >= 0);
    std::filesystem::rename(federation.folder() / "aside", file);
    ::close(pipe);
  }
  void AwaitTraining(unsigned clients_now) {
    for (int i = 0; i < 2'000; ++i) {
      const auto shown = federation.Show(run);
      if (shown.buffer().training_clients() == clients_now) return;
      federation.mail().Take(std::chrono::milliseconds(10));
    }
    FAIL("the update does not arrive");
  }
  void Upload(std::size_t i) {
    federation.Announce(clients[i], updates[i].header);
    const auto grant = federation.AwaitGrant(clients[i]);
    CHECK(federation.Upload(clients[i], updates[i], grant.offset()).ok());
  }
  std::vector<std::string> Expected() {
    auto [fresh, stale] = std::pair(updates, updates);
    for (TestUpdate& update : fresh) update.weight = kFresh;
    for (TestUpdate& update : stale) update.weight = 181;  // 256 / sqrt(2)
    return OracleModels(plan, {{fresh[0], fresh[1]}, {stale[2], stale[3]}});
  }
  void CheckModels() {
    for (int i = 0; federation.Show(run).summary().state() != v1::FINISHED;
         ++i) {
      REQUIRE(i < 2'000);
      federation.mail().Take(std::chrono::milliseconds(10));
    }
    CHECK(federation.ModelBytes(run, 1) == Expected()[0]);
    CHECK(federation.ModelBytes(run, 2) == Expected()[1]);
  }

  const std::vector<std::string> clients = ClientNames(4);
  const v1::Plan plan = AsynchronousPlan(2);
  Federation federation;
  std::string run = federation.Submit(plan);
  const std::filesystem::path file = File();  // of the first model
  std::vector<TestUpdate> updates;
};

TEST_CASE_METHOD(StalledModel,
                 "an update that comes while a model is made counts in the "
                 "next, whatever else comes for its task") {
  Upload(2);
  AwaitTraining(1);
  v1::RunDetail shown = federation.Show(run);
  CHECK(shown.phase() == "released");
  CHECK(shown.accepted_updates() == 2);
  CHECK(shown.asked_clients() == 0);
  // It has lost the answer: there is none yet.
  federation.Announce(clients[2], updates[2].header);
  v1::UpdateHeader other = updates[2].header;
  other.set_weight(other.weight() + 1);
  federation.Announce(clients[2], other);
  CHECK(federation.AwaitVerdict(clients[2]).reason() == v1::DUPLICATE);
  other.set_size(1);
  federation.Announce(clients[2], other);
  CHECK(federation.AwaitVerdict(clients[2]).reason() == v1::DUPLICATE);

  Upload(3);
  AwaitTraining(0);
  PutBack();
  CHECK(federation.AwaitVerdict(clients[2]).accepted());
  CHECK(federation.AwaitVerdict(clients[3]).accepted());
  CheckModels();
  CHECK(federation.MetricOf("tributary_update_staleness", {{"run", run}}) == 1);
  federation.Settle();
  shown = federation.Show(run);
  CHECK(shown.refusals().at("duplicate") == 2);
  CHECK(shown.buffer().training_clients() == 0);
}

TEST_CASE_METHOD(StalledModel,
                 "a coordinator that ends while a model is made asks for what "
                 "it had kept again") {
  Upload(2);
  AwaitTraining(1);
  PutBack();
  federation.Close();
  federation.Open();
  for (std::size_t i : {2, 3}) {
    federation.Join(clients[i]);
    federation.CheckIn(clients[i]);
    const v1::Task again = federation.AwaitTask(clients[i]);
    CHECK(again.task_token() == updates[i].header.task_token());
    CHECK(federation.ModelBytes(Digest::FromBytes(again.model()).value())
              .size() == Expected()[0].size());
    CHECK(federation.Return(clients[i], updates[i]).accepted());
  }
  CheckModels();
}

// The coordinator keeps ten models, and those that tasks are of.
TEST_CASE("the model of a slow client's task is kept, and its update counts") {
  constexpr int kRounds = 14;
  const v1::Plan plan =
      GENERATE(AsynchronousPlan(kRounds), MixingPlan(kRounds, 0.6));
  const auto wanted = static_cast<int>(plan.round().cohort_size());
  Federation federation;
  const std::string run = federation.Submit(plan);
  std::vector<std::vector<TestUpdate>> counted(kRounds);
  std::map<std::string, int> rounds;  // by name of their model
  const auto begin = [&](const std::string& client) {
    federation.CheckIn(client);
    return MakeUpdate(federation.AwaitTask(client));
  };
  const auto finish = [&](const std::string& client, TestUpdate update) {
    CHECK(federation.Return(client, update).accepted());
    return update;
  };
  for (const char* client : {"slow", "ann", "bob"}) federation.Join(client);
  TestUpdate slow;
  for (int round = 1; round <= kRounds; ++round) {
    rounds[std::string(
        federation.coordinator().ModelOf(run, round - 1)->AsBytes())] =
        round - 1;
    // From the second model: the first is kept for ever.
    if (round == 2) slow = begin("slow");
    auto& updates = counted[static_cast<std::size_t>(round) - 1];
    const bool is_last = round == kRounds;
    for (const char* client : {"ann", "bob"}) {
      if (static_cast<int>(updates.size()) + is_last == wanted) break;
      updates.push_back(finish(client, begin(client)));
    }
    if (is_last) {
      // Its client has lost its memory, and fetches the model again.
      federation.CheckIn("slow");
      const v1::Task again = federation.AwaitTask("slow");
      CHECK(again.model() == slow.header.base_model());
      (void)federation.ModelBytes(Digest::FromBytes(again.model()).value());
      CHECK_FALSE(federation.coordinator().ModelOf(run, 2).ok());
      updates.push_back(finish("slow", slow));
    }
    for (TestUpdate& update : updates) {
      update.weight =
          WeightOf(round - 1 - rounds.at(update.header.base_model()));
    }
    for (int i = 0;
         static_cast<int>(federation.Show(run).summary().released_rounds()) <
         round;
         ++i) {
      REQUIRE(i < 2'000);
      federation.mail().Take(std::chrono::milliseconds(1));
    }
  }
  const auto expected = OracleModels(plan, counted);
  CHECK(federation.ModelBytes(run, kRounds) == expected.back());
}

TEST_CASE("a task whose model is too old is ended, and its update refused") {
  v1::Plan plan = AsynchronousPlan(4);
  plan.mutable_asynchronous()->set_max_staleness(1);
  Federation federation;
  const std::string run = federation.Submit(plan);
  for (const char* client : {"slow", "ann", "bob"}) federation.Join(client);
  federation.CheckIn("slow");
  const TestUpdate slow = MakeUpdate(federation.AwaitTask("slow"));
  for (unsigned round = 1; round <= 2; ++round) {
    for (const char* client : {"ann", "bob"}) {
      federation.CheckIn(client);
      CHECK(federation.Return(client, MakeUpdate(federation.AwaitTask(client)))
                .accepted());
    }
    while (federation.Show(run).summary().released_rounds() < round) {
      if (round == 2) break;
      federation.mail().Take(std::chrono::milliseconds(1));
    }
  }
  const Letter told = federation.mail().Await([](const Letter& letter) {
    return letter.to == "slow" && letter.message.has_cancel();
  });
  CHECK(told.message.cancel().reason() == v1::STALE_MODEL);
  CHECK(federation.Return("slow", slow).reason() == v1::STALE_MODEL);
  CHECK(federation.MetricOf("tributary_stale_tasks_total", {{"run", run}}) ==
        1);
  // The verdict is on its way before operators can see what became of it.
  federation.Settle();
  CHECK(federation.Show(run).refusals().at("stale_model") == 1);
}

}  // namespace
}  // namespace tributary::testing
