// SPDX-License-Identifier: Apache-2.0
// One run, told as a story: clients by name, time by hand, answers as sentences
// (effect_text.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/round/engine.h"
#include "tests/coordinator/round/effect_text.h"
#include "tests/coordinator/round/play_session.h"

namespace tributary::round {

using namespace std::chrono_literals;  // NOLINT: tests read better

// What a client sends; what is not set is as its latest task asks.
struct Sent {
  std::optional<TaskToken> token = std::nullopt;
  std::optional<ModelId> base_model = std::nullopt;
  std::optional<std::uint64_t> weight = std::nullopt;  // 10; packed: 1
  std::optional<double> train_loss = std::nullopt;     // 0.5; packed: 0
  Refusal defect = Refusal::kNone;
  // Of an aggregator: those in its sum, and its epoch. The weight is then 10
  // for each, packed 1.
  std::vector<std::string> leaves = {};
  std::uint64_t epoch = 1;
};

// What a parent says to an aggregator; what is not set is as in the first
// round.
struct Given {
  int round = 1;
  int attempt = 1;
  Duration time_left = std::chrono::seconds(50);
  std::optional<ModelId> model = std::nullopt;  // of the round before
};

// In any order, each once.
LeafSet SetOf(std::vector<std::string> names);

class RoundFixture {
 public:
  RoundFixture();

  // Two of three updates close a round of three; three rounds.
  static Options SmallRounds();
  // The same of four, masked: three make a session, one may vanish, a step
  // takes 10 s at most.
  static Options MaskedRounds();
  // Asynchronous: two updates are a model, three clients train at once.
  static Options Buffers();
  // Of a root that asks two aggregators for two leaves each and takes three
  // leaves for a round.
  static Options Tree();
  // Of an aggregator: one update of three is enough, and it collects for 0.8 of
  // the time that its parent has.
  static Options Edge();
  // Starts anew.
  void StartRunWith(const Options& options);

  // Each returns the effects as text, without the wake-up.
  std::string Happens(const Event& event);
  std::string ChecksIn(const std::string& client);
  std::string CheckIn(const std::vector<std::string>& clients);
  std::string EvaluatorChecksIn(const std::string& client);
  std::string AggregatorChecksIn(const std::string& client,
                                 std::uint64_t epoch = 1);
  std::string TaskIsGiven(const Given& given = {});
  std::string TaskIsOver(int round, int attempt);
  std::string Leaves(const std::string& client);
  std::string Announces(const std::string& client, const Sent& sent = {});
  std::string Returns(const std::string& client, const Sent& sent = {});
  std::string Return(const std::vector<std::string>& clients);
  std::string Fails(const std::string& client);
  std::string IsRevoked(const std::string& client);
  std::string ModelIsMade();  // of the round being released
  std::string Evaluates(const std::string& client, const Metrics& metrics);
  std::string Stops();
  // The session takes the client's message of its step.
  std::string Answers(const std::string& client);
  // The same, and it could do without any other.
  std::string AnswersEnough(const std::string& client);
  std::string Answer(const std::vector<std::string>& clients);
  // What the session says to CloseSecureStep.
  std::string SessionAnswers();
  // All of them answer, and the session closes the step.
  std::string PassStep(const std::vector<std::string>& clients);
  // Up to the masked updates.
  void ExchangeKeys(const std::vector<std::string>& clients);
  // The process comes back with the state it had.
  std::string Restarts();
  std::string AdvanceTo(Duration since_start);

  // What happens next happens then; no tick comes first.
  void SetTime(Duration since_start);
  // Goes on from a state that was kept.
  void Resume(State state);

  // Of the client's latest task.
  TaskToken TokenOf(const std::string& client) const;
  // Of that attempt, whether it was given or not.
  TaskToken TokenOf(const std::string& client, int round, int attempt) const;
  const Task& TaskOf(const std::string& client) const;

  const State& state() const { return engine_->state(); }
  const std::vector<Effect>& effects() const { return effects_; }
  std::uint64_t Refused(Refusal reason) const;
  // The last wake-up asked for.
  std::optional<Duration> WakesAt() const;

 private:
  Contribution ContributionOf(const std::string& client,
                              const Sent& sent) const;
  void StepOnce(const Event& event);

  Key key_{};
  std::optional<Engine> engine_;
  std::optional<PlaySession> session_;
  std::optional<Event> due_;  // the session's answer to CloseSecureStep
  Instant now_{};
  std::map<std::string, Task> tasks_;  // latest of each client
  std::vector<Effect> effects_;        // of the last step
};

}  // namespace tributary::round
