// SPDX-License-Identifier: Apache-2.0
// Whole rounds as text. A line that starts at the margin is the script, an
// indented one is what the engine said to it:
//
//   run cohort_size=2 over_selection=1 min_updates=1 rounds=1
//   0s check-in ann bob
//     open round 1.1 from model-0
//     offer ann the training of round 1.1 from model-0 by 60s
//     offer bob the training of round 1.1 from model-0 by 60s
//     wake at 60s
//
// Verbs: check-in, evaluator (checks in), leave, announce, return, fail,
// revoke, model (the release is made), evaluate, restart (through a stored
// snapshot), stop, tick; of a secure session: answer (a client, to the step at
// hand), session (closes the step that the engine asked it to close); in a
// tree: aggregator (checks in), task (the parent gives one: round=3.1 and
// time_left), over (the parent wants that round no more). Clients
// follow, "c01..c10" for ten of them; then
// key=value: weight, loss, base (model-N), defect (a refusal's name), token
// (another client's: ann, or of an earlier attempt: ann@1.1), or metrics of
// evaluate; of model: clip_norm (the next), examples and loss, outlier (a
// client); of aggregators: epoch, and leaves ("ann,c1..c3") of a sum.
// "#" starts a comment. A wake-up is told when it changes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/coordinator/round/round_fixture.h"

namespace tributary::checkpoint {

class Script {
 public:
  // The script's lines with the engine's words under each. Throws
  // std::runtime_error on a line it does not understand.
  static std::string Play(const std::string& text);

 private:
  using Words = std::vector<std::string>;
  using Settings = std::map<std::string, std::string>;

  void Perform(const std::string& line);
  void StartRun(const Settings& settings);
  void Act(const std::string& verb, const Words& clients,
           const Settings& settings);
  void ActAs(const std::string& verb, const std::string& client,
             const Settings& settings);
  round::ModelReleased MadeOf(const Settings& settings) const;
  round::Sent SentOf(const Settings& settings) const;
  void Tell();
  void TellWakeUp();

  round::RoundFixture run_;
  std::optional<round::Duration> wakes_at_;
  std::string told_;
};

}  // namespace tributary::checkpoint
