// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/round/random_play.h"

#include <limits>

#include "tests/coordinator/round/effect_text.h"

namespace tributary::round {
namespace {

constexpr int kTrainers = 9;
constexpr int kEvaluators = 2;

ClientId Trainer(int number) {
  return ClientId{"trainer-" + std::to_string(number % kTrainers)};
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
  return kPauses[later % kPauses.size()];
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
  options.cohort_size = 1 + choose(6);
  options.over_selection = 1 + 0.25 * choose(5);
  options.min_updates = 1 + choose(options.cohort_size);
  options.deadline = seconds(1 + 10 * choose(4));
  options.selection_timeout = seconds(5 * choose(3));
  options.retry_backoff = seconds(3 * choose(3));
  options.max_attempts = 1 + choose(4);
  options.rounds = 1 + choose(4);
  options.evaluate_every = choose(3);
  options.evaluation_deadline = seconds(1 + 7 * choose(3));
  options.max_weight = 1 + 20 * choose(3);
  if (options.evaluate_every > 0 && choose(2) == 1) {
    options.stop_metric = "accuracy";
    options.stop_target = 0.9;
  }
  return options;
}

RandomPlay::RandomPlay(const Options& options, const Key& key)
    : engine_(options, key, ModelNamed(0)), referee_(options) {}

void RandomPlay::Make(const Move& move) {
  now_ += Pause(move[3]);
  if (now_ < Instant{}) now_ = Instant{};
  Step(EventOf(move));
}

void RandomPlay::Step(const Event& event) {
  moments_.push_back(Moment{event, now_, engine_.Step(event, now_)});
  const auto& effects = moments_.back().effects;
  for (const Effect& effect : effects) {
    if (const auto* offer = std::get_if<OfferTask>(&effect)) {
      tasks_[offer->client].push_back(offer->task);
    }
  }
  if (!complaint_.empty()) return;
  complaint_ = referee_.Watch(event, now_, effects);
  std::uint64_t counted = 0;
  for (const auto& [reason, count] : engine_.state().refusals) counted += count;
  if (complaint_.empty() && counted != referee_.refusals()) {
    complaint_ = "refusals are not all counted";
  }
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

Contribution RandomPlay::ContributionOf(std::uint8_t how) const {
  Contribution contribution{engine_.state().model, 7, 0.25};
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
  switch (what % 24) {
    case 0:
      return Tick{};
    case 1:
      return Left{who < 230 ? trainer : evaluator};
    case 2:
      return UpdateAnnounced{trainer, TokenFor(trainer, how),
                             ContributionOf(how)};
    case 3:
      return TaskFailed{trainer, TokenFor(trainer, how)};
    case 4:
      return ClientRevoked{who < 230 ? trainer : evaluator};
    case 5:
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
      return ModelReleased{engine_.state().round,
                           ModelNamed(engine_.state().round)};
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
    case 18:
      return round::CheckIn{trainer, Role::kTrainer};
    default:
      return UpdateArrived{
          trainer, TokenFor(trainer, how), ContributionOf(how),
          how % 32 == 8 ? Refusal::kOverBound : Refusal::kNone};
  }
}

bool RandomPlay::ReachesItsEnd() {
  const auto is_over = [this] {
    return std::holds_alternative<Ended>(engine_.state().phase);
  };
  for (int pass = 0; pass < 400 && !is_over(); ++pass) {
    for (int number = 0; number < kTrainers; ++number) {
      const ClientId client = Trainer(number);
      Step(round::CheckIn{client, Role::kTrainer});
    }
    for (int number = 0; number < kTrainers; ++number) {
      const ClientId client = Trainer(number);
      Step(UpdateArrived{client, TokenFor(client, 0), ContributionOf(0),
                         Refusal::kNone});
    }
    for (int number = 0; number < kEvaluators; ++number) {
      const ClientId client = Evaluator(number);
      Step(round::CheckIn{client, Role::kEvaluator});
      Step(EvaluationArrived{client, TokenFor(client, 0), {{"accuracy", 0.1}}});
    }
    Step(ModelReleased{engine_.state().round,
                       ModelNamed(engine_.state().round)});
    // Nobody lets a deadline pass.
    if (std::holds_alternative<Collecting>(engine_.state().phase)) continue;
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
