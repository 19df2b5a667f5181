// SPDX-License-Identifier: Apache-2.0
// Rounds under a robust rule: their accepted updates stay in the spool until
// the release, and the rule reads them from there.
#include "proto/codec/robust.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/runner/runner.h"
#include "proto/codec/limits.h"
#include "proto/codec/quarantine_rules.h"

namespace tributary::coordinator {

void Runner::ApplyRule(Run& run) {
  if (run.rule != nullptr) return;
  if (run.accepted.size() != run.release->contributors.size()) {
    FailRun(run,
            absl::StrCat("round ", run.release->round, ": ",
                         run.accepted.size(), " updates are there, ",
                         run.release->contributors.size(), " were accepted"));
    return;
  }
  RobustFinish::Inputs inputs{.format = run.format,
                              .recipe = codec::ToRecipe(run.plan.robust()),
                              .outlier_weight = codec::OutlierWeight(run.plan),
                              .updates = {},
                              .run_key = run.key,
                              .round = run.release->round,
                              .attempt = run.release->attempt,
                              .state_folder = StateFolder(run)};
  for (const auto& [client, update] : run.accepted) {
    inputs.updates.push_back({.client = client, .update = update});
  }
  run.rule = std::make_shared<RobustFinish>(pool_, std::move(inputs));
  StartRule(run);
}

void Runner::StartRule(Run& run) {
  run.rule_started = clock_();
  // Not the rule itself: it would keep the updates of a run that is over.
  const std::weak_ptr<RobustFinish> rule = run.rule;
  run.rule->Start([this, &run, rule](absl::StatusOr<RobustResult> result) {
    auto shared =
        std::make_shared<absl::StatusOr<RobustResult>>(std::move(result));
    Post([this, &run, rule, shared] {
      if (run.rule == nullptr || run.rule != rule.lock()) return;
      RuleDone(run, *shared);
    });
  });
}

void Runner::RuleDone(Run& run, absl::StatusOr<RobustResult>& result) {
  if (IsDamage(result.status())) {
    FailRun(run, absl::StrCat("round ", run.release->round, ": ",
                              std::string(result.status().message())));
    return;
  }
  if (!result.ok()) {
    if (health_.Set(UpdatesOf(run), result.status())) ShowHealth();
    const std::weak_ptr<RobustFinish> rule = run.rule;
    At(clock_() + kRetryPeriod, [this, &run, rule] {
      if (run.rule != nullptr && run.rule == rule.lock()) StartRule(run);
    });
    return;
  }
  if (health_.Set(UpdatesOf(run), absl::OkStatus())) ShowHealth();
  const std::chrono::duration<double> seconds = clock_() - run.rule_started;
  run.outliers =
      std::move(result->outliers).value_or(std::vector<round::ClientId>());
  Log(Level::kInfo, "robust rule applied",
      {{"run", run.name},
       {"round", absl::StrCat(run.release->round)},
       {"rule", codec::NameOfChosen(run.plan.robust(), "rule")},
       {"updates", absl::StrCat(run.rule->updates())},
       {"seconds", absl::StrCat(seconds.count())},
       {"outliers", absl::StrCat(run.outliers.size())}});
  for (const round::ClientId& client : run.outliers) {
    Log(Level::kInfo, "outlying update",
        {{"run", run.name},
         {"round", absl::StrCat(run.release->round)},
         {"client", client.name}});
  }
  if (!run.outliers.empty()) {
    metrics_.Count("tributary_outlying_updates_total", {{"run", run.name}},
                   static_cast<double>(run.outliers.size()));
  }
  MakeModel(run, std::move(result->sum));
}

}  // namespace tributary::coordinator
