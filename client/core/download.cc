// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/core/model_cache.h"
#include "proto/durable/replacement.h"

namespace tributary {
namespace {

using durable::FileError;

constexpr std::size_t kReadBytes = 1u << 20;

std::filesystem::path PartOf(std::filesystem::path file) {
  file += ".part";
  return file;
}

}  // namespace

Download::Download(std::filesystem::path file, const Digest& digest,
                   int descriptor)
    : file_(std::move(file)), digest_(digest), descriptor_(descriptor) {}

Download::~Download() { ::close(descriptor_); }

absl::StatusOr<std::unique_ptr<Download>> Download::Resume(
    std::filesystem::path file, const Digest& digest) {
  const std::filesystem::path part = PartOf(file);
  const int descriptor =
      ::open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return FileError("creating", part);
  std::unique_ptr<Download> download(
      new Download(std::move(file), digest, descriptor));
  std::vector<std::byte> buffer(kReadBytes);
  while (true) {
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError("reading", part);
    if (got == 0) return download;
    download->hash_.Update(
        std::span(buffer).first(static_cast<std::size_t>(got)));
    download->offset_ += static_cast<std::uint64_t>(got);
  }
}

void Download::Abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
}

absl::Status Download::Usable() const {
  if (!abandoned_) return absl::OkStatus();
  return absl::CancelledError("the download was abandoned");
}

absl::Status Download::ExpectTotal(std::uint64_t total) {
  const std::lock_guard lock(mutex_);
  if (absl::Status status = Usable(); !status.ok()) return status;
  if (offset_ <= total) return absl::OkStatus();
  if (::ftruncate(descriptor_, 0) != 0) {
    return FileError("truncating", PartOf(file_));
  }
  return absl::OutOfRangeError(absl::StrCat("the file has ", total, " bytes, ",
                                            offset_, " have arrived"));
}

absl::Status Download::Add(std::span<const std::byte> bytes) {
  const std::lock_guard lock(mutex_);
  if (absl::Status status = Usable(); !status.ok()) return status;
  hash_.Update(bytes);
  if (auto written = durable::WriteAll(descriptor_, bytes, PartOf(file_));
      !written.ok()) {
    return written;
  }
  offset_ += bytes.size();
  return absl::OkStatus();
}

absl::Status Download::Finish() {
  const std::lock_guard lock(mutex_);
  if (absl::Status status = Usable(); !status.ok()) return status;
  const std::filesystem::path part = PartOf(file_);
  if (hash_.Finish() != digest_) {
    ::unlink(part.c_str());
    return absl::DataLossError(absl::StrCat(
        "the ", offset_, " bytes that arrived have another digest"));
  }
  if (::fsync(descriptor_) != 0) return FileError("syncing", part);
  if (::rename(part.c_str(), file_.c_str()) != 0) {
    return FileError("renaming", part);
  }
  return absl::OkStatus();
}

}  // namespace tributary
