// SPDX-License-Identifier: Apache-2.0
// How a session takes what the coordinator says.
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/core/session.h"
#include "proto/codec/strategy.h"

namespace tributary::session {
namespace {

using Stage = ClientProgress::Stage;

constexpr std::size_t kTokenSize = 16;
constexpr std::size_t kDigestSize = 32;
constexpr Duration kLongestWindow = std::chrono::days(30);

Duration ToDuration(const google::protobuf::Duration& duration) {
  const double milliseconds = duration.seconds() * 1e3 + duration.nanos() / 1e6;
  return Duration(static_cast<Duration::rep>(std::clamp(
      milliseconds, 0.0, static_cast<double>(kLongestWindow.count()))));
}

// What waiting cannot mend.
bool IsFatal(v1::Refusal reason) {
  return reason == v1::REVOKED || reason == v1::WRONG_POPULATION ||
         reason == v1::UNSUPPORTED_VERSION || reason == v1::IDENTITY_MISMATCH;
}

// What is wrong with an offered task, or "".
std::string Defect(const v1::Task& task, bool is_aggregator) {
  if (task.kind() != v1::Task::TRAIN && task.kind() != v1::Task::EVALUATE) {
    return "task of unknown kind";
  }
  if (task.model().size() != kDigestSize) return "task without a model";
  if (!task.archive().empty() && task.archive().size() != kDigestSize) {
    return "task with a malformed archive digest";
  }
  if (task.has_subtree() && !is_aggregator) {
    return "task for an aggregator, with leaves to ask";
  }
  if (is_aggregator && !task.has_subtree()) {
    return "task for a client: an aggregator has no examples";
  }
  if (is_aggregator && task.has_secure()) {
    return "task with a secure session, in which an aggregator has no part";
  }
  if (task.kind() == v1::Task::EVALUATE) return "";
  if (task.seed().size() != kDigestSize) return "task without a seed";
  const double max_abs = task.update().max_abs();
  if (!std::isfinite(max_abs) || max_abs <= 0) {
    return "task without update.max_abs";
  }
  if (task.training().has_epochs() == task.training().has_steps()) {
    return "task needs exactly one of epochs and steps";
  }
  if (task.has_strategy() && !codec::IsKnown(task.strategy())) {
    return "task with a strategy that this client does not know";
  }
  return "";
}

}  // namespace

void Session::On(const v1::Welcome& message) {
  if (!std::holds_alternative<Greeting>(connection_)) return;
  if (message.wire_version() != kWireVersion) {
    return BecomeEnded(absl::FailedPreconditionError(
        absl::StrCat("the coordinator speaks wire version ",
                     message.wire_version(), ", this client ", kWireVersion)));
  }
  if (options_.aggregator) return BecomeStoring(message);
  BecomeOpen();
}

void Session::BecomeStoring(const v1::Welcome& welcome) {
  if (welcome.session() == 0 || welcome.epoch() == 0) {
    return BecomeEnded(absl::FailedPreconditionError(
        "the parent welcomes no aggregators: it is older, or this one's "
        "certificate has another role"));
  }
  // Before the session is stored: a restart in between begins anew once more,
  // and one after it would go on with what is void.
  if (welcome.session() == welcome.epoch()) DropWork();
  connection_ = Storing{welcome.session()};
  effects_.push_back(
      StoreSession{address_, welcome.session(), welcome.epoch()});
}

void Session::On(const SessionStored& event) {
  const auto* storing = std::get_if<Storing>(&connection_);
  if (storing == nullptr || storing->session != event.session) return;
  sessions_[static_cast<std::size_t>(address_)] = event.session;
  BecomeOpen();
}

void Session::BecomeOpen() {
  connection_ = Open{};
  trying_since_.reset();
  came_from_.reset();
  const auto* resting = std::get_if<Resting>(&work_);
  // Told to come back later: a broken stream is no reason to come earlier.
  if (resting != nullptr && resting->check_in_at &&
      *resting->check_in_at > now_) {
    return Say(Stage::kWaiting);
  }
  // Its verdict may have been lost with the old stream, and a coordinator that
  // has counted it offers nothing to be asked by: whatever it answers leads on.
  if (std::holds_alternative<Finished>(work_)) {
    Announce();
    // A secure session may be further by now: its messages come with an offer.
    if (!CurrentTask()->has_secure()) return;
  }
  CheckIn();
}

void Session::On(const v1::ComeBack& message) {
  const bool asked = std::exchange(asked_, false);
  if (auto* finished = std::get_if<Finished>(&work_)) {
    // Its training ended between the check-in and this answer.
    if (asked && finished->stage == Finished::Stage::kUnannounced) Announce();
    return;
  }
  if (auto* fetching = std::get_if<Fetching>(&work_)) {
    if (asked && !fetching->running) FetchNext();
    return;
  }
  // A coordinator that cannot take tasks now may still want what it asked for;
  // if not, the verdict on the finished update will say so.
  if (std::holds_alternative<Working>(work_)) return;
  if (std::holds_alternative<Unmasking>(work_)) {
    if (!asked) return;
    // It is no more in a session that it would be asked for.
    DropWork();
    if (IsLastUpdate()) return GoOn();
  }
  const Duration earliest = ToDuration(message.earliest());
  const Duration latest = std::max(earliest, ToDuration(message.latest()));
  const Instant when = now_ + earliest +
                       Duration(static_cast<Duration::rep>(
                           random_->Uniform() *
                           static_cast<double>((latest - earliest).count())));
  if (latest <= kLongestOpenWait) {
    BecomeResting(when);
    return Say(Stage::kWaiting);
  }
  BecomeResting(std::nullopt);
  Say(Stage::kWaiting);
  effects_.push_back(Disconnect{});
  BecomeOffline(when);
}

void Session::On(const v1::Task& message) {
  asked_ = false;
  const v1::Task* current = CurrentTask();
  if (current != nullptr && current->task_token() == message.task_token()) {
    if (auto* fetching = std::get_if<Fetching>(&work_)) {
      if (!fetching->running) FetchNext();
    } else if (auto* finished = std::get_if<Finished>(&work_)) {
      if (finished->stage == Finished::Stage::kUnannounced) Announce();
    } else if (auto* working = std::get_if<Working>(&work_)) {
      if (working->advertisement) SendMessage(*working->advertisement);
    }
    return;
  }
  const bool was_last =
      std::holds_alternative<Unmasking>(work_) && IsLastUpdate();
  DropWork();
  if (was_last) return GoOn();
  // Without a token there is nothing to answer with.
  if (message.task_token().size() != kTokenSize) return;
  std::string defect = Defect(message, options_.aggregator.has_value());
  if (defect.empty()) defect = Objection(options_.secure, message);
  if (!defect.empty()) {
    Say(Stage::kRefused, defect);
    return RefuseOffer(message, defect);
  }
  if (message.kind() == v1::Task::TRAIN && counted_ &&
      counted_->name == NameOf(message) &&
      counted_->token != message.task_token()) {
    defect = absl::StrCat("this client's update of round ", message.round(),
                          ", attempt ", message.attempt(), " of run ",
                          message.run(), " was acknowledged already");
    Say(Stage::kRefused, defect);
    return RefuseOffer(message, defect);
  }
  BecomeFetching(message);
}

void Session::On(const v1::UploadGrant& message) {
  auto* finished = std::get_if<Finished>(&work_);
  if (finished == nullptr || finished->stage != Finished::Stage::kAnnounced ||
      !finished->result.has_update_ready() ||
      finished->task.task_token() != message.task_token()) {
    return;
  }
  const std::uint64_t size = finished->result.update_ready().header().size();
  if (message.offset() > size) {
    return FailTask(absl::StrCat("upload granted from byte ", message.offset(),
                                 " of ", size));
  }
  finished->stage = Finished::Stage::kUploading;
  SayOf(*finished, Stage::kUploading);
  effects_.push_back(StartUpload{message.task_token(), message.offset()});
}

void Session::On(const v1::Verdict& message) {
  const bool refused = !message.accepted();
  if (refused && IsFatal(message.reason())) {
    return BecomeEnded(absl::PermissionDeniedError(absl::StrCat(
        v1::Refusal_Name(message.reason()), ": ", message.detail())));
  }
  const v1::Task* current = CurrentTask();
  if (current == nullptr || current->task_token() != message.task_token()) {
    return;
  }
  if (refused && options_.aggregator &&
      std::holds_alternative<Finished>(work_)) {
    if (message.reason() == v1::OVERLAP) {
      return BecomeWorkingWithout(
          {message.overlap().begin(), message.overlap().end()});
    }
    if (message.reason() == v1::EPOCH_OVER) {
      Say(Stage::kRefused, v1::Refusal_Name(message.reason()));
      DropWork();
      effects_.push_back(Disconnect{});
      return BecomeOffline(now_ + Pause(connect_failures_++));
    }
  }
  if (refused) {
    Say(Stage::kRefused,
        absl::StrCat(v1::Refusal_Name(message.reason()),
                     message.detail().empty() ? "" : ": ", message.detail()));
  } else if (const auto* unmasking = std::get_if<Unmasking>(&work_)) {
    // Said again: the receipt of its answer, or of the update alone.
    if (!unmasking->has_answered) return;
  } else {
    auto* finished = std::get_if<Finished>(&work_);
    if (finished == nullptr) return;  // nothing was announced yet
    NoteAccepted();
    if (finished->task.has_secure()) {
      return BecomeUnmasking(Finished(*finished));
    }
  }
  DropWork();
  GoOn();
}

void Session::BecomeWorkingWithout(std::vector<std::string> leaves) {
  if (leaves.empty()) return FailTask("an overlap of no leaves");
  const Finished finished = std::get<Finished>(std::move(work_));
  if (finished.stage == Finished::Stage::kUploading) {
    effects_.push_back(CancelUpload{finished.task.task_token()});
  }
  work_ = Working{finished.task};
  effects_.push_back(TakeOut{finished.task.task_token(), std::move(leaves)});
}

void Session::NoteAccepted() {
  const auto& finished = std::get<Finished>(work_);
  task_failures_ = 0;
  if (finished.result.has_update_ready()) {
    effects_.push_back(SaveState{finished.task.task_token()});
    counted_ = CountedTask{NameOf(finished.task), finished.task.task_token()};
    effects_.push_back(NoteCounted{*counted_});
    ++accepted_;
  }
  SayOf(finished, Stage::kAccepted);
}

bool Session::IsLastUpdate() const {
  return options_.max_updates > 0 && accepted_ >= options_.max_updates;
}

void Session::GoOn() {
  if (IsLastUpdate()) return BecomeEnded(absl::OkStatus());
  CheckIn();
}

void Session::On(const v1::CancelTask& message) {
  const v1::Task* current = CurrentTask();
  if (current == nullptr || current->task_token() != message.task_token()) {
    return;
  }
  // An update that was accepted is counted, whoever took the masks off.
  const bool is_counted = std::holds_alternative<Unmasking>(work_) &&
                          message.reason() == v1::TOO_LATE;
  if (!is_counted) {
    Say(Stage::kRefused,
        absl::StrCat("cancelled: ", v1::Refusal_Name(message.reason())));
  }
  DropWork();
  GoOn();
}

}  // namespace tributary::session
