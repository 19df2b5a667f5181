// SPDX-License-Identifier: Apache-2.0
#include "client/core/newest_model.h"

#include <utility>

namespace tributary {

StateFolder::ModelName ModelNameOf(const v1::Task& task) {
  StateFolder::ModelName name{*Digest::FromBytes(task.model()), std::nullopt,
                              task.run()};
  if (!task.archive().empty()) {
    name.archive = *Digest::FromBytes(task.archive());
  }
  return name;
}

absl::StatusOr<std::shared_ptr<const Model>> NewestModel::Load(
    const StateFolder::ModelName& name) const {
  return LoadModel(folder_.models().Path(name.model), name.model,
                   name.archive ? folder_.models().Path(*name.archive) : "");
}

absl::StatusOr<std::shared_ptr<const Model>> NewestModel::Become(
    const StateFolder::ModelName& name) {
  {
    const std::lock_guard lock(mutex_);
    if (model_ != nullptr && model_->id == name.model && run_ == name.run) {
      return model_;
    }
  }
  absl::StatusOr<std::shared_ptr<const Model>> model = Load(name);
  if (!model.ok()) return model.status();
  // Memory knows it even if the disk cannot be told.
  folder_.SetNewest(name).IgnoreError();
  const std::lock_guard lock(mutex_);
  model_ = *model;
  run_ = name.run;
  return model;
}

std::shared_ptr<const Model> NewestModel::Get() {
  const std::lock_guard lock(mutex_);
  if (model_ == nullptr) {
    const std::optional<StateFolder::ModelName> name = folder_.Newest();
    if (name) {
      absl::StatusOr<std::shared_ptr<const Model>> model = Load(*name);
      if (model.ok()) model_ = *std::move(model);
    }
  }
  return model_;
}

}  // namespace tributary
