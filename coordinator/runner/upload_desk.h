// SPDX-License-Identifier: Apache-2.0
// Who may upload now, and what has come of each upload. Grants are given in the
// order they were asked for, `credits` at a time; a credit comes back when its
// upload finishes, fails or breaks off, when its client does not start within
// 15 s, and when an open upload is too slow: no byte for 30 s, or less than
// 1 KiB/s on average after a minute. While others wait, an upload has its
// credit for a minute at most and then stands in line again, so that a few slow
// links hold nobody up.
//
// A broken upload keeps its bytes in the spool while the process lives; the
// next grant says how many. Its running hash and decoder are not kept (they
// would be memory per broken connection): the prefix is read again when it goes
// on.
//
// Threads: any. The listener is called with the desk's lock held, or from the
// uploading thread; it must not call back.
#pragma once

#include <chrono>
#include <compare>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/round/leaf_set.h"
#include "coordinator/round/types.h"
#include "coordinator/runner/coordinator.h"
#include "coordinator/runner/model_format.h"
#include "coordinator/runner/round_sum.h"
#include "coordinator/secure/packed_check.h"
#include "coordinator/store/spool.h"

namespace tributary::coordinator {

using SteadyTime = std::chrono::steady_clock::time_point;
using SteadyClock = std::function<SteadyTime()>;

// Names an upload: tokens are secrets, but a client may send another's.
struct UploadKey {
  round::ClientId client;
  round::TaskToken token;
  friend auto operator<=>(const UploadKey&, const UploadKey&) = default;
};

// What was announced, and so what must come: one client's update, or where the
// contribution is a subtree's the names of its leaves and their sum.
struct UploadTerms {
  UploadKey key;
  std::string run;
  round::Contribution contribution;
  std::uint64_t size = 0;
  std::uint64_t checksum = 0;
  std::shared_ptr<const ModelFormat> format;
  // Of packed updates: those of the round, and whether they are masked.
  std::shared_ptr<const IntegerRound> integers = nullptr;
  Masks masks = Masks::kOff;
  friend bool operator==(const UploadTerms&, const UploadTerms&) = default;
};

// An upload that is complete, or that was found wrong.
struct UploadResult {
  UploadTerms terms;
  round::Refusal defect = round::Refusal::kNone;
  std::string detail;    // of the defect, for people
  SpooledUpdate update;  // without a defect; not synced yet
  // Of a partial sum without a defect: who is in it.
  round::LeafSet leaves = {};
};

class UploadListener {
 public:
  virtual ~UploadListener() = default;
  // Tells the client to start at `offset`; false if it is not connected.
  virtual bool SendGrant(const UploadKey& key, std::uint64_t offset) = 0;
  virtual void UploadEnded(UploadResult result) = 0;
  virtual void UploadReceived(std::size_t bytes) = 0;
  // The spool cannot be written; the upload broke off.
  virtual void SpoolFailed(const absl::Status& status) = 0;
};

class Transfer;

class UploadDesk {
 public:
  static constexpr std::chrono::seconds kStartLimit{15};
  static constexpr std::chrono::seconds kStallLimit{30};
  static constexpr std::chrono::seconds kRateGrace{60};
  static constexpr std::uint64_t kSlowestBytesPerSecond = 1024;
  static constexpr std::chrono::seconds kTurn{60};

  // The spool and the listener outlive the desk, and the desk its uploads.
  UploadDesk(store::Spool& spool, int credits, SteadyClock clock,
             UploadListener& listener);
  ~UploadDesk();

  // The engine wants it: queue it. An open upload of the same terms is taken to
  // be a dead connection's and broken off.
  void Grant(const UploadTerms& terms);
  // Nobody wants it any more; its spool goes.
  void Drop(const UploadKey& key);
  void DropRun(const std::string& run);
  // Nor anything of this client's, complete or not.
  void DropClient(const round::ClientId& client);

  absl::StatusOr<std::unique_ptr<Upload>> Open(const round::ClientId& client,
                                               const v1::UploadHeader& header);
  // Takes back the credits of clients that are too slow, or whose turn is over.
  void Expire();

  int in_flight() const;  // credits in use
  int queued() const;
  // True once no upload is granted, open or waiting for its verdict; false at
  // the limit.
  bool WaitIdle(std::chrono::milliseconds limit);

 private:
  friend class SpoolUpload;
  enum class State { kIdle, kQueued, kGranted, kOpen, kEnded };
  struct Entry {
    std::shared_ptr<Transfer> transfer;
    State state = State::kIdle;
    // Of the Upload object that may write.
    std::uint64_t generation = 0;
    SteadyTime since;      // granted, or opened
    SteadyTime last_byte;  // while open
    std::uint64_t opened_at = 0;
  };

  // Called by uploads. `generation` guards against one that was broken off.
  bool IsCurrent(const UploadKey& key, std::uint64_t generation) const;
  void Progress(const UploadKey& key, std::uint64_t generation);
  void Break(const UploadKey& key, std::uint64_t generation);
  bool End(const UploadKey& key, std::uint64_t generation);

  void SetState(Entry& entry, State state);
  void Pump();

  store::Spool& spool_;
  const SteadyClock clock_;
  UploadListener& listener_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<UploadKey, Entry> entries_;
  std::deque<UploadKey> queue_;
  int credits_;
  const int all_credits_;
  int unsettled_ = 0;  // granted, open or ended
};

}  // namespace tributary::coordinator
