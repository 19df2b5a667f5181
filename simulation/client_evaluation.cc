// SPDX-License-Identifier: Apache-2.0
#include "simulation/client_evaluation.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/core/personal.h"
#include "client/core/update.h"
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

// Filled by whoever runs the work; read after Await.
struct Job {
  LookaheadPool::JobId id = 0;
  absl::StatusOr<EvaluateResult> judgement = absl::UnknownError("not judged");
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
    LookaheadPool& pool) const {
  v1::Task wire;
  wire.set_kind(v1::Task::EVALUATE);
  wire.set_run(plan_.name());
  *wire.mutable_training() = plan_.training();
  const auto task = ToTrainTask(wire);
  if (!task.ok()) return task.status();

  const TaskContext context;
  std::vector<Job> jobs(judges_.size());
  for (std::size_t i = 0; i < judges_.size(); ++i) {
    const std::size_t client = judges_[i];
    const auto state = states.find(client);
    const ClientState* own = state != states.end() && IsPersonal(state->second)
                                 ? &state->second
                                 : nullptr;
    // Due before anything else: the owner waits for all of them.
    jobs[i].id = pool.Submit(
        {.due = {}, .cost = participants_.TestExamplesOf(client)},
        [this, &model, &task, &context, &job = jobs[i], client, own] {
          const auto trainer = participants_.MakeEvaluatorOf(client);
          job.judgement =
              own == nullptr
                  ? trainer->Evaluate(*task, model, context)
                  : trainer->Evaluate(*task, WithPersonalValues(model, *own),
                                      context);
        });
  }
  std::vector<round::Metrics> found;
  EvaluateResult result;
  absl::Status failure = absl::NotFoundError(
      "simulation.client_test_fraction: no client has examples to judge on");
  for (Job& job : jobs) {
    pool.Await(job.id);
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
