// SPDX-License-Identifier: Apache-2.0
// The newest verified model, in memory once it was asked for or trained from,
// and by name in the state folder.
//
// Thread-safe. Models are immutable and shared.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "client/core/state_folder.h"
#include "tributary/model.h"
#include "tributary/v1/federation.pb.h"

namespace tributary {

// The files a task of a checked digest size is about.
StateFolder::ModelName ModelNameOf(const v1::Task& task);

class NewestModel {
 public:
  // `folder` outlives this.
  explicit NewestModel(StateFolder& folder) : folder_(folder) {}

  // Makes this model, which is in the cache, the newest and returns it.
  absl::StatusOr<std::shared_ptr<const Model>> Become(
      const StateFolder::ModelName& name);
  // Null if there is none.
  std::shared_ptr<const Model> Get();

 private:
  absl::StatusOr<std::shared_ptr<const Model>> Load(
      const StateFolder::ModelName& name) const;

  StateFolder& folder_;
  std::mutex mutex_;
  std::shared_ptr<const Model> model_;
  std::string run_;  // of it; empty until Become
};

}  // namespace tributary
