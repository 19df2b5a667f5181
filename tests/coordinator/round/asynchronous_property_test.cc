// SPDX-License-Identifier: Apache-2.0
// What holds in every run of asynchronous rounds, whatever happens in which
// order.
#include <rapidcheck.h>

#include <array>
#include <limits>

#include "coordinator/round/engine.h"
#include "tests/coordinator/round/buffer_referee.h"
#include "tests/coordinator/round/effect_text.h"

#include "tests/catch.h"

namespace tributary::round {
namespace {

using std::chrono::seconds;
// What, who, how and after how long. Every value means something.
using Move = std::array<std::uint8_t, 4>;
using Moves = std::vector<Move>;

constexpr int kTrainers = 12;

rc::Gen<Moves> AnyMoves() {
  return rc::gen::scale(4, rc::gen::arbitrary<Moves>());
}

Options OptionsFor(std::uint32_t choice) {
  const auto choose = [&choice](std::uint32_t of) {
    const std::uint32_t chosen = choice % of;
    choice /= of;
    return static_cast<int>(chosen);
  };
  Options options;
  options.cohort_size = 1 + choose(4);
  options.over_selection = 1;
  options.min_updates = options.cohort_size;
  options.deadline = seconds(1 + 20 * choose(4));
  options.rounds = 1 + choose(6);
  options.evaluate_every = choose(3);
  options.evaluation_deadline = seconds(8);
  options.max_weight = 1 + 500 * choose(3);
  options.asynchronous =
      AsynchronousOptions{.concurrency = 1 + choose(6),
                          .staleness_exponent = 0.5 * choose(4),
                          .max_staleness = choose(4),
                          .mixing_rate = std::nullopt};
  if (options.cohort_size == 1 && choose(2) == 1) {
    options.asynchronous->mixing_rate = 0.6;
  }
  return options;
}

class Play {
 public:
  Play(std::uint32_t choice, std::uint64_t seed)
      : engine_(OptionsFor(choice), KeyFromSeed(seed), ModelNamed(0)),
        referee_(engine_.options()) {}

  void Make(const Move& move) {
    constexpr std::array<int, 8> kPauses = {0, 0, 0, 0, 1, 5, 30, 100};
    if (move[3] < 64) now_ += seconds(kPauses[move[3] % kPauses.size()]);
    Step(EventOf(move));
  }

  // From now on everybody checks in and returns good updates.
  bool ReachesItsEnd() {
    for (int pass = 0; pass < 400 && !IsOver(); ++pass) {
      for (std::uint8_t who = 0; who < kTrainers; ++who) {
        Step(CheckIn{Trainer(who), Role::kTrainer});
      }
      for (std::uint8_t who = 0; who < kTrainers; ++who) {
        Step(UpdateArrived{Trainer(who), TokenOf(who, 0), Good(who),
                           Refusal::kNone});
      }
      const ClientId evaluator{"eva"};
      Step(CheckIn{evaluator, Role::kEvaluator});
      Step(EvaluationArrived{evaluator, evaluation_, {{"accuracy", 0.1}}});
      Step(Made());
      now_ += seconds(9);
    }
    return IsOver();
  }

  bool IsOver() const {
    return std::holds_alternative<Ended>(engine_.state().phase);
  }
  const std::string& complaint() const { return complaint_; }
  const Engine& engine() const { return engine_; }
  const BufferReferee& referee() const { return referee_; }
  struct Moment {
    Event event;
    Instant now;
    std::vector<Effect> effects;
  };
  const std::vector<Moment>& moments() const { return moments_; }

 private:
  static ClientId Trainer(std::uint8_t who) {
    return ClientId{"trainer-" + std::to_string(who % kTrainers)};
  }
  ModelReleased Made() const {
    const int round = engine_.state().round;
    return {round, ModelNamed(round)};
  }
  TaskToken TokenOf(std::uint8_t who, std::uint8_t how) const {
    const auto found = tasks_.find(Trainer(how % 16 == 15 ? how / 16 : who));
    if (how % 16 == 14 || found == tasks_.end()) return {};
    const auto& tasks = found->second;
    const std::size_t back = how % 8 == 7 ? (how / 8) % tasks.size() : 0;
    return tasks[tasks.size() - 1 - back].token;
  }
  Contribution Good(std::uint8_t who) const {
    const auto found = tasks_.find(Trainer(who));
    const ModelId base = found == tasks_.end() ? engine_.state().model
                                               : found->second.back().model;
    return {base, 7, 0.25};
  }
  Contribution ContributionOf(std::uint8_t who, std::uint8_t how) const {
    Contribution contribution = Good(who);
    switch (how % 32) {
      case 1:
        contribution.base_model = ModelNamed(50);
        break;
      case 2:
        contribution.weight = 0;
        break;
      case 3:
        contribution.weight = std::numeric_limits<std::uint32_t>::max();
        break;
      case 4:
        contribution.train_loss = std::numeric_limits<double>::infinity();
        break;
      default:
        break;
    }
    return contribution;
  }
  Event EventOf(const Move& move) const {
    const auto [what, who, how, later] = move;
    const ClientId trainer = Trainer(who);
    const ClientId evaluator{"eva"};
    switch (what % 24) {
      case 0:
        return Tick{};
      case 1:
        return Left{trainer};
      case 2:
      case 3:
        return UpdateAnnounced{trainer, TokenOf(who, how),
                               ContributionOf(who, how)};
      case 4:
        return TaskFailed{trainer, TokenOf(who, how)};
      case 5:
        return ClientRevoked{trainer};
      case 6:
        if (how < 8) return StopRequested{};
        return Restarted{};
      case 7:
        return CheckIn{evaluator, Role::kEvaluator};
      case 8:
        return EvaluationArrived{how % 4 == 0 ? trainer : evaluator,
                                 how % 4 == 0 ? TokenOf(who, how) : evaluation_,
                                 {{"accuracy", how / 256.0}}};
      case 9:
      case 10:
        return Made();
      case 11:
        return ModelReleased{how % 8, ModelNamed(how % 8)};
      case 12:
      case 13:
      case 14:
      case 15:
      case 16:
      case 17:
        return CheckIn{trainer, Role::kTrainer};
      default:
        return UpdateArrived{
            trainer, TokenOf(who, how), ContributionOf(who, how),
            how % 32 == 8 ? Refusal::kOverBound : Refusal::kNone};
    }
  }
  void Step(const Event& event) {
    moments_.push_back({event, now_, engine_.Step(event, now_)});
    const auto& effects = moments_.back().effects;
    for (const Effect& effect : effects) {
      const auto* offer = std::get_if<OfferTask>(&effect);
      if (offer == nullptr) continue;
      if (offer->task.kind == TaskKind::kEvaluate) {
        evaluation_ = offer->task.token;
      } else {
        tasks_[offer->client].push_back(offer->task);
      }
    }
    if (!complaint_.empty()) return;
    complaint_ = referee_.Watch(event, now_, effects);
    std::uint64_t counted = 0;
    for (const auto& [reason, count] : engine_.state().refusals) {
      counted += count;
    }
    if (complaint_.empty() && counted != referee_.refusals()) {
      complaint_ = "refusals are not all counted";
    }
    // Updates that were kept are owed again after a restart, whatever else was
    // offered meanwhile.
    has_restarted_ = has_restarted_ || std::holds_alternative<Restarted>(event);
    const auto training = std::ranges::count_if(
        engine_.state().open_tasks,
        [](const auto& task) { return !task.second.arrived; });
    if (!has_restarted_ &&
        training > engine_.options().asynchronous->concurrency) {
      complaint_ = "more train than may";
    }
  }

  Engine engine_;
  BufferReferee referee_;
  Instant now_{};
  std::map<ClientId, std::vector<Task>> tasks_;  // given, oldest first
  TaskToken evaluation_;
  std::vector<Moment> moments_;
  std::string complaint_;
  bool has_restarted_ = false;
};

TEST_CASE("random options of asynchronous rounds are valid") {
  CHECK(rc::check([](std::uint32_t choice) {
    RC_ASSERT(OptionsFor(choice).Validate().ok());
  }));
}

// The referee's rules: no token counts twice and no client twice in a model, a
// model is cohort_size updates and no more, each weighs what its staleness
// says and none is too stale, a task is from the latest model and ends once.
TEST_CASE("no sequence of events breaks a promise of asynchronous rounds") {
  CHECK(rc::check([](std::uint32_t choice, std::uint64_t seed) {
    Play play(choice, seed);
    for (const Move& move : *AnyMoves()) {
      play.Make(move);
      RC_ASSERT(play.complaint() == "");
    }
  }));
}

TEST_CASE("from every state asynchronous rounds of willing clients end") {
  CHECK(rc::check([](std::uint32_t choice, std::uint64_t seed) {
    Play play(choice, seed);
    for (const Move& move : *AnyMoves()) play.Make(move);
    RC_ASSERT(play.ReachesItsEnd());
    RC_ASSERT(play.complaint() == "");
  }));
}

TEST_CASE("the same events have the same effects in asynchronous rounds") {
  CHECK(rc::check([](std::uint32_t choice, std::uint64_t seed) {
    Play play(choice, seed);
    for (const Move& move : *AnyMoves()) play.Make(move);
    Engine again(OptionsFor(choice), KeyFromSeed(seed), ModelNamed(0));
    for (const auto& [event, now, effects] : play.moments()) {
      // As after a kill: from nothing but the state.
      Engine resumed(OptionsFor(choice), KeyFromSeed(seed), again.state());
      RC_ASSERT(again.Step(event, now) == effects);
      RC_ASSERT(resumed.Step(event, now) == effects);
      RC_ASSERT(resumed.state() == again.state());
    }
    RC_ASSERT(again.state() == play.engine().state());
  }));
}

// A property over plays that never get anywhere would hold for nothing.
TEST_CASE("random plays of asynchronous rounds reach every phase") {
  std::set<std::string_view> phases;
  std::set<Refusal> refusals;
  int released = 0;
  bool has_kept = false;
  KeyedStream random(KeyFromSeed(12));
  for (int run = 0; run < 400; ++run) {
    Play play(static_cast<std::uint32_t>(random.Word()), run);
    for (int i = 0; i < 200; ++i) {
      Move move;
      random.Fill(move);
      play.Make(move);
      phases.insert(Name(play.engine().state().phase));
      for (const auto& [client, task] : play.engine().state().open_tasks) {
        has_kept = has_kept || task.arrived;
      }
    }
    released += play.referee().released();
    for (const auto& [reason, count] : play.engine().state().refusals) {
      refusals.insert(reason);
    }
    CHECK(play.complaint() == "");
  }
  CHECK(phases == std::set<std::string_view>{"selecting", "buffering",
                                             "released", "finishing", "ended"});
  CHECK(has_kept);
  CHECK(released > 400);
  for (const Refusal reason :
       {Refusal::kTooLate, Refusal::kDuplicate, Refusal::kUnknownTask,
        Refusal::kStaleModel, Refusal::kNotFinite, Refusal::kOverBound,
        Refusal::kBadWeight, Refusal::kRevoked, Refusal::kWrongRole,
        Refusal::kRunEnded}) {
    INFO(Name(reason));
    CHECK(refusals.contains(reason));
  }
}

}  // namespace
}  // namespace tributary::round
