// SPDX-License-Identifier: Apache-2.0
#include "client/core/answered_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/durable/replacement.h"

namespace tributary {

AnsweredFile::AnsweredFile(std::filesystem::path file)
    : file_(std::move(file)) {}

AnsweredFile::~AnsweredFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

absl::Status AnsweredFile::Open() {
  const int descriptor =
      ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return durable::FileError("opening", file_);
  std::set<Digest> answered;
  off_t end = 0;
  std::ifstream in(file_, std::ios::binary);
  Digest record;
  constexpr auto kSize = static_cast<std::streamsize>(sizeof(record.bytes));
  while (in.read(reinterpret_cast<char*>(record.bytes.data()), kSize)) {
    answered.insert(record);
    end += kSize;
  }
  if (in.bad() || !in.eof()) {
    const absl::Status failed = durable::FileError("reading", file_);
    ::close(descriptor);
    return failed;
  }
  if (auto synced = durable::SyncFolderOf(file_); !synced.ok()) {
    ::close(descriptor);
    return synced;
  }
  descriptor_ = descriptor;
  end_ = end;
  answered_ = std::move(answered);
  return absl::OkStatus();
}

absl::Status AnsweredFile::Remember(const Digest& session) {
  if (descriptor_ < 0) {
    if (absl::Status opened = Open(); !opened.ok()) return opened;
  }
  if (answered_.contains(session)) {
    return absl::AlreadyExistsError(
        "this client has answered the secure session before");
  }
  // Over what a crash or a full disk left there.
  if (::lseek(descriptor_, end_, SEEK_SET) != end_) {
    return durable::FileError("writing", file_);
  }
  const auto record = std::as_bytes(std::span(session.bytes));
  if (absl::Status written = durable::WriteAll(descriptor_, record, file_);
      !written.ok()) {
    return written;
  }
  if (::fsync(descriptor_) != 0) return durable::FileError("syncing", file_);
  end_ += static_cast<off_t>(record.size());
  answered_.insert(session);
  return absl::OkStatus();
}

}  // namespace tributary
