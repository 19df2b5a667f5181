// SPDX-License-Identifier: Apache-2.0
#include "simulation/virtual_client.h"

#include <chrono>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "simulation/received_update.h"

namespace tributary::simulation {
namespace {

using Need = SharedWork::Need;

// What an example costs to train on, forward and backward, of what it costs to
// evaluate.
constexpr std::size_t kPassesOfTraining = 3;

session::Instant ToSession(round::Instant instant) {
  return session::Instant(instant.time_since_epoch());
}

session::Options SessionOptions(const World& world, const Identity& identity) {
  session::Options options;
  options.secure.policy = world.policy;
  options.secure.obstacle.clear();
  options.population = identity.population;
  options.client_name = identity.id.name;
  options.role = identity.IsEvaluator() ? v1::EVALUATOR : v1::TRAINER;
  return options;
}

}  // namespace

VirtualClient::VirtualClient(const World& world, Keeper& keeper,
                             Identity identity)
    : world_(world),
      keeper_(keeper),
      identity_(std::move(identity)),
      session_(SessionOptions(world, identity_), world.jitter) {}

VirtualClient::~VirtualClient() {
  DropWork();
  ForgetState();
}

void VirtualClient::Send(v1::ServerMessage message) {
  NoteOutcome(message);
  if (is_handing_in_) {
    answers_.push_back(std::move(message));
    return;
  }
  After(identity_.device.latency, [this, message = std::move(message)] {
    Step(session::Received{message});
  });
}

void VirtualClient::NoteOutcome(const v1::ServerMessage& message) {
  const round::Instant now = world_.time.now();
  if (message.has_task() && message.task().kind() == v1::Task::TRAIN) {
    // The same task may be offered twice.
    if (!timeline_) timeline_.emplace();
  } else if (message.has_verdict()) {
    const v1::Verdict& verdict = message.verdict();
    Conclude(verdict.accepted()                 ? Outcome::kCounted
             : verdict.reason() == v1::TOO_LATE ? Outcome::kLate
                                                : Outcome::kRefused,
             now);
  } else if (message.has_cancel()) {
    Conclude(Outcome::kLate, now + identity_.device.latency);
  }
}

void VirtualClient::Conclude(Outcome outcome, round::Instant when) {
  if (!timeline_) return;
  keeper_.OnTaskOver(*this, outcome,
                     timeline_->SpentBy(when, identity_.device));
  timeline_.reset();
}

void VirtualClient::Step(const session::Event& event) {
  for (const session::Effect& effect :
       session_.Step(event, ToSession(world_.time.now()))) {
    std::visit([this](const auto& wanted) { Perform(wanted); }, effect);
  }
  if (IsIdle()) keeper_.OnIdle(*this);
}

// A client whose last task failed stays, for its session counts failures: the
// next pause depends on them. The evaluator always does.
bool VirtualClient::IsIdle() const {
  const auto* resting = std::get_if<session::Resting>(&session_.work());
  return resting != nullptr && resting->check_in_at && !has_failed_ &&
         !identity_.IsEvaluator();
}

void VirtualClient::Perform(const session::Connect&) {
  After(identity_.device.latency, [this, connection = ++connection_] {
    if (connection == connection_) Step(session::Connected{});
  });
}

void VirtualClient::Perform(const session::Disconnect&) {
  ++connection_;
  world_.coordinator.Leave(identity_.id, world_.time.now());
}

void VirtualClient::Perform(const session::Send& effect) {
  if (effect.message.has_task_failed()) {
    has_failed_ = true;
    Conclude(Outcome::kFailed, world_.time.now());
  }
  if (is_handing_in_) {
    world_.coordinator.Receive(identity_.id, effect.message, world_.time.now());
    return;
  }
  After(identity_.device.latency, [this, message = effect.message] {
    world_.coordinator.Receive(identity_.id, message, world_.time.now());
    if (message.has_check_in() && !std::exchange(has_checked_in_, true)) {
      keeper_.OnCheckedIn(*this);
    }
  });
}

void VirtualClient::Perform(const session::Fetch& effect) {
  // An archive is a file on this machine already.
  if (world_.coordinator.IsArchive(effect.digest)) {
    After({},
          [this, digest = effect.digest] { Step(session::Fetched{digest}); });
    return;
  }
  const auto found = world_.coordinator.Fetch(effect.digest);
  if (found == nullptr) {
    After(identity_.device.latency, [this, digest = effect.digest] {
      Step(session::FetchFailed{digest, absl::NotFoundError("no such model")});
    });
    return;
  }
  const std::uint64_t bytes =
      fetched_ == effect.digest ? 0 : world_.coordinator.model_bytes();
  const auto time = bytes == 0 ? round::Duration::zero()
                               : identity_.device.DownloadTime(bytes);
  if (timeline_) {
    timeline_->download = {world_.time.now(), world_.time.now() + time};
    timeline_->bytes_down = bytes;
  }
  After(time, [this, fetch = ++fetch_, found] {
    if (fetch != fetch_) return;
    model_ = found;
    fetched_ = found->id;
    Step(session::Fetched{found->id});
  });
}

void VirtualClient::Perform(const session::CancelFetch&) { ++fetch_; }

void VirtualClient::Perform(const session::StartTraining& effect) {
  StartWork(effect.task);
  const v1::TrainingPlan& training = effect.task.training();
  const std::size_t examples = world_.participants.Examples(*identity_.index);
  const std::string& token = effect.task.task_token();
  TaskTimeline plan = timeline_.value_or(TaskTimeline{});
  plan.Plan(world_.time.now(), identity_.device.TrainTime(training, examples),
            world_.coordinator.update_bytes(), identity_.device);
  if (timeline_) timeline_ = plan;
  const round::Instant due = plan.upload.end;
  const auto loss = world_.dropout.Draw(token, plan);
  if (loss) {
    After(loss->when - world_.time.now(),
          [this, work = work_, outcome = loss->outcome] {
            if (work == work_ && job_ != nullptr) {
              keeper_.OnLost(*this, outcome);
            }
          });
  }
  const bool leaves = identity_.leaves_at && *identity_.leaves_at <= due;
  const auto deadline = world_.coordinator.AwaitsUntil(identity_.id, token);
  // Nothing is computed for a client that will be lost, or late.
  if (!loss && !leaves && deadline && due < *deadline) {
    job_->demand = {.due = due,
                    .cost = ExamplesShown(training, examples),
                    .need = world_.coordinator.OverSelects() ? Need::kPerhaps
                                                             : Need::kCertain};
    if (world_.clients_have_states) job_->demand->home = identity_.index;
    job_->integers = world_.coordinator.integers();
    if (world_.adds_where_made) {
      job_->adds_to = world_.coordinator.sums().attempt();
    }
    if (!world_.journal.IsReplaying()) Submit();
  }
  HandInAfter(due - world_.time.now());
}

void VirtualClient::HandInAfter(round::Duration time) {
  After(time, [this, work = work_] {
    if (work == work_ && job_ != nullptr) HandIn();
  });
}

void VirtualClient::Perform(const session::StartEvaluation& effect) {
  StartWork(effect.task);
  const round::Duration time =
      identity_.device.EvaluateTime(world_.participants.TestExamples());
  job_->demand = {
      .due = world_.time.now() + time,
      .cost = world_.participants.TestExamples() / kPassesOfTraining};
  if (!world_.journal.IsReplaying()) Submit();
  After(time, [this, work = work_] {
    if (work == work_ && job_ != nullptr) FinishEvaluation();
  });
}

void VirtualClient::StartWork(const v1::Task& task) {
  DropWork();
  ++work_;
  job_ = std::make_unique<ClientJob>(world_, task, model_);
}

void VirtualClient::Submit() {
  job_->client = identity_.index;
  if (identity_.index) {
    const auto state = world_.states.find(*identity_.index);
    if (state != world_.states.end()) job_->state = &state->second;
  }
  job_->id = world_.work.Submit(*job_->demand, *job_);
}

std::unique_ptr<ClientJob> VirtualClient::FinishWork() {
  if (world_.journal.IsReplaying()) {
    job_->RecallFrom(world_.journal);
    return std::move(job_);
  }
  // It was begun in a replay that ended meanwhile.
  if (!job_->id) Submit();
  world_.work.Await(*job_->id, world_.coordinator.Wanted());
  job_->NoteIn(world_.journal);
  return std::move(job_);
}

void VirtualClient::Perform(const session::StartSecure& effect) {
  const std::string& name = identity_.id.name;
  may_mask_ = false;
  is_awaiting_ = false;
  auto begun = SecureTask::Begin(
      effect.task, {.policy = world_.policy,
                    .signer = world_.identities.SignerOf(name),
                    .authority = world_.identities,
                    .answered = world_.identities.AnsweredBy(name)});
  const session::TaskToken& token = effect.task.task_token();
  if (!begun.ok()) return StepSecure(token, begun.status());
  secure_ = *std::move(begun);
  StepSecure(token, secure_->advertisement());
}

void VirtualClient::Perform(const session::TakeSecure& effect) {
  if (secure_ == nullptr) return;
  if (IsLostAt(effect.message)) {
    return After({}, [this] { keeper_.OnLost(*this, Outcome::kCounted); });
  }
  auto answer = secure_->Receive(effect.message);
  if (!answer.ok()) return StepSecure(effect.token, answer.status());
  if (!answer->has_value()) return;
  may_mask_ |= (*answer)->has_masked_input();
  StepSecure(effect.token, **std::move(answer));
  if (may_mask_ && std::exchange(is_awaiting_, false)) {
    HandInAfter(timeline_ ? timeline_->upload.end - timeline_->upload.begin
                          : round::Duration::zero());
  }
}

bool VirtualClient::IsLostAt(const v1::SecureServerMessage& message) const {
  const auto moment = world_.dropout.DrawUnmasking(message.task_token());
  if (!moment) return false;
  return message.has_agreements() || (message.has_survivors() && *moment < 0.5);
}

void VirtualClient::StepSecure(const session::TaskToken& token,
                               absl::StatusOr<v1::SecureClientMessage> answer) {
  After({}, [this, token, answer = std::move(answer)] {
    if (answer.ok()) return Step(session::SecureAnswered{token, *answer});
    Step(session::SecureFailed{token, std::string(answer.status().message())});
  });
}

void VirtualClient::Perform(const session::MaskUpdate& effect) {
  PreparedUpdate& update = *made_->training.update;
  // In a replay nobody made the words, and nobody reads what becomes of them.
  const std::vector<std::int64_t> zeros(
      update.words == nullptr ? made_->task().secure().length() : 0);
  auto masked = secure_->Mask(update.words == nullptr
                                  ? std::span<const std::int64_t>(zeros)
                                  : update.words->get());
  update.words.reset();
  if (!masked.ok()) {
    return Step(session::WorkFailed{effect.token,
                                    std::string(masked.status().message())});
  }
  update.bytes = std::make_shared<const UpdateBytes>(*std::move(masked));
  Step(session::Masked{effect.token, update.header});
}

void VirtualClient::HandIn() {
  if (secure_ != nullptr && !may_mask_) {
    is_awaiting_ = true;
    return;
  }
  const auto deadline =
      world_.coordinator.AwaitsUntil(identity_.id, job_->task().task_token());
  // Too late: that the task is cancelled is on its way to the client.
  if (!deadline || *deadline <= world_.time.now() || !job_->demand) {
    return DropWork();
  }
  std::unique_ptr<ClientJob> job = FinishWork();
  if (!world_.work.status().ok()) return;  // nothing is known any more
  const std::string token = job->task().task_token();
  const auto& update = job->training.update;
  if (!update.ok()) {
    Step(session::WorkFailed{token, update.status().ToString()});
    return;
  }
  const session::Trained trained{token, update->header, update->saturated};
  made_ = std::move(job);
  is_handing_in_ = true;
  Step(trained);
  is_handing_in_ = false;
  for (const v1::ServerMessage& answer : std::exchange(answers_, {})) {
    Step(session::Received{answer});
  }
}

void VirtualClient::FinishEvaluation() {
  const std::unique_ptr<ClientJob> job = FinishWork();
  if (!world_.work.status().ok()) return;
  const std::string& token = job->task().task_token();
  if (job->judgement.ok()) {
    Step(session::Evaluated{token, job->judgement->examples,
                            job->judgement->metrics});
  } else {
    Step(session::WorkFailed{token, job->judgement.status().ToString()});
  }
}

void VirtualClient::DropWork() {
  if (job_ == nullptr) return;
  job_->context.Cancel();
  if (job_->id) world_.work.Drop(*job_->id);
  job_.reset();
}

void VirtualClient::Perform(const session::CancelWork&) { DropWork(); }

void VirtualClient::Perform(const session::StartUpload& effect) {
  const std::unique_ptr<ClientJob> made = std::move(made_);
  PreparedUpdate& prepared = *made->training.update;
  ReceivedUpdate update{.header = prepared.header,
                        .defect = made->training.defect};
  if (made->IsAdded()) {
    update.floats = made.get();
  } else if (prepared.bytes != nullptr) {
    update.floats = std::span<const std::byte>(*prepared.bytes);
  }
  world_.coordinator.ReceiveUpdate(identity_.id, update, world_.time.now());
  if (!prepared.state.IsEmpty()) {
    world_.unconfirmed[*identity_.index] = std::move(prepared.state);
  }
  Step(session::Uploaded{effect.token});
}

void VirtualClient::Perform(const session::SaveState&) {
  has_failed_ = false;
  const auto found = world_.unconfirmed.find(*identity_.index);
  if (found == world_.unconfirmed.end()) return;
  world_.states[*identity_.index] = std::move(found->second);
}

void VirtualClient::ForgetState() {
  if (!identity_.IsEvaluator()) world_.unconfirmed.erase(*identity_.index);
}

void VirtualClient::Perform(const session::ForgetTask&) {
  ForgetState();
  secure_.reset();
  made_.reset();
  model_.reset();
}

void VirtualClient::Perform(const session::WakeAt& effect) {
  if (wake_at_ == effect.when) return;
  wake_at_ = effect.when;
  After(effect.when - ToSession(world_.time.now()), [this, when = effect.when] {
    if (wake_at_ != when) return;
    wake_at_.reset();
    Step(session::Tick{});
  });
}

void VirtualClient::Perform(const session::Finish&) { keeper_.OnGone(*this); }

}  // namespace tributary::simulation
