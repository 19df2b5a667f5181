// SPDX-License-Identifier: Apache-2.0
// A coordinator in a temporary folder and clients that talk to it in memory.
// The clients react to one letter (a message of the coordinator) at a time, in
// the order they come, on the test's thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/runner/coordinator.h"
#include "tests/coordinator/runner/oracle.h"
#include "tests/coordinator/store/temp_folder.h"

namespace tributary::testing {

struct Letter {
  std::string to;
  v1::ServerMessage message;
  absl::Status closed;  // not OK: the stream was ended with this
};

// Where the peers of all clients leave what they get.
class Mailroom {
 public:
  // Shown each letter as it is sent, on the coordinator's threads. To be set
  // while nothing is.
  std::function<void(const Letter&)> overhear;

  void Put(Letter letter);
  // The next letter, or nullopt after `limit`.
  std::optional<Letter> Take(std::chrono::milliseconds limit);
  // The next letter that `wanted` accepts; the others are thrown away. Fails
  // the test after 20 s.
  Letter Await(const std::function<bool(const Letter&)>& wanted);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Letter> letters_;
};

class Federation {
 public:
  explicit Federation(int fold_threads = 2);
  ~Federation();

  coordinator::Coordinator& coordinator() { return *coordinator_; }
  const std::filesystem::path& folder() const { return folder_.path(); }
  coordinator::Options& options() { return options_; }
  Mailroom& mail() { return *mail_; }

  // ---- the coordinator ----
  void Open();
  void Close();
  // From now on, after a restart, the coordinator's time is this.
  void SetClock(std::function<std::chrono::steady_clock::time_point()> clock);
  // The name of the run.
  std::string Submit(const v1::Plan& plan);
  // The same of a plan that Submit refuses: the run is put into the state
  // folder, from which it goes on as any run does after a restart.
  std::string Begin(const v1::Plan& plan);
  // Returns once the coordinator has looked at its clock and done all that
  // follows from this and from what it was told: but for what it does beside
  // its engines (syncs of updates, sums, models).
  void Settle();
  v1::RunDetail Show(const std::string& run);
  std::string ModelBytes(const Digest& digest);
  std::string ModelBytes(const std::string& run, int round);
  double MetricOf(const std::string& name,
                  const std::map<std::string, std::string>& labels);

  // ---- clients ----
  void Join(const std::string& client, const std::string& population = "pumps",
            v1::Role role = v1::TRAINER, const std::string& serial = "");
  // An aggregator, with this session on its disk; its welcome is a letter.
  void JoinAggregator(const std::string& aggregator, std::uint64_t session,
                      const std::string& population = "pumps");
  // Its stream ends.
  void Leave(const std::string& client);
  void Say(const std::string& client, const v1::ClientMessage& message);
  void CheckIn(const std::string& client);
  void Announce(const std::string& client, const v1::UpdateHeader& header);
  // Header, bytes in pieces, end.
  absl::Status Upload(const std::string& client, const TestUpdate& update,
                      std::uint64_t offset);
  v1::Task AwaitTask(const std::string& client);
  v1::UploadGrant AwaitGrant(const std::string& client);
  v1::Verdict AwaitVerdict(const std::string& client);
  // Task in hand, through announcement, grant and upload, to the verdict.
  v1::Verdict Return(const std::string& client, const TestUpdate& update);

  // A client as it should be: reacts to one letter.
  void React(const Letter& letter);
  // The next letter, or nullopt once `run` is over: its end may come while
  // nobody has a letter to wait for. Fails the test after 30 s of neither.
  std::optional<Letter> NextLetter(const std::string& run);
  // Lets all clients of `population` join, check in, and react until the run is
  // over; `before` is called before each letter with its number.
  void Drive(const std::string& run, const std::vector<std::string>& clients,
             const std::function<void(int)>& before = nullptr);
  // Joins and checks in again after a restart.
  void ComeBack(const std::vector<std::string>& clients);

  // The updates the good clients made, by round: what the oracle needs.
  std::vector<std::vector<TestUpdate>> Updates() const;
  // The same, by the token of their task.
  const std::map<std::string, TestUpdate>& UpdatesByToken() const {
    return by_token_;
  }

 private:
  Digest StoreFirstModel();
  void Join(const coordinator::Identity& identity, const v1::Hello& hello);

  TempFolder folder_;
  coordinator::Options options_;
  std::shared_ptr<Mailroom> mail_;
  std::unique_ptr<coordinator::Coordinator> coordinator_;
  std::map<std::string, coordinator::StreamId> streams_;
  std::map<std::string, coordinator::Identity> identities_;
  std::map<std::string, TestUpdate> at_work_;  // by client
  std::map<int, std::map<std::string, TestUpdate>> made_;
  std::map<std::string, TestUpdate> by_token_;
};

std::vector<std::string> ClientNames(int count);

}  // namespace tributary::testing
