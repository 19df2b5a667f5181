// SPDX-License-Identifier: Apache-2.0
// Where uploads rest from their first byte until their round is released. The
// spool is a set of numbered slots, each a file; a slot is lent to one upload
// at a time and used again afterwards, because overwriting blocks that a file
// has already is cheaper to write and to sync than growing a new one. The
// database says which slot holds which accepted update, so nothing is ever
// renamed.
//
// An upload that was not accepted does not survive the process: it starts again
// from byte 0. Slots keep stale bytes after their update's end; its length and
// checksum stand in the database.
//
// Threads: any. A Slot may be read by several threads, written by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/store/file.h"

namespace tributary::store {

class Spool {
 public:
  // Free slots that keep their files, at most; the rest are removed.
  static constexpr std::size_t kMaxFree = 64;

  // Whether the name of a slot's file is known to be on the disk.
  enum class Name { kMaybeLost, kDurable };

  class Slot {
   public:
    ~Slot();
    std::int64_t number() const { return number_; }
    File& file() { return file_; }
    const File& file() const { return file_; }
    // Lets go of the descriptor: an accepted update keeps its slot until its
    // round is released, and a cohort may be larger than what a process may
    // have open. Nobody reads or writes until it is opened again.
    void Close() { file_ = File(); }
    // It can be read, as before a Close.
    absl::Status OpenAgain();
    // What was written, and the slot itself, are on the disk.
    absl::Status Sync();

   private:
    friend class Spool;
    Slot(Spool& spool, std::int64_t number, File file, Name name)
        : spool_(spool), number_(number), file_(std::move(file)), name_(name) {}
    Spool& spool_;
    std::int64_t number_;
    File file_;
    Name name_;
  };

  // `used` are the slots of accepted updates; every other file is free.
  static absl::StatusOr<std::unique_ptr<Spool>> Open(
      const std::filesystem::path& folder, const std::set<std::int64_t>& used);

  // A slot for a new upload, given back to the spool when the last holder lets
  // go of it. It must not outlive the spool.
  absl::StatusOr<std::shared_ptr<Slot>> Take();
  // The slot of an accepted update after a restart. NotFound if it is gone.
  absl::StatusOr<std::shared_ptr<Slot>> Retake(std::int64_t number);
  // OK if a write to the spool's disk works now.
  absl::Status Probe() const;

 private:
  explicit Spool(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path PathOf(std::int64_t number) const;
  void Return(Slot& slot);

  struct Free {
    std::int64_t number;
    Name name;
  };
  std::filesystem::path folder_;
  std::mutex mutex_;
  std::vector<Free> free_;
  std::int64_t next_ = 1;
};

}  // namespace tributary::store
