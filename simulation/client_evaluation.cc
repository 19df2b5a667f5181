// SPDX-License-Identifier: Apache-2.0
#include "simulation/client_evaluation.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/core/personal.h"
#include "client/core/update.h"
#include "simulation/job_outcome.h"
#include "simulation/report/target.h"

namespace tributary::simulation {
namespace {

std::vector<std::size_t> ChooseJudges(const v1::SimulationPlan& plan,
                                      const Key& run_key,
                                      const Participants& participants) {
  std::vector<std::size_t> judges;
  if (plan.client_test_fraction() <= 0) return judges;
  for (std::size_t client = 0; client < participants.clients(); ++client) {
    if (participants.TestExamplesOf(client) > 0) judges.push_back(client);
  }
  if (judges.size() <= plan.client_evaluations()) return judges;
  // The first steps of a shuffle (Fisher and Yates).
  KeyedStream random(run_key, "client evaluations");
  for (std::size_t i = 0; i < plan.client_evaluations(); ++i) {
    std::swap(judges[i], judges[i + random.Below(judges.size() - i)]);
  }
  judges.resize(plan.client_evaluations());
  judges.shrink_to_fit();
  std::sort(judges.begin(), judges.end());
  return judges;
}

double Mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}

double WorstDecile(std::vector<double> values, Better better) {
  if (better == Better::kHigher) {
    std::ranges::sort(values);
  } else {
    std::ranges::sort(values, std::greater<>());
  }
  return Mean(std::span(values).first((values.size() + 9) / 10));
}

double Deviation(std::span<const double> values, double mean) {
  double square = 0;
  for (const double value : values) square += (value - mean) * (value - mean);
  return std::sqrt(square / static_cast<double>(values.size()));
}

// Filled by whoever does the work; read after Await.
struct Job final : SharedWork::Job {
  void Do() override {
    const auto trainer = participants->MakeEvaluatorOf(client);
    judgement = own == nullptr
                    ? trainer->Evaluate(*task, *model, context)
                    : trainer->Evaluate(*task, WithPersonalValues(*model, *own),
                                        context);
  }
  std::string Outcome() const override { return Serialise(judgement); }
  absl::Status Learn(std::string_view outcome) override {
    return Parse(outcome, judgement);
  }

  const Participants* participants = nullptr;
  const TrainTask* task = nullptr;
  const Model* model = nullptr;
  std::size_t client = 0;
  // Its own values; null: none.
  const ClientState* own = nullptr;
  TaskContext context;
  SharedWork::JobId id = 0;
  EvaluationOutcome judgement = absl::UnknownError("not judged");
};

}  // namespace

bool ClientsJudge(const v1::Plan& plan, int round) {
  if (plan.simulation().client_test_fraction() <= 0) return false;
  const auto number = static_cast<std::uint32_t>(round);
  const std::uint32_t every =
      plan.simulation().client_evaluation_every_rounds();
  return number == plan.stop().rounds() || (every > 0 && number % every == 0);
}

round::Metrics SummariseClients(std::span<const round::Metrics> clients) {
  round::Metrics summary;
  if (clients.empty()) return summary;
  summary["client_count"] = static_cast<double>(clients.size());
  for (const auto& [name, unused] : clients.front()) {
    std::vector<double> values;
    for (const round::Metrics& client : clients) {
      const auto found = client.find(name);
      if (found != client.end()) values.push_back(found->second);
    }
    if (values.size() < clients.size()) continue;
    const double mean = Mean(values);
    const std::string prefix = absl::StrCat("client_", name);
    summary[prefix + "_mean"] = mean;
    summary[prefix + "_worst_decile"] = WorstDecile(values, BetterOf(name));
    summary[prefix + "_stddev"] = Deviation(values, mean);
  }
  return summary;
}

ClientEvaluation::ClientEvaluation(const v1::Plan& plan, const Key& run_key,
                                   const Participants& participants)
    : plan_(plan),
      participants_(participants),
      judges_(ChooseJudges(plan.simulation(), run_key, participants)) {}

absl::StatusOr<EvaluateResult> ClientEvaluation::Judge(
    const Model& model,
    const std::unordered_map<std::size_t, ClientState>& states,
    SharedWork& work) const {
  v1::Task wire;
  wire.set_kind(v1::Task::EVALUATE);
  wire.set_run(plan_.name());
  *wire.mutable_training() = plan_.training();
  const auto task = ToTrainTask(wire);
  if (!task.ok()) return task.status();

  std::deque<Job> jobs;
  for (const std::size_t client : judges_) {
    Job& job = jobs.emplace_back();
    job.participants = &participants_;
    job.task = &*task;
    job.model = &model;
    job.client = client;
    const auto state = states.find(client);
    if (state != states.end() && IsPersonal(state->second)) {
      job.own = &state->second;
    }
    // Due before anything else: the owner waits for all of them.
    job.id = work.Submit({.due = {},
                          .cost = participants_.TestExamplesOf(client),
                          .home = client},
                         job);
  }
  std::vector<round::Metrics> found;
  EvaluateResult result;
  absl::Status failure = absl::NotFoundError(
      "simulation.client_test_fraction: no client has examples to judge on");
  for (Job& job : jobs) {
    work.Await(job.id, 0);
    if (job.judgement.ok()) {
      result.examples += job.judgement->examples;
      found.push_back(std::move(job.judgement->metrics));
    } else {
      failure = job.judgement.status();
    }
  }
  if (found.empty()) return failure;
  result.metrics = SummariseClients(found);
  return result;
}

}  // namespace tributary::simulation
