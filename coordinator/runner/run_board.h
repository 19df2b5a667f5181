// SPDX-License-Identifier: Apache-2.0
// What operators see of the runs: the engine thread writes it, everybody reads
// it without waiting for the engine.
//
// Threads: any. Watchers are called by Publish's and ShowPaused's thread, with
// no lock of the board held.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/runner/coordinator.h"
#include "tributary/v1/admin.pb.h"

namespace tributary::coordinator {

class RunBoard {
 public:
  static constexpr int kMaxRounds = 200;

  // Changes what is shown of a run (added, if it is new, after all others).
  void Publish(const std::string& run,
               const std::function<void(v1::RunDetail&)>& change);
  // Rounds whose model is kept; 0 is the first model.
  void SetModels(const std::string& run, std::map<int, Digest> models);
  // 0: the latest.
  absl::StatusOr<Digest> Model(const std::string& run, int round) const;
  // While `why` is not empty, running runs are shown as paused, with it.
  void ShowPaused(const std::string& why);
  // Calls the watches that have not seen the state yet.
  void Greet();

  v1::ListRunsReply List(const v1::ListRunsRequest& request) const;
  absl::StatusOr<v1::RunDetail> Get(const std::string& run) const;
  // The callback comes with the next Greet or Publish.
  absl::StatusOr<std::unique_ptr<Coordinator::Watch>> Watch(
      const std::string& run,
      std::function<void(const v1::RunDetail&)> callback);

 private:
  // One watch; shared by the board and the Watch object that its owner holds.
  struct Watcher {
    // Recursive: the callback may destroy its own watch.
    std::recursive_mutex mutex;
    std::function<void(const v1::RunDetail&)> callback;
    bool is_new = true;
  };
  class Handle;
  struct Entry {
    v1::RunDetail detail;
    std::vector<std::weak_ptr<Watcher>> watchers;
    std::map<int, Digest> models;
  };
  v1::RunDetail Shown(const Entry& entry) const;
  enum class Watchers { kAll, kNew };
  // Shows the run's state to these.
  void Call(const std::string& run, Watchers whom);

  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> order_;
  std::string paused_;
};

}  // namespace tributary::coordinator
