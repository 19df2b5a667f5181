// SPDX-License-Identifier: Apache-2.0
// The whole client over a link in memory.
#include "tributary/client.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <limits>
#include <mutex>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "client/core/client_runner.h"
#include "client/core/update.h"
#include "proto/codec/safetensors.h"
#include "tests/client/core/memory_link.h"
#include "tests/client/core/session_fixture.h"
#include "tests/client/core/temporary_folder.h"

#include "tests/catch.h"

namespace tributary {
namespace {

using session::Accept;
using session::Cancel;
using session::ComeBackIn;
using session::Grant;
using session::Offer;
using session::TaskNamed;
using session::Welcome;

const Manifest manifest({{"w", {500}, true}});

// Does what the test says.
class ScriptedTrainer final : public Trainer {
 public:
  std::function<absl::StatusOr<TrainResult>(std::span<float>,
                                            const TaskContext&)>
      train = [](std::span<float> delta,
                 const TaskContext&) -> absl::StatusOr<TrainResult> {
    for (std::size_t i = 0; i < delta.size(); ++i) {
      delta[i] = static_cast<float>(i) * 1e-3F;
    }
    return TrainResult{.examples = 3, .loss = 1};
  };
  absl::StatusOr<TrainResult> Train(const TrainTask&, const Model&,
                                    std::span<float> delta,
                                    const TaskContext& context) override {
    return train(delta, context);
  }
};

class ClientFixture {
 public:
  ClientFixture() {
    const auto path = folder_.path() / "first";
    REQUIRE(codec::WriteSafetensors(path, manifest, {},
                                    std::vector<float>(500, 0.5F))
                .ok());
    std::ifstream in(path, std::ios::binary);
    file_.assign(std::istreambuf_iterator<char>(in), {});
    options_.coordinator = "localhost:1";
    options_.population = "pumps";
    options_.insecure = true;
    options_.name = "pump-17";
    options_.state_folder = folder_.path() / "state";
    options_.backoff_min = std::chrono::milliseconds(1);
    options_.backoff_max = std::chrono::milliseconds(2);
    options_.max_updates = 1;
  }

  v1::Task Task(char letter) const {
    v1::Task task = TaskNamed(letter);
    task.set_model(std::string(Sha256(file_).AsBytes()));
    task.mutable_update()->set_encoding(v1::UpdatePlan::TOP_K);
    task.mutable_update()->set_top_k_fraction(0.1);
    return task;
  }

  // Offers this task until its update was uploaded, then accepts it.
  void Run(const v1::Task& task) {
    Make([this, task](MemoryLink& link, const v1::ClientMessage& message) {
      sent_.insert(message.kind_case());
      if (message.has_hello()) link.Say(Welcome());
      if (message.has_check_in()) link.Say(Offer(task));
      if (message.has_update_ready()) link.Say(Grant(task, 0));
      if (message.has_task_failed()) {
        failure_ = message.task_failed().message();
        client_->Stop();
      }
    });
    link_->uploaded = [task](MemoryLink& link) { link.Say(Accept(task)); };
    status_ = client_->Run();
  }
  void Make(MemoryLink::Coordinator coordinator) {
    client_.reset();
    auto link = std::make_unique<MemoryLink>(std::move(coordinator), file_);
    link_ = link.get();
    auto client = MakeClient(options_, trainer_, std::move(link),
                             std::make_unique<KeyedStream>(Key{}, "jitter"));
    REQUIRE(client.ok());
    client_ = *std::move(client);
  }

 protected:
  TemporaryFolder folder_;
  std::string file_;
  ClientOptions options_;
  ScriptedTrainer trainer_;
  MemoryLink* link_ = nullptr;
  std::unique_ptr<Client> client_;
  std::set<v1::ClientMessage::KindCase> sent_;
  std::string failure_;
  absl::Status status_;
};

TEST_CASE_METHOD(ClientFixture,
                 "the residual of an accepted update is in the next one") {
  Run(Task('a'));
  CHECK(status_.ok());
  REQUIRE(link_->uploads.size() == 1);
  std::vector<float> delta(500);
  CHECK(trainer_.train(delta, TaskContext()).ok());
  const auto first =
      PrepareUpdate(Task('a'), manifest, {.examples = 3, .loss = 1}, delta, {});
  REQUIRE(first.ok());
  CHECK(link_->uploads[0] == *first->bytes);

  // Another process, another round of the same run.
  Run(Task('b'));
  REQUIRE(link_->uploads.size() == 1);
  const auto second = PrepareUpdate(
      Task('b'), manifest, {.examples = 3, .loss = 1}, delta, first->state);
  REQUIRE(second.ok());
  CHECK(link_->uploads[0] == *second->bytes);
  CHECK(*first->bytes != *second->bytes);
}

TEST_CASE_METHOD(ClientFixture,
                 "a trainer that fails or throws fails its task") {
  SECTION("with an error") {
    trainer_.train = [](auto, auto&) { return absl::InternalError("no data"); };
    Run(Task('a'));
    CHECK(failure_ == "no data");
  }
  SECTION("with an exception") {
    trainer_.train = [](auto, auto&) -> absl::StatusOr<TrainResult> {
      throw std::runtime_error("boom");
    };
    Run(Task('a'));
    CHECK(failure_ == "the trainer threw: boom");
  }
  SECTION("with what is no std::exception") {
    trainer_.train = [](auto, auto&) -> absl::StatusOr<TrainResult> {
      throw 42;
    };
    Run(Task('a'));
    CHECK(failure_ == "the trainer threw what is no std::exception");
  }
  SECTION("with too little memory") {
    trainer_.train = [](auto, auto&) -> absl::StatusOr<TrainResult> {
      throw std::bad_alloc();
    };
    Run(Task('a'));
    CHECK(failure_ == "out of memory");
  }
  SECTION("with a delta that is not finite") {
    trainer_.train = [](std::span<float> delta, auto&) {
      delta[3] = std::numeric_limits<float>::quiet_NaN();
      return TrainResult{.examples = 1, .loss = 0};
    };
    Run(Task('a'));
    CHECK(failure_ == "the delta of w is not finite at 3");
  }
  SECTION("by not evaluating") {
    v1::Task task = Task('a');
    task.set_kind(v1::Task::EVALUATE);
    Run(task);
    CHECK(failure_ == "this client's trainer does not evaluate");
  }
  CHECK(status_.ok());
  CHECK(sent_.count(v1::ClientMessage::kUpdateReady) == 0);
}

TEST_CASE_METHOD(ClientFixture, "a cancelled task stops its trainer") {
  std::atomic<bool> cancelled = false;
  trainer_.train =
      [&](auto, const TaskContext& context) -> absl::StatusOr<TrainResult> {
    // The test's coordinator speaks from the client's thread only, so the
    // cancellation is what Stop brings.
    client_->Stop();
    while (!context.Cancelled()) std::this_thread::yield();
    cancelled = true;
    return absl::CancelledError();
  };
  Run(Task('a'));
  CHECK(status_.ok());
  client_.reset();
  CHECK(cancelled);
}

TEST_CASE_METHOD(ClientFixture,
                 "a client draws its own noise for a task once, whatever "
                 "process it is") {
  const auto noised = [this](char letter) {
    v1::Task task = Task(letter);
    task.mutable_update()->set_encoding(v1::UpdatePlan::PACKED);
    task.mutable_update()->set_bits(12);
    task.mutable_update()->set_max_weight(1);
    v1::IntegerUpdate& integers = *task.mutable_integers();
    integers.set_word_bits(28);
    integers.set_clip_norm(1);
    integers.set_norm_bound(3'000);
    integers.set_noise(v1::IntegerUpdate::DISCRETE_GAUSSIAN);
    integers.set_noise_variance(1'000'000);
    return task;
  };
  // With one process the stream breaks, and the same bytes go up again.
  Make([&](MemoryLink& link, const v1::ClientMessage& message) {
    if (message.has_hello()) link.Say(Welcome());
    if (message.has_check_in()) link.Say(Offer(noised('a')));
    if (message.has_update_ready()) link.Say(Grant(noised('a'), 0));
  });
  link_->uploaded = [this](MemoryLink& link) {
    link.uploads.size() == 1 ? link.HangUp() : client_->Stop();
  };
  REQUIRE(client_->Run().ok());
  REQUIRE(link_->uploads.size() == 2);
  const UpdateBytes first = link_->uploads[0];
  CHECK(link_->uploads[1] == first);

  // Another is offered the same, for no verdict came.
  Run(noised('a'));
  CHECK(failure_ == "the task failed on the client, whose log says why");
  CHECK(link_->uploads.empty());
  CHECK(sent_.count(v1::ClientMessage::kUpdateReady) == 0);

  Run(noised('b'));
  CHECK(status_.ok());
  REQUIRE(link_->uploads.size() == 1);
  CHECK(link_->uploads[0] != first);
}

TEST_CASE_METHOD(ClientFixture, "a lost stream is joined again") {
  int hellos = 0;
  Make([&](MemoryLink& link, const v1::ClientMessage& message) {
    if (message.has_hello()) {
      if (++hellos < 5) return link.HangUp();
      link.Say(Welcome());
    }
    if (message.has_check_in()) client_->Stop();
  });
  CHECK(client_->Run().ok());
  CHECK(hellos == 5);
}

TEST_CASE_METHOD(ClientFixture,
                 "a client whose coordinator is gone goes to its fallbacks") {
  options_.fallbacks = {"localhost:2", "localhost:3"};
  options_.patience = std::chrono::milliseconds(20);
  Make([&](MemoryLink& link, const v1::ClientMessage& message) {
    if (message.has_hello()) {
      if (link.addresses.back() != "localhost:3") return link.HangUp();
      link.Say(Welcome());
    }
    if (message.has_check_in()) client_->Stop();
  });
  CHECK(client_->Run().ok());
  CHECK(link_->addresses.front() == "localhost:1");
  CHECK(std::ranges::count(link_->addresses, "localhost:2") > 0);
  CHECK(link_->addresses.back() == "localhost:3");
}

TEST_CASE_METHOD(ClientFixture,
                 "a client gives one update for a task, whatever process it is "
                 "and under whatever token it is asked") {
  Run(Task('a'));
  CHECK(status_.ok());
  v1::Task again = Task('a');
  again.set_task_token(std::string(16, 'z'));
  Run(again);
  CHECK(failure_ ==
        "this client's update of round 3, attempt 0 of run run-1 was "
        "acknowledged already");
  CHECK(link_->uploads.empty());
  // Whoever acknowledged it may ask for the rest of its session.
  failure_.clear();
  Run(Task('a'));
  CHECK(failure_.empty());
}

TEST_CASE_METHOD(ClientFixture, "waiting costs no processor time") {
  Make([&](MemoryLink& link, const v1::ClientMessage& message) {
    if (message.has_hello()) link.Say(Welcome());
    if (message.has_check_in()) {
      link.Say(
          ComeBackIn(std::chrono::seconds(200), std::chrono::seconds(200)));
    }
  });
  std::thread running([&] { status_ = client_->Run(); });
  client_->Stop();
  running.join();
  CHECK(status_.ok());
  // Run again and let a third of a second pass on a clock, not in a sleep: a
  // spinning client would burn it.
  std::condition_variable never;
  std::mutex mutex;
  std::thread again([&] { status_ = client_->Run(); });
  timespec before{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  {
    std::unique_lock lock(mutex);
    never.wait_for(lock, std::chrono::milliseconds(300));
  }
  timespec after{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  client_->Stop();
  again.join();
  const double used = static_cast<double>(after.tv_sec - before.tv_sec) +
                      static_cast<double>(after.tv_nsec - before.tv_nsec) / 1e9;
  CHECK(used < 0.1);
}

TEST_CASE_METHOD(ClientFixture,
                 "a second client on the same state is refused") {
  Make([](MemoryLink&, const v1::ClientMessage&) {});
  const auto other =
      MakeClient(options_, trainer_, nullptr, std::make_unique<SystemRandom>());
  CHECK(absl::IsFailedPrecondition(other.status()));
}

}  // namespace
}  // namespace tributary
