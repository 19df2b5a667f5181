// SPDX-License-Identifier: Apache-2.0
#include "simulation/sealed_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tributary::simulation {
namespace {

constexpr std::size_t kBuffer = 1 << 20;
constexpr std::size_t kSeal = sizeof(Digest::bytes);

absl::Status NotRead() { return absl::ErrnoToStatus(errno, "cannot be read"); }

// All of `bytes`, or the number there was.
absl::StatusOr<std::size_t> ReadAll(int descriptor,
                                    std::span<std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t read =
        ::read(descriptor, bytes.data() + done, bytes.size() - done);
    if (read < 0) {
      if (errno == EINTR) continue;
      return NotRead();
    }
    if (read == 0) break;
    done += static_cast<std::size_t>(read);
  }
  return done;
}

}  // namespace

// ---- writing ----

absl::StatusOr<SealedWriter> SealedWriter::Create(
    const std::filesystem::path& file) {
  // The other ranks of a run write other files.
  auto replacement = durable::Replacement::Begin(
      file, {.permissions = 0644,
             .writers = durable::ReplacementOptions::Writers::kThisProcess});
  if (!replacement.ok()) return replacement.status();
  return SealedWriter(*std::move(replacement));
}

SealedWriter::SealedWriter(durable::Replacement file)
    : file_(std::move(file)) {}

absl::Status SealedWriter::Write(std::span<const std::byte> bytes) {
  hash_.Update(bytes);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              bytes.size());
  if (buffer_.size() + text.size() <= kBuffer) {
    buffer_.append(text);
    return absl::OkStatus();
  }
  if (auto flushed = Flush(); !flushed.ok()) return flushed;
  return file_.Write(text);
}

absl::Status SealedWriter::Flush() {
  return file_.Write(std::exchange(buffer_, {}));
}

absl::Status SealedWriter::Seal() {
  buffer_.append(hash_.Finish().AsBytes());
  if (auto flushed = Flush(); !flushed.ok()) return flushed;
  return file_.Commit();
}

// ---- reading ----

absl::Status Damaged(std::string_view what) {
  return absl::DataLossError(absl::StrCat("damaged: ", std::string(what)));
}

absl::StatusOr<SealedReader> SealedReader::Open(
    const std::filesystem::path& file) {
  SealedReader reader(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (reader.descriptor_ < 0) return NotRead();
  if (auto sealed = reader.CheckSeal(); !sealed.ok()) return sealed;
  return reader;
}

SealedReader::SealedReader(int descriptor) : descriptor_(descriptor) {}

SealedReader::SealedReader(SealedReader&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      remaining_(other.remaining_) {}

SealedReader::~SealedReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

absl::Status SealedReader::CheckSeal() {
  struct stat about {};
  if (::fstat(descriptor_, &about) != 0) return NotRead();
  const auto size = static_cast<std::uint64_t>(about.st_size);
  if (size < kSeal) return Damaged("it is cut");
  std::uint64_t left = size - kSeal;
  std::vector<std::byte> block(kBuffer);
  Sha256Stream hash;
  while (left > 0) {
    const std::span<std::byte> part =
        std::span(block).first(std::min<std::uint64_t>(left, block.size()));
    const auto read = ReadAll(descriptor_, part);
    if (!read.ok()) return read.status();
    if (*read < part.size()) return Damaged("it is cut");
    hash.Update(part);
    left -= part.size();
  }
  Digest seal;
  const auto read =
      ReadAll(descriptor_, std::as_writable_bytes(std::span(seal.bytes)));
  if (!read.ok()) return read.status();
  if (*read < kSeal || hash.Finish() != seal) {
    return Damaged("its checksum is not that of what it holds");
  }
  if (::lseek(descriptor_, 0, SEEK_SET) != 0) return NotRead();
  remaining_ = size - kSeal;
  return absl::OkStatus();
}

absl::Status SealedReader::Read(std::span<std::byte> bytes) {
  if (bytes.size() > remaining_) return Damaged("it ends early");
  const auto read = ReadAll(descriptor_, bytes);
  if (!read.ok()) return read.status();
  if (*read < bytes.size()) return Damaged("it is cut");
  remaining_ -= bytes.size();
  return absl::OkStatus();
}

absl::StatusOr<std::uint64_t> SealedReader::ReadNumber() {
  std::uint64_t number = 0;
  if (auto read = Read(std::as_writable_bytes(std::span(&number, 1)));
      !read.ok()) {
    return read;
  }
  return number;
}

absl::StatusOr<std::string> SealedReader::ReadText(std::uint64_t size) {
  if (size > remaining_) return Damaged("it ends early");
  std::string text(size, '\0');
  if (auto read = Read(std::as_writable_bytes(std::span(text))); !read.ok()) {
    return read;
  }
  return text;
}

}  // namespace tributary::simulation
