// SPDX-License-Identifier: Apache-2.0
// An aggregator's line to its parent, between a coordinator that remembers what
// it was asked and a parent that the test plays.
#include "coordinator/upstream/upstream.h"

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "coordinator/upstream/upstream_file.h"
#include "tests/client/core/memory_link.h"
#include "tests/client/core/session_fixture.h"
#include "tests/client/core/temporary_folder.h"
#include "tests/coordinator/server/fake_coordinator.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using session::Accept;
using session::Grant;
using session::Offer;
using session::Refuse;
using testing::FakeCoordinator;
using State = FakeCoordinator::State;

const std::string kModel = "a model's bytes";

v1::Task TheTask() {
  v1::Task task = session::TaskNamed('a');
  task.set_attempt(1);
  task.set_model(std::string(Sha256(kModel).AsBytes()));
  task.mutable_subtree()->set_tier(1);
  return task;
}

// What the parent heard, in order; on the upstream's thread.
class Parent {
 public:
  explicit Parent(std::uint64_t epoch = 5) : epoch_(epoch) {}

  std::unique_ptr<MemoryLink> Link() {
    auto link = std::make_unique<MemoryLink>(
        [this](MemoryLink& line, const v1::ClientMessage& message) {
          Hear(line, message);
        },
        kModel);
    link->uploaded = [this](MemoryLink& line) {
      {
        const std::lock_guard lock(mutex_);
        uploads_.push_back(line.uploads.back());
      }
      changed_.notify_all();
      if (verdict) line.Say(*verdict);
    };
    return link;
  }
  // The message of this kind and number, once it was said.
  v1::ClientMessage Await(v1::ClientMessage::KindCase kind, int number = 1) {
    std::unique_lock lock(mutex_);
    v1::ClientMessage found;
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      int count = 0;
      for (const v1::ClientMessage& message : heard_) {
        if (message.kind_case() != kind || ++count < number) continue;
        found = message;
        return true;
      }
      return false;
    }));
    return found;
  }
  std::string AwaitUpload() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds(20),
                              [&] { return !uploads_.empty(); }));
    const UpdateBytes& bytes = uploads_.front();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  // The answers; none: silence.
  std::optional<v1::ServerMessage> to_announcement = Grant(TheTask(), 0);
  std::optional<v1::ServerMessage> verdict;

 private:
  void Hear(MemoryLink& line, const v1::ClientMessage& message) {
    std::optional<v1::ServerMessage> answer;
    {
      const std::lock_guard lock(mutex_);
      heard_.push_back(message);
      if (message.has_hello()) {
        answer = session::Welcome();
        answer->mutable_welcome()->set_session(++session_);
        answer->mutable_welcome()->set_epoch(epoch_);
      } else if (message.has_check_in() && !is_asked_) {
        is_asked_ = true;
        answer = Offer(TheTask());
      } else if (message.has_update_ready()) {
        answer = to_announcement;
        if (answer && answer->has_verdict()) {
          to_announcement = Grant(TheTask(), 0);
        }
      }
    }
    changed_.notify_all();
    if (answer) line.Say(*answer);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<v1::ClientMessage> heard_;
  std::vector<UpdateBytes> uploads_;
  const std::uint64_t epoch_;
  std::uint64_t session_ = 6;
  bool is_asked_ = false;
};

class UpstreamFixture {
 public:
  UpstreamFixture() {
    options_.addresses = {"localhost:1"};
    options_.population = "pumps";
    options_.name = "edge-1";
    options_.folder = folder_.path() / "upstream";
    options_.backoff_min = std::chrono::milliseconds(1);
    options_.backoff_max = std::chrono::milliseconds(2);
  }
  void Start(Parent& parent) {
    auto started = Upstream::Start(options_, parent.Link(), coordinator_);
    REQUIRE(started.ok());
    upstream_ = *std::move(started);
  }
  // The task that was taken so many times.
  State::Taken AwaitTask(std::size_t times = 1) {
    REQUIRE(coordinator_.Await(
        [&](State& state) { return state.tasks.size() >= times; }));
    return coordinator_.With(
        [&](State& state) { return state.tasks[times - 1]; });
  }
  SumFile SumOf(const std::string& bytes, std::uint32_t leaves) {
    SumFile sum;
    sum.file = folder_.path() / ("sum of " + std::to_string(leaves));
    std::ofstream(sum.file, std::ios::binary) << bytes;
    sum.size = bytes.size();
    sum.checksum = 42;
    sum.subtree = {
        .epoch = 0, .leaves = leaves, .weight = 70, .names = Sha256("names")};
    sum.train_loss = 0.5;
    return sum;
  }

 protected:
  TemporaryFolder folder_;
  UpstreamOptions options_;
  FakeCoordinator coordinator_;
  std::unique_ptr<Upstream> upstream_;
};

TEST_CASE_METHOD(UpstreamFixture,
                 "a task goes from the parent to the coordinator, and its sum "
                 "the other way") {
  Parent parent;
  parent.verdict = Accept(TheTask());
  Start(parent);
  const v1::ClientMessage hello = parent.Await(v1::ClientMessage::kHello);
  CHECK(hello.hello().client_name() == "edge-1");
  CHECK(hello.hello().role() == v1::AGGREGATOR);
  const State::Taken taken = AwaitTask();
  CHECK(taken.task.task_token() == TheTask().task_token());
  CHECK(taken.without.empty());
  // What its leaves will fetch.
  CHECK(coordinator_.With([](State& state) {
    return state.blob_chunks == std::vector{kModel.size()};
  }));

  taken.listener->SumReady(SumOf("names and sums", 8));
  const v1::UpdateHeader header =
      parent.Await(v1::ClientMessage::kUpdateReady).update_ready().header();
  CHECK(header.weight() == 0);
  CHECK(header.train_loss() == 0.5);
  CHECK(header.base_model() == TheTask().model());
  CHECK(header.partial_sum().epoch() == 5);
  CHECK(header.partial_sum().leaves() == 8);
  CHECK(header.partial_sum().weight() == 70);
  CHECK(header.partial_sum().leaves_sha256() == Sha256("names").AsBytes());
  CHECK(parent.AwaitUpload() == "names and sums");
  REQUIRE(
      coordinator_.Await([](State& state) { return !state.ended.empty(); }));
  const TaskName name{"run-1", 3, 1};
  CHECK(coordinator_.With([&](State& state) {
    return state.counted == std::vector{name} &&
           state.ended == std::vector{name};
  }));
  parent.Await(v1::ClientMessage::kCheckIn, 2);
  upstream_.reset();
  const UpstreamFile kept(options_.folder / "state");
  CHECK_FALSE(kept.state().has_task());
  CHECK(kept.SessionOf("localhost:1") == 7);
}

TEST_CASE_METHOD(UpstreamFixture,
                 "a task in hand outlives the process, in its epoch") {
  {
    Parent parent;
    Start(parent);
    AwaitTask();
    upstream_.reset();
    CHECK(coordinator_.With([](State& state) { return state.ended.empty(); }));
  }
  SECTION("the epoch goes on") {
    Parent parent;
    parent.verdict = Accept(TheTask());
    Start(parent);
    CHECK(parent.Await(v1::ClientMessage::kHello).hello().session() == 7);
    const State::Taken again = AwaitTask(2);
    CHECK(again.task.task_token() == TheTask().task_token());
    again.listener->SumReady(SumOf("names and sums", 8));
    CHECK(parent.AwaitUpload() == "names and sums");
    CHECK(coordinator_.Await(
        [](State& state) { return state.counted.size() == 1; }));
  }
  SECTION("another has begun") {
    Parent parent(7);
    Start(parent);
    AwaitTask(2);
    REQUIRE(
        coordinator_.Await([](State& state) { return !state.ended.empty(); }));
    CHECK(
        coordinator_.With([](State& state) { return state.counted.empty(); }));
    parent.Await(v1::ClientMessage::kCheckIn);
  }
}

TEST_CASE_METHOD(UpstreamFixture,
                 "leaves that count through others stay out of the sum, also "
                 "after a restart") {
  v1::ServerMessage overlap = Refuse(TheTask(), v1::OVERLAP);
  overlap.mutable_verdict()->add_overlap("leaf-3");
  {
    Parent parent;
    parent.to_announcement = overlap;
    Start(parent);
    AwaitTask().listener->SumReady(SumOf("all", 8));
    const State::Taken again = AwaitTask(2);
    CHECK(again.without == std::vector<std::string>{"leaf-3"});
    again.listener->SumReady(SumOf("the rest", 7));
    CHECK(parent.AwaitUpload() == "the rest");
    upstream_.reset();
  }
  Parent parent;
  Start(parent);
  CHECK(AwaitTask(3).without == std::vector<std::string>{"leaf-3"});
}

TEST_CASE_METHOD(UpstreamFixture,
                 "a task that comes to nothing is given up, with the reason") {
  Parent parent;
  Start(parent);
  AwaitTask().listener->GivenUp("1 of at least 4 updates at the deadline");
  CHECK(parent.Await(v1::ClientMessage::kTaskFailed).task_failed().message() ==
        "1 of at least 4 updates at the deadline");
  CHECK(coordinator_.Await([](State& state) { return !state.ended.empty(); }));
}

TEST_CASE("a damaged state of an aggregator counts as none") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "state";
  {
    UpstreamFile file(path);
    REQUIRE(file.Replace(WithSession({}, "root:1", 7, 5)).ok());
    REQUIRE(file.Replace(WithSession(file.state(), "root:2", 3, 3)).ok());
  }
  const UpstreamFile kept(path);
  CHECK(kept.SessionOf("root:1") == 7);
  CHECK(kept.SessionOf("root:2") == 3);
  CHECK(kept.SessionOf("root:3") == 0);
  CHECK(kept.state().epoch() == 3);
  {
    std::fstream damaged(path, std::ios::in | std::ios::out | std::ios::binary);
    damaged.seekp(-1, std::ios::end);
    damaged.put('!');
  }
  CHECK(UpstreamFile(path).SessionOf("root:1") == 0);
}

}  // namespace
}  // namespace tributary::coordinator
