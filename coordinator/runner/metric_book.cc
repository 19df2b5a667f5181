// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/metric_book.h"

namespace tributary::coordinator {
namespace {

struct Description {
  Metric::Kind kind;
  const char* help;
};

const std::map<std::string, Description>& Descriptions() {
  using enum Metric::Kind;
  static const auto& descriptions = *new std::map<std::string, Description>{
      {"tributary_updates_accepted_total",
       {kCounter, "Updates counted, by run; each of those in a partial sum."}},
      {"tributary_partial_sums_total",
       {kCounter, "Sums of aggregators' leaves counted, by run."}},
      {"tributary_refusals_total",
       {kCounter, "What clients sent and was not taken, by reason."}},
      {"tributary_upload_bytes_total",
       {kCounter, "Bytes of updates received."}},
      {"tributary_rounds_released_total",
       {kCounter, "Rounds whose model was released, by run."}},
      {"tributary_rounds_abandoned_total",
       {kCounter, "Attempts at a round that were given up, by run."}},
      {"tributary_update_staleness",
       {kGauge,
        "Of the updates of the latest asynchronous model: models released "
        "since those they start from, in the mean, by run."}},
      {"tributary_stale_tasks_total",
       {kCounter,
        "Tasks that were ended because their model was too old, by run."}},
      {"tributary_quarantined_clients",
       {kGauge, "Clients that are not asked for a while, by run."}},
      {"tributary_outlying_updates_total",
       {kCounter,
        "Accepted updates that the robust rule all but left out, by run."}},
      {"tributary_secure_sessions_total",
       {kCounter, "Secure sessions that were begun, by run."}},
      {"tributary_secure_sessions_abandoned_total",
       {kCounter, "Secure sessions that came to nothing, by run and reason."}},
      {"tributary_secure_dropouts_total",
       {kCounter, "Clients that left a secure session, by run and step."}},
      {"tributary_round_seconds",
       {kGauge, "From the first offer of the latest round to its release."}},
      {"tributary_journal_commits_total",
       {kCounter, "Synced transactions of the journal."}},
      {"tributary_journal_failures_total",
       {kCounter, "Transactions of the journal that could not be written."}},
      {"tributary_connected_clients", {kGauge, "Open Join streams."}},
      {"tributary_uploads_in_flight", {kGauge, "Upload credits in use."}},
      {"tributary_uploads_queued", {kGauge, "Uploads that wait for a credit."}},
      {"tributary_runs", {kGauge, "Runs that are not over."}},
      {"tributary_privacy_epsilon",
       {kGauge, "Spent of a run's privacy budget, at its plan's delta."}},
      {"tributary_privacy_budget",
       {kGauge, "The epsilon that a run may spend."}},
      {"tributary_privacy_debits_total",
       {kCounter, "Releases charged to a run's privacy budget."}},
      {"tributary_privacy_ledger_intact",
       {kGauge,
        "1 if the ledger of privacy is as it was written, else 0: what was "
        "spent is not known then."}},
      {"tributary_healthy",
       {kGauge, "1 if the coordinator can do its work, else 0."}},
  };
  return descriptions;
}

}  // namespace

Metric MetricBook::Describe(const std::string& name, const Labels& labels,
                            double value) {
  const Description& description = Descriptions().at(name);
  return {.name = name,
          .help = description.help,
          .kind = description.kind,
          .labels = labels,
          .value = value};
}

void MetricBook::Count(const std::string& name, const Labels& labels,
                       double by) {
  const std::lock_guard lock(mutex_);
  values_[{name, labels}] += by;
}

void MetricBook::Set(const std::string& name, const Labels& labels,
                     double value) {
  const std::lock_guard lock(mutex_);
  values_[{name, labels}] = value;
}

std::vector<Metric> MetricBook::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<Metric> metrics;
  metrics.reserve(values_.size());
  for (const auto& [key, value] : values_) {
    metrics.push_back(Describe(key.first, key.second, value));
  }
  return metrics;
}

}  // namespace tributary::coordinator
