// SPDX-License-Identifier: Apache-2.0
// What a client keeps on disk: the models it has, which of them is the newest,
// and the client state of each run.
//
//   lock                one process at a time (flock)
//   models/<sha256>     models and archives (ModelCache)
//   newest              digests of the newest verified model and its archive,
//                       and the run it is of
//   state-<run>         one run's ClientState, checksummed
//   counted             the task whose update was acknowledged last
//   answered            the secure sessions it answered (AnsweredFile)
//   noised              the tasks it drew its own noise for (AnsweredFile)
//
// A damaged file counts as absent. Each method may be called from any thread,
// the same one that writes not twice at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/core/answered_file.h"
#include "client/core/client_state.h"
#include "client/core/counted_task.h"
#include "client/core/model_cache.h"
#include "privacy/crypto/digest.h"

namespace tributary {

class StateFolder {
 public:
  // Created if missing. FailedPrecondition if another client uses it.
  static absl::StatusOr<std::unique_ptr<StateFolder>> Open(
      const std::filesystem::path& folder, std::uint64_t cache_limit);
  ~StateFolder();
  StateFolder(const StateFolder&) = delete;
  StateFolder& operator=(const StateFolder&) = delete;

  ModelCache& models() { return models_; }
  // One thread at a time.
  secagg::AnsweredSessions& answered() { return answered_; }
  // Tasks by the SHA-256 of their token. One thread at a time.
  AnsweredFile& noised() { return noised_; }

  struct ModelName {
    Digest model;
    std::optional<Digest> archive;
    std::string run = {};
    friend bool operator==(const ModelName&, const ModelName&) = default;
  };
  absl::Status SetNewest(const ModelName& name);
  std::optional<ModelName> Newest() const;

  absl::Status SetCounted(const session::CountedTask& task);
  // None if no update was ever acknowledged.
  std::optional<session::CountedTask> Counted() const;

  absl::Status SaveState(const std::string& run, const ClientState& state);
  // Empty if there is none.
  ClientState LoadState(const std::string& run) const;

 private:
  StateFolder(std::filesystem::path folder, std::uint64_t cache_limit,
              int lock);
  std::filesystem::path StateFile(const std::string& run) const;

  std::filesystem::path folder_;
  int lock_;
  ModelCache models_;
  AnsweredFile answered_;
  AnsweredFile noised_;
};

}  // namespace tributary
