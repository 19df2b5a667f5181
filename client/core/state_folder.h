// SPDX-License-Identifier: Apache-2.0
// What a client keeps on disk: the models it has, which of them is the newest,
// and the residual of each run's encoding.
//
//   lock                one process at a time (flock)
//   models/<sha256>     models and archives (ModelCache)
//   newest              digests of the newest verified model and its archive
//   residual-<run>      one run's residual: checksum, then floats
//
// A damaged file counts as absent. Each method may be called from any thread,
// the same method not twice at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
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

  struct ModelName {
    Digest model;
    std::optional<Digest> archive;
    friend bool operator==(const ModelName&, const ModelName&) = default;
  };
  absl::Status SetNewest(const ModelName& name);
  std::optional<ModelName> Newest() const;

  absl::Status SaveResidual(const std::string& run,
                            std::span<const float> residual);
  // Empty if there is none of this length.
  std::vector<float> LoadResidual(const std::string& run,
                                  std::size_t length) const;

 private:
  StateFolder(std::filesystem::path folder, std::uint64_t cache_limit,
              int lock);
  std::filesystem::path ResidualFile(const std::string& run) const;

  std::filesystem::path folder_;
  int lock_;
  ModelCache models_;
};

}  // namespace tributary
