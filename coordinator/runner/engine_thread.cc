// SPDX-License-Identifier: Apache-2.0
// The engine thread: jobs -> steps -> one commit -> effects, over and over.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "coordinator/runner/runner.h"

namespace tributary::coordinator {
namespace {

// Jobs of one commit: more make the first of them wait longer for its answer.
constexpr std::size_t kMaxBatch = 1'024;
constexpr std::chrono::milliseconds kFirstRetry{50};
constexpr std::chrono::milliseconds kLastRetry{2'000};
constexpr std::chrono::seconds kExpiryPeriod{1};

}  // namespace

void Runner::Loop() {
  while (true) {
    for (Job& job : TakeJobs()) job();
    Tick();
    if (!Commit()) return;
    for (Job& effect : std::exchange(outbox_, {})) effect();
    for (Run* run : std::exchange(changed_, {})) Publish(*run);
    for (Job& reply : std::exchange(replies_, {})) reply();
    // Effects may have made events of their own.
    if (!batch_.empty() || !outbox_.empty()) Post([] {});
    const std::lock_guard lock(queue_mutex_);
    if (is_stopping_ && queue_.empty()) return;
  }
}

std::deque<Runner::Job> Runner::TakeJobs() {
  std::unique_lock lock(queue_mutex_);
  const auto is_ready = [this] { return is_stopping_ || !queue_.empty(); };
  const SteadyTime wake = NextWake();
  if (wake == SteadyTime::max()) {
    queue_changed_.wait(lock, is_ready);
  } else {
    queue_changed_.wait_for(lock, wake - clock_(), is_ready);
  }
  if (queue_.size() <= kMaxBatch) return std::exchange(queue_, {});
  std::deque<Job> jobs(std::make_move_iterator(queue_.begin()),
                       std::make_move_iterator(queue_.begin() + kMaxBatch));
  queue_.erase(queue_.begin(), queue_.begin() + kMaxBatch);
  return jobs;
}

SteadyTime Runner::NextWake() const {
  SteadyTime wake = SteadyTime::max();
  if (!timers_.empty()) wake = timers_.begin()->first;
  for (const auto& [population, run] : latest_) {
    if (run->wake) wake = std::min(wake, run->WhenIs(*run->wake));
  }
  if (desk_.in_flight() > 0) {
    wake = std::min(wake, last_expiry_ + kExpiryPeriod);
  }
  return wake;
}

void Runner::At(SteadyTime when, Job job) {
  timers_.emplace(when, std::move(job));
}

void Runner::Tick() {
  const SteadyTime now = clock_();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const Job job = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    job();
  }
  for (const auto& [population, run] : latest_) {
    if (run->wake && *run->wake <= run->Now(now)) Happen(*run, round::Tick{});
  }
  if (now - last_expiry_ >= kExpiryPeriod) {
    last_expiry_ = now;
    desk_.Expire();
  }
}

void Runner::Happen(Run& run, const round::Event& event) {
  const checkpoint::TimedEvent step{event, run.Now(clock_())};
  std::vector<round::Effect> effects = run.engine->Step(step.event, step.now);
  run.wake.reset();
  for (const round::Effect& effect : effects) {
    if (const auto* wake = std::get_if<round::WakeAt>(&effect)) {
      run.wake = wake->when;
    }
  }
  if (std::holds_alternative<round::Tick>(event) && effects.empty()) return;
  for (const round::Effect& effect : effects) {
    const auto* accept = std::get_if<round::AcceptUpdate>(&effect);
    if (accept == nullptr) continue;
    // Out of reach of what this batch still has to clean up for the client: the
    // journal names this update's place.
    const UploadKey key{accept->client, accept->token};
    auto update = run.kept.extract(key);
    if (update.empty()) update = run.arrived.extract(key);
    run.counted.insert(std::move(update));
  }
  if (const auto* arrived = std::get_if<round::UpdateArrived>(&event)) {
    KeepForNext(run, {arrived->client, arrived->token});
  } else if (std::holds_alternative<round::Restarted>(event)) {
    // The engine counts on none of them any more.
    for (const auto& [key, update] : run.kept) desk_.Drop(key);
    run.kept.clear();
  }
  // The engine of a run that is over only answers; nothing of it is kept.
  if (!run.IsOver()) Record(run, step, effects, ledger_, batch_);
  changed_.insert(&run);
  for (round::Effect& effect : effects) {
    if (run.plan.has_hierarchy()) NoteSums(run, event, effect);
    outbox_.push_back(
        [this, &run, effect = std::move(effect)] { Perform(run, effect); });
  }
}

// Beside what else comes for the same task: that is refused, and goes.
void Runner::KeepForNext(Run& run, const UploadKey& key) {
  const auto& tasks = run.engine->state().open_tasks;
  const auto task = tasks.find(key.client);
  if (task == tasks.end() || task->second.token != key.token ||
      !task->second.arrived) {
    return;
  }
  auto update = run.arrived.extract(key);
  if (update.empty() || run.kept.contains(key)) return;
  update.mapped().slot->Close();
  run.kept.insert(std::move(update));
}

bool Runner::Commit() {
  clients_.AddChanges(batch_);
  if (batch_.empty()) return true;
  auto pause = kFirstRetry;
  while (true) {
    const absl::Status status = disk_.store->Commit(batch_);
    if (status.ok()) break;
    if (absl::IsAlreadyExists(status)) {
      // Not the disk: an update counted twice, or an event journaled twice. To
      // go on would break what was promised.
      std::fprintf(stderr, "broken: %s\n", status.ToString().c_str());
      std::abort();
    }
    metrics_.Count("tributary_journal_failures_total");
    if (health_.Set("journal", status)) ShowHealth();
    board_.Greet();
    std::unique_lock lock(queue_mutex_);
    if (is_stopping_) return false;
    queue_changed_.wait_for(lock, pause, [this] { return is_stopping_; });
    pause = std::min(pause * 2, kLastRetry);
  }
  metrics_.Count("tributary_journal_commits_total");
  batch_.clear();
  if (health_.Set("journal", absl::OkStatus())) ShowHealth();
  return true;
}

void Runner::ShowHealth() {
  const absl::Status health = Health();
  const std::string why(health.message());
  board_.ShowPaused(why);
  if (health.ok()) {
    Log(Level::kInfo, "going on", {});
  } else {
    Log(Level::kError, "paused", {{"error", why}});
  }
}

}  // namespace tributary::coordinator
