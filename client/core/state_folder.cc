// SPDX-License-Identifier: Apache-2.0
#include "client/core/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/durable/replacement.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// Runs end; their states need not stay for ever.
constexpr std::size_t kMostStates = 4;
constexpr char kStatePrefix[] = "state-";

// The folder is locked, and what is in it nobody else's business.
constexpr durable::ReplacementOptions kPrivate{
    .permissions = 0600,
    .writers = durable::ReplacementOptions::Writers::kThisProcess};

void RemoveOldStates(const fs::path& folder) {
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  std::error_code error;
  // Not a range-for: that one's step throws.
  for (fs::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    const fs::directory_entry& entry = *at;
    if (entry.path().filename().string().starts_with(kStatePrefix)) {
      files.emplace_back(entry.last_write_time(error), entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  for (std::size_t i = 0; i + kMostStates < files.size(); ++i) {
    fs::remove(files[i].second, error);
  }
}

}  // namespace

StateFolder::StateFolder(fs::path folder, std::uint64_t cache_limit, int lock)
    : folder_(std::move(folder)),
      lock_(lock),
      models_(folder_ / "models", cache_limit),
      answered_(folder_ / "answered"),
      noised_(folder_ / "noised") {}

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
  if (lock < 0) return durable::FileError("opening", lock_file);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return absl::FailedPreconditionError(
        absl::StrCat("state_folder: another client uses ", folder.string()));
  }
  return std::unique_ptr<StateFolder>(
      new StateFolder(folder, cache_limit, lock));
}

absl::Status StateFolder::SetNewest(const ModelName& name) {
  return durable::ReplaceFile(
      folder_ / "newest",
      absl::StrCat(name.model.Hex(), "\n",
                   name.archive ? name.archive->Hex() : "", "\n", name.run,
                   "\n"),
      kPrivate);
}

std::optional<StateFolder::ModelName> StateFolder::Newest() const {
  std::ifstream in(folder_ / "newest");
  std::string model;
  std::string archive;
  if (!std::getline(in, model)) return std::nullopt;
  std::getline(in, archive);
  std::string run;
  std::getline(in, run);
  const absl::StatusOr<Digest> digest = Digest::FromHex(model);
  if (!digest.ok()) return std::nullopt;
  ModelName name{*digest, std::nullopt, std::move(run)};
  if (!archive.empty()) {
    const absl::StatusOr<Digest> archive_digest = Digest::FromHex(archive);
    if (!archive_digest.ok()) return std::nullopt;
    name.archive = *archive_digest;
  }
  return name;
}

absl::Status StateFolder::SetCounted(const session::CountedTask& task) {
  return durable::ReplaceFile(
      folder_ / "counted",
      absl::StrCat(task.name.Hex(), "\n", absl::BytesToHexString(task.token),
                   "\n"),
      kPrivate);
}

std::optional<session::CountedTask> StateFolder::Counted() const {
  std::ifstream in(folder_ / "counted");
  std::string name;
  std::string token;
  if (!std::getline(in, name) || !std::getline(in, token)) return std::nullopt;
  const absl::StatusOr<Digest> digest = Digest::FromHex(name);
  if (!digest.ok()) return std::nullopt;
  return session::CountedTask{*digest, absl::HexStringToBytes(token)};
}

fs::path StateFolder::StateFile(const std::string& run) const {
  // A run's name is the coordinator's; its digest is a safe file name.
  return folder_ / absl::StrCat(kStatePrefix, Sha256(run).Hex());
}

absl::Status StateFolder::SaveState(const std::string& run,
                                    const ClientState& state) {
  const absl::Status saved =
      durable::ReplaceFile(StateFile(run), Serialise(state), kPrivate);
  RemoveOldStates(folder_);
  return saved;
}

ClientState StateFolder::LoadState(const std::string& run) const {
  std::ifstream in(StateFile(run), std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(in), {}};
  absl::StatusOr<ClientState> state = ParseClientState(file);
  return state.ok() ? *std::move(state) : ClientState{};
}

}  // namespace tributary
