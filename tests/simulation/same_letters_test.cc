// SPDX-License-Identifier: Apache-2.0
// The coordinator and the simulator's, told the same by the same clients in the
// same order: the same answers, and bitwise the same asynchronous models.
#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "proto/codec/yaml.h"
#include "simulation/virtual_coordinator.h"
#include "simulation/virtual_identities.h"
#include "tests/coordinator/runner/federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

using simulation::RoundSummary;

// What the simulator's coordinator says, and to whom.
class Letterbox final : public simulation::CoordinatorLink {
 public:
  void Deliver(const round::ClientId& client,
               v1::ServerMessage message) override {
    latest[client.name] = std::move(message);
  }
  std::vector<simulation::Effort> TakeEfforts() override { return {}; }
  void WakeAt(round::Instant) override {}

  std::map<std::string, v1::ServerMessage> latest;
};

class Models final : public simulation::Observer {
 public:
  void OnRound(const RoundSummary& round) override {
    released.push_back(round.model);
  }
  void OnEvaluation(int, const round::Metrics&) override {}
  void OnAbandoned(const round::AbandonRound&) override {}
  void OnUpdate() override {}

  std::vector<Digest> released;
};

simulation::FirstModel TheFirstModel() {
  const std::string file = FirstModel();
  auto model = std::make_shared<Model>();
  model->manifest = TestManifest();
  model->weights.resize(TestManifest().Length());
  const std::size_t bytes = model->weights.size() * sizeof(float);
  std::memcpy(model->weights.data(), file.data() + file.size() - bytes, bytes);
  simulation::FirstModel first;
  first.header = file.substr(0, file.size() - bytes);
  model->id = simulation::ModelDigest(first.header, *model);
  first.model = std::move(model);
  return first;
}

v1::Plan PlanOf(const std::string& asynchronous, std::uint32_t cohort_size,
                PlanChoice::Optimizer optimizer,
                v1::UpdatePlan::Encoding encoding) {
  v1::Plan plan = MakePlan({.rounds = 12,
                            .encoding = encoding,
                            .optimizer = optimizer,
                            .sections = "asynchronous: " + asynchronous});
  plan.clear_round();
  plan.mutable_round()->set_cohort_size(cohort_size);
  plan.mutable_update()->set_max_weight(1'000);
  return plan;
}

// Whatever is done is done to both.
class Both {
 public:
  explicit Both(const v1::Plan& plan)
      : run_(real_.Submit(plan)),
        virtual_(simulation::VirtualCoordinator::Create(
                     codec::WithDefaults(plan), KeyFromSeed(plan.seed()),
                     TheFirstModel(), identities_, ranks_, journal_, letters_,
                     models_)
                     .value()) {
    CHECK(real_.coordinator().ModelOf(run_, 0).value() ==
          virtual_->latest().id);
    for (const std::string& client : kClients) real_.Join(client);
  }

  // The client asks for a task, or returns what it has, or something bad.
  void Act(const std::string& client, bool is_good) {
    const auto at_work = at_work_.find(client);
    if (at_work == at_work_.end()) return CheckIn(client);
    TestUpdate update = at_work->second;
    if (!is_good) update.header.set_weight(0);
    const v1::Verdict verdict = real_.Return(client, update);
    Tell(client, update);
    const v1::ServerMessage& said = letters_.latest.at(client);
    REQUIRE(said.has_verdict());
    CHECK(said.verdict().accepted() == verdict.accepted());
    CHECK(said.verdict().reason() == verdict.reason());
    CHECK((is_good || verdict.reason() == v1::BAD_WEIGHT));
    refused_ += verdict.accepted() ? 0 : 1;
    at_work_.erase(client);
    AwaitModel();
  }
  void Restart() {
    real_.Close();
    real_.Open();
    for (const std::string& client : kClients) real_.Join(client);
  }
  bool IsOver() const { return virtual_->end().has_value(); }
  void CheckModels() {
    REQUIRE(models_.released.size() == 12);
    CHECK(real_.Show(run_).summary().state() == v1::FINISHED);
    // The coordinator keeps ten.
    for (int round = 4; round <= 12; ++round) {
      CHECK(real_.coordinator().ModelOf(run_, round).value() ==
            models_.released[static_cast<std::size_t>(round) - 1]);
    }
  }
  int refused() const { return refused_; }
  const round::State& state() const { return virtual_->state(); }

  const std::vector<std::string> kClients = ClientNames(6);

 private:
  void CheckIn(const std::string& client) {
    real_.CheckIn(client);
    const Letter real = real_.mail().Await([&](const Letter& letter) {
      return letter.to == client &&
             (letter.message.has_task() || letter.message.has_come_back());
    });
    v1::ClientMessage message;
    message.mutable_check_in();
    virtual_->Receive({client}, message, Now());
    const v1::ServerMessage& said = letters_.latest.at(client);
    REQUIRE(said.kind_case() == real.message.kind_case());
    if (!said.has_task()) return;
    CHECK(said.task().task_token() == real.message.task().task_token());
    CHECK(said.task().model() == real.message.task().model());
    CHECK(said.task().seed() == real.message.task().seed());
    at_work_[client] = MakeUpdate(real.message.task());
  }
  void Tell(const std::string& client, const TestUpdate& update) {
    v1::ClientMessage message;
    *message.mutable_update_ready()->mutable_header() = update.header;
    virtual_->Receive({client}, message, Now());
    if (!letters_.latest.at(client).has_upload_grant()) return;
    virtual_->ReceiveUpdate(
        {client},
        {.header = update.header,
         .floats = std::as_bytes(std::span<const char>(update.bytes))},
        Now());
  }
  // A simulation makes it in no time.
  void AwaitModel() {
    for (int i = 0;
         real_.Show(run_).summary().released_rounds() < models_.released.size();
         ++i) {
      REQUIRE(i < 10'000);
      real_.Settle();
    }
  }
  round::Instant Now() { return now_ += std::chrono::milliseconds(3); }

  Federation real_;
  std::string run_;
  simulation::VirtualIdentities identities_;
  simulation::OneRank ranks_;
  simulation::Journal journal_;
  Letterbox letters_;
  Models models_;
  std::unique_ptr<simulation::VirtualCoordinator> virtual_;
  round::Instant now_{};
  std::map<std::string, TestUpdate> at_work_;
  int refused_ = 0;
};

TEST_CASE(
    "coordinator and simulator make the same asynchronous models of the same "
    "letters") {
  using enum PlanChoice::Optimizer;
  const v1::Plan plan = GENERATE(
      PlanOf("{concurrency: 20}", 2, kFedAdam, v1::UpdatePlan::FLOAT32),
      PlanOf("{concurrency: 20, staleness_exponent: 1.5, max_staleness: 2}", 3,
             kFedAvgM, v1::UpdatePlan::INT8),
      PlanOf("{concurrency: 20, mixing: {rate: 0.6}}", 1, kFedAvg,
             v1::UpdatePlan::FLOAT32));
  Both both(plan);
  KeyedStream random(KeyFromSeed(5), "letters");
  int stalest = 0;
  for (int step = 1; !both.IsOver(); ++step) {
    REQUIRE(step < 2'000);
    if (step % 23 == 0) both.Restart();
    const auto who = random.Below(both.kClients.size());
    both.Act(both.kClients[who], random.Below(4) != 0);
    for (const auto& [client, task] : both.state().open_tasks) {
      stalest = std::max(stalest, both.state().round - task.round);
    }
  }
  CHECK(stalest > 1);
  CHECK(both.refused() > 0);
  both.CheckModels();
}

}  // namespace
}  // namespace tributary::testing
