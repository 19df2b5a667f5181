// SPDX-License-Identifier: Apache-2.0
#include "simulation/virtual_client.h"

#include <chrono>
#include <utility>
#include <variant>

#include "absl/status/status.h"

namespace tributary::simulation {
namespace {

session::Instant ToSession(round::Instant instant) {
  return session::Instant(instant.time_since_epoch());
}

session::Options SessionOptions(const Participant& participant) {
  session::Options options;
  options.population = participant.population;
  options.client_name = participant.id.name;
  options.role = participant.role;
  return options;
}

}  // namespace

// Filled by whoever runs the work; read after Await.
struct VirtualClient::Job {
  v1::Task task;
  std::shared_ptr<const Model> model;
  TaskContext context;
  LookaheadPool::JobId id = 0;
  absl::StatusOr<PreparedUpdate> update = absl::UnknownError("not trained");
  absl::StatusOr<EvaluateResult> judgement = absl::UnknownError("not judged");

  void Train(Trainer& trainer, std::span<const float> residual) {
    const auto train_task = ToTrainTask(task);
    if (!train_task.ok()) {
      update = train_task.status();
      return;
    }
    std::vector<float> delta(model->manifest.Length());
    const auto result = trainer.Train(*train_task, *model, delta, context);
    update = result.ok() ? PrepareUpdate(task, model->manifest, *result,
                                         std::move(delta), residual)
                         : result.status();
  }
  void Evaluate(Trainer& trainer) {
    const auto train_task = ToTrainTask(task);
    judgement = train_task.ok() ? trainer.Evaluate(*train_task, *model, context)
                                : train_task.status();
  }
};

VirtualClient::VirtualClient(const World& world, Participant participant)
    : world_(world),
      participant_(std::move(participant)),
      session_(SessionOptions(participant_), world.jitter) {}

VirtualClient::~VirtualClient() { DropWork(); }

void VirtualClient::Receive(v1::ServerMessage message) {
  Step(session::Received{std::move(message)});
}

void VirtualClient::SwitchOff() {
  is_off_ = true;
  ++connection_;
  DropWork();
}

void VirtualClient::Step(const session::Event& event) {
  if (is_off_) return;
  for (const session::Effect& effect :
       session_.Step(event, ToSession(world_.time.now()))) {
    std::visit([this](const auto& wanted) { Perform(wanted); }, effect);
  }
}

void VirtualClient::StepAfter(round::Duration delay, session::Event event) {
  world_.time.After(delay, [this, event = std::move(event)] { Step(event); });
}

void VirtualClient::Perform(const session::Connect&) {
  const std::uint32_t connection = ++connection_;
  world_.time.After(world_.device.message, [this, connection] {
    if (connection == connection_) Step(session::Connected{});
  });
}

void VirtualClient::Perform(const session::Disconnect&) {
  ++connection_;
  world_.time.After(world_.device.message, [this] {
    world_.coordinator.Leave(participant_.id, world_.time.now());
  });
}

void VirtualClient::Perform(const session::Send& effect) {
  world_.time.After(world_.device.message, [this, message = effect.message] {
    if (is_off_) return;
    world_.coordinator.Receive(participant_.id, message, world_.time.now());
  });
}

void VirtualClient::Perform(const session::Fetch& effect) {
  // An archive is a file on this machine already.
  if (world_.coordinator.IsArchive(effect.digest)) {
    StepAfter({}, session::Fetched{effect.digest});
    return;
  }
  const auto found = world_.coordinator.Fetch(effect.digest);
  if (found == nullptr) {
    StepAfter(world_.device.message,
              session::FetchFailed{effect.digest,
                                   absl::NotFoundError("no such model")});
    return;
  }
  const auto time = fetched_ == effect.digest ? round::Duration::zero()
                                              : world_.device.download;
  const std::uint32_t fetch = ++fetch_;
  world_.time.After(time, [this, fetch, found] {
    if (fetch != fetch_) return;
    model_ = found;
    fetched_ = found->id;
    Step(session::Fetched{found->id});
  });
}

void VirtualClient::Perform(const session::CancelFetch&) { ++fetch_; }

void VirtualClient::Perform(const session::StartTraining& effect) {
  StartWork(effect.task, world_.device.TrainTime(effect.task.training(),
                                                 participant_.examples));
}

void VirtualClient::Perform(const session::StartEvaluation& effect) {
  StartWork(effect.task, world_.device.EvaluateTime(participant_.examples));
}

void VirtualClient::StartWork(const v1::Task& task, round::Duration duration) {
  DropWork();
  job_ = std::make_unique<Job>();
  Job* job = job_.get();
  job->task = task;
  job->model = model_;
  const round::Instant due = world_.time.now() + duration;
  job->id = world_.pool.Submit(due, [this, job] {
    if (job->context.Cancelled()) return;
    const std::unique_ptr<Trainer> trainer = participant_.make_trainer();
    if (job->task.kind() == v1::Task::EVALUATE) {
      job->Evaluate(*trainer);
    } else {
      job->Train(*trainer, residual_);
    }
  });
  const LookaheadPool::JobId id = job->id;
  world_.time.At(due, [this, id] {
    if (job_ != nullptr && job_->id == id) FinishWork();
  });
}

void VirtualClient::FinishWork() {
  world_.pool.Await(job_->id);
  const std::unique_ptr<Job> job = std::move(job_);
  const std::string& token = job->task.task_token();
  if (job->task.kind() == v1::Task::EVALUATE) {
    if (job->judgement.ok()) {
      Step(session::Evaluated{token, job->judgement->examples,
                              job->judgement->metrics});
    } else {
      Step(session::WorkFailed{token, job->judgement.status().ToString()});
    }
  } else if (job->update.ok()) {
    prepared_ = *std::move(job->update);
    Step(session::Trained{token, prepared_->header, prepared_->saturated});
  } else {
    Step(session::WorkFailed{token, job->update.status().ToString()});
  }
}

void VirtualClient::DropWork() {
  if (job_ == nullptr) return;
  job_->context.Cancel();
  world_.pool.Drop(job_->id);
  job_.reset();
}

void VirtualClient::Perform(const session::CancelWork&) { DropWork(); }

void VirtualClient::Perform(const session::StartUpload& effect) {
  const std::uint32_t upload = ++upload_;
  world_.time.After(world_.device.upload, [this, upload, token = effect.token] {
    if (is_off_ || upload != upload_ || !prepared_) return;
    world_.coordinator.ReceiveUpdate(participant_.id, prepared_->header,
                                     *prepared_->bytes, world_.time.now());
    Step(session::Uploaded{token});
  });
}

void VirtualClient::Perform(const session::CancelUpload&) { ++upload_; }

void VirtualClient::Perform(const session::SaveState&) {
  if (prepared_) residual_ = std::move(prepared_->residual);
}

void VirtualClient::Perform(const session::ForgetTask&) {
  prepared_.reset();
  model_.reset();
}

void VirtualClient::Perform(const session::WakeAt& effect) {
  if (wake_at_ == effect.when) return;
  wake_at_ = effect.when;
  world_.time.At(round::Instant(effect.when.time_since_epoch()),
                 [this, when = effect.when] {
                   if (wake_at_ != when) return;
                   wake_at_.reset();
                   Step(session::Tick{});
                 });
}

void VirtualClient::Perform(const session::Finish&) { is_off_ = true; }

}  // namespace tributary::simulation
