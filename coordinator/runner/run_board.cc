// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/run_board.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::coordinator {

class RunBoard::Handle final : public Coordinator::Watch {
 public:
  explicit Handle(std::shared_ptr<Watcher> watcher)
      : watcher_(std::move(watcher)) {}
  ~Handle() override {
    // Waits for a call in progress on another thread.
    const std::lock_guard lock(watcher_->mutex);
    watcher_->callback = nullptr;
  }

 private:
  std::shared_ptr<Watcher> watcher_;
};

v1::RunDetail RunBoard::Shown(const Entry& entry) const {
  v1::RunDetail detail = entry.detail;
  if (!paused_.empty() && detail.summary().state() == v1::RUNNING) {
    detail.mutable_summary()->set_state(v1::PAUSED);
    detail.mutable_summary()->set_message(paused_);
  }
  return detail;
}

void RunBoard::Publish(const std::string& run,
                       const std::function<void(v1::RunDetail&)>& change) {
  {
    const std::lock_guard lock(mutex_);
    auto [entry, is_new] = entries_.try_emplace(run);
    if (is_new) order_.push_back(run);
    v1::RunDetail& detail = entry->second.detail;
    change(detail);
    const int excess = detail.rounds_size() - kMaxRounds;
    if (excess > 0) detail.mutable_rounds()->DeleteSubrange(0, excess);
    if (entry->second.watchers.empty()) return;
  }
  Call(run, Watchers::kAll);
}

void RunBoard::Call(const std::string& run, Watchers whom) {
  v1::RunDetail detail;
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_.at(run);
    std::erase_if(entry.watchers,
                  [](const auto& watcher) { return watcher.expired(); });
    for (const auto& watcher : entry.watchers) {
      if (auto held = watcher.lock()) watchers.push_back(std::move(held));
    }
    if (watchers.empty()) return;
    detail = Shown(entry);
  }
  for (const auto& watcher : watchers) {
    const std::lock_guard lock(watcher->mutex);
    if (whom == Watchers::kNew && !watcher->is_new) continue;
    watcher->is_new = false;
    // A copy, for the callback may destroy the original.
    const auto callback = watcher->callback;
    if (callback) callback(detail);
  }
}

void RunBoard::SetModels(const std::string& run, std::map<int, Digest> models) {
  const std::lock_guard lock(mutex_);
  entries_[run].models = std::move(models);
}

absl::StatusOr<Digest> RunBoard::Model(const std::string& run,
                                       int round) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(run);
  if (entry == entries_.end()) {
    return absl::NotFoundError(absl::StrCat("no run \"", run, "\""));
  }
  const std::map<int, Digest>& models = entry->second.models;
  if (round == 0 && !models.empty()) return models.rbegin()->second;
  const auto found = models.find(round);
  if (round > 0 && found != models.end()) return found->second;
  return absl::NotFoundError(
      absl::StrCat("run \"", run, "\" has no model of round ", round,
                   ": not released yet, or no longer kept"));
}

void RunBoard::ShowPaused(const std::string& why) {
  std::vector<std::string> runs;
  {
    const std::lock_guard lock(mutex_);
    if (paused_ == why) return;
    paused_ = why;
    runs = order_;
  }
  for (const std::string& run : runs) Call(run, Watchers::kAll);
}

void RunBoard::Greet() {
  std::vector<std::string> runs;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [run, entry] : entries_) {
      if (!entry.watchers.empty()) runs.push_back(run);
    }
  }
  for (const std::string& run : runs) Call(run, Watchers::kNew);
}

v1::ListRunsReply RunBoard::List(const v1::ListRunsRequest& request) const {
  constexpr std::size_t kDefaultLimit = 100;
  constexpr std::size_t kLargestLimit = 1000;
  const std::size_t limit =
      request.limit() == 0
          ? kDefaultLimit
          : std::min<std::size_t>(request.limit(), kLargestLimit);
  v1::ListRunsReply reply;
  const std::lock_guard lock(mutex_);
  auto next = order_.rbegin();
  if (!request.after().empty()) {
    next = std::find(order_.rbegin(), order_.rend(), request.after());
    if (next != order_.rend()) ++next;
  }
  for (; next != order_.rend() &&
         static_cast<std::size_t>(reply.runs_size()) < limit;
       ++next) {
    *reply.add_runs() = Shown(entries_.at(*next)).summary();
  }
  return reply;
}

absl::StatusOr<v1::RunDetail> RunBoard::Get(const std::string& run) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(run);
  if (found == entries_.end()) {
    return absl::NotFoundError(absl::StrCat("no run \"", run, "\""));
  }
  return Shown(found->second);
}

absl::StatusOr<std::unique_ptr<Coordinator::Watch>> RunBoard::Watch(
    const std::string& run,
    std::function<void(const v1::RunDetail&)> callback) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(run);
  if (found == entries_.end()) {
    return absl::NotFoundError(absl::StrCat("no run \"", run, "\""));
  }
  auto watcher = std::make_shared<Watcher>();
  watcher->callback = std::move(callback);
  found->second.watchers.push_back(watcher);
  return std::make_unique<Handle>(std::move(watcher));
}

}  // namespace tributary::coordinator
