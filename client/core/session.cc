// SPDX-License-Identifier: Apache-2.0
#include "client/core/session.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::session {
namespace {

using Stage = ClientProgress::Stage;

constexpr std::size_t kLongestMessage = 1024;
constexpr std::size_t kMostMetrics = 32;
constexpr std::size_t kLongestMetricName = 64;
// After this many complete downloads with another digest the file is bad, not
// the connection.
constexpr int kMostCorruptDownloads = 3;
bool IsPrintable(char c) { return c >= 0x20 && c < 0x7f; }

// The wire carries valid UTF-8 only; a trainer's message may be anything.
std::string Printable(std::string text) {
  text.resize(std::min(text.size(), kLongestMessage));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return !IsPrintable(c); }, '?');
  return text;
}

// What waiting cannot mend.
bool IsFatal(const absl::Status& status, const Connection& connection) {
  switch (status.code()) {
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
      return true;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
      // In answer to the hello these are about who we are.
      return std::holds_alternative<Greeting>(connection);
    default:
      return false;
  }
}
// The same request again will fail again.
bool IsHopeless(const absl::Status& status) {
  return status.code() == absl::StatusCode::kNotFound ||
         status.code() == absl::StatusCode::kInvalidArgument ||
         status.code() == absl::StatusCode::kPermissionDenied ||
         status.code() == absl::StatusCode::kUnimplemented;
}

}  // namespace

Session::Session(Options options, RandomSource& random)
    : options_(std::move(options)),
      random_(&random),
      counted_(options_.counted) {
  if (options_.aggregator) sessions_ = options_.aggregator->sessions;
  sessions_.resize(static_cast<std::size_t>(options_.addresses));
}

std::vector<Effect> Session::Step(const Event& event, Instant now) {
  effects_.clear();
  if (std::holds_alternative<Ended>(connection_)) return {};
  now_ = now;
  // Stopping comes before what was due: nothing is sent on the way out.
  if (!std::holds_alternative<StopRequested>(event)) PassTime();
  std::visit([this](const auto& happened) { On(happened); }, event);
  AskForWakeUp();
  return std::exchange(effects_, {});
}

// ---- transitions
// -------------------------------------------------------------

void Session::BecomeConnecting() {
  connection_ = Connecting{};
  if (!trying_since_) trying_since_ = now_;
  Say(Stage::kConnecting);
  effects_.push_back(Connect{address_});
}

void Session::BecomeOffline(Instant connect_at) {
  asked_ = false;
  connection_ = Offline{connect_at};
}

void Session::BecomeEnded(absl::Status status) {
  DropWork();
  if (!std::holds_alternative<Offline>(connection_)) {
    effects_.push_back(Disconnect{});
  }
  connection_ = Ended{};
  effects_.push_back(Finish{std::move(status)});
}

void Session::BecomeResting(std::optional<Instant> check_in_at) {
  work_ = Resting{check_in_at};
}

void Session::BecomeFetching(v1::Task task) {
  Fetching fetching;
  fetching.missing.push_back(*Digest::FromBytes(task.model()));
  if (!task.archive().empty()) {
    fetching.missing.push_back(*Digest::FromBytes(task.archive()));
  }
  fetching.task = std::move(task);
  work_ = std::move(fetching);
  Say(Stage::kDownloading);
  FetchNext();
}

void Session::BecomeWorking(v1::Task task) {
  work_ = Working{task};
  if (task.kind() == v1::Task::TRAIN) {
    Say(Stage::kTraining, Protection(task));
    effects_.push_back(StartTraining{task});
    if (task.has_secure()) effects_.push_back(StartSecure{std::move(task)});
  } else {
    Say(Stage::kEvaluating);
    effects_.push_back(StartEvaluation{std::move(task)});
  }
}

void Session::BecomeFinished(Finished finished) {
  work_ = std::move(finished);
  if (IsOpen()) Announce();
}

// ---- events
// ------------------------------------------------------------------

void Session::On(const Started&) {
  const auto* offline = std::get_if<Offline>(&connection_);
  if (offline == nullptr || offline->connect_at) return;
  // Its leaves' updates are on its disk still.
  if (options_.aggregator && options_.aggregator->task) {
    BecomeWorking(*std::exchange(options_.aggregator->task, std::nullopt));
  }
  BecomeConnecting();
}

void Session::On(const Tick&) {}

void Session::On(const Connected&) {
  if (!std::holds_alternative<Connecting>(connection_)) return;
  connection_ = Greeting{};
  v1::ClientMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_min_wire_version(kWireVersion);
  hello.set_max_wire_version(kWireVersion);
  hello.set_population(options_.population);
  hello.set_software("tributary-client/0.1");
  hello.set_client_name(options_.client_name);
  hello.set_role(options_.role);
  hello.set_session(sessions_[static_cast<std::size_t>(address_)]);
  SendMessage(std::move(message));
}

void Session::On(const Disconnected& event) {
  if (std::holds_alternative<Offline>(connection_)) return;
  Say(Stage::kDisconnected, std::string(event.status.message()));
  // Elsewhere it may be unknown.
  const bool refused = IsFatal(event.status, connection_);
  BecomeOffline(now_ + Pause(connect_failures_++));
  if (refused && address_ == 0) return BecomeEnded(event.status);
  if (came_from_ || refused ||
      (trying_since_ && now_ - *trying_since_ >= options_.patience)) {
    GoOver();
  }
  if (auto* fetching = std::get_if<Fetching>(&work_)) {
    fetching->retry_at.reset();
  } else if (auto* finished = std::get_if<Finished>(&work_)) {
    if (finished->stage == Finished::Stage::kUploading) {
      effects_.push_back(CancelUpload{finished->task.task_token()});
    }
    finished->stage = Finished::Stage::kUnannounced;
    finished->announce_at.reset();
  }
}

void Session::On(const Received& event) {
  const v1::ServerMessage& message = event.message;
  if (message.kind_case() == v1::ServerMessage::kWelcome) {
    return On(message.welcome());
  }
  if (!IsOpen()) return;
  // A coordinator that says more than Welcome is well: the next pause is short.
  connect_failures_ = 0;
  switch (message.kind_case()) {
    case v1::ServerMessage::kComeBack:
      return On(message.come_back());
    case v1::ServerMessage::kTask:
      return On(message.task());
    case v1::ServerMessage::kUploadGrant:
      return On(message.upload_grant());
    case v1::ServerMessage::kVerdict:
      return On(message.verdict());
    case v1::ServerMessage::kCancel:
      return On(message.cancel());
    case v1::ServerMessage::kSecure:
      return On(message.secure());
    case v1::ServerMessage::kWelcome:
    case v1::ServerMessage::KIND_NOT_SET:
      return;
  }
}

void Session::On(const Fetched& event) {
  auto* fetching = std::get_if<Fetching>(&work_);
  if (fetching == nullptr || !fetching->running ||
      fetching->missing.front() != event.digest) {
    return;
  }
  fetching->running = false;
  fetching->failures = 0;
  fetching->missing.erase(fetching->missing.begin());
  if (fetching->missing.empty()) {
    BecomeWorking(v1::Task(fetching->task));
  } else {
    FetchNext();
  }
}

void Session::On(const FetchFailed& event) {
  auto* fetching = std::get_if<Fetching>(&work_);
  if (fetching == nullptr || !fetching->running ||
      fetching->missing.front() != event.digest) {
    return;
  }
  fetching->running = false;
  ++fetching->failures;
  const bool corrupt = absl::IsDataLoss(event.status) &&
                       fetching->failures >= kMostCorruptDownloads;
  if (corrupt || IsHopeless(event.status)) {
    return FailTask(absl::StrCat("fetching ", event.digest.Hex(), ": ",
                                 event.status.message()));
  }
  // Without a stream the coordinator is asked first whether it still wants us.
  if (IsOpen()) fetching->retry_at = now_ + Pause(fetching->failures - 1);
}

void Session::On(const Trained& event) {
  auto* working = std::get_if<Working>(&work_);
  if (working == nullptr || working->task.kind() != v1::Task::TRAIN ||
      working->task.task_token() != event.token) {
    return;
  }
  if (options_.aggregator) {
    if (event.header.partial_sum().leaves() == 0) {
      return FailTask("no leaf's update is in the sum");
    }
  } else if (event.header.weight() == 0) {
    return FailTask("trained on no examples");
  }
  if (!std::isfinite(event.header.train_loss())) {
    return FailTask("the training loss is not finite");
  }
  if (working->task.has_secure()) {
    if (working->saturated) return;
    working->saturated = event.saturated;
    working->clip_norm = event.clip_norm;
    return MaskIfReady();
  }
  Finished finished;
  finished.task = working->task;
  finished.saturated = event.saturated;
  finished.clip_norm = event.clip_norm;
  *finished.result.mutable_update_ready()->mutable_header() = event.header;
  BecomeFinished(std::move(finished));
}

void Session::On(const Evaluated& event) {
  const auto* working = std::get_if<Working>(&work_);
  if (working == nullptr || working->task.kind() != v1::Task::EVALUATE ||
      working->task.task_token() != event.token) {
    return;
  }
  if (event.examples == 0) return FailTask("evaluated no examples");
  if (event.metrics.size() > kMostMetrics) {
    return FailTask(absl::StrCat("more than ", kMostMetrics, " metrics"));
  }
  Finished finished;
  finished.task = working->task;
  v1::EvaluationResult& result = *finished.result.mutable_evaluation();
  result.set_task_token(event.token);
  result.set_examples(event.examples);
  for (const auto& [name, value] : event.metrics) {
    if (name.empty() || name.size() > kLongestMetricName ||
        !std::all_of(name.begin(), name.end(), IsPrintable)) {
      return FailTask("a metric's name is not 1 to 64 printable characters");
    }
    if (!std::isfinite(value)) {
      return FailTask(absl::StrCat("the metric ", name, " is not finite"));
    }
    (*result.mutable_metrics())[name] = value;
  }
  BecomeFinished(std::move(finished));
}

void Session::On(const WorkFailed& event) {
  const auto* working = std::get_if<Working>(&work_);
  if (working == nullptr || working->task.task_token() != event.token) return;
  // The trainer is done: DropWork has nothing to cancel.
  // An aggregator has no examples.
  if (options_.aggregator ||
      working->task.update().encoding() != v1::UpdatePlan::PACKED) {
    return FailTask(event.message);
  }
  // What a trainer says may be of one example ("target 11 is out of bounds"),
  // and of such a task nothing of one client is told.
  const v1::Task task = working->task;
  Say(Stage::kRefused, event.message);
  DropWork();
  RefuseOffer(task, "the task failed on the client, whose log says why");
}

void Session::On(const Uploaded& event) {
  auto* finished = std::get_if<Finished>(&work_);
  if (finished == nullptr || finished->task.task_token() != event.token ||
      finished->stage != Finished::Stage::kUploading) {
    return;
  }
  finished->stage = Finished::Stage::kUploaded;
  finished->failures = 0;
}

void Session::On(const UploadFailed& event) {
  auto* finished = std::get_if<Finished>(&work_);
  if (finished == nullptr || finished->task.task_token() != event.token ||
      finished->stage != Finished::Stage::kUploading) {
    return;
  }
  // A Verdict may still come and end the task; otherwise ask where to go on.
  finished->stage = Finished::Stage::kUnannounced;
  finished->announce_at = now_ + Pause(finished->failures++);
}

void Session::On(const StopRequested&) { BecomeEnded(absl::OkStatus()); }

// ---- parts
// -------------------------------------------------------------------

void Session::PassTime() {
  const auto is_due = [this](const std::optional<Instant>& when) {
    return when && *when <= now_;
  };
  if (const auto* offline = std::get_if<Offline>(&connection_)) {
    if (is_due(offline->connect_at)) BecomeConnecting();
    return;
  }
  if (!IsOpen()) return;
  if (const auto* resting = std::get_if<Resting>(&work_)) {
    if (is_due(GoesHomeAt())) return GoHome();
    if (is_due(resting->check_in_at)) CheckIn();
  } else if (const auto* fetching = std::get_if<Fetching>(&work_)) {
    if (is_due(fetching->retry_at)) FetchNext();
  } else if (const auto* finished = std::get_if<Finished>(&work_)) {
    if (is_due(finished->announce_at)) Announce();
  }
}

void Session::GoOver() {
  if (options_.addresses < 2) return;
  away_since_ = now_;
  trying_since_.reset();
  connect_failures_ = 0;
  if (came_from_) {
    // Home does not answer yet.
    address_ = *std::exchange(came_from_, std::nullopt);
    return BecomeOffline(now_);
  }
  address_ = (address_ + 1) % options_.addresses;
}

std::optional<Instant> Session::GoesHomeAt() const {
  if (address_ == 0) return std::nullopt;
  return away_since_ + options_.away;
}

void Session::GoHome() {
  effects_.push_back(Disconnect{});
  came_from_ = std::exchange(address_, 0);
  BecomeOffline(now_);
}

void Session::CheckIn() {
  if (std::holds_alternative<Resting>(work_)) {
    BecomeResting(std::nullopt);
    Say(Stage::kWaiting);
  }
  asked_ = true;
  v1::ClientMessage message;
  message.mutable_check_in();
  SendMessage(std::move(message));
}

void Session::FetchNext() {
  auto& fetching = std::get<Fetching>(work_);
  fetching.running = true;
  fetching.retry_at.reset();
  effects_.push_back(Fetch{fetching.missing.front()});
}

void Session::Announce() {
  auto& finished = std::get<Finished>(work_);
  finished.stage = Finished::Stage::kAnnounced;
  finished.announce_at.reset();
  if (finished.masked_input) SendMessage(*finished.masked_input);
  SendMessage(finished.result);
}

void Session::DropWork() {
  const v1::Task* current = CurrentTask();
  if (current == nullptr) return;
  const TaskToken token = current->task_token();
  if (const auto* fetching = std::get_if<Fetching>(&work_)) {
    if (fetching->running) {
      effects_.push_back(CancelFetch{fetching->missing.front()});
    }
  } else if (std::holds_alternative<Working>(work_)) {
    effects_.push_back(CancelWork{token});
  } else if (const auto* finished = std::get_if<Finished>(&work_)) {
    if (finished->stage == Finished::Stage::kUploading) {
      effects_.push_back(CancelUpload{token});
    }
  }
  effects_.push_back(ForgetTask{token});
  BecomeResting(std::nullopt);
}

void Session::FailTask(const std::string& message) {
  const v1::Task task = *CurrentTask();
  Say(Stage::kRefused, message);
  DropWork();
  RefuseOffer(task, message);
}

void Session::RefuseOffer(const v1::Task& task, const std::string& message) {
  // A client that cannot do its tasks must not ask for them in a tight loop.
  BecomeResting(now_ + Pause(task_failures_++));
  SendTaskFailed(task.task_token(), message);
}

void Session::SendTaskFailed(const TaskToken& token,
                             const std::string& message) {
  if (!IsOpen()) return;
  v1::ClientMessage failed;
  failed.mutable_task_failed()->set_task_token(token);
  failed.mutable_task_failed()->set_message(Printable(message));
  SendMessage(std::move(failed));
}

Duration Session::Pause(int failures) {
  const double bound =
      std::min(static_cast<double>(options_.backoff_max.count()),
               static_cast<double>(options_.backoff_min.count()) *
                   std::exp2(std::min(failures, 32)));
  return Duration(static_cast<Duration::rep>(random_->Uniform() * bound));
}

const v1::Task* Session::CurrentTask() const {
  if (const auto* fetching = std::get_if<Fetching>(&work_)) {
    return &fetching->task;
  }
  if (const auto* working = std::get_if<Working>(&work_)) {
    return &working->task;
  }
  if (const auto* finished = std::get_if<Finished>(&work_)) {
    return &finished->task;
  }
  if (const auto* unmasking = std::get_if<Unmasking>(&work_)) {
    return &unmasking->task;
  }
  return nullptr;
}

void Session::SendMessage(v1::ClientMessage message) {
  effects_.push_back(Send{std::move(message)});
}

ClientProgress Session::ProgressAt(Stage stage) const {
  ClientProgress progress;
  progress.stage = stage;
  if (const v1::Task* task = CurrentTask()) {
    progress.run = task->run();
    progress.round = static_cast<int>(task->round());
  }
  return progress;
}

void Session::Say(Stage stage, std::string detail) {
  ClientProgress progress = ProgressAt(stage);
  progress.detail = std::move(detail);
  effects_.push_back(Report{std::move(progress)});
}

void Session::SayOf(const Finished& finished, Stage stage) {
  ClientProgress progress = ProgressAt(stage);
  progress.saturated = finished.saturated;
  progress.clip_norm = finished.clip_norm;
  effects_.push_back(Report{std::move(progress)});
}

void Session::AskForWakeUp() {
  std::optional<Instant> when;
  if (const auto* offline = std::get_if<Offline>(&connection_)) {
    when = offline->connect_at;
  } else if (IsOpen()) {
    if (const auto* resting = std::get_if<Resting>(&work_)) {
      when = resting->check_in_at;
      const std::optional<Instant> home = GoesHomeAt();
      if (home && (!when || *home < *when)) when = home;
    } else if (const auto* fetching = std::get_if<Fetching>(&work_)) {
      when = fetching->retry_at;
    } else if (const auto* finished = std::get_if<Finished>(&work_)) {
      when = finished->announce_at;
    }
  }
  if (when) effects_.push_back(WakeAt{*when});
}

}  // namespace tributary::session
