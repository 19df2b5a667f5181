// SPDX-License-Identifier: Apache-2.0
// A root whose aggregators hand up sums: the models are those of flat rounds,
// bit by bit, whatever happens on the way.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "coordinator/store/store.h"
#include "tests/coordinator/runner/tree_federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

using Tree = TreeFederation::Tree;

Tree TwoOfThree() {
  return {{"edge-1", {"pump-1", "pump-2", "pump-3"}},
          {"edge-2", {"pump-4", "pump-5", "pump-6"}}};
}

PlanChoice SixLeaves(int rounds) {
  return {.clients = 6, .min_updates = 6, .rounds = rounds};
}

// The last model of a coordinator to which all come by themselves, and the
// oracle's.
std::string FlatModel(const PlanChoice& choice,
                      const std::vector<std::string>& clients) {
  Federation flat;
  const v1::Plan plan = MakePlan(choice);
  const std::string run = flat.Submit(plan);
  flat.Drive(run, clients);
  std::string model = flat.ModelBytes(run, choice.rounds);
  CHECK(model == OracleModels(plan, flat.Updates()).back());
  return model;
}

TEST_CASE("sums of aggregators make the models of flat rounds, bit by bit") {
  PlanChoice choice = SixLeaves(3);
  choice.encoding = GENERATE(v1::UpdatePlan::FLOAT32, v1::UpdatePlan::BFLOAT16,
                             v1::UpdatePlan::INT8);
  TreeFederation tree(TwoOfThree());
  tree.KeepLog();
  const std::string run = tree.Play(TreePlan(choice, 2));
  Federation& root = tree.root();
  CHECK(root.Show(run).summary().state() == v1::FINISHED);
  CHECK(root.ModelBytes(run, 3) == FlatModel(choice, tree.Leaves()));

  CHECK(root.MetricOf("tributary_partial_sums_total", {{"run", run}}) == 6);
  CHECK(root.MetricOf("tributary_updates_accepted_total", {{"run", run}}) ==
        18);
  const v1::RunDetail shown = root.Show(run);
  CHECK(shown.rounds_size() == 3);
  for (const v1::RoundRecord& round : shown.rounds()) {
    CHECK(round.accepted() == 6);
  }
  const auto lines = tree.LogLines("partial sum accepted");
  REQUIRE(lines.size() == 6);
  CHECK(absl::StrContains(lines[0], " leaves=3 weight="));
  CHECK(std::ranges::any_of(lines, [](const std::string& line) {
    return absl::StrContains(line, "aggregator=edge-2 epoch=1 leaves=3");
  }));
  CHECK(std::ranges::any_of(lines, [](const std::string& line) {
    return absl::EndsWith(line, "names=pump-4, pump-5, pump-6");
  }));
  CHECK(tree.LogLines("aggregator handed nothing up").empty());
}

TEST_CASE("a strategy's tensor goes up in the sum") {
  PlanChoice choice = SixLeaves(2);
  choice.optimizer = PlanChoice::Optimizer::kFedAvg;
  choice.strategy = "scaffold: {clients: 6}";
  TreeFederation tree(TwoOfThree());
  const std::string run = tree.Play(TreePlan(choice, 2));
  CHECK(tree.root().ModelBytes(run, 2) == FlatModel(choice, tree.Leaves()));
}

TEST_CASE("clients that come to the root by themselves count beside sums") {
  const PlanChoice choice = SixLeaves(2);
  TreeFederation tree(Tree{{"edge-1", {"pump-1", "pump-2", "pump-3"}}});
  const std::vector<std::string> trainers = {"pump-4", "pump-5", "pump-6"};
  const std::string run = tree.Play(TreePlan(choice, 2), trainers);
  CHECK(tree.root().ModelBytes(run, 2) ==
        FlatModel(choice, {"pump-1", "pump-2", "pump-3", "pump-4", "pump-5",
                           "pump-6"}));
  CHECK(tree.root().MetricOf("tributary_partial_sums_total", {{"run", run}}) ==
        2);
}

TEST_CASE("a root that restarts anywhere makes the same models of sums") {
  const PlanChoice choice = SixLeaves(2);
  const v1::Plan plan = TreePlan(choice, 2);
  int letters = 0;
  {
    TreeFederation tree(TwoOfThree());
    tree.Play(plan, {}, [&](int number) { letters = number; });
  }
  const std::string expected =
      FlatModel(choice, TreeFederation(TwoOfThree()).Leaves());
  for (int point = 0; point <= letters; ++point) {
    TreeFederation tree(TwoOfThree());
    const std::string run = tree.Play(plan, {}, [&](int number) {
      if (number == point) tree.Restart();
    });
    INFO("restarted before letter " << point);
    Federation& root = tree.root();
    CHECK(root.Show(run).summary().state() == v1::FINISHED);
    CHECK(root.ModelBytes(run, 2) == expected);
    // A restart of the parent ends nobody's epoch, once its welcome was heard.
    if (point >= 2) CHECK(tree.EpochOf("edge-1") == 1);

    root.Close();
    auto store = store::Store::Open(root.options().state_folder);
    REQUIRE(store.ok());
    const auto updates = (*store)->Updates(run, "committed");
    REQUIRE(updates.ok());
    REQUIRE(updates->size() == 4);
    CHECK(updates->front().leaves == 3);
  }
}

TEST_CASE("a leaf that two aggregators have counts once, and it is said") {
  PlanChoice choice = SixLeaves(2);
  choice.min_updates = 5;
  TreeFederation tree(Tree{{"edge-1", {"pump-1", "pump-2", "pump-3"}},
                           {"edge-2", {"pump-3", "pump-4", "pump-5"}}});
  tree.KeepLog();
  const std::string run = tree.Play(TreePlan(choice, 2));
  choice.clients = 5;
  CHECK(tree.root().ModelBytes(run, 2) == FlatModel(choice, tree.Leaves()));
  // Whichever was later took it out.
  int told = 0;
  for (const auto& [aggregator, leaves] : tree.taken_out()) {
    told += static_cast<int>(leaves.size());
    CHECK(leaves == std::set<std::string>{"pump-3"});
  }
  CHECK(told >= 1);
  const auto lines = tree.LogLines("refused");
  REQUIRE(lines.size() == 2);
  CHECK(absl::StrContains(lines[0], "reason=overlap"));
  CHECK(absl::StrContains(lines[0], "detail=pump-3 counts through edge-"));
}

TEST_CASE("an aggregator whose leaves all count elsewhere hands nothing up") {
  PlanChoice choice = SixLeaves(1);
  choice.min_updates = 3;
  choice.deadline_milliseconds = 1'000;
  TreeFederation tree(Tree{{"edge-1", {"pump-1", "pump-2", "pump-3"}}});
  tree.KeepLog();
  Federation& root = tree.root();
  const std::string run = root.Begin(TreePlan(choice, 2));
  for (const char* name : {"edge-1", "edge-2"}) {
    root.JoinAggregator(name, 0);
    root.CheckIn(name);
  }
  const v1::Task first = root.AwaitTask("edge-1");
  const v1::Task second = root.AwaitTask("edge-2");
  const std::set<std::string> leaves = {"pump-1", "pump-2", "pump-3"};
  CHECK(root.Return("edge-1", MakeSum(first, 1, leaves)).accepted());
  const v1::Verdict verdict = root.Return("edge-2", MakeSum(second, 1, leaves));
  CHECK(verdict.reason() == v1::OVERLAP);
  CHECK(verdict.overlap_size() == 3);
  v1::ClientMessage gives_up;
  gives_up.mutable_task_failed()->set_task_token(second.task_token());
  root.Say("edge-2", gives_up);
  while (root.NextLetter(run)) {
  }
  choice.clients = choice.min_updates = 3;
  CHECK(root.ModelBytes(run, 1) == FlatModel(choice, tree.Leaves()));
  const auto lines = tree.LogLines("aggregator handed nothing up");
  REQUIRE(lines.size() == 1);
  CHECK(absl::EndsWith(lines[0], "round=1 attempt=1 aggregator=edge-2"));
}

// A round of two aggregators, asked, with three leaves each.
struct Asked {
  Federation root;
  std::string run;
  std::map<std::string, v1::Task> tasks;
  const std::set<std::string> leaves = {"pump-1", "pump-2", "pump-3"};

  Asked() {
    PlanChoice choice = SixLeaves(1);
    choice.min_updates = 3;
    run = root.Begin(TreePlan(choice, 2));
    for (const char* name : {"edge-1", "edge-2"}) {
      root.JoinAggregator(name, 0);
      root.CheckIn(name);
    }
    for (const char* name : {"edge-1", "edge-2"}) {
      tasks[name] = root.AwaitTask(name);
    }
  }
  TestUpdate Sum(std::uint64_t epoch = 1) {
    return MakeSum(tasks.at("edge-1"), epoch, leaves);
  }
  // The reason of the refusal, NONE if it was accepted.
  v1::Verdict Hand(const TestUpdate& sum) { return root.Return("edge-1", sum); }
};

TEST_CASE_METHOD(Asked, "an aggregator is asked for its part of the leaves") {
  const v1::Task& task = tasks.at("edge-1");
  CHECK(task.kind() == v1::Task::TRAIN);
  REQUIRE(task.has_subtree());
  CHECK(task.subtree().tier() == 1);
  CHECK(task.subtree().plan().round().cohort_size() == 6);
  CHECK_FALSE(task.subtree().plan().has_seed());
  // One seed for all, from which those of leaves derive.
  CHECK(task.seed() == tasks.at("edge-2").seed());
  CHECK(task.task_token() != tasks.at("edge-2").task_token());
}

TEST_CASE_METHOD(Asked, "a sum that is not what it says is refused") {
  TestUpdate sum = Sum();
  v1::Refusal expected = v1::REFUSAL_UNSPECIFIED;
  std::string detail;
  v1::PartialSum& announced = *sum.header.mutable_partial_sum();
  const std::size_t names = 3 * (4 + 6);
  SECTION("less weight than its leaves") {
    announced.set_weight(2);
    expected = v1::BAD_WEIGHT;
    detail = "weight 2 of 3 leaves is not between 3 and 30";
  }
  SECTION("more weight than its leaves can have") {
    announced.set_weight(31);
    expected = v1::BAD_WEIGHT;
  }
  SECTION("longer than any sum of so many leaves") {
    sum.header.set_size(sum.header.size() + 1'000);
    expected = v1::WRONG_SIZE;
  }
  SECTION("a byte too many") {
    SetBytes(sum, sum.bytes + '\0');
    expected = v1::WRONG_SIZE;
  }
  SECTION("another encoding") {
    sum.header.set_encoding(v1::UpdatePlan::INT8);
    expected = v1::BAD_ENCODING;
  }
  SECTION("other bytes than announced") {
    sum.header.set_checksum(sum.header.checksum() + 1);
    expected = v1::BAD_CHECKSUM;
  }
  SECTION("other names than announced") {
    std::string bytes = sum.bytes;
    bytes[4] = 'd';
    SetBytes(sum, std::move(bytes));
    expected = v1::BAD_CHECKSUM;
    detail = "the names of the 3 leaves are not those announced";
  }
  SECTION("names out of order") {
    std::string bytes = sum.bytes;
    std::swap_ranges(bytes.begin(), bytes.begin() + 10, bytes.begin() + 10);
    SetBytes(sum, std::move(bytes));
    expected = v1::BAD_ENCODING;
  }
  SECTION("a coordinate that its leaves cannot make") {
    // The first is as large as its bits allow, which no power of two times
    // their weight is.
    const int bits =
        SumFormat(tasks.at("edge-1"), 3, announced.weight()).parts()[0].bits;
    std::string bytes = sum.bytes;
    for (int bit = 0; bit < bits; ++bit) {
      char& byte = bytes[names + static_cast<std::size_t>(bit / 8)];
      const char mask = static_cast<char>(1 << bit % 8);
      byte = static_cast<char>(bit < bits - 1 ? byte | mask : byte & ~mask);
    }
    SetBytes(sum, std::move(bytes));
    expected = v1::OVER_BOUND;
  }
  SECTION("made from another model") {
    sum.header.set_base_model(std::string(32, 'x'));
    expected = v1::STALE_MODEL;
  }
  SECTION("a loss that is none") {
    sum.header.set_train_loss(std::numeric_limits<double>::quiet_NaN());
    expected = v1::NOT_FINITE;
  }
  const v1::Verdict verdict = Hand(sum);
  CHECK_FALSE(verdict.accepted());
  CHECK(verdict.reason() == expected);
  if (!detail.empty()) CHECK(verdict.detail() == detail);
  // The round goes on with the other.
  CHECK(
      root.Return("edge-2", MakeSum(tasks.at("edge-2"), 1, leaves)).accepted());
}

TEST_CASE_METHOD(Asked, "an aggregator hands up sums and nothing else") {
  v1::UpdateHeader header = Sum().header;
  SECTION("an update of a client") {
    header.clear_partial_sum();
    header.set_weight(1);
  }
  SECTION("a sum with a weight beside it") { header.set_weight(1); }
  SECTION("a sum of nobody") { header.mutable_partial_sum()->set_leaves(0); }
  root.Announce("edge-1", header);
  const Letter closed = root.mail().Await(
      [](const Letter& letter) { return !letter.closed.ok(); });
  CHECK(closed.to == "edge-1");
  CHECK(absl::IsInvalidArgument(closed.closed));
  CHECK(std::string(closed.closed.message()).starts_with("bad_message: "));
}

TEST_CASE("a trainer hands up no sums") {
  Federation root;
  PlanChoice choice = SixLeaves(1);
  choice.min_updates = 3;
  (void)root.Begin(TreePlan(choice, 2));
  root.JoinAggregator("edge-1", 0);
  root.CheckIn("edge-1");
  for (const char* name : {"pump-1", "pump-2", "pump-3"}) {
    root.Join(name);
    root.CheckIn(name);
  }
  const v1::Task edge = root.AwaitTask("edge-1");
  const v1::Task task = root.AwaitTask("pump-1");
  CHECK_FALSE(task.has_subtree());
  TestUpdate sum = MakeSum(edge, 1, {"pump-4"});
  sum.header.set_task_token(task.task_token());
  CHECK(root.Return("pump-1", sum).reason() == v1::WRONG_ROLE);
}

TEST_CASE_METHOD(Asked, "a sum that is handed up twice counts once") {
  const TestUpdate sum = Sum();
  CHECK(Hand(sum).accepted());
  CHECK(Hand(sum).accepted());
  CHECK(root.MetricOf("tributary_partial_sums_total", {{"run", run}}) == 1);
  root.Settle();
  CHECK(root.Show(run).asked_clients() == 2);
  CHECK(root.Show(run).accepted_updates() == 3);
}

// ---- epochs ----

v1::Welcome AwaitWelcome(Federation& root, const std::string& aggregator) {
  return root.mail()
      .Await([&](const Letter& letter) {
        return letter.to == aggregator && letter.message.has_welcome();
      })
      .message.welcome();
}

TEST_CASE("sessions are counted, and outlive the parent's process") {
  Federation root;
  root.JoinAggregator("edge-1", 0);
  v1::Welcome welcome = AwaitWelcome(root, "edge-1");
  CHECK(welcome.role() == v1::AGGREGATOR);
  CHECK(welcome.session() == 1);
  CHECK(welcome.epoch() == 1);
  root.CheckIn("edge-1");
  // A restart of the aggregator goes on in its epoch, one of the parent too.
  root.JoinAggregator("edge-1", 1);
  welcome = AwaitWelcome(root, "edge-1");
  CHECK(welcome.session() == 2);
  CHECK(welcome.epoch() == 1);
  root.Close();
  root.Open();
  root.JoinAggregator("edge-1", 2);
  welcome = AwaitWelcome(root, "edge-1");
  CHECK(welcome.session() == 3);
  CHECK(welcome.epoch() == 1);
  root.CheckIn("edge-1");
  root.Settle();
  // An old copy of its disk does not.
  root.JoinAggregator("edge-1", 1);
  welcome = AwaitWelcome(root, "edge-1");
  CHECK(welcome.session() == 4);
  CHECK(welcome.epoch() == 4);
}

TEST_CASE_METHOD(Asked, "a lost disk begins an epoch, and the task stands") {
  root.JoinAggregator("edge-1", 0);
  const v1::Welcome welcome = AwaitWelcome(root, "edge-1");
  CHECK(welcome.epoch() == 2);
  root.CheckIn("edge-1");
  const v1::Task again = root.AwaitTask("edge-1");
  CHECK(again.task_token() == tasks.at("edge-1").task_token());
  const v1::Verdict old = Hand(Sum(1));
  CHECK(old.reason() == v1::EPOCH_OVER);
  CHECK(old.detail() == "a sum of epoch 1, and epoch 2 counts");
  CHECK(Hand(Sum(2)).accepted());
}

TEST_CASE_METHOD(Asked, "a sum on its way when its epoch ends does not count") {
  const TestUpdate sum = Sum(1);
  root.Announce("edge-1", sum.header);
  (void)root.AwaitGrant("edge-1");
  v1::UploadHeader header;
  header.set_task_token(sum.header.task_token());
  auto upload = root.coordinator().OpenUpload(
      {.name = "edge-1", .role = v1::AGGREGATOR, .serial = ""}, header);
  REQUIRE(upload.ok());
  const auto bytes = std::as_bytes(std::span<const char>(sum.bytes));
  REQUIRE((*upload)->Write(bytes.first(1'000)).ok());
  // Another process of that name, without a disk.
  root.JoinAggregator("edge-1", 0);
  CHECK(AwaitWelcome(root, "edge-1").epoch() == 2);
  root.CheckIn("edge-1");
  (void)root.AwaitTask("edge-1");
  CHECK(absl::IsAborted((*upload)->Write(bytes.subspan(1'000))));
  CHECK(Hand(Sum(2)).accepted());
  CHECK(root.MetricOf("tributary_partial_sums_total", {{"run", run}}) == 1);
}

TEST_CASE("an aggregator hears nothing before its welcome") {
  Federation root;
  std::vector<std::string> heard;
  root.mail().overhear = [&](const Letter& letter) {
    heard.push_back(letter.message.has_welcome() ? "welcome" : "another");
  };
  root.JoinAggregator("edge-1", 0);
  root.CheckIn("edge-1");
  root.Settle();
  REQUIRE_FALSE(heard.empty());
  CHECK(heard.front() == "welcome");
}

}  // namespace
}  // namespace tributary::testing
