// SPDX-License-Identifier: Apache-2.0
// The receiving end of one update, or of one partial sum: hashes, decodes,
// checks and spools its bytes, in that order while they are hot in the cache.
//
// Threads: one writer at a time holds mutex(); received() from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <variant>

#include "aggregation/encoding.h"
#include "coordinator/runner/checksum.h"
#include "coordinator/runner/upload_desk.h"
#include "coordinator/secure/packed_check.h"
#include "coordinator/tree/subtree_sum.h"

namespace tributary::coordinator {

class Transfer {
 public:
  // What a call found wrong: with the disk (`status`) or the update (`defect`).
  struct Outcome {
    absl::Status status;
    round::Refusal defect = round::Refusal::kNone;
    std::string detail;
    bool IsFine() const {
      return status.ok() && defect == round::Refusal::kNone;
    }
  };

  explicit Transfer(UploadTerms terms) : terms_(std::move(terms)) {}

  std::mutex& mutex() { return mutex_; }
  const UploadTerms& terms() const { return terms_; }
  std::uint64_t received() const { return received_; }

  // The next bytes, in consecutive pieces.
  Outcome Write(store::Spool& spool,
                std::span<const std::span<const std::byte>> pieces);
  // All bytes are there: is it what was announced?
  Outcome Check(store::Spool& spool);
  // Lets go of everything but the bytes in the spool.
  void Rest() { running_.reset(); }
  SpooledUpdate Spooled() const;
  // Of a partial sum that was checked, once.
  round::LeafSet TakeLeaves() { return std::move(leaves_); }

 private:
  struct Running {
    Checksum checksum;
    std::variant<aggregation::UpdateDecoder, PackedCheck, SubtreeSumReader>
        reader;
    explicit Running(const UploadTerms& terms);
  };
  // A slot, and a running hash and decoder that have seen received() bytes.
  Outcome Prepare(store::Spool& spool);
  Outcome Digest(std::span<const std::byte> bytes);
  Outcome Decode(aggregation::UpdateDecoder& decoder,
                 std::span<const std::byte> bytes) const;

  const UploadTerms terms_;
  std::mutex mutex_;
  std::shared_ptr<store::Spool::Slot> slot_;
  std::atomic<std::uint64_t> received_ = 0;
  std::unique_ptr<Running> running_;
  round::LeafSet leaves_;
};

}  // namespace tributary::coordinator
