// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/upload_desk.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/runner/transfer.h"

namespace tributary::coordinator {

// One connection's use of a transfer.
class SpoolUpload final : public Upload {
 public:
  SpoolUpload(UploadDesk& desk, std::shared_ptr<Transfer> transfer,
              std::uint64_t generation, std::uint64_t offset)
      : desk_(desk),
        transfer_(std::move(transfer)),
        generation_(generation),
        expected_(offset) {}
  ~SpoolUpload() override { BreakOff(); }

  absl::Status Write(std::span<const std::byte> bytes) override {
    return WritePieces({&bytes, 1});
  }

  absl::Status WritePieces(
      std::span<const std::span<const std::byte>> pieces) override {
    const std::lock_guard lock(transfer_->mutex());
    if (absl::Status status = Current(); !status.ok()) return status;
    Transfer::Outcome outcome = transfer_->Write(desk_.spool_, pieces);
    if (!outcome.IsFine()) return Fail(std::move(outcome));
    const std::uint64_t size = transfer_->received() - expected_;
    expected_ += size;
    desk_.Progress(key(), generation_);
    desk_.listener_.UploadReceived(size);
    return absl::OkStatus();
  }

  absl::Status Finish() override {
    const std::lock_guard lock(transfer_->mutex());
    if (absl::Status status = Current(); !status.ok()) return status;
    const std::uint64_t size = transfer_->terms().size;
    if (transfer_->received() < size) {
      transfer_->Rest();
      desk_.Break(key(), generation_);
      return absl::OutOfRangeError(absl::StrCat(transfer_->received(), " of ",
                                                size, " bytes have arrived"));
    }
    Transfer::Outcome outcome = transfer_->Check(desk_.spool_);
    if (!outcome.IsFine()) return Fail(std::move(outcome));
    transfer_->Rest();
    if (!desk_.End(key(), generation_)) return BrokenOff();
    desk_.listener_.UploadEnded({.terms = transfer_->terms(),
                                 .defect = round::Refusal::kNone,
                                 .detail = {},
                                 .update = transfer_->Spooled(),
                                 .leaves = transfer_->TakeLeaves()});
    return absl::OkStatus();
  }

  std::uint64_t received() const override { return transfer_->received(); }

 private:
  const UploadKey& key() const { return transfer_->terms().key; }
  static absl::Status BrokenOff() {
    return absl::AbortedError("the upload is not wanted any more");
  }
  absl::Status Current() const {
    // An older connection may have written after this one's grant was made.
    return desk_.IsCurrent(key(), generation_) &&
                   transfer_->received() == expected_
               ? absl::OkStatus()
               : BrokenOff();
  }
  void BreakOff() {
    const std::lock_guard lock(transfer_->mutex());
    // Not while a newer connection uses them.
    if (!desk_.IsCurrent(key(), generation_)) return;
    transfer_->Rest();
    desk_.Break(key(), generation_);
  }
  absl::Status Fail(Transfer::Outcome outcome) {
    transfer_->Rest();
    if (!outcome.status.ok()) {
      desk_.Break(key(), generation_);
      desk_.listener_.SpoolFailed(outcome.status);
      return absl::ResourceExhaustedError(absl::StrCat(
          "cannot write now: ", std::string(outcome.status.message())));
    }
    if (!desk_.End(key(), generation_)) return BrokenOff();
    absl::Status status = absl::InvalidArgumentError(absl::StrCat(
        std::string(round::Name(outcome.defect)), ": ", outcome.detail));
    desk_.listener_.UploadEnded({.terms = transfer_->terms(),
                                 .defect = outcome.defect,
                                 .detail = std::move(outcome.detail),
                                 .update = {}});
    return status;
  }

  UploadDesk& desk_;
  std::shared_ptr<Transfer> transfer_;
  const std::uint64_t generation_;
  // What the transfer has received if nobody else wrote.
  std::uint64_t expected_;
};

UploadDesk::UploadDesk(store::Spool& spool, int credits, SteadyClock clock,
                       UploadListener& listener)
    : spool_(spool),
      clock_(std::move(clock)),
      listener_(listener),
      credits_(credits),
      all_credits_(credits) {}

UploadDesk::~UploadDesk() = default;

// The one place where credits and counts move.
void UploadDesk::SetState(Entry& entry, State state) {
  const auto holds_credit = [](State s) {
    return s == State::kGranted || s == State::kOpen;
  };
  const auto is_unsettled = [&](State s) {
    return holds_credit(s) || s == State::kEnded;
  };
  credits_ += holds_credit(entry.state) - holds_credit(state);
  unsettled_ += is_unsettled(state) - is_unsettled(entry.state);
  entry.state = state;
  changed_.notify_all();
}

void UploadDesk::Grant(const UploadTerms& terms) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[terms.key];
  // Complete, and on its way to the engine, which will answer it.
  if (entry.state == State::kEnded) return;
  if (entry.transfer == nullptr || entry.transfer->terms() != terms) {
    entry.transfer = std::make_shared<Transfer>(terms);
  }
  ++entry.generation;
  if (entry.state != State::kQueued) {
    SetState(entry, State::kQueued);
    queue_.push_back(terms.key);
  }
  Pump();
}

void UploadDesk::Pump() {
  while (credits_ > 0 && !queue_.empty()) {
    const UploadKey key = std::move(queue_.front());
    queue_.pop_front();
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.state != State::kQueued) {
      continue;
    }
    Entry& entry = found->second;
    // A client that is away announces again when it is back.
    entry.opened_at = entry.transfer->received();
    const bool is_sent = listener_.SendGrant(key, entry.opened_at);
    SetState(entry, is_sent ? State::kGranted : State::kIdle);
    entry.since = clock_();
  }
}

void UploadDesk::Drop(const UploadKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  SetState(found->second, State::kIdle);
  entries_.erase(found);
  Pump();
}

void UploadDesk::DropRun(const std::string& run) {
  const std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    // What has ended is answered by the engine.
    if (entry->second.transfer->terms().run == run &&
        entry->second.state != State::kEnded) {
      SetState(entry->second, State::kIdle);
      entry = entries_.erase(entry);
    } else {
      ++entry;
    }
  }
  Pump();
}

void UploadDesk::DropClient(const round::ClientId& client) {
  const std::lock_guard lock(mutex_);
  for (auto entry = entries_.lower_bound({client, {}});
       entry != entries_.end() && entry->first.client == client;) {
    SetState(entry->second, State::kIdle);
    entry = entries_.erase(entry);
  }
  Pump();
}

absl::StatusOr<std::unique_ptr<Upload>> UploadDesk::Open(
    const round::ClientId& client, const v1::UploadHeader& header) {
  UploadKey key{client, {}};
  if (header.task_token().size() != key.token.bytes.size()) {
    return absl::InvalidArgumentError("task_token: not 16 bytes");
  }
  std::memcpy(key.token.bytes.data(), header.task_token().data(),
              key.token.bytes.size());
  const std::lock_guard lock(mutex_);
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    const auto anothers = std::find_if(
        entries_.begin(), entries_.end(),
        [&](const auto& entry) { return entry.first.token == key.token; });
    if (anothers != entries_.end() && !client.name.empty()) {
      return absl::PermissionDeniedError("the task is another client's");
    }
    // Without TLS a call names nobody, and the token says whose update it is.
    found = anothers;
  }
  if (found == entries_.end()) {
    return absl::FailedPreconditionError("no upload was granted for this task");
  }
  Entry& entry = found->second;
  if (entry.state != State::kGranted) {
    return absl::FailedPreconditionError(
        "no upload is granted for this task now; announce it again");
  }
  if (header.offset() != entry.opened_at) {
    return absl::OutOfRangeError(absl::StrCat("the upload goes on at byte ",
                                              entry.opened_at, ", not at ",
                                              header.offset()));
  }
  SetState(entry, State::kOpen);
  entry.since = entry.last_byte = clock_();
  return std::make_unique<SpoolUpload>(*this, entry.transfer, entry.generation,
                                       entry.opened_at);
}

bool UploadDesk::IsCurrent(const UploadKey& key,
                           std::uint64_t generation) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  return found != entries_.end() && found->second.state == State::kOpen &&
         found->second.generation == generation;
}

void UploadDesk::Progress(const UploadKey& key, std::uint64_t generation) {
  const SteadyTime now = clock_();
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.generation != generation) return;
  found->second.last_byte = now;
}

void UploadDesk::Break(const UploadKey& key, std::uint64_t generation) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.generation != generation ||
      found->second.state != State::kOpen) {
    return;
  }
  SetState(found->second, State::kIdle);
  Pump();
}

bool UploadDesk::End(const UploadKey& key, std::uint64_t generation) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.generation != generation ||
      found->second.state != State::kOpen) {
    return false;
  }
  SetState(found->second, State::kEnded);
  Pump();
  return true;
}

void UploadDesk::Expire() {
  const SteadyTime now = clock_();
  const std::lock_guard lock(mutex_);
  auto waiting = std::count_if(
      entries_.begin(), entries_.end(),
      [](const auto& entry) { return entry.second.state == State::kQueued; });
  for (auto& [key, entry] : entries_) {
    if (entry.state == State::kGranted) {
      if (now - entry.since >= kStartLimit) SetState(entry, State::kIdle);
    } else if (entry.state == State::kOpen) {
      const auto open = now - entry.since;
      const auto seconds = static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::seconds>(open).count());
      const std::uint64_t bytes = entry.transfer->received() - entry.opened_at;
      const bool is_slow =
          now - entry.last_byte >= kStallLimit ||
          (open >= kRateGrace && bytes < seconds * kSlowestBytesPerSecond);
      // One gives way for each that waits; it announces itself again.
      if (is_slow || (open >= kTurn && waiting > 0)) {
        --waiting;
        ++entry.generation;
        SetState(entry, State::kIdle);
      }
    }
  }
  Pump();
}

int UploadDesk::in_flight() const {
  const std::lock_guard lock(mutex_);
  return all_credits_ - credits_;
}

int UploadDesk::queued() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(queue_.size());
}

bool UploadDesk::WaitIdle(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return unsettled_ == 0; });
}

}  // namespace tributary::coordinator
