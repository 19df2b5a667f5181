// SPDX-License-Identifier: Apache-2.0
#include "client/core/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/core/atomic_file.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// Runs end; their residuals need not stay for ever.
constexpr std::size_t kMostResiduals = 4;
constexpr char kResidualPrefix[] = "residual-";

void RemoveOldResiduals(const fs::path& folder) {
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  std::error_code error;
  // Not a range-for: that one's step throws.
  for (fs::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    const fs::directory_entry& entry = *at;
    if (entry.path().filename().string().starts_with(kResidualPrefix)) {
      files.emplace_back(entry.last_write_time(error), entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  for (std::size_t i = 0; i + kMostResiduals < files.size(); ++i) {
    fs::remove(files[i].second, error);
  }
}

}  // namespace

StateFolder::StateFolder(fs::path folder, std::uint64_t cache_limit, int lock)
    : folder_(std::move(folder)),
      lock_(lock),
      models_(folder_ / "models", cache_limit) {}

StateFolder::~StateFolder() { ::close(lock_); }

absl::StatusOr<std::unique_ptr<StateFolder>> StateFolder::Open(
    const fs::path& folder, std::uint64_t cache_limit) {
  std::error_code error;
  fs::create_directories(folder / "models", error);
  if (error) {
    return absl::UnavailableError(absl::StrCat(
        "state_folder: creating ", folder.string(), ": ", error.message()));
  }
  const fs::path lock_file = folder / "lock";
  const int lock =
      ::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return FileError("opening", lock_file);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return absl::FailedPreconditionError(
        absl::StrCat("state_folder: another client uses ", folder.string()));
  }
  return std::unique_ptr<StateFolder>(
      new StateFolder(folder, cache_limit, lock));
}

absl::Status StateFolder::SetNewest(const ModelName& name) {
  return ReplaceFile(
      folder_ / "newest",
      absl::StrCat(name.model.Hex(), "\n",
                   name.archive ? name.archive->Hex() : "", "\n"));
}

std::optional<StateFolder::ModelName> StateFolder::Newest() const {
  std::ifstream in(folder_ / "newest");
  std::string model;
  std::string archive;
  if (!std::getline(in, model)) return std::nullopt;
  std::getline(in, archive);
  const absl::StatusOr<Digest> digest = Digest::FromHex(model);
  if (!digest.ok()) return std::nullopt;
  ModelName name{*digest, std::nullopt};
  if (!archive.empty()) {
    const absl::StatusOr<Digest> archive_digest = Digest::FromHex(archive);
    if (!archive_digest.ok()) return std::nullopt;
    name.archive = *archive_digest;
  }
  return name;
}

fs::path StateFolder::ResidualFile(const std::string& run) const {
  // A run's name is the coordinator's; its digest is a safe file name.
  return folder_ / absl::StrCat(kResidualPrefix, Sha256(run).Hex());
}

absl::Status StateFolder::SaveResidual(const std::string& run,
                                       std::span<const float> residual) {
  const auto bytes = std::as_bytes(residual);
  const Digest digest = Sha256(bytes);
  std::string file(digest.AsBytes());
  file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const absl::Status saved = ReplaceFile(ResidualFile(run), file);
  RemoveOldResiduals(folder_);
  return saved;
}

std::vector<float> StateFolder::LoadResidual(const std::string& run,
                                             std::size_t length) const {
  std::ifstream in(ResidualFile(run), std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(in), {}};
  const std::size_t head = Digest{}.bytes.size();
  if (file.size() != head + length * sizeof(float)) return {};
  const std::string_view data = std::string_view(file).substr(head);
  if (Sha256(data).AsBytes() != std::string_view(file).substr(0, head)) {
    return {};
  }
  std::vector<float> residual(length);
  if (length > 0) std::memcpy(residual.data(), data.data(), data.size());
  return residual;
}

}  // namespace tributary
