// SPDX-License-Identifier: Apache-2.0
#include "simulation/cost.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "aggregation/encoding.h"
#include "client/core/client_state.h"
#include "client/core/keeps_state.h"
#include "client/core/update.h"
#include "privacy/crypto/random.h"
#include "privacy/secagg/packing.h"
#include "proto/codec/integers.h"
#include "proto/codec/plan.h"
#include "simulation/client_evaluation.h"
#include "simulation/lookahead_pool.h"
#include "simulation/partial_sums.h"
#include "simulation/partition.h"
#include "simulation/report/quantity.h"
#include "simulation/trial.h"

namespace tributary::simulation {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostCalibrated = 8;
constexpr std::chrono::seconds kCalibration{3};

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::uint64_t ResidentBytes() {
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// How many examples a client has, of those it trains or of those it judges on.
using SizeOf = std::size_t (Participants::*)(std::size_t) const;

// Clients with examples, those with fewest first.
std::vector<std::size_t> BySize(const Participants& participants,
                                SizeOf size_of) {
  std::vector<std::pair<std::size_t, std::size_t>> sizes;
  for (std::size_t k = 0; k < participants.clients(); ++k) {
    const std::size_t examples = (participants.*size_of)(k);
    if (examples > 0) sizes.emplace_back(examples, k);
  }
  std::sort(sizes.begin(), sizes.end());
  std::vector<std::size_t> clients;
  for (const auto& [examples, client] : sizes) clients.push_back(client);
  return clients;
}

// Evenly spread over the sizes, the middle ones first, so that few of them
// stand for all if time runs out.
std::vector<std::size_t> ChooseClients(const std::vector<std::size_t>& sorted) {
  const std::size_t count = std::min(sorted.size(), kMostCalibrated);
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < count; ++i) {
    chosen.push_back(sorted[(2 * i + 1) * sorted.size() / (2 * count)]);
  }
  std::vector<std::size_t> ordered;
  for (std::size_t step = 0; step < count; ++step) {
    const std::size_t middle = count / 2;
    const std::size_t offset = (step + 1) / 2;
    ordered.push_back(
        chosen[step % 2 == 0 ? (middle + offset) % count
                             : (middle + count - offset) % count]);
  }
  return ordered;
}

bool IsPacked(const v1::Plan& plan) {
  return plan.update().encoding() == v1::UpdatePlan::PACKED;
}

// Of the first round.
absl::StatusOr<v1::IntegerUpdate> IntegersOf(const v1::Plan& plan,
                                             const Manifest& manifest) {
  return codec::ToIntegerUpdate(plan, manifest,
                                plan.privacy().clipping().norm());
}

absl::StatusOr<double> TimeTraining(const Participants& participants,
                                    std::size_t client, const v1::Task& task,
                                    const Model& model) {
  const auto start = Clock::now();
  const auto trainer = participants.MakeTrainer(client);
  SystemRandom random;
  const auto result =
      TrainUpdate(task, model, *trainer, ClientState(), random, TaskContext());
  if (result.ok()) return SecondsSince(start);
  return absl::Status(
      result.status().code(),
      absl::StrCat(ClientName(client), ": ", result.status().message()));
}

absl::Status CalibrateTraining(const v1::Plan& plan,
                               const Participants& participants,
                               const Model& model, Cost& cost) {
  v1::Task task = TrialTask(plan, v1::Task::TRAIN);
  if (IsPacked(plan)) {
    auto integers = IntegersOf(plan, model.manifest);
    if (!integers.ok()) return integers.status();
    *task.mutable_integers() = *std::move(integers);
  }
  const auto sorted = BySize(participants, &Participants::Examples);
  if (sorted.empty()) return absl::OkStatus();
  const auto start = Clock::now();
  // The first of all pays for what is set up once.
  const auto warm = TimeTraining(participants, sorted.front(), task, model);
  if (!warm.ok()) return warm.status();
  double seconds = 0;
  std::size_t examples = 0;
  for (const std::size_t client : ChooseClients(sorted)) {
    if (cost.trained_clients > 0 && Clock::now() - start > kCalibration) break;
    const auto took = TimeTraining(participants, client, task, model);
    if (!took.ok()) return took.status();
    seconds += *took;
    examples += participants.Examples(client);
    ++cost.trained_clients;
  }
  // Steps take the same for every client, passes as long as it has examples.
  cost.seconds_per_update = plan.training().has_steps()
                                ? seconds / cost.trained_clients
                                : seconds / static_cast<double>(examples) *
                                      static_cast<double>(cost.examples) /
                                      static_cast<double>(cost.clients);
  return absl::OkStatus();
}

absl::Status CalibrateEvaluation(const v1::Plan& plan,
                                 const Participants& participants,
                                 const Model& model, Cost& cost) {
  const std::uint64_t every = plan.evaluation().every_rounds();
  if (every == 0 || participants.TestExamples() == 0) return absl::OkStatus();
  cost.evaluations = (cost.rounds + every - 1) / every;
  const auto task = ToTrainTask(TrialTask(plan, v1::Task::EVALUATE));
  if (!task.ok()) return task.status();
  const auto start = Clock::now();
  const auto judged =
      participants.MakeEvaluator()->Evaluate(*task, model, TaskContext());
  if (!judged.ok()) return judged.status();
  cost.seconds_per_evaluation = SecondsSince(start);
  return absl::OkStatus();
}

// How many rounds end with clients that judge.
std::uint64_t JudgedRounds(const v1::Plan& plan) {
  std::uint64_t judged = 0;
  for (std::uint32_t round = 1; round <= plan.stop().rounds(); ++round) {
    if (ClientsJudge(plan, static_cast<int>(round))) ++judged;
  }
  return judged;
}

absl::Status CalibrateClientEvaluation(const v1::Plan& plan,
                                       const Participants& participants,
                                       const Model& model, Cost& cost) {
  const auto sorted = BySize(participants, &Participants::TestExamplesOf);
  const std::uint64_t judges = std::min<std::uint64_t>(
      sorted.size(), plan.simulation().client_evaluations());
  cost.client_evaluations = judges * JudgedRounds(plan);
  if (cost.client_evaluations == 0) return absl::OkStatus();
  const auto task = ToTrainTask(TrialTask(plan, v1::Task::EVALUATE));
  if (!task.ok()) return task.status();
  std::size_t all = 0;
  for (const std::size_t client : sorted) {
    all += participants.TestExamplesOf(client);
  }
  const auto start = Clock::now();
  double seconds = 0;
  std::size_t examples = 0;
  for (const std::size_t client : ChooseClients(sorted)) {
    if (examples > 0 && Clock::now() - start > kCalibration) break;
    const auto began = Clock::now();
    const auto judged = participants.MakeEvaluatorOf(client)->Evaluate(
        *task, model, TaskContext());
    if (!judged.ok()) {
      return absl::Status(
          judged.status().code(),
          absl::StrCat(ClientName(client), ": ", judged.status().message()));
    }
    seconds += SecondsSince(began);
    examples += participants.TestExamplesOf(client);
  }
  cost.seconds_per_client_evaluation = seconds / static_cast<double>(examples) *
                                       static_cast<double>(all) /
                                       static_cast<double>(sorted.size());
  return absl::OkStatus();
}

absl::StatusOr<std::uint64_t> UpdateBytes(const v1::Plan& plan,
                                          const Manifest& manifest,
                                          const aggregation::Layout& layout) {
  if (!IsPacked(plan)) {
    return aggregation::EncodedSize(codec::ToEncoding(plan.update()).encoding,
                                    layout.length)
        .max;
  }
  const auto integers = IntegersOf(plan, manifest);
  if (!integers.ok()) return integers.status();
  const auto format = codec::ToIntegerFormat(*integers, plan.update(), manifest,
                                             plan.strategy());
  if (!format.ok()) return format.status();
  return secagg::PackedSize(format->Words(), format->word_bits);
}

// Of a NarrowSum, in bytes a coordinate.
constexpr std::uint64_t kSumBytes = sizeof(std::int64_t) + sizeof(std::int32_t);

// Sums, updates made ahead, or kept for a robust rule, what each further worker
// trains on, and the older models that asynchronous clients do.
std::uint64_t RoundBytes(const v1::Plan& plan, const Participants& participants,
                         const Cost& cost) {
  const auto workers = static_cast<std::uint64_t>(cost.workers);
  const std::uint64_t models = (workers - 1) * cost.model_bytes;
  const std::uint64_t sum = kSumBytes * cost.model_bytes / sizeof(float);
  const std::uint64_t kept =
      plan.has_robust() ? cost.counted * cost.update_bytes : 0;
  if (AddsWhereMade(plan, participants)) {
    return models + std::min(workers, cost.asked) * sum;
  }
  const v1::AsynchronousPlan& asynchronous = plan.asynchronous();
  const std::uint64_t training =
      std::max<std::uint64_t>(cost.asked, asynchronous.concurrency());
  const std::uint64_t older =
      std::min<std::uint64_t>(asynchronous.concurrency(),
                              asynchronous.max_staleness()) *
      cost.model_bytes;
  const std::uint64_t ahead = LookaheadPool::kAheadPerWorker * workers;
  return models + older + std::min(ahead, training) * cost.update_bytes + sum +
         kept;
}

// A state is at most about as large as the model.
std::uint64_t StateBytes(const v1::Plan& plan, const Cost& cost) {
  if (!KeepsClientState(plan.update(), plan.strategy())) return 0;
  return std::min<std::uint64_t>(cost.clients, cost.rounds * cost.counted) *
         cost.parameters * sizeof(float);
}

}  // namespace

double Cost::Seconds() const {
  return (static_cast<double>(rounds * counted) * seconds_per_update +
          static_cast<double>(client_evaluations) *
              seconds_per_client_evaluation) /
             workers +
         static_cast<double>(evaluations) * seconds_per_evaluation;
}

absl::StatusOr<Cost> EstimateCost(const v1::Plan& plan,
                                  const Participants& participants,
                                  const Model& model) {
  Cost cost;
  const auto layout =
      codec::ToLayout(plan.update(), model.manifest, plan.strategy());
  if (!layout.ok()) return layout.status();
  cost.parameters = model.manifest.Length();
  // With what a strategy sends beside the model.
  cost.model_bytes = layout->length * sizeof(float);
  for (std::size_t k = 0; k < participants.clients(); ++k) {
    const std::size_t examples = participants.Examples(k);
    cost.examples += examples;
    cost.clients += examples > 0 ? 1 : 0;
  }
  const v1::RoundPlan& round = plan.round();
  cost.rounds = plan.stop().rounds();
  // Asynchronous rounds ask as many as they take.
  const double wanted = plan.has_asynchronous()
                            ? round.cohort_size()
                            : round.cohort_size() * round.over_selection();
  cost.asked = std::min<std::uint64_t>(
      // A product such as 10 x 1.1 is a little over 11.
      static_cast<std::uint64_t>(std::ceil(wanted - 1e-9)), cost.clients);
  cost.counted = std::min<std::uint64_t>(round.cohort_size(), cost.asked);
  const auto update_bytes = UpdateBytes(plan, model.manifest, *layout);
  if (!update_bytes.ok()) return update_bytes.status();
  cost.update_bytes = *update_bytes;
  cost.workers = static_cast<int>(plan.simulation().workers());
  cost.round_bytes = RoundBytes(plan, participants, cost);
  cost.state_bytes = StateBytes(plan, cost);
  if (auto done = CalibrateTraining(plan, participants, model, cost);
      !done.ok()) {
    return done;
  }
  if (auto done = CalibrateEvaluation(plan, participants, model, cost);
      !done.ok()) {
    return done;
  }
  if (auto done = CalibrateClientEvaluation(plan, participants, model, cost);
      !done.ok()) {
    return done;
  }
  cost.resident_bytes = ResidentBytes();
  return cost;
}

std::string FormatCost(const Cost& cost) {
  const auto count = [](std::uint64_t number) {
    return FormatCount(static_cast<double>(number));
  };
  const auto bytes = [](std::uint64_t number) {
    return FormatQuantity(Quantity::kBytes, static_cast<double>(number));
  };
  const auto time = [](double seconds) {
    return FormatQuantity(Quantity::kSeconds, seconds);
  };
  const std::uint64_t asked = cost.rounds * cost.asked;
  const std::uint64_t counted = cost.rounds * cost.counted;
  const std::string states = cost.state_bytes == 0
                                 ? ""
                                 : absl::StrCat(", ", bytes(cost.state_bytes),
                                                " of it states of clients");
  std::string text = absl::StrCat(
      "model     ", count(cost.parameters), " weights, ",
      bytes(cost.model_bytes), "\n", "clients   ", count(cost.clients),
      " with ", count(cost.examples), " examples\n", "rounds    at most ",
      count(cost.rounds), ", each asks ", count(cost.asked),
      " clients and counts ", count(cost.counted), " updates\n", "updates   ",
      count(asked), " asked for, ", count(counted), " trained and counted\n",
      "bytes     down ", bytes(asked * cost.model_bytes), ", up ",
      bytes(asked * cost.update_bytes), ", at most\n", "memory    ",
      bytes(cost.resident_bytes), " now, ", bytes(cost.PeakBytes()), " at most",
      states, "\n", "time      about ", time(cost.Seconds()), ": ",
      count(counted), " updates x ", time(cost.seconds_per_update));
  if (cost.client_evaluations > 0) {
    absl::StrAppend(&text, " and ", count(cost.client_evaluations),
                    " judgements by clients x ",
                    time(cost.seconds_per_client_evaluation));
  }
  absl::StrAppend(&text, " on ", cost.workers,
                  cost.workers == 1 ? " worker" : " workers");
  if (cost.evaluations > 0) {
    absl::StrAppend(&text, ", ", count(cost.evaluations), " evaluations x ",
                    time(cost.seconds_per_evaluation));
  }
  absl::StrAppend(
      &text, "\n\nTimes come from ", cost.trained_clients,
      cost.trained_clients == 1 ? " client, trained once"
                                : " clients, trained once each,",
      " on this machine as it is now, on one thread. Left "
      "out: sums and\nbookkeeping (a few percent), workers that hinder each "
      "other, rounds that are tried again, a target met early,\nand the "
      "sessions of secure aggregation.\n");
  return text;
}

}  // namespace tributary::simulation
