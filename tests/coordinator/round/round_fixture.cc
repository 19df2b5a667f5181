// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/round/round_fixture.h"

#include <algorithm>
#include <utility>

#include "coordinator/round/derivation.h"

namespace tributary::round {

RoundFixture::RoundFixture() : key_(KeyFromSeed(7)) {
  StartRunWith(SmallRounds());
}

Options RoundFixture::SmallRounds() {
  Options options;
  options.cohort_size = 3;
  options.over_selection = 1;
  options.min_updates = 2;
  options.deadline = 60s;
  options.selection_timeout = 10s;
  options.retry_backoff = 5s;
  options.max_attempts = 3;
  options.rounds = 3;
  options.evaluation_deadline = 30s;
  options.max_weight = 100;
  return options;
}

Options RoundFixture::MaskedRounds() {
  Options options = SmallRounds();
  options.cohort_size = 4;
  options.packed = true;
  options.secure =
      SecureOptions{.step_deadline = 10s, .min_cohort = 3, .dropped = 0.25};
  return options;
}

Options RoundFixture::Buffers() {
  Options options = SmallRounds();
  options.cohort_size = 2;
  options.asynchronous = AsynchronousOptions{.concurrency = 3,
                                             .staleness_exponent = 0.5,
                                             .max_staleness = 2,
                                             .mixing_rate = std::nullopt};
  return options;
}

Options RoundFixture::Tree() {
  Options options = SmallRounds();
  options.cohort_size = 4;
  options.min_updates = 3;
  options.tree = TreeOptions{.aggregators = 2, .leaves_each = 2};
  return options;
}

Options RoundFixture::Edge() {
  Options options = SmallRounds();
  options.min_updates = 1;
  options.parent = ParentOptions{.deadline_share = 0.8};
  return options;
}

void RoundFixture::StartRunWith(const Options& options) {
  engine_.emplace(options, key_, ModelNamed(0));
  session_.emplace(options);
  due_.reset();
  now_ = Instant{};
  tasks_.clear();
}

void RoundFixture::StepOnce(const Event& event) {
  effects_ = engine_->Step(event, now_);
  for (const Effect& effect : effects_) {
    if (const auto* offer = std::get_if<OfferTask>(&effect)) {
      tasks_[offer->client.name] = offer->task;
    } else if (const auto* open = std::get_if<OpenRound>(&effect)) {
      session_->Open(*open);
    } else if (const auto* accept = std::get_if<AcceptUpdate>(&effect)) {
      (void)session_->Takes(accept->client, SecureStep::kMasking);
    } else if (const auto* close = std::get_if<CloseSecureStep>(&effect)) {
      due_ = session_->Close(*close);
    } else if (std::holds_alternative<AbandonRound>(effect)) {
      due_.reset();
    }
  }
}

std::string RoundFixture::Happens(const Event& event) {
  StepOnce(event);
  return Text(effects_);
}

std::string RoundFixture::ChecksIn(const std::string& client) {
  return Happens(round::CheckIn{ClientId{client}, Role::kTrainer});
}

namespace {

// Runs a story for each client and joins what was said.
template <typename Story>
std::string ForEach(const std::vector<std::string>& clients, Story story) {
  std::string all;
  for (const auto& client : clients) {
    const std::string text = story(client);
    if (!all.empty() && !text.empty()) all += "; ";
    all += text;
  }
  return all;
}

}  // namespace

std::string RoundFixture::CheckIn(const std::vector<std::string>& clients) {
  return ForEach(clients, [this](const auto& name) { return ChecksIn(name); });
}

LeafSet SetOf(std::vector<std::string> names) {
  std::ranges::sort(names);
  std::vector<ClientId> leaves;
  for (auto& name : names) leaves.push_back({std::move(name)});
  return LeafSet::Make(std::move(leaves)).value();
}

std::string RoundFixture::Return(const std::vector<std::string>& clients) {
  return ForEach(clients, [this](const auto& name) { return Returns(name); });
}

std::string RoundFixture::EvaluatorChecksIn(const std::string& client) {
  return Happens(round::CheckIn{ClientId{client}, Role::kEvaluator});
}

std::string RoundFixture::AggregatorChecksIn(const std::string& client,
                                             std::uint64_t epoch) {
  return Happens(round::CheckIn{ClientId{client}, Role::kAggregator, epoch});
}

std::string RoundFixture::TaskIsGiven(const Given& given) {
  return Happens(
      TaskGiven{.round = given.round,
                .attempt = given.attempt,
                .model = given.model.value_or(ModelNamed(given.round - 1)),
                .round_seed = KeyFromSeed(100 + given.round),
                .time_left = given.time_left});
}

std::string RoundFixture::TaskIsOver(int round, int attempt) {
  return Happens(TaskOver{round, attempt});
}

std::string RoundFixture::Leaves(const std::string& client) {
  return Happens(Left{ClientId{client}});
}

Contribution RoundFixture::ContributionOf(const std::string& client,
                                          const Sent& sent) const {
  Contribution contribution;
  contribution.base_model = state().model;
  if (const auto task = tasks_.find(client); task != tasks_.end()) {
    contribution.base_model = task->second.model;
  }
  if (sent.base_model) contribution.base_model = *sent.base_model;
  const bool packed = engine_->options().packed;
  const LeafSet leaves = SetOf(sent.leaves);
  const std::uint64_t of_each = packed ? 1 : 10;
  contribution.weight =
      sent.weight.value_or(of_each * std::max<std::uint64_t>(1, leaves.size()));
  contribution.train_loss = sent.train_loss.value_or(packed ? 0 : 0.5);
  if (leaves.size() > 0) {
    contribution.subtree =
        Subtree{.epoch = sent.epoch,
                .leaves = static_cast<std::uint32_t>(leaves.size()),
                .weight = contribution.weight,
                .names = leaves.Name()};
  }
  return contribution;
}

std::string RoundFixture::Announces(const std::string& client,
                                    const Sent& sent) {
  return Happens(UpdateAnnounced{ClientId{client},
                                 sent.token ? *sent.token : TokenOf(client),
                                 ContributionOf(client, sent)});
}

std::string RoundFixture::Returns(const std::string& client, const Sent& sent) {
  return Happens(UpdateArrived{
      ClientId{client}, sent.token ? *sent.token : TokenOf(client),
      ContributionOf(client, sent), sent.defect, SetOf(sent.leaves)});
}

std::string RoundFixture::Fails(const std::string& client) {
  return Happens(TaskFailed{ClientId{client}, TokenOf(client)});
}

std::string RoundFixture::IsRevoked(const std::string& client) {
  return Happens(ClientRevoked{ClientId{client}});
}

std::string RoundFixture::ModelIsMade() {
  return Happens(ModelReleased{state().round, ModelNamed(state().round)});
}

std::string RoundFixture::Evaluates(const std::string& client,
                                    const Metrics& metrics) {
  return Happens(EvaluationArrived{ClientId{client}, TokenOf(client), metrics});
}

std::string RoundFixture::Stops() { return Happens(StopRequested{}); }

std::string RoundFixture::Answers(const std::string& client) {
  const SecureStep step = session_->step();
  effects_.clear();
  if (!session_->Takes(ClientId{client}, step)) return "";
  return Happens(SecureAnswered{ClientId{client}, TokenOf(client), step});
}

std::string RoundFixture::AnswersEnough(const std::string& client) {
  const SecureStep step = session_->step();
  if (!session_->Takes(ClientId{client}, step)) return "not taken";
  return Happens(SecureAnswered{.client = ClientId{client},
                                .token = TokenOf(client),
                                .step = step,
                                .is_enough = true});
}

std::string RoundFixture::Answer(const std::vector<std::string>& clients) {
  return ForEach(clients, [this](const auto& name) { return Answers(name); });
}

std::string RoundFixture::SessionAnswers() {
  effects_.clear();
  if (!due_) return "";
  return Happens(*std::exchange(due_, std::nullopt));
}

std::string RoundFixture::PassStep(const std::vector<std::string>& clients) {
  Answer(clients);
  return SessionAnswers();
}

void RoundFixture::ExchangeKeys(const std::vector<std::string>& clients) {
  for (int step = 0; step < 3; ++step) PassStep(clients);
}

std::string RoundFixture::Restarts() {
  Resume(engine_->state());
  return Happens(Restarted{});
}

void RoundFixture::Resume(State state) {
  const Options options = engine_->options();
  engine_.emplace(options, key_, std::move(state));
  due_.reset();
}

void RoundFixture::SetTime(Duration since_start) {
  now_ = Instant(since_start);
}

std::string RoundFixture::AdvanceTo(Duration since_start) {
  SetTime(since_start);
  return Happens(Tick{});
}

const Task& RoundFixture::TaskOf(const std::string& client) const {
  return tasks_.at(client);
}

TaskToken RoundFixture::TokenOf(const std::string& client) const {
  const auto task = tasks_.find(client);
  return task == tasks_.end() ? TaskToken{} : task->second.token;
}

TaskToken RoundFixture::TokenOf(const std::string& client, int round,
                                int attempt) const {
  return TrainToken(key_, round, attempt, ClientId{client});
}

std::uint64_t RoundFixture::Refused(Refusal reason) const {
  const auto found = state().refusals.find(reason);
  return found == state().refusals.end() ? 0 : found->second;
}

std::optional<Duration> RoundFixture::WakesAt() const {
  if (effects_.empty()) return std::nullopt;
  const auto* wake = std::get_if<WakeAt>(&effects_.back());
  if (wake == nullptr) return std::nullopt;
  return wake->when.time_since_epoch();
}

}  // namespace tributary::round
