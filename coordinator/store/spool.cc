// SPDX-License-Identifier: Apache-2.0
#include "coordinator/store/spool.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::store {

Spool::Slot::~Slot() { spool_.Return(*this); }

absl::Status Spool::Slot::Sync() {
  if (absl::Status status = file_.Sync(); !status.ok()) return status;
  if (name_ == Name::kDurable) return absl::OkStatus();
  absl::Status status = SyncFolder(spool_.folder_);
  if (status.ok()) name_ = Name::kDurable;
  return status;
}

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(
    const std::filesystem::path& folder, const std::set<std::int64_t>& used) {
  if (absl::Status made = MakeFolder(folder); !made.ok()) return made;
  std::unique_ptr<Spool> spool(new Spool(folder));
  std::error_code error;
  // Not a range-for: that one's step throws.
  for (std::filesystem::directory_iterator at(folder, error), end;
       !error && at != end; at.increment(error)) {
    const auto& entry = *at;
    const std::string name = entry.path().filename().string();
    std::int64_t number = 0;
    const auto parsed =
        std::from_chars(name.data(), name.data() + name.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) {
      continue;
    }
    spool->next_ = std::max(spool->next_, number + 1);
    if (used.contains(number)) continue;
    if (spool->free_.size() < kMaxFree) {
      spool->free_.push_back({number, Name::kMaybeLost});
    } else {
      ::unlink(entry.path().c_str());
    }
  }
  if (error) {
    return absl::UnavailableError(
        absl::StrCat(folder.string(), ": ", error.message()));
  }
  // A lost file's number must not be given to another update either.
  if (!used.empty()) spool->next_ = std::max(spool->next_, *used.rbegin() + 1);
  return spool;
}

std::filesystem::path Spool::PathOf(std::int64_t number) const {
  return folder_ / absl::StrCat(number);
}

absl::StatusOr<std::shared_ptr<Spool::Slot>> Spool::Take() {
  Free next{};
  {
    std::lock_guard lock(mutex_);
    if (free_.empty()) {
      next = {next_++, Name::kMaybeLost};
    } else {
      next = free_.back();
      free_.pop_back();
    }
  }
  absl::StatusOr<File> file =
      File::Open(PathOf(next.number), File::Mode::kOpen);
  if (!file.ok()) return file.status();
  return std::shared_ptr<Slot>(
      new Slot(*this, next.number, *std::move(file), next.name));
}

absl::StatusOr<std::shared_ptr<Spool::Slot>> Spool::Retake(
    std::int64_t number) {
  absl::StatusOr<File> file = File::Open(PathOf(number), File::Mode::kRead);
  if (!file.ok()) return file.status();
  return std::shared_ptr<Slot>(
      new Slot(*this, number, *std::move(file), Name::kDurable));
}

absl::Status Spool::Slot::OpenAgain() {
  if (file_.is_open()) return absl::OkStatus();
  absl::StatusOr<File> file =
      File::Open(spool_.PathOf(number_), File::Mode::kRead);
  if (!file.ok()) return file.status();
  file_ = *std::move(file);
  return absl::OkStatus();
}

void Spool::Return(Slot& slot) {
  std::lock_guard lock(mutex_);
  if (free_.size() < kMaxFree) {
    free_.push_back({slot.number_, slot.name_});
  } else {
    ::unlink(PathOf(slot.number_).c_str());
  }
}

absl::Status Spool::Probe() const {
  const std::filesystem::path path = folder_ / "probe";
  absl::StatusOr<File> file = File::Open(path, File::Mode::kCreate);
  if (!file.ok()) return file.status();
  const std::array<std::byte, 4096> block{};
  absl::Status status = file->Write(0, block);
  if (status.ok()) status = file->Sync();
  ::unlink(path.c_str());
  return status;
}

}  // namespace tributary::store
