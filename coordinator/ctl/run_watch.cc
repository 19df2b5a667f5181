// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/interrupt.h"
#include "coordinator/ctl/message_json.h"
#include "coordinator/ctl/run_view.h"

namespace tributary::ctl {
namespace {

// A coordinator that restarts comes back within this many tries, one a second.
constexpr int kMostTries = 120;
constexpr std::chrono::milliseconds kBetweenTries{1'000};
constexpr int kRoundsShown = 12;

// The call that an interrupt has to end, if any is open.
class OpenCall {
 public:
  void Set(grpc::ClientContext* context) {
    const std::lock_guard lock(mutex_);
    context_ = context;
    if (cancelled_ && context_ != nullptr) context_->TryCancel();
  }
  void Cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }

 private:
  std::mutex mutex_;
  grpc::ClientContext* context_ = nullptr;
  bool cancelled_ = false;
};

class View {
 public:
  explicit View(Session& session) : session_(session) {}

  void Show(const v1::RunDetail& detail) {
    if (session_.IsJson()) {
      session_.Print(ToJson(detail));
    } else if (session_.style == Style::kTerminal) {
      Redraw(RunLines(detail, session_.style, kRoundsShown));
    } else {
      Log(detail);
    }
  }
  // Something else was written below: the next drawing starts after it.
  void LeaveDrawing() { drawn_ = 0; }

 private:
  void Redraw(const std::vector<std::string>& lines) {
    // Without wrapping, so that a narrow window does not shift the next
    // drawing.
    session_.out << "\x1b[?7l";
    if (drawn_ > 0) session_.out << "\x1b[" << drawn_ << "A";
    for (const std::string& line : lines) {
      session_.out << "\x1b[2K" << line << "\n";
    }
    // Lines of before that are not needed now.
    session_.out << "\x1b[J\x1b[?7h" << std::flush;
    drawn_ = lines.size();
  }

  // Each round once when it is released, and once more when it was evaluated.
  void Log(const v1::RunDetail& detail) {
    for (const v1::RoundRecord& round : detail.rounds()) {
      if (round.round() > last_round_) {
        last_round_ = round.round();
        session_.out << RoundLine(round, detail.summary().total_rounds())
                     << "\n";
      }
      if (!round.metrics().empty() && round.round() > last_evaluated_) {
        last_evaluated_ = round.round();
        session_.out << "round " << round.round() << "/"
                     << detail.summary().total_rounds() << "  "
                     << MetricsText(round) << "\n";
      }
    }
    const std::string state = StateText(detail.summary().state());
    if (state != last_state_) {
      last_state_ = state;
      session_.out << "run " << Shown(detail.summary().run()) << " is "
                   << state;
      if (!detail.summary().message().empty()) {
        session_.out << ": " << Shown(detail.summary().message());
      }
      session_.out << "\n";
    }
    session_.out << std::flush;
  }

  Session& session_;
  std::size_t drawn_ = 0;
  std::uint32_t last_round_ = 0;
  std::uint32_t last_evaluated_ = 0;
  std::string last_state_;
};

bool IsEnded(v1::RunState state) {
  return state == v1::FINISHED || state == v1::STOPPED || state == v1::FAILED;
}

}  // namespace

ExitCode RunWatch(Session& session, const std::string& run) {
  OpenCall open;
  Interrupt interrupt([&open] { open.Cancel(); });
  const auto stub = Connect(session.connection);
  if (!stub.ok()) return stub.status();
  View view(session);
  v1::GetRunRequest request;
  request.set_run(run);
  v1::RunDetail last;
  bool has_seen = false;
  int tries = 0;
  while (true) {
    grpc::ClientContext context;
    open.Set(&context);
    const auto reader = (*stub)->WatchRun(&context, request);
    v1::RunDetail detail;
    while (reader->Read(&detail)) {
      view.Show(detail);
      last = detail;
      has_seen = true;
      tries = 0;
    }
    const grpc::Status status = reader->Finish();
    open.Set(nullptr);
    if (interrupt.HasCome()) {
      session.err << "the run goes on; \"tributaryctl run stop " << Shown(run)
                  << "\" would stop it\n";
      return kExitInterrupted;
    }
    if (has_seen && IsEnded(last.summary().state())) break;
    // It was there a moment ago: it restarts, and the run goes on with it.
    const bool is_away =
        status.error_code() == grpc::StatusCode::UNAVAILABLE || status.ok();
    if (!has_seen || !is_away || ++tries > kMostTries) {
      auto explained = Explain(status, session.connection);
      return explained.ok()
                 ? absl::UnavailableError(
                       "the coordinator ended the watch, not the run")
                 : explained;
    }
    if (tries == 1) {
      session.err << "the coordinator is away; waiting for it\n";
      view.LeaveDrawing();
    }
    interrupt.WaitFor(kBetweenTries);
    if (interrupt.HasCome()) return kExitInterrupted;
  }
  return last.summary().state() == v1::FINISHED ? 0 : kExitFailed;
}

}  // namespace tributary::ctl
