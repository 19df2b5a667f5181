// SPDX-License-Identifier: Apache-2.0
// Content-addressed files: models and archives by their SHA-256, in
// FOLDER/<first two hex digits>/<hex>. A blob appears whole or not at all: it
// is written under a temporary name, synced, renamed, and its folder synced.
//
// Threads: any; writers of the same content may race, either result is right.
// Failure: as File; a blob whose bytes are not its name's is DataLoss.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/store/file.h"
#include "privacy/crypto/digest.h"

namespace tributary::store {

class Blobs {
 public:
  // Creates the folder and removes what an interrupted writer left.
  static absl::StatusOr<Blobs> Open(const std::filesystem::path& folder);

  // A new file to be written in any order and then stored under its digest.
  // Removed if it is not stored.
  class Draft {
   public:
    ~Draft();
    Draft(Draft&&) = default;
    File& file() { return file_; }

   private:
    friend class Blobs;
    explicit Draft(File file) : file_(std::move(file)) {}
    File file_;
  };
  absl::StatusOr<Draft> NewDraft() const;
  // Reads the draft to its end for its digest, syncs and names it.
  absl::StatusOr<Digest> Keep(Draft draft) const;

  // Consecutive chunks until an empty one.
  using Source = std::function<absl::StatusOr<std::string>()>;
  absl::StatusOr<Digest> Put(const Source& source) const;

  absl::StatusOr<File> Get(const Digest& digest) const;
  bool Has(const Digest& digest) const;
  // Reads the whole blob. DataLoss if it is damaged.
  absl::Status Verify(const Digest& digest) const;
  void Remove(const Digest& digest) const;
  // Removes every blob that is not in `kept`.
  void RemoveAllBut(const std::set<Digest>& kept) const;

 private:
  explicit Blobs(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path PathOf(const Digest& digest) const;
  std::filesystem::path folder_;
};

// SHA-256 of a file from its start to its end.
absl::StatusOr<Digest> DigestOf(const File& file);

}  // namespace tributary::store
