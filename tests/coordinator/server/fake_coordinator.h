// SPDX-License-Identifier: Apache-2.0
// A Coordinator that takes everything and remembers it, for tests of the
// server. Thread-safe.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/runner/coordinator.h"

namespace tributary::testing {

class FakeCoordinator final : public coordinator::Coordinator {
 public:
  using Identity = coordinator::Identity;
  using Upload = coordinator::Upload;
  using ModelFile = coordinator::ModelFile;

  // What the fake knows and was told; read and changed under the lock.
  struct State {
    std::map<coordinator::StreamId, std::shared_ptr<coordinator::Peer>> peers;
    std::vector<Identity> joined;
    int left = 0;
    std::vector<v1::ClientMessage> received;
    std::vector<round::Refusal> refusals;
    std::set<std::string> revoked;
    std::shared_ptr<const secagg::Authority> authority;
    // By task token: what came, and how often Finish was called.
    std::map<std::string, std::string> uploads;
    std::map<std::string, int> finished;
    std::map<std::string, std::string> uploaders;
    // Bytes an upload must have for Finish to be OK.
    std::size_t upload_size = 0;
    int open_uploads = 0;
    int opened_models = 0;
    std::map<Digest, std::string> models;
    std::vector<std::size_t> blob_chunks;
    std::vector<v1::Plan> plans;
    std::vector<v1::LedgerPage> ledger;
    v1::RunDetail detail;
    std::vector<std::pair<int, std::function<void(const v1::RunDetail&)>>>
        watchers;
    // What the parent asked.
    struct Taken {
      v1::Task task;
      std::vector<std::string> without;
      std::shared_ptr<coordinator::TaskListener> listener;
    };
    std::vector<Taken> tasks;
    std::vector<coordinator::TaskName> counted;
    std::vector<coordinator::TaskName> ended;
    absl::Status health;
    coordinator::StreamId next = 1;
  };

  template <typename Read>
  auto With(const Read& read) {
    const Holder lock(*this);
    return read(state_);
  }
  // Waits until the condition holds; false after 20 s.
  template <typename Condition>
  bool Await(const Condition& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      return static_cast<bool>(condition(state_));
    });
  }

  absl::StatusOr<coordinator::StreamId> Join(
      const Identity& identity, const v1::Hello& hello,
      std::shared_ptr<coordinator::Peer> peer) override {
    if (hello.min_wire_version() > 1) {
      return absl::FailedPreconditionError("no wire version in common");
    }
    v1::ServerMessage message;
    message.mutable_welcome()->set_wire_version(1);
    message.mutable_welcome()->set_client_name(identity.name);
    message.mutable_welcome()->set_role(identity.role);
    peer->Send(message);
    const Holder lock(*this);
    state_.joined.push_back(identity);
    state_.peers[state_.next] = std::move(peer);
    return state_.next++;
  }
  void Receive(coordinator::StreamId,
               const v1::ClientMessage& message) override {
    const Holder lock(*this);
    state_.received.push_back(message);
  }
  void Leave(coordinator::StreamId stream) override {
    std::shared_ptr<coordinator::Peer> gone;
    const Holder lock(*this);
    gone = std::move(state_.peers[stream]);
    state_.peers.erase(stream);
    ++state_.left;
  }
  absl::StatusOr<std::unique_ptr<Upload>> OpenUpload(
      const Identity& identity, const v1::UploadHeader& header) override;
  absl::StatusOr<std::unique_ptr<ModelFile>> OpenModel(
      const Digest& digest) override;
  void SetAuthority(
      std::shared_ptr<const secagg::Authority> authority) override {
    const Holder lock(*this);
    state_.authority = std::move(authority);
  }
  void SetRevoked(std::vector<std::string> serials) override {
    const Holder lock(*this);
    state_.revoked = {serials.begin(), serials.end()};
  }
  bool IsRevoked(const std::string& serial) const override {
    const Holder lock(*this);
    return state_.revoked.contains(serial);
  }
  void CountRefusal(round::Refusal reason) override {
    const Holder lock(*this);
    state_.refusals.push_back(reason);
  }

  absl::StatusOr<Digest> StoreBlob(const Source& source) override;
  absl::StatusOr<v1::RunSummary> Submit(const v1::Plan& plan,
                                        const Digest& weights,
                                        const Digest* archive) override;
  v1::ListRunsReply ListRuns(const v1::ListRunsRequest&) override {
    v1::ListRunsReply reply;
    reply.add_runs()->set_run("run-1");
    return reply;
  }
  absl::StatusOr<v1::RunDetail> GetRun(const std::string& run) override {
    const Holder lock(*this);
    if (run != "run-1") return absl::NotFoundError("no run " + run);
    return state_.detail;
  }
  absl::StatusOr<std::unique_ptr<Watch>> WatchRun(
      const std::string& run,
      std::function<void(const v1::RunDetail&)> callback) override;
  absl::Status TakeTask(
      const v1::Task& task, std::vector<std::string> without,
      std::shared_ptr<coordinator::TaskListener> listener) override {
    const Holder lock(*this);
    state_.tasks.push_back({task, std::move(without), std::move(listener)});
    return absl::OkStatus();
  }
  absl::Status SumCounts(const coordinator::TaskName& task) override {
    const Holder lock(*this);
    state_.counted.push_back(task);
    return absl::OkStatus();
  }
  absl::Status EndTask(const coordinator::TaskName& task) override {
    const Holder lock(*this);
    state_.ended.push_back(task);
    return absl::OkStatus();
  }
  absl::StatusOr<v1::RunSummary> StopRun(const std::string& run) override {
    v1::RunSummary summary;
    summary.set_run(run);
    summary.set_state(v1::STOPPED);
    return summary;
  }
  absl::StatusOr<Digest> ModelOf(const std::string&, int) override {
    const Holder lock(*this);
    if (state_.models.empty()) return absl::NotFoundError("no model yet");
    return state_.models.begin()->first;
  }
  absl::Status ReadLedger(
      const v1::ReadLedgerRequest&,
      const std::function<bool(const v1::LedgerPage&)>& take) override {
    const std::vector<v1::LedgerPage> pages =
        With([](const State& state) { return state.ledger; });
    for (const v1::LedgerPage& page : pages) {
      if (!take(page)) break;
    }
    return absl::OkStatus();
  }
  v1::ListClientsReply ListClients(const v1::ListClientsRequest&) override {
    return {};
  }
  std::vector<coordinator::Metric> Metrics() const override {
    using Kind = coordinator::Metric::Kind;
    return {{"tributary_refusals_total",
             "Refused.",
             Kind::kCounter,
             {{"reason", "revoked"}},
             1},
            {"tributary_runs", "Runs.", Kind::kGauge, {}, 2},
            {"tributary_refusals_total",
             "Refused.",
             Kind::kCounter,
             {{"reason", "too_late"}},
             3}};
  }
  absl::Status Health() const override {
    const Holder lock(*this);
    return state_.health;
  }
  void Drain(std::chrono::milliseconds) override {}

  // Reports this state of the run to its watchers.
  void Report(const v1::RunDetail& detail);

 private:
  class FakeUpload;
  class FakeFile;
  class FakeWatch;

  // Holds the lock; whoever waits looks at the state again afterwards.
  class Holder {
   public:
    explicit Holder(const FakeCoordinator& fake)
        : fake_(fake), lock_(fake.mutex_) {}
    ~Holder() { fake_.changed_.notify_all(); }

   private:
    const FakeCoordinator& fake_;
    const std::lock_guard<std::mutex> lock_;
  };

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  State state_;
};

}  // namespace tributary::testing
