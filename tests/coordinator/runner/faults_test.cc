// SPDX-License-Identifier: Apache-2.0
// A disk that cannot be written or read: really so, by a limit on the size of
// files, and by descriptors that do not allow it.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/coordinator/runner/federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

// While it lives no file of this process can grow past `bytes`, nor be written
// beyond them.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  const rlimit& before() const { return before_; }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

// A watch that a test can wait on.
class Watched {
 public:
  Watched(coordinator::Coordinator& coordinator, const std::string& run) {
    auto watch = coordinator.WatchRun(run, [this](const v1::RunDetail& detail) {
      const std::lock_guard lock(mutex_);
      state_ = detail.summary().state();
      changed_.notify_all();
    });
    REQUIRE(watch.ok());
    watch_ = *std::move(watch);
  }
  void Await(v1::RunState state) {
    std::unique_lock lock(mutex_);
    CHECK(changed_.wait_for(lock, std::chrono::seconds(20),
                            [&] { return state_ == state; }));
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  v1::RunState state_ = v1::RUN_STATE_UNSPECIFIED;
  std::unique_ptr<coordinator::Coordinator::Watch> watch_;
};

TEST_CASE("a journal that cannot be written pauses, and nothing is lost") {
  const v1::Plan plan = MakePlan({.clients = 1, .min_updates = 1, .rounds = 1});
  Federation federation;
  const std::string run = federation.Submit(plan);
  Watched watched(federation.coordinator(), run);
  watched.Await(v1::RUNNING);
  federation.Join("client-0");
  {
    const FullDisk full(0);
    federation.CheckIn("client-0");
    watched.Await(v1::PAUSED);
    CHECK_FALSE(federation.coordinator().Health().ok());
    CHECK(federation.Show(run).summary().state() == v1::PAUSED);
    // Others are sent away meanwhile.
    federation.Join("client-1");
    federation.CheckIn("client-1");
    const Letter letter = federation.mail().Await([](const Letter& one) {
      CHECK_FALSE(one.message.has_task());  // not before it is durable
      return one.message.has_come_back();
    });
    CHECK(letter.to == "client-1");
    v1::UploadHeader header;
    header.set_task_token(std::string(16, 'x'));
    CHECK(absl::IsResourceExhausted(
        federation.coordinator()
            .OpenUpload({.name = "client-1", .role = v1::TRAINER, .serial = {}},
                        header)
            .status()));
    CHECK(absl::IsUnavailable(federation.coordinator().StopRun(run).status()));
  }
  // The event that could not be written was kept.
  const v1::Task task = federation.AwaitTask("client-0");
  watched.Await(v1::RUNNING);
  CHECK(federation.coordinator().Health().ok());
  const TestUpdate update = MakeUpdate(task);
  CHECK(federation.Return("client-0", update).accepted());
  watched.Await(v1::FINISHED);
  CHECK(federation.ModelBytes(run, 1) == OracleModels(plan, {{update}}).back());
}

TEST_CASE("a client that floods is put off its stream and waits no longer") {
  Federation federation;
  const std::string run = federation.Submit(
      MakePlan({.clients = 3, .min_updates = 3, .rounds = 1}));
  Watched watched(federation.coordinator(), run);
  watched.Await(v1::RUNNING);
  federation.Join("flood");
  federation.CheckIn("flood");
  federation.Join("client-0");
  {
    // While the journal waits for its disk, messages pile up.
    const FullDisk full(0);
    federation.CheckIn("client-0");
    watched.Await(v1::PAUSED);
    v1::ClientMessage message;
    message.mutable_task_failed()->set_task_token(std::string(16, 'x'));
    for (int i = 0; i < 100; ++i) federation.Say("flood", message);
    const Letter closed = federation.mail().Await(
        [](const Letter& letter) { return !letter.closed.ok(); });
    CHECK(closed.to == "flood");
    CHECK(absl::IsResourceExhausted(closed.closed));
  }
  watched.Await(v1::RUNNING);
  // The round needs both: the place of the one that is gone is free.
  for (const char* client : {"client-1", "client-2"}) {
    federation.Join(client);
    federation.CheckIn(client);
  }
  CHECK(federation.AwaitTask("client-2").round() == 1);
}

TEST_CASE("an operator's request does not hold the end on a full disk") {
  Federation federation;
  const std::string run = federation.Submit(
      MakePlan({.clients = 1, .min_updates = 1, .rounds = 1}));
  Watched watched(federation.coordinator(), run);
  watched.Await(v1::RUNNING);
  const FullDisk full(0);
  // It begins while the disk still seems fine.
  auto stopped = std::async(std::launch::async, [&] {
    return federation.coordinator().StopRun(run).status();
  });
  watched.Await(v1::PAUSED);
  federation.coordinator().Drain(std::chrono::milliseconds(0));
  CHECK(stopped.wait_for(std::chrono::seconds(20)) ==
        std::future_status::ready);
  // What it waits for comes at the latest when the disk is back.
  ::setrlimit(RLIMIT_FSIZE, &full.before());
  CHECK(absl::IsUnavailable(stopped.get()));
}

// A run of one round and one client, whose upload is granted.
struct GrantedUpload {
  v1::Plan plan = MakePlan({.clients = 1, .min_updates = 1, .rounds = 1});
  Federation federation;
  std::string run = federation.Submit(plan);
  Watched watched{federation.coordinator(), run};
  TestUpdate update;

  GrantedUpload() {
    federation.Join("client-0");
    federation.CheckIn("client-0");
    update = MakeUpdate(federation.AwaitTask("client-0"));
    federation.Announce("client-0", update.header);
    federation.AwaitGrant("client-0");
  }
};

TEST_CASE_METHOD(
    GrantedUpload,
    "a spool that cannot be written pauses, and the upload goes on") {
  {
    // The journal is shorter than this, the update is not.
    const FullDisk full(500'000);
    CHECK(absl::IsResourceExhausted(federation.Upload("client-0", update, 0)));
    watched.Await(v1::PAUSED);
  }
  watched.Await(v1::RUNNING);
  federation.Announce("client-0", update.header);
  const v1::UploadGrant grant = federation.AwaitGrant("client-0");
  CHECK(grant.offset() > 0);
  CHECK(federation.Upload("client-0", update, grant.offset()).ok());
  CHECK(federation.AwaitVerdict("client-0").accepted());
  watched.Await(v1::FINISHED);
}

TEST_CASE_METHOD(
    GrantedUpload,
    "a model that cannot be written is made once it can") {
  // The update is in the spool but for its end; the model is longer than that.
  TestUpdate most = update;
  most.bytes.resize(most.bytes.size() - 8);
  CHECK(absl::IsOutOfRange(federation.Upload("client-0", most, 0)));
  federation.Announce("client-0", update.header);
  const std::uint64_t offset = federation.AwaitGrant("client-0").offset();
  {
    const FullDisk full(update.bytes.size());
    CHECK(federation.Upload("client-0", update, offset).ok());
    CHECK(federation.AwaitVerdict("client-0").accepted());
    watched.Await(v1::PAUSED);
  }
  watched.Await(v1::FINISHED);
  CHECK(federation.ModelBytes(run, 1) == OracleModels(plan, {{update}}).back());
}

// While it lives, this process's descriptors of the file can write it but not
// read it.
class Unreadable {
 public:
  explicit Unreadable(const std::filesystem::path& path) {
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      const auto target = std::filesystem::read_symlink(entry.path(), gone);
      if (gone || target != path) continue;
      const int descriptor = std::stoi(entry.path().filename().string());
      swapped_.emplace_back(descriptor, ::dup(descriptor));
    }
    for (const auto& [descriptor, saved] : swapped_) {
      const int unreadable = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
      REQUIRE(Swap(unreadable, descriptor) == descriptor);
      ::close(unreadable);
    }
    REQUIRE_FALSE(swapped_.empty());
  }
  ~Unreadable() {
    for (const auto& [descriptor, saved] : swapped_) {
      Swap(saved, descriptor);
      ::close(saved);
    }
  }

 private:
  // What dup2 does, but unseen by ThreadSanitizer: it would take the swap for
  // one of our own that no lock orders with the reader's use of its descriptor.
  static long Swap(int from, int to) {
    return ::syscall(SYS_dup3, from, to, O_CLOEXEC);
  }

  std::vector<std::pair<int, int>> swapped_;  // and what they were
};

TEST_CASE_METHOD(
    GrantedUpload,
    "an accepted update that cannot be read pauses, and counts once") {
  v1::UploadHeader header;
  header.set_task_token(update.header.task_token());
  auto upload = federation.coordinator().OpenUpload(
      {.name = "client-0", .role = v1::TRAINER, .serial = {}}, header);
  REQUIRE(upload.ok());
  REQUIRE((*upload)
              ->Write(std::as_bytes(std::span<const char>(update.bytes)))
              .ok());
  {
    const Unreadable unreadable(
        std::filesystem::path(federation.options().state_folder) / "spool" /
        "1");
    CHECK((*upload)->Finish().ok());
    // It is on the disk: that it cannot be read does not unmake that.
    CHECK(federation.AwaitVerdict("client-0").accepted());
    watched.Await(v1::PAUSED);
    const absl::Status health = federation.coordinator().Health();
    CHECK(std::string(health.message()).find("read ") != std::string::npos);
  }
  watched.Await(v1::FINISHED);
  CHECK(federation.coordinator().Health().ok());
  CHECK(federation.ModelBytes(run, 1) == OracleModels(plan, {{update}}).back());
}

}  // namespace
}  // namespace tributary::testing
