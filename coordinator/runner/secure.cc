// SPDX-License-Identifier: Apache-2.0
// Rounds whose updates are packed integers: their secure sessions, from the
// first advertisement until the masks are off, and the end of their sums.
#include <memory>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "coordinator/runner/runner.h"
#include "proto/codec/integers.h"
#include "proto/codec/secagg.h"

namespace tributary::coordinator {
namespace {

// Until it is looked again whether clients have taken what they were sent.
constexpr std::chrono::milliseconds kWritePause{5};

}  // namespace

absl::Status Runner::MakePackedRound(Run& run) {
  absl::StatusOr<IntegerRound> integers =
      MakeIntegerRound(run.plan, run.format->manifest,
                       run.engine->state().clip_norm.value_or(0));
  if (!integers.ok()) return integers.status();
  PackedRound& packed = run.packed.emplace();
  packed.integers = std::make_shared<const IntegerRound>(*std::move(integers));
  packed.masks =
      run.plan.has_secure_aggregation() ? Masks::kOn : Masks::kOff;
  run.frame.integers = packed.integers->update;
  return absl::OkStatus();
}

// The terms are read from a task as its clients get it: both sides work them out
// from the same words.
absl::Status Runner::BeginSession(Run& run, const round::OpenRound& effect) {
  PackedRound& packed = *run.packed;
  packed.authority = authority();
  if (packed.authority == nullptr) {
    return absl::FailedPreconditionError(
        "nobody vouches for clients: the coordinator was started without "
        "tls.authority");
  }
  const aggregation::IntegerFormat& format = packed.integers->format;
  const auto planned =
      codec::ToTerms(run.plan, format.Words(), format.word_bits);
  if (!planned.ok()) return planned.status();
  run.frame.secure = codec::ToMessage(*planned);
  round::Task task;
  task.round = effect.round;
  task.attempt = effect.attempt;
  task.model = effect.model;
  const auto terms =
      codec::TermsOf(TaskMessage(run.frame, task, round::Duration(0)).task());
  if (!terms.ok()) return terms.status();
  auto session = SecureSession::Make(*terms, *packed.authority);
  if (!session.ok()) return session.status();
  packed.session = *std::move(session);
  packed.cipher = terms->cipher;
  metrics_.Count("tributary_secure_sessions_total", {{"run", run.name}});
  return absl::OkStatus();
}

void Runner::OpenPacked(Run& run, const round::OpenRound& effect) {
  absl::Status status = MakePackedRound(run);
  if (status.ok() && run.packed->masks == Masks::kOn) {
    status = BeginSession(run, effect);
  }
  if (!status.ok()) {
    return FailRun(run, absl::StrCat("round ", effect.round,
                                     " cannot be opened: ",
                                     std::string(status.message())));
  }
  if (run.packed->masks == Masks::kOn) return;  // FoldInputs
  run.sum = std::make_shared<RoundSum>(*run.packed->integers);
}

void Runner::FoldInputs(Run& run) {
  run.sum = std::make_shared<RoundSum>(*run.packed->integers);
  for (SpooledUpdate& input : std::exchange(run.packed->inputs, {})) {
    Fold(run, std::move(input), 1);
  }
}

std::size_t Runner::SendSessionMessages(Run& run,
                                        const round::ClientId& client) {
  const PackedRound& packed = *run.packed;
  if (packed.step_messages != nullptr) packed.step_messages->Skip(client);
  const auto token = packed.tokens.find(client);
  if (token == packed.tokens.end()) return 0;
  std::size_t bytes = 0;
  for (v1::SecureServerMessage& message :
       packed.session->MessagesFor(client)) {
    const v1::ServerMessage wrapped =
        SecureMessage(token->second, std::move(message));
    bytes += wrapped.ByteSizeLong();
    sessions_.Send(client, wrapped);
  }
  return bytes;
}

void Runner::SendStepMessages(Run& run,
                              const std::shared_ptr<StepMessages>& messages) {
  // The session is further by now, or gone.
  if (run.IsOver() || !run.packed || run.packed->step_messages != messages) {
    return;
  }
  const SteadyTime now = clock_();
  const auto is_writing = [this](const round::ClientId& client) {
    return sessions_.IsWriting(client);
  };
  bool has_room = true;
  for (int i = 0; i < StepMessages::kClientsAtOnce && has_room; ++i) {
    const auto client = messages->Next(is_writing, now);
    has_room = client.has_value();
    if (client) {
      messages->Sent(*client, SendSessionMessages(run, *client), now);
    }
  }
  if (messages->IsDone()) return;
  // An effect like those of the events before it: who was offered its task
  // again meanwhile has its messages from there.
  Job more = [this, &run, messages] {
    outbox_.push_back(
        [this, &run, messages] { SendStepMessages(run, messages); });
  };
  if (has_room) {
    Post(std::move(more));
  } else {
    At(now + kWritePause, std::move(more));
  }
}

void Runner::HandleSecure(const Session& session,
                          const v1::SecureClientMessage& message) {
  const auto token = ToToken(message.task_token());
  if (!token) return RefuseMessage(session, "a token has 16 bytes");
  Run* run = RunOf(session.population);
  if (run == nullptr || run->engine == nullptr) {
    CountRefusal(round::Refusal::kRunEnded);
    session.peer->Send(RefusedMessage(*token, round::Refusal::kRunEnded, ""));
    return;
  }
  const round::ClientId client = session.client();
  SecureSession::Answer answer{round::Refusal::kBadProtocol,
                               "no secure session is open for this task"};
  if (run->packed && run->packed->session) {
    const auto known = run->packed->tokens.find(client);
    if (known != run->packed->tokens.end() && known->second == *token) {
      const round::SecureStep step = run->packed->session->step();
      answer = run->packed->session->Receive(client, message);
      if (answer.refusal == round::Refusal::kNone) {
        Happen(*run, round::SecureAnswered{client, *token, step,
                                           answer.is_enough});
        return;
      }
    }
  }
  switch (answer.refusal) {
    case round::Refusal::kDuplicate:
      return;
    case round::Refusal::kTooLate:
      // Told when the step was closed.
      CountRefusal(answer.refusal);
      return;
    default:
      // The engine knows what the token is worth, and what follows.
      run->details[UploadKey{client, *token}] = std::move(answer.detail);
      Happen(*run, round::UpdateArrived{client, *token, {}, answer.refusal});
      return;
  }
}

void Runner::Do(Run& run, const round::CloseSecureStep& effect) {
  if (!run.packed || !run.packed->session || run.IsOver()) return;
  PackedRound& packed = *run.packed;
  SecureSession& session = *packed.session;
  if (session.IsOver() || session.step() != effect.step) return;
  packed.step_messages.reset();
  auto outcome = session.Close();
  if (const auto* abandoned =
          std::get_if<SecureSession::Abandoned>(&outcome)) {
    AbandonSession(run, abandoned->kind, abandoned->count, abandoned->reason);
    return;
  }
  const auto& remaining = std::get<SecureSession::Closed>(outcome).remaining;
  const std::string step(round::Name(effect.step));
  const std::size_t before = effect.step == round::SecureStep::kAdvertising
                                 ? packed.tokens.size()
                                 : packed.present;
  packed.present = remaining.size();
  metrics_.Count("tributary_secure_dropouts_total",
                 {{"run", run.name}, {"step", step}},
                 static_cast<double>(before - remaining.size()));
  Log(Level::kDebug, "secure step closed",
      {{"run", run.name},
       {"round", absl::StrCat(effect.round)},
       {"attempt", absl::StrCat(effect.attempt)},
       {"step", step},
       {"clients", absl::StrCat(remaining.size())},
       {"left", absl::StrCat(before - remaining.size())}});
  if (effect.step == round::SecureStep::kMasking) FoldInputs(run);
  if (session.IsOver()) {
    packed.recovery = session.TakeRecovery();
  } else {
    packed.step_messages = std::make_shared<StepMessages>(remaining);
    SendStepMessages(run, packed.step_messages);
  }
  Happen(run, round::SecureStepClosed{effect.round, effect.attempt, effect.step,
                                      remaining});
}

void Runner::AbandonSession(Run& run, const std::string& kind, int count,
                            const std::string& reason) {
  run.packed->abandoned = absl::StrReplaceAll(kind, {{" ", "_"}});
  Happen(run,
         round::SecureAbandoned{run.round, run.attempt, count, reason});
}

void Runner::CountAbandonedSession(const Run& run) {
  if (!run.plan.has_secure_aggregation()) return;
  std::string reason = "restart";
  if (run.packed) {
    reason = run.packed->abandoned.empty() ? "round" : run.packed->abandoned;
  }
  metrics_.Count("tributary_secure_sessions_abandoned_total",
                 {{"run", run.name}, {"reason", reason}});
}

void Runner::FinishPacked(Run& run) {
  PackedRound& packed = *run.packed;
  if (packed.finishing != nullptr) return;
  packed.finishing = std::make_shared<SumFinish>(
      pool_,
      SumFinish::Inputs{.round = packed.integers,
                        .words = run.sum->TakeWords(),
                        .contributions = run.release->contributors.size(),
                        .cipher = packed.cipher,
                        .recovery = std::exchange(packed.recovery, {})});
  packed.finishing->Start(
      [this, &run, sum = run.sum](absl::StatusOr<FinishedSum> finished) {
        auto shared = std::make_shared<absl::StatusOr<FinishedSum>>(
            std::move(finished));
        Post([this, &run, sum, shared] {
          if (run.sum == sum && !run.IsOver()) FinishDone(run, *shared);
        });
      });
}

void Runner::FinishDone(Run& run, absl::StatusOr<FinishedSum>& finished) {
  if (finished.ok()) {
    run.packed->finishing.reset();
    run.packed->aggregates = finished->aggregates;
    run.packed->next_clip_norm = finished->next_clip_norm;
    MakeModel(run, std::move(finished->sum));
    return;
  }
  const std::string why(finished.status().message());
  if (run.packed->masks == Masks::kOff) return FailRun(run, why);
  AbandonSession(run, "impossible sum",
                 static_cast<int>(run.release->contributors.size()), why);
}

}  // namespace tributary::coordinator
