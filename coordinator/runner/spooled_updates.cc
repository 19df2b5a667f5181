// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/spooled_updates.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregation/invariant.h"

namespace tributary::coordinator {
namespace {

// Half of this is the least that is asked for, or dropped, at once.
constexpr std::uint64_t kLeastWindow = 64u << 10;
// Of an update that is read apart from the others.
constexpr std::uint64_t kPiece = 1u << 20;
constexpr std::uint64_t kPage = 4096;

std::uint64_t PagesUp(std::uint64_t bytes) {
  return (bytes + kPage - 1) / kPage * kPage;
}

// Bytes that are kept ahead of a range that is being read: the next range is as
// long, and the disk reads it while the rule works on this one.
std::uint64_t WindowOf(std::uint64_t range) {
  return std::max(PagesUp(range), kLeastWindow);
}

absl::Status Damaged(const SpooledUpdates::Row& row, std::string_view how) {
  return absl::DataLossError(
      absl::StrCat("the accepted update of ", row.client, " (slot ",
                   row.update.slot->number(),
                   " of the spool) is damaged: ", std::string(how)));
}

}  // namespace

SpooledUpdates::SpooledUpdates(std::vector<Row> rows, std::size_t length)
    : rows_(rows.size()),
      length_(length),
      size_(std::uint64_t{length} * sizeof(float)) {
  TRIBUTARY_INVARIANT(std::ranges::is_sorted(rows, {}, &Row::client), ==, true);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows_[i].row = std::move(rows[i]);
  }
}

template <typename ReadOne>
absl::Status SpooledUpdates::ReadEach(std::size_t count,
                                      const robust::ForEach& for_each,
                                      ReadOne read) const {
  std::mutex mutex;
  absl::Status first;
  std::atomic<bool> is_failed = false;
  for_each(count, [&](std::size_t k) {
    if (is_failed) return;
    const absl::Status status = read(k);
    if (status.ok()) return;
    is_failed = true;
    const std::lock_guard lock(mutex);
    first.Update(status);
  });
  return first;
}

absl::Status SpooledUpdates::Read(std::span<const std::size_t> rows,
                                  std::size_t offset,
                                  const robust::ForEach& for_each,
                                  robust::Block& block) {
  return ReadEach(rows.size(), for_each, [&](std::size_t k) {
    return ReadRange(rows_[rows[k]], std::uint64_t{offset} * sizeof(float),
                     std::as_writable_bytes(block.Row(k)));
  });
}

absl::Status SpooledUpdates::ReadRange(State& state, std::uint64_t offset,
                                       std::span<std::byte> out) {
  if (is_cancelled_) return absl::CancelledError("the attempt is over");
  const SpooledUpdate& update = state.row.update;
  if (update.size != size_) {
    return Damaged(state.row, absl::StrCat(update.size, " bytes, not ", size_));
  }
  absl::Status status = update.slot->OpenAgain();
  if (status.ok()) {
    AskAhead(state, offset, offset + out.size());
    status = update.slot->file().ReadFully(offset, out);
    if (status.ok()) DropBehind(state, offset, offset + out.size());
  }
  update.slot->Close();
  if (absl::IsDataLoss(status))
    return Damaged(state.row, std::string(status.message()));
  if (!status.ok()) return status;
  return Check(state, offset, out);
}

// A pass begins anywhere and goes on to the end.
void SpooledUpdates::AskAhead(State& state, std::uint64_t begin,
                              std::uint64_t end) const {
  if (begin < state.kept || begin > state.asked) {
    state.kept = state.asked = begin / kPage * kPage;
  }
  const std::uint64_t window = WindowOf(end - begin);
  if (state.asked >= std::min(end + window / 2, size_)) return;
  const std::uint64_t wanted = PagesUp(std::min(end + window, size_));
  state.row.update.slot->file().WillRead(state.asked, wanted - state.asked);
  state.asked = wanted;
}

// From the beginning, for a system drops pages only together with those that it
// has joined them to, and a joint may lie across the last drop's end.
void SpooledUpdates::DropBehind(State& state, std::uint64_t begin,
                                std::uint64_t end) const {
  // What lies behind an update's end in its slot is of no use to anybody.
  const bool is_last = end == size_;
  if (!is_last && end - state.kept < WindowOf(end - begin) / 2) return;
  state.kept = end / kPage * kPage;
  state.row.update.slot->file().DropPages(0, is_last ? 0 : state.kept);
  if (is_last) state.kept = state.asked = end;
}

absl::Status SpooledUpdates::Check(State& state, std::uint64_t offset,
                                   std::span<const std::byte> bytes) const {
  if (offset == 0) {
    state.checksum = Checksum();
    state.next = 0;
  }
  if (offset != state.next) {
    state.next = kNowhere;
    return absl::OkStatus();
  }
  state.checksum.Update(bytes);
  state.next += bytes.size();
  if (state.next < size_) return absl::OkStatus();
  if (state.checksum.Value() != state.row.update.checksum) {
    return Damaged(state.row, "wrong checksum");
  }
  state.is_verified = true;
  return absl::OkStatus();
}

absl::Status SpooledUpdates::Verify(const robust::ForEach& for_each) {
  return ReadEach(rows_.size(), for_each,
                  [&](std::size_t k) { return VerifyRest(rows_[k]); });
}

absl::Status SpooledUpdates::VerifyRest(State& state) {
  std::vector<std::byte> piece;
  while (!state.is_verified) {
    const std::uint64_t offset = state.next < size_ ? state.next : 0;
    piece.resize(static_cast<std::size_t>(
        std::min<std::uint64_t>(kPiece, size_ - offset)));
    if (auto status = ReadRange(state, offset, piece); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace tributary::coordinator
