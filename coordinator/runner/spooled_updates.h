// SPDX-License-Identifier: Apache-2.0
// The accepted updates of a round as a robust rule reads them: a range of each
// at a time, straight from the spool into the rule's block.
//
// Memory: a checksum's state for each update (600 bytes). Files are opened for
// each range and closed, so that no more are open than threads read. Pages of
// the files are asked for ahead of the reading and dropped behind it: about as
// many are kept as the block is large, or 96 KiB of each update if that is
// more.
//
// Checked: in each pass that reads an update from its first coordinate to its
// last the checksum of what was read is that of what had arrived. Verify reads
// the rest of those that no pass has read whole, so that a result stands on
// nothing that is damaged.
//
// Threads: one at a time calls; Cancel from any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "aggregation/robust/updates.h"
#include "coordinator/runner/checksum.h"
#include "coordinator/runner/round_sum.h"

namespace tributary::coordinator {

class SpooledUpdates final : public robust::Updates {
 public:
  // robust::Execution::block_bytes for rules over a spool: of 1,000 updates a
  // range of 128 KiB each, so that the system's calls for it cost little beside
  // what it reads, and threads seldom wait for each other.
  static constexpr std::size_t kBlockBytes = std::size_t{128} << 20;

  struct Row {
    std::string client;
    SpooledUpdate update;  // float32; its slot is closed, and read here alone
  };

  // Rows sorted by client.
  SpooledUpdates(std::vector<Row> rows, std::size_t length);

  std::size_t count() const override { return rows_.size(); }
  std::size_t length() const override { return length_; }
  // DataLoss, naming the client and the file, if an update is damaged or its
  // end is missing; NotFound if its file is; Cancelled after Cancel. Anything
  // else is the disk's, and a rule may begin again later.
  absl::Status Read(std::span<const std::size_t> rows, std::size_t offset,
                    const robust::ForEach& for_each,
                    robust::Block& block) override;
  // OK if every update is as it had arrived. To be asked once a result is
  // there; errors are those of Read.
  absl::Status Verify(const robust::ForEach& for_each);
  // Reads fail from now on.
  void Cancel() { is_cancelled_ = true; }

 private:
  struct State {
    Row row;
    // Of the bytes before `next`; kNowhere: a pass has left some out.
    Checksum checksum;
    std::uint64_t next = 0;
    bool is_verified = false;
    // Pages between these were asked for, and not dropped yet.
    std::uint64_t kept = 0;
    std::uint64_t asked = 0;
  };
  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};

  // Runs read(0) .. read(count - 1); the first error that came up.
  template <typename ReadOne>
  absl::Status ReadEach(std::size_t count, const robust::ForEach& for_each,
                        ReadOne read) const;
  absl::Status ReadRange(State& state, std::uint64_t offset,
                         std::span<std::byte> out);
  void AskAhead(State& state, std::uint64_t begin, std::uint64_t end) const;
  void DropBehind(State& state, std::uint64_t begin, std::uint64_t end) const;
  absl::Status Check(State& state, std::uint64_t offset,
                     std::span<const std::byte> bytes) const;
  absl::Status VerifyRest(State& state);

  std::vector<State> rows_;
  const std::size_t length_;
  const std::uint64_t size_;  // bytes of an update
  std::atomic<bool> is_cancelled_ = false;
};

}  // namespace tributary::coordinator
