// SPDX-License-Identifier: Apache-2.0
// A file that is the old one or the new one, whatever happens: it is written
// under a temporary name beside its own, synced and renamed, and its folder is
// synced.
//
//   auto file = durable::Replacement::Begin("model.safetensors", {});
//   if (!file.ok()) return file.status();
//   if (auto written = file->Write(header); !written.ok()) return written;
//   return file->Commit();
//
// One thread. Errors are the file system's, and name the file: "writing
// model.safetensors: No space left on device".
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary::durable {

struct ReplacementOptions {
  // Of the new file, less what the process's umask takes. 0600 for what is
  // nobody else's business.
  mode_t permissions = 0666;
  // kThisProcess: the folder is this process's alone. What a crash leaves is
  // then overwritten by the next replacement. kAnyProcess: several may replace
  // the file at the same time; the last one counts.
  enum class Writers { kThisProcess, kAnyProcess };
  Writers writers = Writers::kAnyProcess;
};

class Replacement {
 public:
  static absl::StatusOr<Replacement> Begin(const std::filesystem::path& file,
                                           const ReplacementOptions& options);
  // Not committed: the old file stays, the new one goes.
  ~Replacement();
  Replacement(Replacement&& other) noexcept;
  Replacement& operator=(Replacement&&) = delete;

  absl::Status Write(std::span<const std::byte> bytes);
  absl::Status Write(std::string_view text) {
    return Write(std::as_bytes(std::span(text)));
  }
  // Where the bytes are until Commit, for whoever reads them before.
  const std::filesystem::path& temporary() const { return temporary_; }
  // The file is on the disk, under its name. To be called once.
  absl::Status Commit();

 private:
  Replacement(std::filesystem::path file, std::filesystem::path temporary,
              int descriptor);

  std::filesystem::path file_;
  std::filesystem::path temporary_;
  int descriptor_;
  bool is_committed_ = false;
};

// A replacement in one go.
absl::Status ReplaceFile(const std::filesystem::path& file,
                         std::string_view bytes,
                         const ReplacementOptions& options);

// A new name of a file is on the disk when its folder is.
absl::Status SyncFolderOf(const std::filesystem::path& file);

// All of the bytes, however many calls that takes.
absl::Status WriteAll(int descriptor, std::span<const std::byte> bytes,
                      const std::filesystem::path& file);

// The failure that errno holds, in doing `what` to `file`.
absl::Status FileError(std::string_view what,
                       const std::filesystem::path& file);

}  // namespace tributary::durable
