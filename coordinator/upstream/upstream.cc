// SPDX-License-Identifier: Apache-2.0
#include "coordinator/upstream/upstream.h"

#include <array>
#include <atomic>
#include <fstream>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/core/event_queue.h"
#include "client/core/model_cache.h"
#include "client/core/session.h"
#include "coordinator/upstream/upstream_file.h"
#include "privacy/crypto/random.h"

namespace tributary::coordinator {
namespace {

using std::chrono::steady_clock;

constexpr int kPatiencesAway = 10;
// What the parent says waiting cannot mend may be mended there.
constexpr std::chrono::seconds kRefusedPause{60};
constexpr std::chrono::milliseconds kDiskRetry{200};
// The wire's chunks.
constexpr std::size_t kReadBytes = 1u << 20;

TaskName NameOf(const v1::Task& task) {
  return {task.run(), static_cast<int>(task.round()),
          static_cast<int>(task.attempt())};
}

// Of one task in hand; heard by nobody once it was taken again.
class Listener final : public TaskListener {
 public:
  Listener(std::shared_ptr<EventQueue> queue, std::uint64_t number,
           const v1::Task& task, std::uint64_t epoch)
      : queue_(std::move(queue)), number_(number), epoch_(epoch) {
    header_.set_task_token(task.task_token());
    header_.set_encoding(task.update().encoding());
    header_.set_base_model(task.model());
  }

  void SumReady(const SumFile& sum) override {
    absl::StatusOr<MappedFile> file = MappedFile::Open(sum.file);
    if (!file.ok()) return GivenUp(std::string(file.status().message()));
    auto update = std::make_shared<PreparedUpdate>();
    update->header = header_;
    update->header.set_size(sum.size);
    update->header.set_checksum(sum.checksum);
    update->header.set_train_loss(sum.train_loss);
    v1::PartialSum& said = *update->header.mutable_partial_sum();
    said.set_epoch(epoch_);
    said.set_leaves(sum.subtree.leaves);
    said.set_weight(sum.subtree.weight);
    said.set_leaves_sha256(std::string(sum.subtree.names.AsBytes()));
    update->bytes = std::make_shared<const UpdateBytes>(*std::move(file));
    session::Trained trained{header_.task_token(), update->header, 0, 0};
    queue_->Push(
        {Activity::kWork, number_, std::move(trained), std::move(update)});
  }
  void GivenUp(const std::string& reason) override {
    queue_->Push({Activity::kWork, number_,
                  session::WorkFailed{header_.task_token(), reason}, nullptr});
  }

 private:
  const std::shared_ptr<EventQueue> queue_;
  const std::uint64_t number_;
  const std::uint64_t epoch_;
  v1::UpdateHeader header_;
};

class UpstreamBody final : public Upstream {
 public:
  UpstreamBody(const UpstreamOptions& options, std::unique_ptr<Link> link,
               Coordinator& coordinator)
      : options_(options),
        coordinator_(coordinator),
        file_(options.folder / "state"),
        downloads_(options.folder / "models", 0),
        link_(std::move(link)) {
    thread_ = std::thread([this] { Live(); });
  }
  ~UpstreamBody() override {
    is_stopping_ = true;
    queue_->Push({Activity::kClient, 0, session::StopRequested{}, nullptr});
    thread_.join();
  }

 private:
  using Level = LogEvent::Level;
  using Fields = std::vector<std::pair<std::string, std::string>>;

  void Live() {
    while (true) {
      const absl::Status status = TakePart();
      if (is_stopping_) return;
      Log(Level::kError, "the parent refuses this aggregator",
          {{"error", std::string(status.message())}});
      const auto until = steady_clock::now() + kRefusedPause;
      while (!is_stopping_ && queue_->Pop(until)) {
      }
      if (is_stopping_) return;
    }
  }

  absl::Status TakePart() {
    session::Options options;
    options.population = options_.population;
    options.client_name = options_.name;
    if (!options_.name.empty()) options.role = v1::AGGREGATOR;
    options.backoff_min = options_.backoff_min;
    options.backoff_max = options_.backoff_max;
    options.addresses = static_cast<int>(options_.addresses.size());
    options.patience = options_.patience;
    options.away = kPatiencesAway * options_.patience;
    session::AggregatorOptions& known = options.aggregator.emplace();
    for (const std::string& address : options_.addresses) {
      known.sessions.push_back(file_.SessionOf(address));
    }
    const v1::UpstreamState& kept = file_.state();
    if (kept.has_task()) known.task = kept.task();
    const auto counted = Digest::FromBytes(kept.counted_name());
    if (counted.ok()) options.counted = {*counted, kept.counted_token()};
    session::Session session(std::move(options), random_);
    finished_.reset();
    Perform(session.Step(session::Started{}, Now()));
    while (!finished_ && !is_stopping_) {
      std::optional<Happening> happening = queue_->Pop(wake_at_);
      if (is_stopping_) break;
      if (!happening) {
        Perform(session.Step(session::Tick{}, Now()));
        continue;
      }
      if (happening->number != numbers_[Index(happening->activity)]) continue;
      if (happening->update != nullptr) update_ = std::move(happening->update);
      Perform(session.Step(WithModelKept(std::move(happening->event)), Now()));
    }
    link_->Close();
    link_->CancelFetch();
    link_->CancelUpload();
    return finished_.value_or(absl::OkStatus());
  }

  session::Instant Now() const {
    return session::Instant(std::chrono::duration_cast<session::Duration>(
        steady_clock::now() - start_));
  }
  static std::size_t Index(Activity activity) {
    return static_cast<std::size_t>(activity);
  }
  // Makes what this activity did before the past; gives its new number.
  std::uint64_t Renew(Activity activity) { return ++numbers_[Index(activity)]; }
  void Push(Activity activity, session::Event event) {
    queue_->Push(
        {activity, numbers_[Index(activity)], std::move(event), nullptr});
  }
  void Log(Level level, const std::string& message, Fields fields) const {
    if (options_.log) options_.log({level, message, std::move(fields)});
  }

  void Perform(const std::vector<session::Effect>& effects) {
    wake_at_.reset();
    for (const session::Effect& effect : effects) {
      if (is_stopping_) return;
      std::visit([this](const auto& wanted) { Do(wanted); }, effect);
    }
  }

  // Without it the parent would be told what is not so. A full disk is waited
  // for; nothing else can be done meanwhile.
  void Insist(const char* what, const std::function<absl::Status()>& act) {
    bool is_said = false;
    while (!is_stopping_) {
      const absl::Status status = act();
      if (status.ok()) return;
      if (!std::exchange(is_said, true)) {
        Log(Level::kError, "waiting for the disk",
            {{"what", what}, {"error", std::string(status.message())}});
      }
      std::this_thread::sleep_for(kDiskRetry);
    }
  }
  void Keep(const char* what, const v1::UpstreamState& state) {
    Insist(what, [&] { return file_.Replace(state); });
  }

  // ---- the stream ----
  void Do(const session::Connect& effect) {
    const std::uint64_t number = Renew(Activity::kStream);
    address_ = options_.addresses[static_cast<std::size_t>(effect.address)];
    const auto push = [queue = queue_, number](session::Event event) {
      queue->Push({Activity::kStream, number, std::move(event), nullptr});
    };
    link_->Open(address_, {[push] { push(session::Connected{}); },
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
  void Do(const session::StoreSession& effect) {
    Keep("the session",
         WithSession(file_.state(), address_, effect.session, effect.epoch));
    Log(Level::kInfo, "parent joined",
        {{"address", address_},
         {"session", absl::StrCat(effect.session)},
         {"epoch", absl::StrCat(effect.epoch)}});
    Push(Activity::kStream, session::SessionStored{effect.session});
  }

  // ---- models ----
  void Do(const session::Fetch& effect) {
    const std::uint64_t number = Renew(Activity::kFetch);
    const Digest digest = effect.digest;
    const auto done = [queue = queue_, number,
                       digest](const absl::Status& status) {
      queue->Push({Activity::kFetch, number,
                   status.ok() ? session::Event(session::Fetched{digest})
                               : session::FetchFailed{digest, status},
                   nullptr});
    };
    if (coordinator_.OpenModel(digest).ok() || downloads_.Contains(digest)) {
      return done(absl::OkStatus());
    }
    absl::StatusOr<std::unique_ptr<Download>> started =
        downloads_.StartDownload(digest);
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
    if (const auto download = download_.lock()) download->Abandon();
  }
  // A model that has arrived goes to where the leaves fetch it.
  session::Event WithModelKept(session::Event event) {
    const auto* fetched = std::get_if<session::Fetched>(&event);
    if (fetched == nullptr) return event;
    const Digest digest = fetched->digest;
    if (coordinator_.OpenModel(digest).ok()) return event;
    const std::filesystem::path file = downloads_.Path(digest);
    std::ifstream in(file, std::ios::binary);
    const absl::StatusOr<Digest> stored =
        coordinator_.StoreBlob([&]() -> absl::StatusOr<std::string> {
          std::string chunk(kReadBytes, '\0');
          in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
          if (in.bad()) {
            return absl::UnavailableError(
                absl::StrCat("reading ", file.string()));
          }
          chunk.resize(static_cast<std::size_t>(in.gcount()));
          return chunk;
        });
    if (!stored.ok()) return session::FetchFailed{digest, stored.status()};
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
    if (*stored == digest) return event;
    return session::FetchFailed{
        digest, absl::DataLossError(
                    absl::StrCat(file.string(), " was damaged on the disk"))};
  }

  // ---- tasks ----
  void Do(const session::StartTraining& effect) {
    v1::UpstreamState state = file_.state();
    // The same one after a restart: what was taken out of it stays out.
    if (state.task().task_token() != effect.task.task_token()) {
      state.clear_taken_out();
    }
    *state.mutable_task() = effect.task;
    Log(Level::kInfo, "task from the parent",
        {{"run", effect.task.run()},
         {"round", absl::StrCat(effect.task.round())},
         {"attempt", absl::StrCat(effect.task.attempt())}});
    // What broke off before is of models that nobody asks for any more.
    downloads_.Trim({});
    Keep("the task", state);
    TakeTask();
  }
  void Do(const session::TakeOut& effect) {
    v1::UpstreamState state = file_.state();
    state.mutable_taken_out()->Add(effect.leaves.begin(), effect.leaves.end());
    Log(Level::kInfo, "leaves count through others",
        {{"run", state.task().run()},
         {"round", absl::StrCat(state.task().round())},
         {"leaves", absl::StrCat(effect.leaves.size())},
         {"first", effect.leaves.front()}});
    Keep("who counts elsewhere", state);
    TakeTask();
  }
  void TakeTask() {
    if (is_stopping_) return;
    const v1::UpstreamState& state = file_.state();
    update_.reset();
    auto listener = std::make_shared<Listener>(queue_, Renew(Activity::kWork),
                                               state.task(), state.epoch());
    const absl::Status taken = coordinator_.TakeTask(
        state.task(), {state.taken_out().begin(), state.taken_out().end()},
        listener);
    if (!taken.ok()) listener->GivenUp(std::string(taken.message()));
  }
  void Do(const session::CancelWork&) { Renew(Activity::kWork); }
  void Do(const session::SaveState&) {
    Insist("that the sum counts", [this] {
      return coordinator_.SumCounts(NameOf(file_.state().task()));
    });
  }
  void Do(const session::NoteCounted& effect) {
    v1::UpstreamState state = file_.state();
    state.set_counted_name(std::string(effect.task.name.AsBytes()));
    state.set_counted_token(effect.task.token);
    Keep("that the sum counts", state);
  }
  void Do(const session::ForgetTask& effect) {
    Renew(Activity::kWork);
    update_.reset();
    v1::UpstreamState state = file_.state();
    if (state.task().task_token() != effect.token) return;
    Insist("the end of a task",
           [&] { return coordinator_.EndTask(NameOf(state.task())); });
    if (is_stopping_) return;
    state.clear_task();
    state.clear_taken_out();
    Keep("the end of a task", state);
  }

  // ---- uploads ----
  void Do(const session::StartUpload& effect) {
    const std::uint64_t number = Renew(Activity::kUpload);
    const session::TaskToken token = effect.token;
    link_->Upload(
        token, update_->bytes, effect.offset,
        [queue = queue_, number, token](absl::Status status) {
          queue->Push({Activity::kUpload, number,
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

  // ---- the rest ----
  void Do(const session::WakeAt& effect) {
    wake_at_ = start_ + effect.when.time_since_epoch();
  }
  void Do(const session::Report& effect) {
    const ClientProgress& progress = effect.progress;
    Fields fields = {{"parent", address_}};
    if (!progress.run.empty()) {
      fields.emplace_back("run", progress.run);
      fields.emplace_back("round", absl::StrCat(progress.round));
    }
    fields.emplace_back("reason", progress.detail);
    if (progress.stage == ClientProgress::Stage::kRefused) {
      Log(Level::kWarning, "task given up", std::move(fields));
    } else if (progress.stage == ClientProgress::Stage::kDisconnected) {
      Log(Level::kWarning, "parent away", std::move(fields));
    }
  }
  void Do(const session::Finish& effect) { finished_ = effect.status; }
  // A session asks an aggregator for none of these.
  void Do(const session::StartEvaluation& effect) {
    Push(Activity::kWork,
         session::WorkFailed{effect.task.task_token(),
                             "an aggregator has nothing to evaluate with"});
  }
  void Do(const session::StartSecure&) {}
  void Do(const session::TakeSecure&) {}
  void Do(const session::MaskUpdate&) {}

  const UpstreamOptions options_;
  Coordinator& coordinator_;
  SystemRandom random_;
  const steady_clock::time_point start_ = steady_clock::now();
  const std::shared_ptr<EventQueue> queue_ = std::make_shared<EventQueue>();
  std::atomic<bool> is_stopping_ = false;

  // Of the thread.
  UpstreamFile file_;
  ModelCache downloads_;
  std::array<std::uint64_t, 6> numbers_{};
  std::string address_;
  std::shared_ptr<const PreparedUpdate> update_;
  std::weak_ptr<Download> download_;
  std::optional<steady_clock::time_point> wake_at_;
  std::optional<absl::Status> finished_;

  const std::unique_ptr<Link> link_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Upstream>> Upstream::Start(
    const UpstreamOptions& options, std::unique_ptr<Link> link,
    Coordinator& coordinator) {
  std::error_code error;
  std::filesystem::create_directories(options.folder / "models", error);
  if (error) {
    return absl::UnavailableError(absl::StrCat(
        "creating ", options.folder.string(), ": ", error.message()));
  }
  return std::make_unique<UpstreamBody>(options, std::move(link), coordinator);
}

}  // namespace tributary::coordinator
