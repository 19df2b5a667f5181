// SPDX-License-Identifier: Apache-2.0
#include "client/core/client_runner.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/core/event_queue.h"
#include "client/core/newest_model.h"
#include "client/core/personal.h"
#include "client/core/secure_demands.h"
#include "client/core/secure_task.h"
#include "client/core/session.h"
#include "client/core/state_folder.h"
#include "client/core/task_work.h"
#include "client/core/worker.h"

namespace tributary {
namespace {

using std::chrono::steady_clock;

// Without home before it is tried again.
constexpr int kPatiencesAway = 10;

class Runner final : public Client {
 public:
  Runner(const ClientOptions& options, Trainer& trainer,
         std::unique_ptr<Link> link, std::unique_ptr<RandomSource> random,
         SecureIdentitySource identity, std::unique_ptr<StateFolder> folder)
      : options_(options),
        trainer_(trainer),
        random_(std::move(random)),
        identity_(std::move(identity)),
        folder_(std::move(folder)),
        newest_(*folder_),
        link_(std::move(link)) {}

  absl::Status Run() override {
    if (running_.exchange(true)) {
      return absl::FailedPreconditionError("this client already runs");
    }
    const absl::Status status = TakePart();
    queue_.Clear();
    running_ = false;
    return status;
  }

  void Stop() override {
    queue_.Push({Activity::kClient, 0, session::StopRequested{}, nullptr});
  }

  std::shared_ptr<const Model> LatestModel() const override {
    return newest_.Get();
  }

  std::shared_ptr<const Model> PersonalModel() const override {
    const std::shared_ptr<const Model> shared = newest_.Get();
    const auto name = folder_->Newest();
    if (shared == nullptr || !name) return shared;
    const ClientState state = folder_->LoadState(name->run);
    if (!IsPersonal(state)) return shared;
    return std::make_shared<const Model>(WithPersonalValues(*shared, state));
  }

 private:
  absl::Status TakePart() {
    session::Options options;
    options.population = options_.population;
    options.max_updates = options_.max_updates;
    options.backoff_min = options_.backoff_min;
    options.backoff_max = options_.backoff_max;
    if (options_.insecure) {
      options.client_name = options_.name;
      options.role = options_.evaluator ? v1::EVALUATOR : v1::TRAINER;
    }
    options.secure = DemandsOf(options_.secure_aggregation);
    if (identity_ != nullptr) options.secure.obstacle.clear();
    options.addresses = 1 + static_cast<int>(options_.fallbacks.size());
    options.patience = options_.patience;
    options.away = kPatiencesAway * options_.patience;
    options.counted = folder_->Counted();
    session::Session session(std::move(options), *random_);
    finished_.reset();
    Perform(session.Step(session::Started{}, Now()));
    while (!finished_) {
      std::optional<Happening> happening = queue_.Pop(wake_at_);
      if (!happening) {
        Perform(session.Step(session::Tick{}, Now()));
        continue;
      }
      if (!IsCurrent(*happening)) continue;
      if (happening->update != nullptr) update_ = std::move(happening->update);
      Perform(session.Step(happening->event, Now()));
    }
    return *finished_;
  }

  session::Instant Now() const {
    return session::Instant(std::chrono::duration_cast<session::Duration>(
        steady_clock::now() - start_));
  }

  // Events of something that was cancelled come from an earlier number.
  bool IsCurrent(const Happening& happening) const {
    return happening.activity == Activity::kClient ||
           happening.number == numbers_[Index(happening.activity)];
  }
  static std::size_t Index(Activity activity) {
    return static_cast<std::size_t>(activity);
  }
  // Makes what this activity did before the past; gives its new number.
  std::uint64_t Renew(Activity activity) { return ++numbers_[Index(activity)]; }

  void Perform(const std::vector<session::Effect>& effects) {
    wake_at_.reset();
    for (const session::Effect& effect : effects) {
      std::visit([this](const auto& wanted) { Do(wanted); }, effect);
    }
  }

  void Do(const session::Connect& effect) {
    const std::uint64_t number = Renew(Activity::kStream);
    const auto push = [this, number](session::Event event) {
      queue_.Push({Activity::kStream, number, std::move(event), nullptr});
    };
    const auto address = static_cast<std::size_t>(effect.address);
    link_->Open(
        address == 0 ? options_.coordinator : options_.fallbacks[address - 1],
        {[push] { push(session::Connected{}); },
         [push](v1::ServerMessage message) {
           push(session::Received{std::move(message)});
         },
         [push](absl::Status status) {
           push(session::Disconnected{std::move(status)});
         }});
  }
  void Do(const session::Disconnect&) {
    Renew(Activity::kStream);
    link_->Close();
  }
  void Do(const session::Send& effect) { link_->Send(effect.message); }

  void Do(const session::Fetch& effect) {
    const std::uint64_t number = Renew(Activity::kFetch);
    const Digest digest = effect.digest;
    const auto done = [this, number, digest](const absl::Status& status) {
      queue_.Push({Activity::kFetch, number,
                   status.ok() ? session::Event(session::Fetched{digest})
                               : session::FetchFailed{digest, status},
                   nullptr});
    };
    if (folder_->models().Contains(digest)) return done(absl::OkStatus());
    absl::StatusOr<std::unique_ptr<Download>> started =
        folder_->models().StartDownload(digest);
    if (!started.ok()) return done(started.status());
    const std::shared_ptr<Download> download = *std::move(started);
    download_ = download;
    link_->Fetch(digest, download->offset(),
                 {[download](std::uint64_t total) {
                    return download->ExpectTotal(total);
                  },
                  [download](std::span<const std::byte> bytes) {
                    return download->Add(bytes);
                  },
                  [download, done](const absl::Status& status) {
                    done(status.ok() ? download->Finish() : status);
                  }});
  }
  void Do(const session::CancelFetch&) {
    Renew(Activity::kFetch);
    link_->CancelFetch();
    // Its handlers may be called once more, while the next fetch of the same
    // model already goes on with the same file.
    if (const auto download = download_.lock()) download->Abandon();
  }

  void Do(const session::StartTraining& effect) { StartWork(effect.task); }
  void Do(const session::StartEvaluation& effect) { StartWork(effect.task); }
  void StartWork(const v1::Task& task) {
    const std::uint64_t number = Renew(Activity::kWork);
    const StateFolder::ModelName name = ModelNameOf(task);
    std::set<Digest> keep = {name.model};
    if (name.archive) keep.insert(*name.archive);
    folder_->models().Trim(keep);
    run_ = task.run();
    worker_.Start([this, task, number](const TaskContext& context) {
      Happening happening = DoTask(task, trainer_, *folder_, newest_, context);
      happening.number = number;
      queue_.Push(std::move(happening));
    });
  }
  void Do(const session::CancelWork&) {
    Renew(Activity::kWork);
    worker_.Cancel();
  }

  void Do(const session::StartSecure& effect) {
    Renew(Activity::kSecure);
    const session::TaskToken& token = effect.task.task_token();
    secure_.reset();
    absl::StatusOr<SecureIdentity> identity = identity_();
    if (!identity.ok()) return FailSecure(token, identity.status());
    identity_now_ = *std::move(identity);
    auto begun = SecureTask::Begin(
        effect.task,
        {DemandsOf(options_.secure_aggregation).policy, *identity_now_.signer,
         *identity_now_.authority, folder_->answered()});
    if (!begun.ok()) return FailSecure(token, begun.status());
    secure_ = *std::move(begun);
    PushSecure(session::SecureAnswered{token, secure_->advertisement()});
  }
  void Do(const session::TakeSecure& effect) {
    if (secure_ == nullptr) return;
    const auto answer = secure_->Receive(effect.message);
    if (!answer.ok()) return FailSecure(effect.token, answer.status());
    if (*answer) PushSecure(session::SecureAnswered{effect.token, **answer});
  }
  void Do(const session::MaskUpdate& effect) {
    if (secure_ == nullptr || update_ == nullptr) return;
    // The words are erased with what they were part of.
    absl::StatusOr<PreparedUpdate> masked =
        absl::ResourceExhaustedError("out of memory");
    // The packed words may be too many for this device's memory.
    try {
      masked = MaskedUpdate(*std::exchange(update_, nullptr), *secure_);
    } catch (const std::bad_alloc&) {
    }
    if (!masked.ok()) {
      return PushSecure(session::WorkFailed{
          effect.token, absl::StrCat("masking the update: ",
                                     std::string(masked.status().message()))});
    }
    update_ = std::make_shared<const PreparedUpdate>(*std::move(masked));
    PushSecure(session::Masked{effect.token, update_->header});
  }
  void FailSecure(const session::TaskToken& token, const absl::Status& status) {
    secure_.reset();
    PushSecure(session::SecureFailed{token, std::string(status.message())});
  }
  void PushSecure(session::Event event) {
    queue_.Push({Activity::kSecure, numbers_[Index(Activity::kSecure)],
                 std::move(event), nullptr});
  }

  void Do(const session::StartUpload& effect) {
    const std::uint64_t number = Renew(Activity::kUpload);
    const session::TaskToken token = effect.token;
    // The bytes live as long as the update they are part of.
    std::shared_ptr<const UpdateBytes> bytes = update_->bytes;
    link_->Upload(
        token, std::move(bytes), effect.offset,
        [this, number, token](absl::Status status) {
          queue_.Push({Activity::kUpload, number,
                       status.ok()
                           ? session::Event(session::Uploaded{token})
                           : session::UploadFailed{token, std::move(status)},
                       nullptr});
        });
  }
  void Do(const session::CancelUpload&) {
    Renew(Activity::kUpload);
    link_->CancelUpload();
  }

  void Do(const session::SaveState&) {
    if (update_ == nullptr || update_->state.IsEmpty()) return;
    // The update is counted; a state that cannot be kept costs accuracy, not
    // correctness, so it is only said.
    SayIfLost("client state", folder_->SaveState(run_, update_->state));
  }
  void Do(const session::NoteCounted& effect) {
    // This process knows it all the same; another may be asked for it again.
    SayIfLost("that the update counts is", folder_->SetCounted(effect.task));
  }
  void SayIfLost(const char* what, const absl::Status& saved) {
    if (saved.ok()) return;
    ClientProgress progress;
    progress.stage = ClientProgress::Stage::kAccepted;
    progress.run = run_;
    progress.detail = absl::StrCat(what, " not saved: ", saved.message());
    Do(session::Report{std::move(progress)});
  }
  // Aggregators have a body of their own.
  void Do(const session::StoreSession&) {}
  void Do(const session::TakeOut&) {}
  void Do(const session::ForgetTask&) {
    Renew(Activity::kSecure);
    secure_.reset();
    update_.reset();
  }
  void Do(const session::WakeAt& effect) {
    wake_at_ = start_ + effect.when.time_since_epoch();
  }
  void Do(const session::Report& effect) {
    if (options_.on_progress) options_.on_progress(effect.progress);
  }
  void Do(const session::Finish& effect) { finished_ = effect.status; }

  const ClientOptions options_;
  Trainer& trainer_;
  const std::unique_ptr<RandomSource> random_;
  const SecureIdentitySource identity_;
  const std::unique_ptr<StateFolder> folder_;
  mutable NewestModel newest_;
  const steady_clock::time_point start_ = steady_clock::now();
  std::atomic<bool> running_ = false;
  EventQueue queue_;

  // Of the thread in Run.
  std::array<std::uint64_t, 6> numbers_{};
  // Of the task in hand.
  SecureIdentity identity_now_;
  std::unique_ptr<SecureTask> secure_;
  std::shared_ptr<const PreparedUpdate> update_;
  std::string run_;
  std::weak_ptr<Download> download_;
  std::optional<steady_clock::time_point> wake_at_;
  std::optional<absl::Status> finished_;

  // Destroyed first: both push into the queue until they are gone.
  const std::unique_ptr<Link> link_;
  Worker worker_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> MakeClient(
    const ClientOptions& options, Trainer& trainer, std::unique_ptr<Link> link,
    std::unique_ptr<RandomSource> random, SecureIdentitySource identity) {
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<StateFolder>> folder =
      StateFolder::Open(options.state_folder, options.cache_limit);
  if (!folder.ok()) return folder.status();
  return std::make_unique<Runner>(options, trainer, std::move(link),
                                  std::move(random), std::move(identity),
                                  *std::move(folder));
}

}  // namespace tributary
