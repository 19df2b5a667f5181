// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/optimizer_state.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tributary::coordinator {
namespace {

constexpr std::uint64_t kMagic = 0x31'54'50'4f'42'49'52'54;  // "TRIBOPT1"
using Head = std::array<std::uint64_t, 3>;

Head HeadOf(const OptimizerState::Shape& shape) {
  return {kMagic, shape.trainable, static_cast<std::uint64_t>(shape.vectors)};
}

}  // namespace

std::filesystem::path OptimizerState::PathOf(
    const std::filesystem::path& folder, int round) {
  return folder / absl::StrCat(round, ".state");
}

absl::StatusOr<OptimizerState> OptimizerState::Read(
    const std::filesystem::path& folder, int round, const Shape& shape) {
  OptimizerState state(shape);
  if (round == 0 || shape.vectors == 0) return state;
  absl::StatusOr<store::File> file =
      store::File::Open(PathOf(folder, round), store::File::Mode::kRead);
  if (absl::IsNotFound(file.status())) {
    return absl::DataLossError(
        absl::StrCat("the optimizer's state is missing: ",
                     std::string(file.status().message())));
  }
  if (!file.ok()) return file.status();
  Head head{};
  absl::Status status =
      file->ReadFully(0, std::as_writable_bytes(std::span(head)));
  if (!status.ok()) return status;
  if (head != HeadOf(shape)) {
    return absl::DataLossError(
        absl::StrCat(file->path().string(), " is of another model"));
  }
  state.file_ = *std::move(file);
  return state;
}

absl::StatusOr<OptimizerState> OptimizerState::Create(
    const std::filesystem::path& folder, int round, const Shape& shape) {
  OptimizerState state(shape);
  if (shape.vectors == 0) return state;
  if (absl::Status made = store::MakeFolder(folder); !made.ok()) return made;
  state.final_path_ = PathOf(folder, round);
  absl::StatusOr<store::File> file = store::File::Open(
      folder / absl::StrCat(round, ".draft"), store::File::Mode::kCreate);
  if (!file.ok()) return file.status();
  const Head head = HeadOf(shape);
  absl::Status status = file->Write(0, std::as_bytes(std::span(head)));
  if (!status.ok()) return status;
  state.file_ = *std::move(file);
  return state;
}

std::uint64_t OptimizerState::ValueOffset(int vector,
                                          std::size_t offset) const {
  return sizeof(Head) +
         (static_cast<std::uint64_t>(vector) * shape_.trainable + offset) *
             sizeof(float);
}

std::uint64_t OptimizerState::ChecksumOffset(int vector,
                                             std::size_t offset) const {
  const std::uint64_t blocks = (shape_.trainable + kBlock - 1) / kBlock;
  return ValueOffset(shape_.vectors, 0) +
         (static_cast<std::uint64_t>(vector) * blocks + offset / kBlock) *
             sizeof(std::uint64_t);
}

absl::Status OptimizerState::ReadBlock(int vector, std::size_t offset,
                                       std::span<float> out) const {
  if (!file_.is_open()) {
    std::fill(out.begin(), out.end(), 0.0f);
    return absl::OkStatus();
  }
  const auto bytes = std::as_writable_bytes(out);
  std::array<std::uint64_t, 1> checksum{};
  absl::Status status = file_.ReadFully(ValueOffset(vector, offset), bytes);
  if (status.ok()) {
    status = file_.ReadFully(ChecksumOffset(vector, offset),
                             std::as_writable_bytes(std::span(checksum)));
  }
  if (!status.ok()) return status;
  if (XXH3_64bits(bytes.data(), bytes.size()) == checksum[0]) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrCat(file_.path().string(), " is damaged at value ", offset));
}

absl::Status OptimizerState::WriteBlock(int vector, std::size_t offset,
                                        std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  const std::array<std::uint64_t, 1> checksum{
      XXH3_64bits(bytes.data(), bytes.size())};
  absl::Status status = file_.Write(ValueOffset(vector, offset), bytes);
  if (!status.ok()) return status;
  return file_.Write(ChecksumOffset(vector, offset),
                     std::as_bytes(std::span(checksum)));
}

absl::Status OptimizerState::Keep() {
  if (!file_.is_open()) return absl::OkStatus();
  absl::Status status = file_.Sync();
  if (status.ok()) status = store::Rename(file_.path(), final_path_);
  if (status.ok()) status = store::SyncFolder(final_path_.parent_path());
  if (status.ok()) {
    status = store::SyncFolder(final_path_.parent_path().parent_path());
  }
  return status;
}

void OptimizerState::RemoveAllBut(const std::filesystem::path& folder,
                                  int round) {
  std::error_code error;
  std::error_code ignored;
  std::vector<std::filesystem::path> others;
  // Not a range-for: that one's step throws.
  for (std::filesystem::directory_iterator at(folder, error), end;
       !error && at != end; at.increment(error)) {
    if (at->path() != PathOf(folder, round)) others.push_back(at->path());
  }
  for (const auto& path : others) std::filesystem::remove(path, ignored);
}

}  // namespace tributary::coordinator
