// SPDX-License-Identifier: Apache-2.0
#include "simulation/virtual_coordinator.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "aggregation/encoding.h"
#include "aggregation/invariant.h"
#include "aggregation/release.h"
#include "client/core/update.h"
#include "coordinator/checkpoint/plan_options.h"
#include "coordinator/round/pace.h"
#include "proto/codec/plan.h"
#include "proto/codec/privacy.h"
#include "proto/codec/strategy.h"

namespace tributary::simulation {
namespace {

using round::ClientId;
using round::Refusal;
using round::TaskToken;

// A malformed message names no task: what the token was does not matter.
template <typename Message>
TaskToken TokenOf(const Message& message) {
  return coordinator::ToToken(message.task_token()).value_or(TaskToken{});
}

}  // namespace

absl::StatusOr<std::unique_ptr<VirtualCoordinator>> VirtualCoordinator::Create(
    const v1::Plan& plan, const Key& run_key, FirstModel first,
    const secagg::Authority& authority, Ranks& ranks, Journal& journal,
    CoordinatorLink& link, Observer& observer) {
  auto options = checkpoint::ToOptions(plan);
  if (!options.ok()) return options.status();
  if (!IsMasked(plan)) options->secure.reset();
  if (plan.has_privacy()) {
    const auto rounds =
        codec::AffordableRounds(plan, first.model->manifest, dp::Spend());
    if (!rounds.ok()) return rounds.status();
    options->max_debits = static_cast<int>(*rounds);
  }
  const auto local = codec::LocalRanges(plan.strategy(), first.model->manifest);
  if (!local.ok()) return local.status();
  auto layout =
      codec::ToLayout(plan.update(), first.model->manifest, plan.strategy());
  if (!layout.ok()) return layout.status();
  std::optional<PackedRound> packed;
  if (options->packed) {
    auto round = PackedRound::Create(plan, first.model->manifest, authority);
    if (!round.ok()) return round.status();
    packed = *std::move(round);
  }
  return std::unique_ptr<VirtualCoordinator>(new VirtualCoordinator(
      plan, *options, run_key, std::move(first), *layout, std::move(packed),
      ranks, journal, link, observer));
}

VirtualCoordinator::VirtualCoordinator(
    const v1::Plan& plan, const round::Options& options, const Key& run_key,
    FirstModel first, const aggregation::Layout& layout,
    std::optional<PackedRound> packed, Ranks& ranks, Journal& journal,
    CoordinatorLink& link, Observer& observer)
    : plan_(plan),
      run_key_(run_key),
      manifest_(first.model->manifest),
      header_(std::move(first.header)),
      frame_{.run = plan.name(),
             .archive = std::move(first.archive),
             .training = plan.training(),
             .update = plan.update(),
             .strategy = plan.has_strategy() ? std::optional(plan.strategy())
                                             : std::nullopt,
             .integers = std::nullopt,
             .secure = std::nullopt},
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
      sums_(layout),
      packed_(std::move(packed)) {}

void VirtualCoordinator::Receive(const ClientId& client,
                                 const v1::ClientMessage& message,
                                 round::Instant now) {
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
    case v1::ClientMessage::kUpdateReady:
      return Receive(client, message.update_ready().header(), now);
    case v1::ClientMessage::kSecure:
      return Receive(client, message.secure(), now);
    case v1::ClientMessage::kEvaluation: {
      const auto& metrics = message.evaluation().metrics();
      Step(round::EvaluationArrived{client,
                                    TokenOf(message.evaluation()),
                                    {metrics.begin(), metrics.end()}},
           now);
      return;
    }
    case v1::ClientMessage::kTaskFailed:
      last_failure_ =
          absl::StrCat(client.name, ": ", message.task_failed().message());
      Step(round::TaskFailed{client, TokenOf(message.task_failed())}, now);
      return;
    case v1::ClientMessage::KIND_NOT_SET:
      return;
  }
}

void VirtualCoordinator::Receive(const ClientId& client,
                                 const v1::UpdateHeader& announced,
                                 round::Instant now) {
  const auto contribution = coordinator::ToContribution(announced);
  const TaskToken token = TokenOf(announced);
  Refusal defect = Refusal::kNone;
  if (!contribution) {
    defect = Refusal::kBadMessage;
  } else if (announced.encoding() != plan_.update().encoding()) {
    defect = Refusal::kBadEncoding;
  } else if (!IsSize(announced.size())) {
    defect = Refusal::kWrongSize;
  }
  if (defect == Refusal::kNone) {
    Step(round::UpdateAnnounced{client, token, *contribution}, now);
  } else {
    Step(round::UpdateArrived{client, token,
                              contribution.value_or(round::Contribution{}),
                              defect},
         now);
  }
}

void VirtualCoordinator::Receive(const ClientId& client,
                                 const v1::SecureClientMessage& message,
                                 round::Instant now) {
  const TaskToken token = TokenOf(message);
  coordinator::SecureSession* session = Session();
  // Of an attempt that is over: whoever sent it has been told, or will be.
  if (session == nullptr || !IsOpenTask(client, token)) return;
  const round::SecureStep step = session->step();
  const auto answer = session->Receive(client, message);
  switch (answer.refusal) {
    case Refusal::kNone:
      if (message.has_masked_input()) return;
      return Step(round::SecureAnswered{client, token, step, answer.is_enough},
                  now);
    case Refusal::kDuplicate:
    case Refusal::kTooLate:
      return;
    default:
      last_failure_ = absl::StrCat(client.name, ": ", answer.detail);
      return Step(round::UpdateArrived{client, token, round::Contribution{},
                                       answer.refusal},
                  now);
  }
}

bool VirtualCoordinator::IsOpenTask(const ClientId& client,
                                    const TaskToken& token) const {
  const round::Cohort* cohort = round::CohortOf(engine_.state().phase);
  if (cohort == nullptr) return false;
  const auto found = cohort->find(client);
  return found != cohort->end() && found->second.token == token;
}

coordinator::SecureSession* VirtualCoordinator::Session() {
  return packed_ ? packed_->session() : nullptr;
}

void VirtualCoordinator::SendSecure(const ClientId& client) {
  coordinator::SecureSession* session = Session();
  const round::Cohort* cohort = round::CohortOf(engine_.state().phase);
  if (session == nullptr || cohort == nullptr) return;
  const auto found = cohort->find(client);
  if (found == cohort->end()) return;
  for (v1::SecureServerMessage& message : session->MessagesFor(client)) {
    link_.Deliver(client, coordinator::SecureMessage(found->second.token,
                                                     std::move(message)));
  }
}

bool VirtualCoordinator::IsSize(std::uint64_t size) const {
  if (packed_) return size == packed_->update_bytes();
  const auto sizes =
      aggregation::EncodedSize(format_.encoding, format_.layout.length);
  return size >= sizes.min && size <= sizes.max;
}

void VirtualCoordinator::Leave(const ClientId& client, round::Instant now) {
  Step(round::Left{client}, now);
}

void VirtualCoordinator::ReceiveUpdate(const ClientId& client,
                                       const ReceivedUpdate& update,
                                       round::Instant now) {
  const v1::UpdateHeader& header = update.header;
  Refusal defect =
      journal_.IsReplaying() ? journal_.RecallDefect() : update.defect;
  if (!journal_.IsReplaying()) journal_.NoteDefect(defect);
  coordinator::SecureSession* session = Session();
  if (session != nullptr && !session->ExpectsInput(client)) {
    defect = Refusal::kBadProtocol;
  }
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
  const round::Phase& phase = engine_.state().phase;
  std::optional<round::Instant> deadline;
  if (const auto* keying = std::get_if<round::Keying>(&phase)) {
    deadline = keying->opened + engine_.options().deadline;
  } else if (const auto* collecting = std::get_if<round::Collecting>(&phase)) {
    deadline = collecting->deadline;
  } else {
    return std::nullopt;
  }
  const round::Cohort& cohort = *round::CohortOf(phase);
  const auto found = cohort.find(client);
  if (found == cohort.end() ||
      found->second.state != round::Participation::kAsked ||
      coordinator::ToToken(token) != found->second.token) {
    return std::nullopt;
  }
  return deadline;
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
  if (packed_) return packed_->update_bytes();
  return aggregation::EncodedSize(format_.encoding, format_.layout.length).max;
}

void VirtualCoordinator::Step(const round::Event& event, round::Instant now) {
  StepOnce(event, now);
  while (!closed_.empty() && status_.ok()) {
    const round::Event answer = std::move(closed_.front());
    closed_.pop_front();
    StepOnce(answer, engine_.state().now);
    if (const auto* closed = std::get_if<round::SecureStepClosed>(&answer)) {
      for (const ClientId& client : closed->remaining) SendSecure(client);
    }
  }
}

void VirtualCoordinator::StepOnce(const round::Event& event,
                                  round::Instant now) {
  for (const round::Effect& effect : engine_.Step(event, now)) {
    std::visit([this](const auto& wanted) { Perform(wanted); }, effect);
  }
  if (release_) Release(*std::exchange(release_, std::nullopt));
}

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
  if (journal_.IsReplaying()) {
    const Journal::Release past = journal_.RecallRelease();
    released.next_clip_norm = past.next_clip_norm;
    released.aggregates = past.aggregates;
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
    released.next_clip_norm = finished->next_clip_norm;
    released.aggregates = finished->aggregates;
    models_.push_back(MakeModel(std::move(finished->sum)));
    journal_.NoteRelease({.model = models_.back()->id,
                          .next_clip_norm = released.next_clip_norm,
                          .aggregates = released.aggregates});
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

absl::StatusOr<coordinator::FinishedSum> VirtualCoordinator::FinishSum(
    const round::ReleaseRound& release) {
  if (packed_) {
    KeyedStream stream(run_key_, absl::StrCat("central noise/", release.round,
                                              "/", release.attempt));
    BufferedRandom noise(stream);
    return packed_->Finish(release.contributors.size(), ranks_, noise);
  }
  aggregation::ExactSum sum = sums_.Take();
  if (auto summed = ranks_.Sum(sum.MutableSums()); !summed.ok()) return summed;
  return coordinator::FinishedSum{.sum = std::move(sum),
                                  .aggregates = std::nullopt,
                                  .next_clip_norm = std::nullopt};
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

bool VirtualCoordinator::HoldsNoUpdate() const {
  const round::Phase& phase = engine_.state().phase;
  if (const auto* collecting = std::get_if<round::Collecting>(&phase)) {
    return collecting->accepted == 0;
  }
  return !std::holds_alternative<round::Unmasking>(phase) &&
         !std::holds_alternative<round::Released>(phase);
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
  v1::ServerMessage message = coordinator::TaskMessage(
      frame_, effect.task, effect.task.deadline - engine_.state().now);
  if (packed_ && effect.task.kind == round::TaskKind::kTrain) {
    status_.Update(packed_->Begin(message.task()));
  }
  link_.Deliver(effect.client, std::move(message));
  SendSecure(effect.client);
}

void VirtualCoordinator::Perform(const round::ComeBack& effect) {
  link_.Deliver(effect.client,
                coordinator::ComeBackMessage(effect.earliest, effect.latest));
}

void VirtualCoordinator::Perform(const round::GrantUpload& effect) {
  link_.Deliver(effect.client, coordinator::GrantMessage(effect.token, 0));
}

void VirtualCoordinator::Perform(const round::AcceptUpdate& effect) {
  if (coordinator::SecureSession* session = Session()) {
    TRIBUTARY_INVARIANT(session->AcceptInput(effect.client), ==, true);
  }
  if (!journal_.IsReplaying()) Add(effect.weight);
  observer_.OnUpdate();
  link_.Deliver(effect.client, coordinator::AcceptedMessage(effect.token));
}

void VirtualCoordinator::Add(std::uint32_t weight) {
  if (packed_) {
    const auto* packed = std::get_if<std::span<const std::byte>>(&arrived_);
    if (packed != nullptr) packed_->Add(*packed);
    return;
  }
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
  summary_ = RoundSummary{};
  summary_.round = effect.round;
  summary_.opened = engine_.state().now;
  std::vector<ClientId> asked;
  if (const auto* cohort = round::CohortOf(engine_.state().phase)) {
    for (const auto& [client, participant] : *cohort) asked.push_back(client);
  }
  summary_.asked = static_cast<int>(asked.size());
  if (packed_) {
    summary_.clip_norm = engine_.state().clip_norm;
    status_.Update(packed_->Open(summary_.clip_norm));
    packed_->Describe(frame_);
    if (engine_.options().charged == round::Charged::kAttempts) {
      status_.Update(Charge(effect.round, effect.attempt, asked));
    }
  } else {
    sums_.Open();
  }
}

void VirtualCoordinator::Perform(const round::CloseSecureStep& effect) {
  coordinator::SecureSession* session = Session();
  if (session == nullptr) return;
  const auto closed = session->Close();
  if (const auto* on =
          std::get_if<coordinator::SecureSession::Closed>(&closed)) {
    closed_.emplace_back(round::SecureStepClosed{effect.round, effect.attempt,
                                                 effect.step, on->remaining});
    return;
  }
  const auto& over = std::get<coordinator::SecureSession::Abandoned>(closed);
  closed_.emplace_back(round::SecureAbandoned{effect.round, effect.attempt,
                                              over.count, over.reason});
}

// The model is made after the effects of this step, so that they stay in order.
void VirtualCoordinator::Perform(const round::ReleaseRound& effect) {
  release_ = effect;
}

void VirtualCoordinator::Perform(const round::CommitRound& effect) {
  summary_.model = effect.model;
  summary_.committed = engine_.state().now;
  if (effect.aggregates) summary_.aggregates = effect.aggregates;
  summary_.efforts = link_.TakeEfforts();
  observer_.OnRound(summary_);
  ForgetOldModels();
}

void VirtualCoordinator::EndSums() {
  sums_.Abandon();
  if (packed_) packed_->Abandon();
}

void VirtualCoordinator::Perform(const round::AbandonRound& effect) {
  EndSums();
  observer_.OnAbandoned(effect);
}

void VirtualCoordinator::Perform(const round::EndRun& effect) {
  EndSums();
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
