// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/round/random_play.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "tests/coordinator/round/effect_text.h"

namespace tributary::round {
namespace {

constexpr int kMoves = 38;  // what can happen
constexpr int kTrainers = 9;
constexpr int kEvaluators = 2;

ClientId Trainer(int number) {
  return ClientId{"trainer-" + std::to_string(number % kTrainers)};
}
// Who comes at the end, when the others may all be in quarantine.
constexpr int kWilling = 2 * kTrainers;
ClientId Willing(int number) {
  if (number < kTrainers) return Trainer(number);
  return ClientId{"willing-" + std::to_string(number)};
}
ClientId Evaluator(int number) {
  return ClientId{"evaluator-" + std::to_string(number % kEvaluators)};
}

// Mostly nothing, sometimes long, once in a while backwards.
Duration Pause(std::uint8_t later) {
  using namespace std::chrono_literals;
  constexpr std::array<Duration, 16> kPauses = {
      0ms, 0ms, 0ms, 0ms, 1ms, 1ms, 100ms, 500ms,
      1s,  2s,  5s,  10s, 20s, 60s, 1000s, -3s};
  return later < 128 ? kPauses[later % kPauses.size()] : 0ms;
}

}  // namespace

Options OptionsFor(std::uint32_t choice) {
  const auto choose = [&choice](std::uint32_t of) {
    const std::uint32_t chosen = choice % of;
    choice /= of;
    return static_cast<int>(chosen);
  };
  using std::chrono::seconds;
  Options options;
  const int strikes = choose(4);
  const int kind = choose(4);
  const int sampling = choose(4);
  options.cohort_size = 1 + choose(6);
  options.over_selection = 1 + 0.25 * choose(5);
  options.min_updates = 1 + choose(options.cohort_size);
  options.deadline = seconds(1 + 15 * choose(4));
  options.selection_timeout = seconds(5 * choose(3));
  options.retry_backoff = seconds(3 * choose(3));
  options.max_attempts = 1 + 3 * choose(4);
  options.rounds = 1 + choose(4);
  options.evaluate_every = choose(3);
  options.evaluation_deadline = seconds(1 + 7 * choose(3));
  options.max_weight = 1 + 20 * choose(3);
  if (options.evaluate_every > 0 && choose(2) == 1) {
    options.stop_metric = "accuracy";
    options.stop_target = 0.9;
  }
  if (sampling >= 2) {
    options.sampling =
        sampling == 2 ? Sampling::kPoisson : Sampling::kFixedSize;
    options.over_selection = 1;
    options.population =
        options.cohort_size + choose(kTrainers + 1 - options.cohort_size);
  }
  if (strikes > 0 && options.sampling == Sampling::kAny) {
    options.quarantine =
        QuarantineOptions{.strikes = strikes, .rounds = 1 + options.rounds % 2};
  }
  options.packed = kind == 1 && options.max_weight == 1;
  if (kind >= 2) {
    options.packed = true;
    options.cohort_size = std::max(options.cohort_size, 3);
    options.population = std::max(options.population, options.cohort_size);
    options.min_updates =
        std::min(options.min_updates, options.cohort_size - 1);
    options.secure =
        SecureOptions{.step_deadline = seconds(1 + 30 * choose(3)),
                      .min_cohort = std::max(3, options.min_updates + 1),
                      .dropped = 0.2 * choose(3)};
  }
  if (choose(4) == 0) options.max_debits = choose(4);
  if (choose(2) == 0) options.clip_norm = 1.5;
  return options;
}

Options AsynchronousOptionsFor(std::uint32_t choice) {
  const auto choose = [&choice](std::uint32_t of) {
    const std::uint32_t chosen = choice % of;
    choice /= of;
    return static_cast<int>(chosen);
  };
  using std::chrono::seconds;
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

Options AnyOptionsFor(std::uint32_t choice) {
  return choice % 4 == 3 ? AsynchronousOptionsFor(choice / 4)
                         : OptionsFor(choice / 4 * 3 + choice % 4);
}

namespace {

std::variant<Referee, BufferReferee> RefereeOf(const Options& options) {
  if (options.asynchronous) return BufferReferee(options);
  return Referee(options);
}

}  // namespace

RandomPlay::RandomPlay(const Options& options, const Key& key)
    : engine_(options, key, ModelNamed(0)),
      referee_(RefereeOf(options)),
      session_(options) {}

bool RandomPlay::IsCollecting() const {
  const Phase& phase = engine_.state().phase;
  return std::holds_alternative<Collecting>(phase) ||
         engine_.options().asynchronous.has_value();
}

// After a restart updates that were kept are owed again, whatever else was
// offered meanwhile.
bool RandomPlay::TooManyTrain() const {
  const auto& rounds = engine_.options().asynchronous;
  if (!rounds || has_restarted_) return false;
  return std::ranges::count_if(engine_.state().open_tasks,
                               [](const auto& task) {
                                 return !task.second.arrived;
                               }) > rounds->concurrency;
}

void RandomPlay::Make(const Move& move) {
  now_ += Pause(move[3]);
  if (now_ < Instant{}) now_ = Instant{};
  // Mostly nothing comes between a question and its answer.
  if (move[2] % 4 != 0) AnswerClosing();
  constexpr int kAllAct = 29;
  if (move[0] % kMoves >= kAllAct) {
    // In the session's steps mostly everybody, or few rounds would get far.
    AllAct(IsCollecting() || move[2] >= 192 ? move[1] : ~0u);
  } else {
    const Event event = EventOf(move);
    const auto* answered = std::get_if<SecureAnswered>(&event);
    if (answered != nullptr &&
        answered->token == TokenFor(answered->client, 0)) {
      (void)session_.Takes(answered->client, answered->step);
    }
    Step(event);
  }
}

void RandomPlay::AnswerClosing() {
  if (!due_) return;
  Step(session_.Close(*std::exchange(due_, std::nullopt)));
}

void RandomPlay::AllAct(unsigned who) {
  for (int number = 0; number < kWilling; ++number) {
    if ((who >> number & 1) == 0) continue;
    const ClientId client = Willing(number);
    if (number >= kTrainers && !tasks_.contains(client)) continue;
    if (IsCollecting()) {
      Step(UpdateArrived{client, TokenFor(client, 0), ContributionOf(client, 0),
                         Refusal::kNone});
    } else if (session_.Takes(client, session_.step())) {
      Step(SecureAnswered{client, TokenFor(client, 0), session_.step()});
    }
  }
}

void RandomPlay::Perform(const Effect& effect) {
  if (const auto* offer = std::get_if<OfferTask>(&effect)) {
    tasks_[offer->client].push_back(offer->task);
  } else if (const auto* open = std::get_if<OpenRound>(&effect)) {
    session_.Open(*open);
  } else if (const auto* accept = std::get_if<AcceptUpdate>(&effect)) {
    (void)session_.Takes(accept->client, SecureStep::kMasking);
  } else if (const auto* close = std::get_if<CloseSecureStep>(&effect)) {
    due_ = *close;
  } else if (std::holds_alternative<AbandonRound>(effect) ||
             std::holds_alternative<EndRun>(effect)) {
    due_.reset();
  }
}

void RandomPlay::Step(const Event& event) {
  moments_.push_back(Moment{event, now_, engine_.Step(event, now_)});
  const auto& effects = moments_.back().effects;
  for (const Effect& effect : effects) Perform(effect);
  if (!complaint_.empty()) return;
  complaint_ = std::visit(
      [&](auto& referee) { return referee.Watch(event, now_, effects); },
      referee_);
  std::uint64_t counted = 0;
  for (const auto& [reason, count] : engine_.state().refusals) counted += count;
  const std::uint64_t seen = std::visit(
      [](const auto& referee) { return referee.refusals(); }, referee_);
  if (complaint_.empty() && counted != seen) {
    complaint_ = "refusals are not all counted";
  }
  has_restarted_ = has_restarted_ || std::holds_alternative<Restarted>(event);
  if (complaint_.empty() && TooManyTrain()) complaint_ = "more train than may";
}

TaskToken RandomPlay::TokenFor(const ClientId& client, std::uint8_t how) const {
  TaskToken token;
  const ClientId& owner = how % 16 == 15 ? Trainer(how / 16) : client;
  const auto found = tasks_.find(owner);
  if (how % 16 == 14 || found == tasks_.end()) return token;  // nobody's
  const auto& tasks = found->second;
  // One of eight is an older one.
  const std::size_t back = how % 8 == 7 ? (how / 8) % tasks.size() : 0;
  return tasks[tasks.size() - 1 - back].token;
}

Contribution RandomPlay::ContributionOf(const ClientId& client,
                                        std::uint8_t how) const {
  Contribution contribution{engine_.state().model, 7, 0.25};
  const auto tasks = tasks_.find(client);
  if (engine_.options().asynchronous && tasks != tasks_.end()) {
    contribution.base_model = tasks->second.back().model;
  }
  if (engine_.options().packed) {
    contribution.weight = 1;
    contribution.train_loss = 0;
  }
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
    case 5:
      contribution.train_loss = -1e308;
      break;
    default:
      break;
  }
  return contribution;
}

Event RandomPlay::EventOf(const Move& move) const {
  const auto [what, who, how, later] = move;
  const ClientId trainer = Trainer(who);
  const ClientId evaluator = Evaluator(who);
  switch (what % kMoves) {
    case 0:
      return Tick{};
    case 1:
      return Left{who < 230 ? trainer : evaluator};
    case 2:
      return UpdateAnnounced{trainer, TokenFor(trainer, how),
                             ContributionOf(trainer, how)};
    case 3:
      return TaskFailed{trainer, TokenFor(trainer, how)};
    case 4:
      return ClientRevoked{who < 230 ? trainer : evaluator};
    case 5:
      if (how >= 128) return Tick{};
      return Restarted{};
    case 6:  // rarely: it ends the run
      if (how < 8) return StopRequested{};
      return TaskFailed{evaluator, TokenFor(evaluator, how)};
    case 7:
      return round::CheckIn{evaluator, Role::kEvaluator};
    case 8:
    case 9: {
      const ClientId& sender = how % 16 == 13 ? trainer : evaluator;
      const double accuracy =
          how % 32 == 6 ? std::numeric_limits<double>::infinity() : how / 256.0;
      return EvaluationArrived{
          sender, TokenFor(sender, how), {{"accuracy", accuracy}}};
    }
    case 10:
      return ModelReleased{how % 16 + 1, ModelNamed(how % 16 + 1)};
    case 11:
    case 12:
      return ModelOf(how);
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
    case 18:
      return round::CheckIn{trainer, Role::kTrainer};
    case 24:
    case 25:
    case 26: {
      // What the session did not take is told as well once in a while.
      const auto step =
          how % 32 < 28 ? session_.step() : static_cast<SecureStep>(how % 6);
      return SecureAnswered{trainer, TokenFor(trainer, how), step,
                            how % 4 == 1};
    }
    case 27:
      return UpdateArrived{trainer, TokenFor(trainer, how),
                           ContributionOf(trainer, how), Refusal::kBadProtocol};
    case 28: {
      const State& state = engine_.state();
      if (how < 32) {
        return SecureAbandoned{state.round, state.attempt, how,
                               "a sum that nobody could have sent"};
      }
      // Of a step that is not being closed.
      return SecureStepClosed{
          state.round + 1 + how % 2, state.attempt, session_.step(), {trainer}};
    }
    default:
      // Who sends an update before its step is out.
      if (std::holds_alternative<Keying>(engine_.state().phase) &&
          how % 8 != 0) {
        return SecureAnswered{trainer, TokenFor(trainer, how), session_.step()};
      }
      return UpdateArrived{
          trainer, TokenFor(trainer, how), ContributionOf(trainer, how),
          how % 32 == 8 ? Refusal::kOverBound : Refusal::kNone};
  }
}

ModelReleased RandomPlay::ModelOf(std::uint8_t how) const {
  const int round = engine_.state().round;
  ModelReleased made{round, ModelNamed(round)};
  if (how % 2 == 1) made.next_clip_norm = 0.5 + how;
  if (how % 3 == 1) made.aggregates = Aggregates{how, how / 16.0};
  for (int number = 0; number < kTrainers; ++number) {
    if ((how * 7 >> number & 3) == 3) made.outliers.push_back(Trainer(number));
  }
  return made;
}

bool RandomPlay::ReachesItsEnd() {
  const auto is_over = [this] {
    return std::holds_alternative<Ended>(engine_.state().phase);
  };
  for (int pass = 0; pass < 400 && !is_over(); ++pass) {
    for (int number = 0; number < kWilling; ++number) {
      Step(round::CheckIn{Willing(number), Role::kTrainer});
    }
    constexpr int kSteps = 6;
    for (int step = 0; step < kSteps; ++step) {
      AnswerClosing();
      AllAct(~0u);
    }
    AnswerClosing();
    for (int number = 0; number < kEvaluators; ++number) {
      const ClientId client = Evaluator(number);
      Step(round::CheckIn{client, Role::kEvaluator});
      Step(EvaluationArrived{client, TokenFor(client, 0), {{"accuracy", 0.1}}});
    }
    Step(ModelReleased{engine_.state().round,
                       ModelNamed(engine_.state().round)});
    // Nobody lets a deadline pass.
    if (IsCollecting() ||
        std::holds_alternative<Keying>(engine_.state().phase) ||
        std::holds_alternative<Unmasking>(engine_.state().phase)) {
      continue;
    }
    const auto& effects = moments_.back().effects;
    if (effects.empty()) continue;
    if (const auto* wake = std::get_if<WakeAt>(&effects.back())) {
      now_ = std::max(now_, wake->when);
      Step(Tick{});
    }
  }
  return is_over();
}

}  // namespace tributary::round
