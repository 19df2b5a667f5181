// SPDX-License-Identifier: Apache-2.0
// The models and archives a client has, in a folder, by SHA-256. A file is in
// the cache only once all of it arrived and has its digest; an unfinished one
// is kept beside it, to be resumed.
//
// One thread at a time, except Path and LoadModel, which any thread may call. A
// Download belongs to the thread that feeds it; one per digest at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "privacy/crypto/digest.h"
#include "tributary/model.h"

namespace tributary {

// One file on its way into the cache.
class Download {
 public:
  // Goes on where an earlier attempt broke off, possibly in another process.
  static absl::StatusOr<std::unique_ptr<Download>> Resume(
      std::filesystem::path file, const Digest& digest);
  ~Download();
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;

  // Bytes that are there already.
  std::uint64_t offset() const { return offset_; }
  // The size of the whole file. OutOfRange if there are more bytes already;
  // they are dropped.
  absl::Status ExpectTotal(std::uint64_t total);
  absl::Status Add(std::span<const std::byte> bytes);
  // All bytes have arrived: verifies, syncs and renames. DataLoss if the digest
  // is another; the bytes are dropped then.
  absl::Status Finish();
  // From any thread: what is still under way ends first, and from then on every
  // call above fails and touches no file, so that another may go on with it.
  void Abandon();

 private:
  absl::Status Usable() const;
  Download(std::filesystem::path file, const Digest& digest, int descriptor);

  std::filesystem::path file_;
  Digest digest_;
  int descriptor_;
  std::uint64_t offset_ = 0;
  Sha256Stream hash_;
  std::mutex mutex_;
  bool abandoned_ = false;
};

class ModelCache {
 public:
  // `limit`: bytes kept beyond what Trim is told to keep.
  ModelCache(std::filesystem::path folder, std::uint64_t limit);

  std::filesystem::path Path(const Digest& digest) const;
  // Whether the file is there; hashed once a process. A damaged one is removed.
  bool Contains(const Digest& digest);
  absl::StatusOr<std::unique_ptr<Download>> StartDownload(
      const Digest& digest) const;
  // Removes the files longest unused, until the others fit the limit. No
  // download is under way.
  void Trim(const std::set<Digest>& keep);

 private:
  std::filesystem::path folder_;
  std::uint64_t limit_;
  std::set<Digest> verified_;
};

// Reads a model file. DataLoss, and the file is removed, if its digest is
// another. `archive` may be empty.
absl::StatusOr<std::shared_ptr<const Model>> LoadModel(
    const std::filesystem::path& file, const Digest& digest,
    std::filesystem::path archive);

}  // namespace tributary
