// SPDX-License-Identifier: Apache-2.0
// From the sum of a round to its model, and the models that a checkpoint had.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "aggregation/mixing.h"
#include "aggregation/release.h"
#include "proto/codec/privacy.h"
#include "simulation/virtual_coordinator.h"

namespace tributary::simulation {

using round::ClientId;

void VirtualCoordinator::Release(const round::ReleaseRound& release) {
  summary_.attempt = release.attempt;
  summary_.accepted = static_cast<int>(release.contributors.size());
  if (!packed_) {
    summary_.aggregates =
        round::Aggregates{release.total_weight, release.train_loss};
  }
  if (engine_.options().charged == round::Charged::kReleases) {
    status_ = Charge(release.round, release.attempt, release.contributors);
  }
  if (!status_.ok()) return;
  round::ModelReleased released;
  released.round = release.round;
  std::optional<std::vector<ClientId>> outliers;
  if (journal_.IsReplaying()) {
    const Journal::Release past = journal_.RecallRelease();
    released.next_clip_norm = past.next_clip_norm;
    released.aggregates = past.aggregates;
    outliers = past.outliers;
    if (robust_ && robust_->adversaries() != nullptr) {
      robust_->adversaries()->Remember(past.adversaries);
    }
    models_.push_back(RecallModel(past.model));
  } else {
    auto finished = FinishSum(release);
    if (packed_ && absl::IsFailedPrecondition(finished.status())) {
      return Step(
          round::SecureAbandoned{release.round, release.attempt,
                                 summary_.accepted,
                                 std::string(finished.status().message())},
          engine_.state().now);
    }
    status_ = finished.status();
    if (!status_.ok()) return;
    released.next_clip_norm = finished->sum.next_clip_norm;
    released.aggregates = finished->sum.aggregates;
    outliers = std::move(finished->outliers);
    models_.push_back(MakeModel(std::move(finished->sum.sum), release.mixture));
    AdversaryMemory remembered;
    if (robust_ && robust_->adversaries() != nullptr) {
      robust_->adversaries()->Learn((*(models_.end() - 2))->weights,
                                    models_.back()->weights);
      remembered = robust_->adversaries()->memory();
    }
    journal_.NoteRelease({.model = models_.back()->id,
                          .next_clip_norm = released.next_clip_norm,
                          .aggregates = released.aggregates,
                          .outliers = outliers,
                          .adversaries = remembered});
  }
  if (outliers) {
    summary_.outliers = static_cast<std::uint32_t>(outliers->size());
    released.outliers = *std::move(outliers);
  }
  released.model = models_.back()->id;
  Step(released, engine_.state().now);
}

absl::Status VirtualCoordinator::Charge(int round, int attempt,
                                        const std::vector<ClientId>& whom) {
  if (!plan_.has_privacy()) return absl::OkStatus();
  auto debit =
      codec::DebitOf(plan_, manifest_,
                     {.run = plan_.name(),
                      .round = static_cast<std::uint32_t>(round),
                      .attempt = static_cast<std::uint32_t>(attempt),
                      .clip_norm = summary_.clip_norm.value_or(0),
                      .contributors = static_cast<std::uint32_t>(whom.size())});
  if (!debit.ok()) return debit.status();
  return observer_.OnCharge({*std::move(debit), whom});
}

absl::StatusOr<VirtualCoordinator::Finished> VirtualCoordinator::FinishSum(
    const round::ReleaseRound& release) {
  if (packed_) {
    KeyedStream stream(run_key_, absl::StrCat("central noise/", release.round,
                                              "/", release.attempt));
    BufferedRandom noise(stream);
    auto sum = packed_->Finish(release.contributors.size(), ranks_, noise);
    if (!sum.ok()) return sum.status();
    return Finished{*std::move(sum), std::nullopt};
  }
  if (robust_) {
    auto released = robust_->Finish({release.round, release.attempt}, Center());
    if (!released.ok()) return released.status();
    return Finished{{.sum = std::move(released->sum),
                     .aggregates = std::nullopt,
                     .next_clip_norm = std::nullopt},
                    std::move(released->outliers)};
  }
  aggregation::ExactSum sum = sums_.Take();
  if (auto summed = ranks_.Sum(sum.MutableSums()); !summed.ok()) return summed;
  sum.DivideBy(release.divisor);
  return Finished{{.sum = std::move(sum),
                   .aggregates = std::nullopt,
                   .next_clip_norm = std::nullopt},
                  std::nullopt};
}

std::span<const float> VirtualCoordinator::Center() const {
  if (!robust_->NeedsCenter()) return {};
  return optimizer_state_[static_cast<std::size_t>(
      aggregation::StateVectors(optimizer_))];
}

std::shared_ptr<const Model> VirtualCoordinator::MakeModel(
    aggregation::ExactSum&& sum, const std::optional<round::Mixture>& mixture) {
  const Model& latest = *models_.back();
  auto next = std::make_shared<Model>(mixture ? *Fetch(mixture->base) : latest);
  std::vector<std::span<float>> state(optimizer_state_.begin(),
                                      optimizer_state_.end());
  const aggregation::Release road(std::move(sum), optimizer_, strategy_);
  road.Block(0, next->weights, state);
  road.Block(format_.layout.model(), next->auxiliary, state);
  if (mixture) {
    const Model trained = std::move(*next);
    *next = latest;
    aggregation::Mix(mixture->share, next->weights, trained.weights);
    aggregation::Mix(mixture->share, next->auxiliary, trained.auxiliary);
  }
  next->id = ModelDigest(header_, *next);
  return next;
}

std::shared_ptr<const Model> VirtualCoordinator::RecallModel(
    const round::ModelId& id) const {
  auto named = std::make_shared<Model>();
  named->id = id;
  for (const auto& model : restored_) {
    if (model->id == named->id) return model;
  }
  return named;
}

absl::Status VirtualCoordinator::Restore(
    const std::vector<StoredModel>& models,
    std::vector<std::vector<float>> optimizer_state) {
  const Model& like = *models_.back();
  for (const StoredModel& stored : models) {
    auto model = std::make_shared<Model>(like);
    model->weights = stored.weights;
    model->auxiliary = stored.auxiliary;
    model->id = ModelDigest(header_, *model);
    if (model->weights.size() != like.weights.size() ||
        model->auxiliary.size() != like.auxiliary.size() ||
        model->id != stored.id) {
      return absl::DataLossError("a model is not what its name says");
    }
    restored_.push_back(std::move(model));
  }
  if (optimizer_state.size() != optimizer_state_.size()) {
    return absl::DataLossError(
        absl::StrCat(optimizer_state.size(), " vectors of the optimizer's, ",
                     optimizer_state_.size(), " expected"));
  }
  for (const auto& vector : optimizer_state) {
    if (vector.size() != format_.layout.trainable) {
      return absl::DataLossError(
          absl::StrCat("a vector of the optimizer's has ", vector.size(),
                       " floats, ", format_.layout.trainable, " expected"));
    }
  }
  optimizer_state_ = std::move(optimizer_state);
  return absl::OkStatus();
}

absl::Status VirtualCoordinator::EndReplay() {
  restored_.clear();
  for (const auto& model : models_) {
    if (model->weights.empty()) {
      return absl::DataLossError(
          absl::StrCat("without the model ", model->id.Hex()));
    }
  }
  return absl::OkStatus();
}

void VirtualCoordinator::ForgetOldModels() {
  std::erase_if(models_, [this](const auto& model) {
    return model != models_.back() &&
           !round::IsInUse(engine_.state(), model->id);
  });
}

}  // namespace tributary::simulation
