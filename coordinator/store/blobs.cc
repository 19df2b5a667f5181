// SPDX-License-Identifier: Apache-2.0
#include "coordinator/store/blobs.h"

#include <unistd.h>

#include <atomic>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tributary::store {
namespace {

constexpr std::size_t kReadBytes = 256u << 10;

}  // namespace

absl::StatusOr<Digest> DigestOf(const File& file) {
  Sha256Stream hash;
  std::vector<std::byte> block(kReadBytes);
  for (std::uint64_t offset = 0;;) {
    absl::StatusOr<std::size_t> count = file.Read(offset, block);
    if (!count.ok()) return count.status();
    if (*count == 0) return hash.Finish();
    hash.Update(std::span(block).first(*count));
    offset += *count;
  }
}

Blobs::Draft::~Draft() {
  if (file_.is_open()) ::unlink(file_.path().c_str());
}

absl::StatusOr<Blobs> Blobs::Open(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::remove_all(folder / "drafts", ignored);
  if (absl::Status made = MakeFolder(folder / "drafts"); !made.ok()) {
    return made;
  }
  return Blobs(folder);
}

std::filesystem::path Blobs::PathOf(const Digest& digest) const {
  const std::string hex = digest.Hex();
  return folder_ / hex.substr(0, 2) / hex;
}

absl::StatusOr<Blobs::Draft> Blobs::NewDraft() const {
  static std::atomic<std::uint64_t> number{0};
  absl::StatusOr<File> file =
      File::Open(folder_ / "drafts" / absl::StrCat(number.fetch_add(1)),
                 File::Mode::kCreate);
  if (!file.ok()) return file.status();
  return Draft(*std::move(file));
}

absl::StatusOr<Digest> Blobs::Keep(Draft draft) const {
  absl::StatusOr<Digest> digest = DigestOf(draft.file_);
  if (!digest.ok()) return digest.status();
  if (absl::Status synced = draft.file_.Sync(); !synced.ok()) return synced;
  const std::filesystem::path path = PathOf(*digest);
  if (absl::Status made = MakeFolder(path.parent_path()); !made.ok()) {
    return made;
  }
  absl::Status status = Rename(draft.file_.path(), path);
  // Renamed: there is no draft any more for the destructor to remove.
  if (status.ok()) draft.file_ = File();
  if (status.ok()) status = SyncFolder(path.parent_path());
  if (status.ok()) status = SyncFolder(folder_);
  if (!status.ok()) return status;
  return digest;
}

absl::StatusOr<Digest> Blobs::Put(const Source& source) const {
  absl::StatusOr<Draft> draft = NewDraft();
  if (!draft.ok()) return draft.status();
  for (std::uint64_t offset = 0;;) {
    absl::StatusOr<std::string> chunk = source();
    if (!chunk.ok()) return chunk.status();
    if (chunk->empty()) break;
    absl::Status written = draft->file().Write(
        offset, std::as_bytes(std::span<const char>(*chunk)));
    if (!written.ok()) return written;
    offset += chunk->size();
  }
  return Keep(*std::move(draft));
}

absl::StatusOr<File> Blobs::Get(const Digest& digest) const {
  absl::StatusOr<File> file = File::Open(PathOf(digest), File::Mode::kRead);
  if (absl::IsNotFound(file.status())) {
    return absl::NotFoundError(absl::StrCat("no blob ", digest.Hex()));
  }
  return file;
}

bool Blobs::Has(const Digest& digest) const {
  std::error_code ignored;
  return std::filesystem::exists(PathOf(digest), ignored);
}

absl::Status Blobs::Verify(const Digest& digest) const {
  absl::StatusOr<File> file = Get(digest);
  if (!file.ok()) return file.status();
  absl::StatusOr<Digest> actual = DigestOf(*file);
  if (!actual.ok()) return actual.status();
  if (*actual == digest) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      file->path().string(), " is damaged: its SHA-256 is ", actual->Hex()));
}

void Blobs::Remove(const Digest& digest) const {
  std::error_code ignored;
  std::filesystem::remove(PathOf(digest), ignored);
}

void Blobs::RemoveAllBut(const std::set<Digest>& kept) const {
  std::error_code error;
  std::error_code ignored;
  std::vector<Digest> all;
  // Not a range-for: that one's step throws.
  for (std::filesystem::recursive_directory_iterator at(folder_, error), end;
       !error && at != end; at.increment(error)) {
    if (!at->is_regular_file(ignored)) continue;
    absl::StatusOr<Digest> digest =
        Digest::FromHex(at->path().filename().string());
    if (digest.ok()) all.push_back(*digest);
  }
  for (const Digest& digest : all) {
    if (!kept.contains(digest)) Remove(digest);
  }
}

}  // namespace tributary::store
