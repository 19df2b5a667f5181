// SPDX-License-Identifier: Apache-2.0
#include "simulation/virtual_coordinator.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "aggregation/encoding.h"
#include "aggregation/release.h"
#include "client/core/update.h"
#include "coordinator/checkpoint/plan_options.h"
#include "coordinator/round/pace.h"
#include "proto/codec/plan.h"
#include "proto/codec/strategy.h"

namespace tributary::simulation {
namespace {

using round::ClientId;
using round::Refusal;
using round::TaskToken;

}  // namespace

absl::StatusOr<std::unique_ptr<VirtualCoordinator>> VirtualCoordinator::Create(
    const v1::Plan& plan, const Key& run_key, FirstModel first, Ranks& ranks,
    Journal& journal, CoordinatorLink& link, Observer& observer) {
  auto options = checkpoint::ToOptions(plan);
  if (!options.ok()) return options.status();
  if (options->packed) {
    return absl::UnimplementedError(
        "secure_aggregation, privacy: no simulated round has them");
  }
  const auto local = codec::LocalRanges(plan.strategy(), first.model->manifest);
  if (!local.ok()) return local.status();
  auto layout =
      codec::ToLayout(plan.update(), first.model->manifest, plan.strategy());
  if (!layout.ok()) return layout.status();
  return std::unique_ptr<VirtualCoordinator>(
      new VirtualCoordinator(plan, *options, run_key, std::move(first), *layout,
                             ranks, journal, link, observer));
}

VirtualCoordinator::VirtualCoordinator(
    const v1::Plan& plan, const round::Options& options, const Key& run_key,
    FirstModel first, const aggregation::Layout& layout, Ranks& ranks,
    Journal& journal, CoordinatorLink& link, Observer& observer)
    : plan_(plan),
      header_(std::move(first.header)),
      frame_{.run = plan.name(),
             .archive = std::move(first.archive),
             .training = plan.training(),
             .update = plan.update(),
             .strategy = plan.has_strategy() ? std::optional(plan.strategy())
                                             : std::nullopt},
      format_{codec::ToEncoding(plan.update()).encoding, layout},
      optimizer_(codec::ToOptimizer(plan.server_optimizer())),
      strategy_(codec::ToStrategy(plan.strategy())),
      ranks_(ranks),
      journal_(journal),
      link_(link),
      observer_(observer),
      engine_(options, run_key, first.model->id),
      models_{std::move(first.model)},
      optimizer_state_(aggregation::StateVectors(optimizer_) +
                           aggregation::StateVectors(strategy_),
                       std::vector<float>(layout.trainable)),
      sums_(layout) {}

void VirtualCoordinator::Receive(const ClientId& client,
                                 const v1::ClientMessage& message,
                                 round::Instant now) {
  // A malformed message names no task: what the token was does not matter.
  const auto token_of = [](const auto& part) {
    return coordinator::ToToken(part.task_token()).value_or(TaskToken{});
  };
  switch (message.kind_case()) {
    case v1::ClientMessage::kHello: {
      link_.Deliver(client, coordinator::WelcomeMessage(
                                client.name, message.hello().role()));
      return;
    }
    case v1::ClientMessage::kCheckIn: {
      const bool evaluates = client.name == kEvaluatorName;
      Step(round::CheckIn{client, evaluates ? round::Role::kEvaluator
                                            : round::Role::kTrainer},
           now);
      return;
    }
    case v1::ClientMessage::kUpdateReady: {
      const v1::UpdateHeader& header = message.update_ready().header();
      const auto contribution = coordinator::ToContribution(header);
      const auto size =
          aggregation::EncodedSize(format_.encoding, format_.layout.length);
      Refusal defect = Refusal::kNone;
      if (!contribution) {
        defect = Refusal::kBadMessage;
      } else if (header.encoding() != plan_.update().encoding()) {
        defect = Refusal::kBadEncoding;
      } else if (header.size() < size.min || header.size() > size.max) {
        defect = Refusal::kWrongSize;
      }
      if (defect == Refusal::kNone) {
        Step(round::UpdateAnnounced{client, token_of(header), *contribution},
             now);
      } else {
        Step(round::UpdateArrived{client, token_of(header),
                                  contribution.value_or(round::Contribution{}),
                                  defect},
             now);
      }
      return;
    }
    case v1::ClientMessage::kEvaluation: {
      const auto& metrics = message.evaluation().metrics();
      Step(round::EvaluationArrived{client,
                                    token_of(message.evaluation()),
                                    {metrics.begin(), metrics.end()}},
           now);
      return;
    }
    case v1::ClientMessage::kTaskFailed:
      last_failure_ =
          absl::StrCat(client.name, ": ", message.task_failed().message());
      Step(round::TaskFailed{client, token_of(message.task_failed())}, now);
      return;
    case v1::ClientMessage::kSecure:  // no simulated round has a session
    case v1::ClientMessage::KIND_NOT_SET:
      return;
  }
}

void VirtualCoordinator::Leave(const ClientId& client, round::Instant now) {
  Step(round::Left{client}, now);
}

void VirtualCoordinator::ReceiveUpdate(const ClientId& client,
                                       const ReceivedUpdate& update,
                                       round::Instant now) {
  const v1::UpdateHeader& header = update.header;
  const Refusal defect =
      journal_.IsReplaying() ? journal_.RecallDefect() : update.defect;
  if (!journal_.IsReplaying()) journal_.NoteDefect(defect);
  if (defect != Refusal::kNone) {
    last_failure_ = absl::StrCat(client.name, ": its update was refused, ",
                                 std::string(round::Name(defect)));
  }
  arrived_ = update.floats;
  Step(
      round::UpdateArrived{
          client,
          coordinator::ToToken(header.task_token()).value_or(TaskToken{}),
          coordinator::ToContribution(header).value_or(round::Contribution{}),
          defect},
      now);
  arrived_ = {};
}

void VirtualCoordinator::Tick(round::Instant now) { Step(round::Tick{}, now); }

void VirtualCoordinator::Stop(round::Instant now) {
  Step(round::StopRequested{}, now);
}

std::shared_ptr<const Model> VirtualCoordinator::Fetch(
    const round::ModelId& id) const {
  for (const auto& model : models_) {
    if (model->id == id) return model;
  }
  return nullptr;
}

std::optional<round::Instant> VirtualCoordinator::AwaitsUntil(
    const ClientId& client, const std::string& token) const {
  const auto* collecting =
      std::get_if<round::Collecting>(&engine_.state().phase);
  if (collecting == nullptr) return std::nullopt;
  const auto found = collecting->cohort.find(client);
  if (found == collecting->cohort.end() ||
      found->second.state != round::Participation::kAsked ||
      coordinator::ToToken(token) != found->second.token) {
    return std::nullopt;
  }
  return collecting->deadline;
}

round::Duration VirtualCoordinator::MeanAbsence() const {
  return round::MeanAbsence(engine_.Horizon());
}

bool VirtualCoordinator::OverSelects() const {
  return engine_.options().Asked() > engine_.options().cohort_size;
}

std::size_t VirtualCoordinator::Wanted() const {
  const auto* collecting =
      std::get_if<round::Collecting>(&engine_.state().phase);
  if (collecting == nullptr) return 0;
  return static_cast<std::size_t>(
      std::max(0, engine_.options().cohort_size - collecting->accepted));
}

std::uint32_t VirtualCoordinator::CountedWeight(std::uint32_t examples) const {
  return std::min(examples,
                  static_cast<std::uint32_t>(engine_.options().max_weight));
}

std::uint64_t VirtualCoordinator::model_bytes() const {
  return header_.size() + format_.layout.length * sizeof(float);
}

std::uint64_t VirtualCoordinator::update_bytes() const {
  return aggregation::EncodedSize(format_.encoding, format_.layout.length).max;
}

void VirtualCoordinator::Step(const round::Event& event, round::Instant now) {
  for (const round::Effect& effect : engine_.Step(event, now)) {
    std::visit([this](const auto& wanted) { Perform(wanted); }, effect);
  }
  if (release_) Release(*std::exchange(release_, std::nullopt));
}

void VirtualCoordinator::Release(const round::ReleaseRound& release) {
  summary_.attempt = release.attempt;
  summary_.accepted = static_cast<int>(release.contributors.size());
  summary_.examples = release.total_weight;
  summary_.train_loss = release.train_loss;
  std::shared_ptr<const Model> next;
  if (journal_.IsReplaying()) {
    next = RecallModel();
  } else {
    aggregation::ExactSum sum = sums_.Take();
    status_ = ranks_.Sum(sum.MutableSums());
    if (!status_.ok()) return;
    next = MakeModel(std::move(sum));
  }
  const round::ModelReleased released{release.round, next->id};
  models_.push_back(std::move(next));
  Step(released, engine_.state().now);
}

std::shared_ptr<const Model> VirtualCoordinator::MakeModel(
    aggregation::ExactSum&& sum) {
  auto next = std::make_shared<Model>(*models_.back());
  std::vector<std::span<float>> state(optimizer_state_.begin(),
                                      optimizer_state_.end());
  const aggregation::Release road(std::move(sum), optimizer_, strategy_);
  road.Block(0, next->weights, state);
  road.Block(format_.layout.model(), next->auxiliary, state);
  next->id = ModelDigest(header_, *next);
  journal_.NoteModel(next->id);
  return next;
}

std::shared_ptr<const Model> VirtualCoordinator::RecallModel() {
  auto named = std::make_shared<Model>();
  named->id = journal_.RecallModel();
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

bool VirtualCoordinator::HoldsNoUpdate() const {
  const auto* collecting =
      std::get_if<round::Collecting>(&engine_.state().phase);
  return collecting == nullptr || collecting->accepted == 0;
}

void VirtualCoordinator::ForgetOldModels() {
  const round::State& state = engine_.state();
  std::erase_if(models_, [&](const auto& model) {
    const bool judged =
        state.evaluation && state.evaluation->model == model->id;
    const bool queued =
        state.queued_evaluation && state.queued_evaluation->model == model->id;
    return model != models_.back() && !judged && !queued;
  });
}

void VirtualCoordinator::Perform(const round::OfferTask& effect) {
  link_.Deliver(effect.client, coordinator::TaskMessage(
                                   frame_, effect.task,
                                   effect.task.deadline - engine_.state().now));
}

void VirtualCoordinator::Perform(const round::ComeBack& effect) {
  link_.Deliver(effect.client,
                coordinator::ComeBackMessage(effect.earliest, effect.latest));
}

void VirtualCoordinator::Perform(const round::GrantUpload& effect) {
  link_.Deliver(effect.client, coordinator::GrantMessage(effect.token, 0));
}

void VirtualCoordinator::Perform(const round::AcceptUpdate& effect) {
  if (!journal_.IsReplaying()) Add(effect.weight);
  observer_.OnUpdate();
  link_.Deliver(effect.client, coordinator::AcceptedMessage(effect.token));
}

void VirtualCoordinator::Add(std::uint32_t weight) {
  if (const auto* bytes = std::get_if<std::span<const std::byte>>(&arrived_)) {
    const auto loan = sums_.Borrow(sums_.attempt());
    Fold(format_, *bytes, weight, loan->sum());
  } else if (const auto* added = std::get_if<AddedUpdate*>(&arrived_)) {
    sums_.Confirm(**added);
  }
  sums_.Count(weight);
}

void VirtualCoordinator::Perform(const round::AcknowledgeAgain& effect) {
  link_.Deliver(effect.client, coordinator::AcceptedMessage(effect.token));
}

void VirtualCoordinator::Perform(const round::Refuse& effect) {
  link_.Deliver(effect.client,
                coordinator::RefusedMessage(effect.token, effect.reason, ""));
}

void VirtualCoordinator::Perform(const round::CancelTask& effect) {
  link_.Deliver(effect.client,
                coordinator::CancelMessage(effect.token, effect.reason));
}

void VirtualCoordinator::Perform(const round::AcceptEvaluation& effect) {
  observer_.OnEvaluation(effect.round, effect.metrics);
  link_.Deliver(effect.client, coordinator::AcceptedMessage(effect.token));
}

void VirtualCoordinator::Perform(const round::OpenRound& effect) {
  sums_.Open();
  summary_ = RoundSummary{};
  summary_.round = effect.round;
  summary_.opened = engine_.state().now;
  const auto* collecting =
      std::get_if<round::Collecting>(&engine_.state().phase);
  if (collecting != nullptr) {
    summary_.asked = static_cast<int>(collecting->cohort.size());
  }
}

void VirtualCoordinator::Perform(const round::CloseSecureStep&) {
  status_ = absl::UnimplementedError("no secure sessions are simulated");
}

// The model is made after the effects of this step, so that they stay in order.
void VirtualCoordinator::Perform(const round::ReleaseRound& effect) {
  release_ = effect;
}

void VirtualCoordinator::Perform(const round::CommitRound& effect) {
  summary_.model = effect.model;
  summary_.committed = engine_.state().now;
  summary_.efforts = link_.TakeEfforts();
  observer_.OnRound(summary_);
  ForgetOldModels();
}

void VirtualCoordinator::Perform(const round::AbandonRound& effect) {
  sums_.Abandon();
  observer_.OnAbandoned(effect);
}

void VirtualCoordinator::Perform(const round::EndRun& effect) {
  sums_.Abandon();
  end_ = effect;
  if (effect.end == round::RunEnd::kFailed && !last_failure_.empty()) {
    absl::StrAppend(&end_->reason, "; the last client to fail was ",
                    last_failure_);
  }
}

void VirtualCoordinator::Perform(const round::WakeAt& effect) {
  link_.WakeAt(effect.when);
}

}  // namespace tributary::simulation
