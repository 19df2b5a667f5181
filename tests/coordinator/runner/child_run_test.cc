// SPDX-License-Identifier: Apache-2.0
// An aggregator's runs under a parent that the test plays.
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "aggregation/exact_sum.h"
#include "coordinator/round/derivation.h"
#include "coordinator/round/leaf_set.h"
#include "coordinator/runner/model_format.h"
#include "coordinator/tree/subtree_sum.h"
#include "privacy/crypto/random.h"
#include "proto/codec/plan.h"
#include "proto/codec/yaml.h"
#include "tests/coordinator/runner/federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

using coordinator::SumFile;
using coordinator::TaskName;

// What became of one task.
class ParentsEar final : public coordinator::TaskListener {
 public:
  void SumReady(const SumFile& sum) override {
    const std::lock_guard lock(mutex_);
    sum_ = sum;
    changed_.notify_all();
  }
  void GivenUp(const std::string& reason) override {
    const std::lock_guard lock(mutex_);
    reason_ = reason;
    changed_.notify_all();
  }
  SumFile AwaitSum() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds(20),
                              [&] { return sum_.has_value(); }));
    return *sum_;
  }
  std::string AwaitReason() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds(20),
                              [&] { return reason_.has_value(); }));
    return *reason_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<SumFile> sum_;
  std::optional<std::string> reason_;
};

// Two aggregators of two leaves each; this is one of them.
v1::Plan TreePlan() {
  v1::Plan plan = codec::WithDefaults(
      MakePlan({.sections = "hierarchy: {fan_out: [2], min_leaves: 2}"}));
  plan.clear_seed();
  plan.clear_simulation();
  return plan;
}

class Aggregator {
 public:
  Aggregator() {
    federation_.options().is_aggregator = true;
    federation_.Close();
    federation_.Open();
    StoreModel();
  }

  v1::Task TaskOf(int round, int attempt = 1) const {
    const v1::Plan plan = TreePlan();
    v1::Task task;
    task.set_kind(v1::Task::TRAIN);
    task.set_run("pump-wear-1");
    task.set_round(static_cast<std::uint32_t>(round));
    task.set_attempt(static_cast<std::uint32_t>(attempt));
    task.set_task_token(std::string(16, static_cast<char>('a' + round)));
    task.set_model(std::string(model_.AsBytes()));
    *task.mutable_training() = plan.training();
    *task.mutable_update() = plan.update();
    task.mutable_time_left()->set_seconds(60);
    const Key seed = round::RoundSeed(KeyFromSeed(7), round);
    task.set_seed(std::string(seed.begin(), seed.end()));
    *task.mutable_subtree()->mutable_plan() = plan;
    task.mutable_subtree()->set_tier(1);
    return task;
  }
  absl::Status Take(const v1::Task& task,
                    std::vector<std::string> without = {}) {
    ear_ = std::make_shared<ParentsEar>();
    return federation_.coordinator().TakeTask(task, std::move(without), ear_);
  }
  // The leaf's update, once it was acknowledged.
  TestUpdate Collect(const std::string& leaf) {
    federation_.CheckIn(leaf);
    const v1::Task task = federation_.AwaitTask(leaf);
    TestUpdate update = MakeUpdate(task);
    REQUIRE(federation_.Return(leaf, update).accepted());
    return update;
  }
  void Join(const std::vector<std::string>& leaves) {
    for (const std::string& leaf : leaves) federation_.Join(leaf);
  }
  void Restart() {
    federation_.Close();
    federation_.Open();
  }
  static TaskName NameOf(const v1::Task& task) {
    return {task.run(), static_cast<int>(task.round()),
            static_cast<int>(task.attempt())};
  }
  std::string Phase() { return federation_.Show("pump-wear-1").phase(); }

 protected:
  void StoreModel() {
    bool is_given = false;
    model_ = *federation_.coordinator().StoreBlob([&]() -> std::string {
      return std::exchange(is_given, true) ? "" : FirstModel();
    });
  }

  Federation federation_;
  Digest model_;
  std::shared_ptr<ParentsEar> ear_;
};

std::string BytesOf(const SumFile& sum) {
  std::ifstream in(sum.file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What a sum of these updates is as bytes, made with aggregation/ alone.
std::string SumOf(const std::vector<std::string>& names,
                  const std::vector<TestUpdate>& updates) {
  const v1::Plan plan = TreePlan();
  const auto layout = codec::ToLayout(plan.update(), TestManifest());
  REQUIRE(layout.ok());
  aggregation::ExactSum sum(*layout);
  for (const TestUpdate& update : updates) {
    sum.AddBlock(0, update.values, update.weight);
    sum.AddContribution(update.weight);
  }
  std::vector<round::ClientId> clients;
  for (const std::string& name : names) clients.push_back({name});
  const auto leaves = round::LeafSet::Make(clients);
  REQUIRE(leaves.ok());
  const auto format = coordinator::PartialSumFormat::OfSum(
      *layout, leaves->size(), sum.weight());
  REQUIRE(format.ok());
  std::string bytes;
  REQUIRE(coordinator::WriteSubtreeSum(
              *leaves, *format, coordinator::SourceOf(sum),
              [&](std::span<const std::byte> some) {
                bytes.append(reinterpret_cast<const char*>(some.data()),
                             some.size());
                return absl::OkStatus();
              })
              .ok());
  return bytes;
}

TEST_CASE_METHOD(
    Aggregator,
    "leaves do their parent's task, and their sum waits in a file, "
    "names first") {
  const v1::Task task = TaskOf(1);
  Join({"leaf-1", "leaf-2"});
  REQUIRE(Take(task).ok());
  federation_.CheckIn("leaf-1");
  federation_.CheckIn("leaf-2");
  const v1::Task first = federation_.AwaitTask("leaf-1");
  CHECK(first.run() == task.run());
  CHECK(first.round() == 1);
  CHECK(first.attempt() == 1);
  CHECK(first.model() == task.model());
  CHECK_FALSE(first.has_subtree());
  Key round_seed{};
  std::memcpy(round_seed.data(), task.seed().data(), round_seed.size());
  const Key seed = round::TaskSeed(round_seed, {"leaf-1"});
  CHECK(first.seed() == std::string(seed.begin(), seed.end()));

  const TestUpdate one = MakeUpdate(first);
  REQUIRE(federation_.Return("leaf-1", one).accepted());
  const TestUpdate two = Collect("leaf-2");
  const SumFile sum = ear_->AwaitSum();
  CHECK(sum.subtree.leaves == 2);
  CHECK(sum.subtree.weight == one.weight + two.weight);
  CHECK(BytesOf(sum) == SumOf({"leaf-1", "leaf-2"}, {one, two}));
  CHECK(sum.size == BytesOf(sum).size());
  const double weight = one.weight + two.weight;
  CHECK(sum.train_loss == Approx((one.weight * one.header.train_loss() +
                                  two.weight * two.header.train_loss()) /
                                 weight));
  CHECK(Phase() == "released");

  CHECK(federation_.coordinator().SumCounts(NameOf(task)).ok());
  CHECK(federation_.coordinator().EndTask(NameOf(task)).ok());
  CHECK(Phase() == "resting");
  federation_.Settle();
  CHECK_FALSE(std::filesystem::exists(sum.file));
}

TEST_CASE_METHOD(Aggregator, "round after round, two models are kept") {
  Join({"leaf-1", "leaf-2"});
  for (int round = 1; round <= 4; ++round) {
    const v1::Task task = TaskOf(round);
    REQUIRE(Take(task).ok());
    federation_.CheckIn("leaf-1");
    federation_.CheckIn("leaf-2");
    Collect("leaf-1");
    Collect("leaf-2");
    ear_->AwaitSum();
    REQUIRE(federation_.coordinator().SumCounts(NameOf(task)).ok());
    REQUIRE(federation_.coordinator().EndTask(NameOf(task)).ok());
  }
  const v1::RunDetail shown = federation_.Show("pump-wear-1");
  CHECK(shown.rounds_size() == 4);
  CHECK_FALSE(federation_.coordinator().ModelOf("pump-wear-1", 1).ok());
  CHECK(federation_.coordinator().ModelOf("pump-wear-1", 2).ok());
  CHECK(federation_.coordinator().ModelOf("pump-wear-1", 3).ok());
}

TEST_CASE_METHOD(Aggregator,
                 "leaves that count through others are not in the sum") {
  const v1::Task task = TaskOf(1);
  Join({"leaf-1", "leaf-2"});
  REQUIRE(Take(task).ok());
  federation_.CheckIn("leaf-1");
  federation_.CheckIn("leaf-2");
  const TestUpdate one = Collect("leaf-1");
  const TestUpdate two = Collect("leaf-2");
  const SumFile both = ear_->AwaitSum();
  REQUIRE(Take(task, {"leaf-1", "leaf-9"}).ok());
  const SumFile rest = ear_->AwaitSum();
  CHECK(rest.subtree.leaves == 1);
  CHECK(BytesOf(rest) == SumOf({"leaf-2"}, {two}));
  CHECK(rest.file != both.file);

  // A restart is no reason to put them back.
  Restart();
  REQUIRE(Take(task, {"leaf-1", "leaf-9"}).ok());
  CHECK(BytesOf(ear_->AwaitSum()) == SumOf({"leaf-2"}, {two}));

  REQUIRE(Take(task, {"leaf-1", "leaf-2"}).ok());
  CHECK(ear_->AwaitReason() == "all its leaves count through others");
}

TEST_CASE_METHOD(Aggregator,
                 "after a restart the sum is made again, bit for bit") {
  const v1::Task task = TaskOf(1);
  Join({"leaf-1", "leaf-2"});
  REQUIRE(Take(task).ok());
  federation_.CheckIn("leaf-1");
  federation_.CheckIn("leaf-2");
  Collect("leaf-1");
  SECTION("with all its updates") {
    Collect("leaf-2");
    const std::string sum = BytesOf(ear_->AwaitSum());
    Restart();
    REQUIRE(Take(task).ok());
    CHECK(BytesOf(ear_->AwaitSum()) == sum);
  }
  SECTION("with one of two: the other is still asked") {
    Restart();
    REQUIRE(Take(task).ok());
    Join({"leaf-2"});
    Collect("leaf-2");
    CHECK(ear_->AwaitSum().subtree.leaves == 2);
  }
}

TEST_CASE_METHOD(Aggregator,
                 "a task that the parent wants no more is abandoned, and the "
                 "next attempt asks anew") {
  const v1::Task task = TaskOf(1);
  Join({"leaf-1", "leaf-2"});
  REQUIRE(Take(task).ok());
  federation_.CheckIn("leaf-1");
  federation_.CheckIn("leaf-2");
  Collect("leaf-1");
  SECTION("while it collects") {}
  SECTION("once its sum was handed up") {
    Collect("leaf-2");
    ear_->AwaitSum();
    REQUIRE(federation_.coordinator().SumCounts(NameOf(task)).ok());
  }
  REQUIRE(federation_.coordinator().EndTask(NameOf(task)).ok());
  CHECK(Phase() == "resting");
  CHECK(absl::IsAborted(Take(task)));

  const v1::Task next = TaskOf(1, 2);
  REQUIRE(Take(next).ok());
  federation_.CheckIn("leaf-1");
  federation_.CheckIn("leaf-2");
  Collect("leaf-1");
  Collect("leaf-2");
  CHECK(ear_->AwaitSum().subtree.leaves == 2);
  CHECK(federation_.coordinator().SumCounts(NameOf(next)).ok());
  CHECK(Phase() == "resting");
  CHECK(federation_.Show("pump-wear-1").rounds_size() == 1);
}

TEST_CASE_METHOD(Aggregator,
                 "with too few leaves a task is given up, and the parent is "
                 "told why") {
  v1::Task task = TaskOf(1);
  task.mutable_time_left()->set_seconds(1);
  Join({"leaf-1"});
  REQUIRE(Take(task).ok());
  federation_.CheckIn("leaf-1");
  CHECK(ear_->AwaitReason() == "1 of at least 2 clients came");
  CHECK(Phase() == "resting");
}

TEST_CASE_METHOD(Aggregator, "runs come from the parent alone") {
  const auto run =
      federation_.coordinator().Submit(MakePlan({}), model_, nullptr);
  CHECK(absl::IsFailedPrecondition(run.status()));
  CHECK(run.status().message() ==
        "this coordinator is an aggregator: runs come from its parent; submit "
        "there");
}

TEST_CASE_METHOD(Aggregator,
                 "a run of the parent's that follows another ends that one") {
  REQUIRE(Take(TaskOf(1)).ok());
  v1::Task task = TaskOf(1);
  task.set_run("pump-wear-2");
  REQUIRE(Take(task).ok());
  CHECK(federation_.Show("pump-wear-1").summary().state() == v1::STOPPED);
  CHECK(federation_.Show("pump-wear-2").summary().state() == v1::RUNNING);
  CHECK_FALSE(Take(TaskOf(2)).ok());
}

}  // namespace
}  // namespace tributary::testing
