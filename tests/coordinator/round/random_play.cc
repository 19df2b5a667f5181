// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/round/random_play.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "tests/coordinator/round/effect_text.h"

namespace tributary::round {
namespace {

constexpr int kMoves = 44;  // what can happen
constexpr int kTrainers = 9;
constexpr int kEvaluators = 2;
constexpr int kEdges = 4;

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

ClientId Edge(int number) {
  return ClientId{"edge-" + std::to_string(number % kEdges)};
}
// Leaves of its own, and some that others may have too.
LeafSet SumOf(const ClientId& edge, std::uint8_t which, int own = 3) {
  std::vector<ClientId> leaves;
  for (int bit = 0; bit < own; ++bit) {
    if (bit == 0 || (which >> (bit % 3) & 1) != 0) {
      leaves.push_back({edge.name + "-leaf-" + std::to_string(bit)});
    }
  }
  if ((which >> 3 & 3) == 3) leaves.push_back({"roamer"});
  if ((which >> 5 & 3) == 3) leaves.push_back({"trainer-0"});
  return LeafSet::Make(std::move(leaves)).value();
}

// Mostly nothing, sometimes long, once in a while backwards.
Duration Pause(std::uint8_t later) {
  using namespace std::chrono_literals;
  constexpr std::array<Duration, 16> kPauses = {
      0ms, 0ms, 0ms, 0ms, 1ms, 1ms, 100ms, 500ms,
      1s,  2s,  5s,  10s, 20s, 60s, 1000s, -3s};
  return later < 128 ? kPauses[later % kPauses.size()] : 0ms;
}

// Half of all runs are flat; others are nodes of a tree.
void PlaceInTree(std::uint32_t place, Options& options) {
  const bool asks_aggregators = place == 4 || place == 6;
  if (place < 4) return;
  options.sampling = Sampling::kAny;
  options.population = 0;
  if (asks_aggregators) {
    options.secure.reset();
    TreeOptions tree;
    tree.aggregators = 1 + options.cohort_size % 3;
    tree.leaves_each =
        (options.cohort_size + tree.aggregators - 1) / tree.aggregators;
    tree.takes_trainers = options.quarantine || options.rounds % 2 == 0;
    options.tree = tree;
  }
  if (place == 4) return;
  options.parent = ParentOptions{.deadline_share = 0.5};
  options.evaluate_every = 0;
  options.stop_metric.clear();
  options.stop_target.reset();
  options.max_debits.reset();
}

}  // namespace

Options OptionsFor(std::uint32_t choice) {
  // Knuth's multiplicative hash: no choice below changes.
  const std::uint32_t tree = (choice * 2654435761u) >> 29;
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
  PlaceInTree(tree, options);
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
  if (std::holds_alternative<Resting>(engine_.state().phase) &&
      move[2] % 2 == 1) {
    Step(NextTask(move[2]));
  }
  constexpr int kAllAct = 29;
  constexpr int kTree = 38;
  if (move[0] % kMoves >= kAllAct && move[0] % kMoves < kTree) {
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
  for (int number = 0; number < kEdges; ++number) {
    if ((who >> number & 1) != 0) EdgeActs(Edge(number));
  }
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

// It takes out what counts through others, as an aggregator does.
void RandomPlay::EdgeActs(const ClientId& edge) {
  const auto* collecting = std::get_if<Collecting>(&engine_.state().phase);
  if (collecting == nullptr || !collecting->cohort.contains(edge)) return;
  const auto& tree = engine_.options().tree;
  LeafSet leaves = SumOf(edge, 0xff, tree ? tree->leaves_each : 1);
  // A life of it from before is heard no more.
  std::uint64_t& newest = epochs_[edge];
  newest = std::max<std::uint64_t>(newest, 1);
  Step(round::CheckIn{edge, Role::kAggregator, newest});
  Contribution stale = SumContribution(leaves, edge, 0);
  stale.subtree->epoch = newest - 1;
  Step(UpdateAnnounced{edge, TokenFor(edge, 0), stale});
  while (leaves.size() > 0) {
    Step(UpdateArrived{edge, TokenFor(edge, 0),
                       SumContribution(leaves, edge, 0), Refusal::kNone,
                       leaves});
    LeafSet overlap;
    for (const Effect& effect : moments_.back().effects) {
      const auto* refused = std::get_if<Refuse>(&effect);
      if (refused != nullptr) overlap = refused->overlap;
    }
    if (overlap.size() == 0) return;
    leaves.Remove(overlap);
  }
  Step(TaskFailed{edge, TokenFor(edge, 0)});
}

Contribution RandomPlay::SumContribution(const LeafSet& leaves,
                                         const ClientId& edge,
                                         std::uint8_t how) const {
  Contribution contribution = ContributionOf(edge, how);
  const bool is_packed = engine_.options().packed;
  contribution.weight =
      leaves.size() * (is_packed ? 1 : engine_.options().max_weight);
  const auto epoch = epochs_.find(edge);
  contribution.subtree =
      Subtree{.epoch = epoch == epochs_.end() ? 1 : epoch->second,
              .leaves = static_cast<std::uint32_t>(leaves.size()),
              .weight = contribution.weight,
              .names = leaves.Name()};
  switch (how % 32) {
    case 9:
    case 17:
    case 25:
      contribution.subtree->epoch = 0;  // over once it has checked in again
      break;
    case 10:
      contribution.subtree.reset();
      break;
    case 11:
      contribution.weight += 1;
      contribution.subtree->weight += 1;
      break;
    case 12:
      contribution.subtree->leaves += 1;
      break;
    case 14:
      contribution.subtree->names = {};
      break;
    default:
      break;
  }
  return contribution;
}

TaskGiven RandomPlay::NextTask(std::uint8_t how) const {
  const State& state = engine_.state();
  const int ahead = how % 8;
  const bool is_retry = state.round_seed && ahead < 3;
  const int round = state.round_seed ? state.round + 1 : 1;
  return TaskGiven{.round = is_retry ? state.round : round,
                   .attempt = is_retry ? state.attempt + 1 : 1,
                   .model = ModelNamed(is_retry ? state.round : round),
                   .round_seed = KeyFromSeed(static_cast<std::uint64_t>(round)),
                   .time_left = Duration(how * 500),
                   .clip_norm = std::nullopt};
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
  const auto* check_in = std::get_if<round::CheckIn>(&event);
  if (check_in != nullptr && check_in->role == Role::kAggregator) {
    std::uint64_t& newest = epochs_[check_in->client];
    newest = std::max(newest, check_in->epoch);
  }
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
  const ClientId edge = Edge(who);
  const LeafSet sum = SumOf(edge, later);
  switch (what % kMoves) {
    case 38:
      return round::CheckIn{edge, Role::kAggregator,
                            how < 32 ? std::uint64_t{how} / 4 : 1};
    case 39:
      return UpdateAnnounced{how % 64 == 5 ? trainer : edge,
                             TokenFor(how % 64 == 5 ? trainer : edge, how),
                             SumContribution(sum, edge, how)};
    case 40:
    case 41:
      return UpdateArrived{edge, TokenFor(edge, how),
                           SumContribution(sum, edge, how), Refusal::kNone,
                           sum};
    case 42: {
      TaskGiven given = NextTask(how);
      if (who % 2 == 0) {  // again, or an older one
        given.round = engine_.state().round;
        given.attempt = std::max(1, engine_.state().attempt - who % 3);
      }
      return given;
    }
    case 43:
      return how % 4 == 0 ? Event(TaskOver{engine_.state().round,
                                           engine_.state().attempt})
                          : Event(round::CheckIn{edge, Role::kAggregator, 1});
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
    if (std::holds_alternative<Resting>(engine_.state().phase)) {
      if (referee().released() >= engine_.options().rounds) {
        Step(StopRequested{});
        break;
      }
      constexpr std::uint8_t kLong = 255;
      Step(NextTask(kLong));
    }
    for (int number = 0; number < kEdges; ++number) {
      Step(round::CheckIn{Edge(number), Role::kAggregator, 100});
    }
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
