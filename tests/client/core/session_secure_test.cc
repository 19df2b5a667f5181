// SPDX-License-Identifier: Apache-2.0
// A session's part in secure aggregation: whole tasks as text, what a lost
// stream does to them, and which tasks are refused.
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/core/session.h"
#include "privacy/dp/adaptive_clip.h"
#include "proto/codec/secagg.h"
#include "tests/client/core/secure_round.h"
#include "tests/client/core/session_fixture.h"

#include "tests/catch.h"

namespace tributary::session {
namespace {

using ClientKind = v1::SecureClientMessage;
using ServerKind = v1::SecureServerMessage;

std::string Name(const v1::SecureClientMessage& message) {
  switch (message.kind_case()) {
    case ClientKind::kAdvertisement:
      return "advertisement";
    case ClientKind::kOpening:
      return "opening";
    case ClientKind::kKeyShares:
      return "key shares";
    case ClientKind::kMaskedInput:
      return "masked input";
    case ClientKind::kAgreement:
      return "agreement";
    case ClientKind::kUnmasking:
      return "unmasking";
    case ClientKind::KIND_NOT_SET:
      break;
  }
  return "nothing";
}

// An effect as a line of a transcript; "" for what says nothing of the task.
struct InWords {
  std::string operator()(const Connect&) const { return "connect"; }
  std::string operator()(const Disconnect&) const { return "disconnect"; }
  std::string operator()(const Send& effect) const {
    const v1::ClientMessage& message = effect.message;
    if (message.has_check_in()) return "send check-in";
    if (message.has_update_ready()) return "send update ready";
    if (message.has_secure()) return "send " + Name(message.secure());
    if (message.has_task_failed()) {
      return "send task failed: " + message.task_failed().message();
    }
    return "send hello";
  }
  std::string operator()(const Fetch&) const { return "fetch"; }
  std::string operator()(const CancelFetch&) const { return "cancel fetch"; }
  std::string operator()(const StartTraining&) const { return "train"; }
  std::string operator()(const StartEvaluation&) const { return "evaluate"; }
  std::string operator()(const CancelWork&) const { return "cancel training"; }
  std::string operator()(const StartSecure&) const { return "begin session"; }
  std::string operator()(const TakeSecure&) const { return "take message"; }
  std::string operator()(const MaskUpdate&) const { return "mask"; }
  std::string operator()(const StartUpload&) const { return "upload"; }
  std::string operator()(const CancelUpload&) const { return "cancel upload"; }
  std::string operator()(const SaveState&) const { return "save state"; }
  std::string operator()(const NoteCounted&) const { return ""; }
  std::string operator()(const StoreSession&) const { return "store session"; }
  std::string operator()(const TakeOut&) const { return "take out"; }
  std::string operator()(const ForgetTask&) const { return "forget task"; }
  std::string operator()(const WakeAt&) const { return ""; }
  std::string operator()(const Report& effect) const {
    using Stage = ClientProgress::Stage;
    if (effect.progress.stage == Stage::kRefused) {
      return "tell the user: refused, " + effect.progress.detail;
    }
    return effect.progress.stage == Stage::kAccepted ? "tell the user: accepted"
                                                     : "";
  }
  std::string operator()(const Finish&) const { return "finish"; }
};

class SecureSessionFixture : public SessionFixture {
 public:
  SecureSessionFixture() : SessionFixture(WithIdentity({})) {}
  explicit SecureSessionFixture(Options options)
      : SessionFixture(std::move(options)) {}

  static Options WithIdentity(Options options) {
    options.secure.obstacle.clear();
    options.secure.policy = TestPolicy();
    return options;
  }

  // ---- a line of the transcript for what happens, and one for each effect --
  void Note(const std::string& what, Event event) {
    absl::StrAppend(&text_, what, "\n");
    Happens(std::move(event));
    for (const Effect& effect : effects_) {
      const std::string line = std::visit(InWords(), effect);
      if (!line.empty()) absl::StrAppend(&text_, "  ", line, "\n");
    }
  }
  void Says(const std::string& what, v1::ServerMessage message) {
    Note("<- " + what, Received{std::move(message)});
  }
  void SaysSecure(const std::string& what,
                  void (*fill)(v1::SecureServerMessage&)) {
    v1::ServerMessage message;
    fill(*message.mutable_secure());
    message.mutable_secure()->set_task_token(task_.task_token());
    Says(what, std::move(message));
  }
  void SaysRoster() {
    SaysSecure("roster", [](auto& message) { message.mutable_roster(); });
  }
  void SaysNeighbours() {
    SaysSecure("neighbours",
               [](auto& message) { message.mutable_neighbours(); });
  }
  void SaysShares() {
    SaysSecure("routed shares",
               [](auto& message) { message.mutable_routed_shares(); });
  }
  void SaysSurvivors() {
    SaysSecure("survivors", [](auto& message) { message.mutable_survivors(); });
  }
  void SaysAgreements() {
    SaysSecure("agreements",
               [](auto& message) { message.mutable_agreements(); });
  }
  void Answers(void (*fill)(v1::SecureClientMessage&)) {
    v1::SecureClientMessage message;
    fill(message);
    message.set_task_token(task_.task_token());
    Note("session: " + Name(message),
         SecureAnswered{task_.task_token(), message});
  }
  void Trains() {
    Note("trained", Trained{task_.task_token(), HeaderFor(task_), 3});
  }
  void Masks() { Note("masked", Masked{task_.task_token(), HeaderFor(task_)}); }
  void Loses() {
    Note("stream lost", Disconnected{absl::UnavailableError("gone")});
    PassUntilWakeUp();
    Happens(Connected{});
    Says("welcome", Welcome());
  }

  // ---- how far it has come ----
  void Working() {
    Join();
    Says("task", Offer(task_));
    Note("fetched", Fetched{ModelOf(task_)});
    Answers([](auto& message) { message.mutable_advertisement(); });
  }
  void Shared() {
    Working();
    SaysRoster();
    Answers([](auto& message) { message.mutable_opening(); });
    SaysNeighbours();
    Answers([](auto& message) { message.mutable_key_shares(); });
  }
  void Announced() {
    Shared();
    Trains();
    SaysShares();
    Answers([](auto& message) { message.mutable_masked_input(); });
    Masks();
  }
  void IsUnmasking() {
    Announced();
    Says("grant", Grant(task_, 0));
    Note("uploaded", Uploaded{task_.task_token()});
    Says("verdict", Accept(task_));
  }
  void Answered() {
    IsUnmasking();
    SaysSurvivors();
    Answers([](auto& message) { message.mutable_agreement(); });
    SaysAgreements();
    Answers([](auto& message) { message.mutable_unmasking(); });
  }
  // Leaves out what came before.
  std::string After() { return std::exchange(text_, ""); }

 protected:
  v1::Task task_ = SecureTaskOf(40, 5);
  std::string text_;
};

TEST_CASE_METHOD(SecureSessionFixture, "a secure task from offer to rest") {
  Answered();
  Says("verdict", Accept(task_));
  CHECK(text_ == R"(<- task
  fetch
fetched
  train
  begin session
session: advertisement
  send advertisement
<- roster
  take message
session: opening
  send opening
<- neighbours
  take message
session: key shares
  send key shares
trained
<- routed shares
  take message
session: masked input
  mask
masked
  send masked input
  send update ready
<- grant
  upload
uploaded
<- verdict
  save state
  tell the user: accepted
<- survivors
  take message
session: agreement
  send agreement
<- agreements
  take message
session: unmasking
  send unmasking
  send update ready
<- verdict
  forget task
  send check-in
)");
  CHECK(session_.accepted() == 1);
}

TEST_CASE_METHOD(SecureSessionFixture,
                 "shares that come before training is done wait for it") {
  Shared();
  SaysShares();
  Answers([](auto& message) { message.mutable_masked_input(); });
  After();
  Trains();
  Masks();
  CHECK(After() ==
        "trained\n  mask\nmasked\n  send masked input\n  send update ready\n");
}

TEST_CASE_METHOD(SecureSessionFixture,
                 "a stream lost at any step loses nothing") {
  SECTION("before the advertisement was answered it is sent again") {
    Working();
    Loses();
    After();
    Says("task", Offer(task_));
    CHECK(After() == "<- task\n  send advertisement\n");
  }
  SECTION("afterwards the coordinator's message comes again") {
    Working();
    SaysRoster();
    Loses();
    After();
    Says("task", Offer(task_));
    SaysRoster();
    Answers([](auto& message) { message.mutable_opening(); });
    CHECK(After() ==
          "<- task\n<- roster\n  take message\nsession: opening\n"
          "  send opening\n");
  }
  SECTION("an update is announced again with what is said before it") {
    Announced();
    After();
    Loses();
    Says("task", Offer(task_));
    SaysShares();
    Answers([](auto& message) { message.mutable_masked_input(); });
    CHECK(After() == R"(stream lost
<- welcome
  send masked input
  send update ready
  send check-in
<- task
<- routed shares
  take message
session: masked input
)");
  }
  SECTION("survivors say that an update counts whose verdict was lost") {
    Announced();
    Says("grant", Grant(task_, 0));
    Loses();
    After();
    SaysSurvivors();
    CHECK(After() ==
          "<- survivors\n  save state\n  tell the user: accepted\n"
          "  take message\n");
    Says("verdict", Accept(task_));
    CHECK(After() == "<- verdict\n");
    CHECK(session_.accepted() == 1);
  }
  SECTION("the last answer is kept until its receipt") {
    Answered();
    Loses();
    After();
    Says("task", Offer(task_));
    SaysAgreements();
    Answers([](auto& message) { message.mutable_unmasking(); });
    Says("verdict", Accept(task_));
    CHECK(After() == R"(<- task
<- agreements
  take message
session: unmasking
  send unmasking
  send update ready
<- verdict
  forget task
  send check-in
)");
  }
  SECTION("a coordinator that is done with the session says so by its pace") {
    Answered();
    Loses();
    After();
    Says("come back",
         ComeBackIn(std::chrono::seconds(5), std::chrono::seconds(9)));
    CHECK(After() == "<- come back\n  forget task\n");
    CHECK(std::holds_alternative<Resting>(session_.work()));
  }
}

TEST_CASE_METHOD(SecureSessionFixture,
                 "a client that began after its session fails the task") {
  // The coordinator knows an earlier process, whose secrets are gone.
  Join();
  Says("task", Offer(task_));
  After();
  SaysRoster();
  CHECK(After() ==
        "<- roster\n"
        "  tell the user: refused, the secure session began before this client "
        "did, whose secrets are never stored\n"
        "  cancel fetch\n  forget task\n"
        "  send task failed: the secure session began before this client did, "
        "whose secrets are never stored\n");
}

TEST_CASE_METHOD(SecureSessionFixture,
                 "a message of a session that is not its own is answered no") {
  Join();
  After();
  SaysAgreements();
  CHECK(After() ==
        "<- agreements\n  send task failed: this client is not in that secure "
        "session\n");
  Says("offer", Offer(TaskNamed('b')));
  After();
  SaysSurvivors();
  CHECK(After() ==
        "<- survivors\n  send task failed: this client is not in that secure "
        "session\n");
}

TEST_CASE_METHOD(SecureSessionFixture,
                 "a session that fails is told to user and coordinator") {
  const std::string why = "the session offers too little";
  const std::string told =
      "failed\n  tell the user: refused, secure aggregation: " + why + "\n";
  const std::string failed =
      "  send task failed: secure aggregation: " + why + "\n";
  SECTION("while it trains") {
    Working();
    After();
    Note("failed", SecureFailed{task_.task_token(), why});
    CHECK(After() == told + "  cancel training\n  forget task\n" + failed);
  }
  SECTION("after its update was accepted") {
    IsUnmasking();
    After();
    Note("failed", SecureFailed{task_.task_token(), why});
    CHECK(After() == told + "  forget task\n" + failed);
    CHECK(session_.accepted() == 1);
  }
}

TEST_CASE_METHOD(SecureSessionFixture,
                 "why masking failed is the owner's to know") {
  Shared();
  SaysShares();
  Answers([](auto& message) { message.mutable_masked_input(); });
  Trains();
  After();
  Note("failed", WorkFailed{task_.task_token(), "a word is beyond 2047"});
  CHECK(After() ==
        "failed\n  tell the user: refused, a word is beyond 2047\n"
        "  cancel training\n  forget task\n"
        "  send task failed: the task failed on the client, whose log says "
        "why\n");
}

TEST_CASE_METHOD(SecureSessionFixture,
                 "a round that ends without this client's answer lets it go") {
  IsUnmasking();
  After();
  SECTION("with a sum: the update counts, and nothing was wrong") {
    Says("cancel", Cancel(task_));
    CHECK(After() == "<- cancel\n  forget task\n  send check-in\n");
  }
  SECTION("without one") {
    v1::ServerMessage message = Cancel(task_);
    message.mutable_cancel()->set_reason(v1::ABANDONED);
    Says("cancel", message);
    CHECK(After() ==
          "<- cancel\n  tell the user: refused, cancelled: ABANDONED\n"
          "  forget task\n  send check-in\n");
  }
  SECTION("with the next task") {
    Says("task", Offer(TaskNamed('b')));
    CHECK(After() == "<- task\n  forget task\n  fetch\n");
  }
}

TEST_CASE("the last update's client stays until the masks are off") {
  Options options;
  options.max_updates = 1;
  struct Fixture : SecureSessionFixture {
    explicit Fixture(Options some)
        : SecureSessionFixture(WithIdentity(std::move(some))) {}
    using SecureSessionFixture::task_;
  } fixture(options);
  fixture.IsUnmasking();
  CHECK_FALSE(fixture.HasEnded());
  fixture.SaysSurvivors();
  fixture.Answers([](auto& message) { message.mutable_agreement(); });
  fixture.SaysAgreements();
  fixture.Answers([](auto& message) { message.mutable_unmasking(); });
  CHECK_FALSE(fixture.HasEnded());
  fixture.Says("verdict", Accept(fixture.task_));
  CHECK(fixture.HasEnded());
}

TEST_CASE("noise that the clients add themselves can be demanded") {
  v1::Task task = SecureTaskOf(40, 5);
  task.mutable_secure()->set_min_survivors(4);
  task.mutable_secure()->set_min_cohort(5);
  task.mutable_secure()->set_max_cohort(10);
  task.mutable_secure()->set_corrupt_per_mille(50);
  SecureDemands demands;
  demands.policy = TestPolicy();
  demands.obstacle.clear();
  demands.min_noise_multiplier = 1.5;
  const auto too_little = [](const std::string& offered) {
    return "the noise that clients add has multiplier " + offered +
           ", this client demands at least 1.5 "
           "(ClientOptions::secure_aggregation.min_noise_multiplier, "
           "--min-noise)";
  };
  v1::IntegerUpdate& integers = *task.mutable_integers();
  SECTION("of the sum, where updates are masked") {
    // Examples and loss go along: nothing is clipped.
    CHECK(Objection(demands, task) == too_little("0"));
    integers.set_clip_norm(1);
    integers.set_norm_bound(100);
    // The coordinator's own, on its word.
    CHECK(Objection(demands, task) == too_little("0"));
    // One of ten may be corrupt: three shares are sure to come.
    integers.set_noise(v1::IntegerUpdate::SKELLAM);
    integers.set_noise_variance(7'500);
    CHECK(Objection(demands, task) == "");
    integers.set_noise_variance(4'800);
    CHECK(Objection(demands, task) == too_little("1.2"));
    CHECK(Protection(task) ==
          "masked among 5 clients or more, noise of the clients (multiplier "
          "1.2)");
  }
  SECTION("of this client's update alone, where they are not") {
    task.clear_secure();
    integers.set_clip_norm(1);
    integers.set_norm_bound(100);
    CHECK(Objection(demands, task) == too_little("0"));
    integers.set_noise(v1::IntegerUpdate::DISCRETE_GAUSSIAN);
    integers.set_noise_variance(22'500);
    CHECK(Objection(demands, task) == "");
    // A share that would do in a sum.
    integers.set_noise_variance(10'000);
    CHECK(Objection(demands, task) == too_little("1"));
    CHECK(Protection(task) ==
          "not masked, noise of this client (multiplier 1)");
    integers.set_noise_variance(22'500);
    // What goes up as floats, or is no update, has no such noise whatever the
    // task says.
    v1::Task floats = task;
    floats.mutable_update()->set_encoding(v1::UpdatePlan::FLOAT32);
    CHECK(Objection(demands, floats) == too_little("0"));
    v1::Task evaluation = task;
    evaluation.set_kind(v1::Task::EVALUATE);
    CHECK(Objection(demands, evaluation) == too_little("0"));
    CHECK(Objection(demands, TaskNamed('b')) == too_little("0"));
    CHECK(Protection(floats) == "not masked, no noise of the clients");
    demands.min_noise_multiplier = 0;
    CHECK(Objection(demands, TaskNamed('b')) == "");
  }
  SECTION("of the clip words together with the update") {
    // As the accountant of a plan with an adaptive norm: both cost what z
    // would.
    const double z = 1.5;
    const double count_noise = 5;
    integers.set_clip_norm(1);
    integers.set_norm_bound(10'000);
    integers.set_noise(v1::IntegerUpdate::SKELLAM);
    const double share =
        dp::UpdateNoiseMultiplier(z, count_noise).value() * 10'000;
    integers.set_noise_variance(
        static_cast<std::uint64_t>(std::ceil(share * share / 3)));
    integers.set_clip_word(true);
    CHECK(Objection(demands, task) == too_little("0"));
    const double clip_word = dp::ClipWordDeviation(count_noise);
    integers.set_clip_word_variance(
        static_cast<std::uint64_t>(std::ceil(clip_word * clip_word / 3)));
    CHECK(Objection(demands, task) == "");
    demands.min_noise_multiplier = 1.51;
    CHECK_FALSE(Objection(demands, task).empty());
    demands.min_noise_multiplier = 1.5;
    integers.set_clip_word_variance(1);
    CHECK_FALSE(Objection(demands, task).empty());
  }
}

TEST_CASE("which tasks are taken is the owner's to say") {
  const v1::Task secure = SecureTaskOf(40, 5);
  const v1::Task open = TaskNamed('b');
  SecureDemands demands;
  demands.policy = TestPolicy();
  CHECK(Objection(demands, open) == "");
  CHECK(Objection(demands, secure) ==
        "secure aggregation: this client has no certificate to sign with");
  demands.obstacle.clear();
  CHECK(Objection(demands, secure) == "");

  demands.unmasked = SecureDemands::Unmasked::kRefused;
  CHECK(Objection(demands, secure) == "");
  for (const v1::Task& task : {open, TaskNamed('c', v1::Task::EVALUATE)}) {
    CHECK(Objection(demands, task) ==
          "task without secure aggregation, which this client requires "
          "(ClientOptions::secure_aggregation.use, --secure-aggregation)");
  }

  demands.policy.min_survivors = 7;
  CHECK(Objection(demands, secure) ==
        "secure aggregation: the session offers min_survivors 2, this client "
        "demands at least 7 "
        "(ClientOptions::secure_aggregation.min_survivors, --min-survivors)");
  v1::Task odd = secure;
  odd.mutable_secure()->clear_cipher();
  CHECK(Objection(demands, odd) == "secure aggregation: cipher: needs a value");
  odd = secure;
  odd.mutable_update()->set_encoding(v1::UpdatePlan::INT8);
  CHECK_FALSE(Objection(demands, odd).empty());
  odd = secure;
  odd.set_kind(v1::Task::EVALUATE);
  CHECK_FALSE(Objection(demands, odd).empty());
}

TEST_CASE_METHOD(SecureSessionFixture,
                 "a task below a floor is refused before anything is fetched") {
  Join();
  After();
  v1::Task task = task_;
  task.mutable_secure()->set_min_survivors(2);
  task.mutable_secure()->set_corrupt_per_mille(0);
  task.mutable_secure()->set_length(0);
  Says("task", Offer(task));
  CHECK(
      After() ==
      "<- task\n  tell the user: refused, secure aggregation: length: 0 is "
      "not at least 1\n"
      "  send task failed: secure aggregation: length: 0 is not at least 1\n");
}

// Two secure tasks and one without, in any order of events.
Event AnyEvent() {
  static const v1::Task tasks[] = {SecureTaskOf(40, 5),
                                   [] {
                                     v1::Task task = SecureTaskOf(40, 5);
                                     task.set_task_token(std::string(16, 'b'));
                                     return task;
                                   }(),
                                   TaskNamed('c')};
  // Mostly the first, so that it often gets far.
  const v1::Task& task = tasks[std::max(0, *rc::gen::inRange(-12, 3))];
  const std::string& token = task.task_token();
  v1::SecureClientMessage answer;
  answer.set_task_token(token);
  switch (*rc::gen::inRange(0, 6)) {
    case 0:
      answer.mutable_advertisement();
      break;
    case 1:
      answer.mutable_opening();
      break;
    case 2:
    case 3:
      answer.mutable_masked_input();
      break;
    case 4:
      answer.mutable_agreement();
      break;
    default:
      answer.mutable_unmasking();
  }
  v1::ServerMessage said;
  said.mutable_secure()->set_task_token(token);
  *rc::gen::inRange(0, 2) == 0
      ? (void)said.mutable_secure()->mutable_roster()
      : (void)said.mutable_secure()->mutable_survivors();
  switch (*rc::gen::inRange(0, 32)) {
    case 0:
      return Disconnected{absl::UnavailableError("gone")};
    case 1:
      return Received{Cancel(task)};
    case 2:
      return SecureFailed{token, "bad"};
    case 3:
      return Received{
          ComeBackIn(std::chrono::seconds(1), std::chrono::seconds(2))};
    case 4:
    case 5:
      return Connected{};
    case 6:
    case 7:
      return Received{Welcome()};
    case 8:
    case 9:
      return Received{Offer(task)};
    case 10:
    case 11:
    case 12:
      return Fetched{ModelOf(task)};
    case 13:
    case 14:
    case 15:
      return Trained{token, HeaderFor(task), 0};
    case 16:
    case 17:
    case 18:
      return Masked{token, HeaderFor(task)};
    case 19:
      return Uploaded{token};
    case 20:
      return Received{Grant(task, 0)};
    case 21:
    case 22:
    case 23:
      return Received{Accept(task)};
    case 24:
    case 25:
      return Received{said};
    default:
      return SecureAnswered{token, answer};
  }
}

// From StartSecure to ForgetTask: one session, masked once, counted once.
class Judge {
 public:
  bool Allows(const Effect& effect) {
    if (const auto* start = std::get_if<StartSecure>(&effect)) {
      const bool is_new = !open_;
      open_ = start->task.task_token();
      masks_ = saves_ = 0;
      return is_new;
    }
    if (const auto* forget = std::get_if<ForgetTask>(&effect)) {
      if (open_ == forget->token) open_.reset();
      return true;
    }
    if (const auto* take = std::get_if<TakeSecure>(&effect)) {
      return open_ == take->token && take->message.task_token() == take->token;
    }
    if (const auto* mask = std::get_if<MaskUpdate>(&effect)) {
      return open_ == mask->token && ++masks_ == 1;
    }
    if (const auto* save = std::get_if<SaveState>(&effect)) {
      return open_ != save->token || (masks_ == 1 && ++saves_ == 1);
    }
    const auto* send = std::get_if<Send>(&effect);
    if (send == nullptr) return true;
    if (send->message.has_secure()) {
      return open_ == send->message.secure().task_token();
    }
    // No update of a secure task goes up that was not masked.
    return !send->message.has_update_ready() || !open_ || masks_ == 1;
  }

 private:
  std::optional<TaskToken> open_;
  int masks_ = 0;
  int saves_ = 0;
};

// What brings the first task all the way, if nothing else happens.
std::vector<Event> TheWayThrough() {
  const v1::Task task = SecureTaskOf(40, 5);
  v1::SecureClientMessage input;
  input.set_task_token(task.task_token());
  input.mutable_masked_input();
  return {Started{},
          Connected{},
          Received{Welcome()},
          Received{Offer(task)},
          Fetched{ModelOf(task)},
          SecureAnswered{task.task_token(), input},
          Trained{task.task_token(), HeaderFor(task), 0},
          Masked{task.task_token(), HeaderFor(task)},
          Received{Accept(task)}};
}

TEST_CASE("no order of events makes a secure session misbehave") {
  const std::vector<Event> way = TheWayThrough();
  int unmaskings = 0;
  CHECK(rc::check("random events", [&] {
    KeyedStream random(Key{}, "secure");
    Options options = SecureSessionFixture::WithIdentity({});
    options.population = "pumps";
    Session session(options, random);
    Judge judge;
    Instant now{};
    std::size_t next = 0;
    const int steps = *rc::gen::inRange(1, 300);
    for (int i = 0; i < steps; ++i) {
      now += Duration(*rc::gen::inRange(0, 2'000));
      const bool goes_on = next < way.size() && *rc::gen::inRange(0, 3) > 0;
      const Event event = i == 0 || goes_on ? way[next++] : AnyEvent();
      for (const Effect& effect : session.Step(event, now)) {
        if (!judge.Allows(effect)) RC_FAIL(std::visit(InWords(), effect));
      }
      unmaskings += std::holds_alternative<Unmasking>(session.work());
    }
  }));
  CHECK(unmaskings > 0);
}

}  // namespace
}  // namespace tributary::session
