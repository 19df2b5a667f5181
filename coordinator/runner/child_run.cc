// SPDX-License-Identifier: Apache-2.0
// Runs of an aggregator: each is one of its parent's, under the same name, and
// its rounds are the tasks that come down. docs/hierarchy.md.
#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/runner/checksum.h"
#include "coordinator/runner/runner.h"
#include "coordinator/tree/subtree_sum.h"
#include "google/protobuf/util/time_util.h"
#include "privacy/crypto/random.h"

namespace tributary::coordinator {
namespace {

// Models that a run of an aggregator keeps: of the task in hand, and of the one
// before it, which leaves may still fetch.
constexpr std::size_t kModelsKept = 2;

absl::StatusOr<SumFile> WriteSum(const std::filesystem::path& path,
                                 const round::LeafSet& leaves,
                                 const aggregation::ExactSum& sum) {
  const auto format =
      PartialSumFormat::OfSum(sum.layout(), leaves.size(), sum.weight());
  if (!format.ok()) return absl::DataLossError(format.status().message());
  absl::StatusOr<store::File> file =
      store::File::Open(path, store::File::Mode::kCreate);
  if (!file.ok()) return file.status();
  Checksum checksum;
  std::uint64_t size = 0;
  absl::Status written = WriteSubtreeSum(
      leaves, *format, SourceOf(sum), [&](std::span<const std::byte> bytes) {
        checksum.Update(bytes);
        const std::uint64_t at = std::exchange(size, size + bytes.size());
        return file->Write(at, bytes);
      });
  if (written.ok()) written = file->Sync();
  if (!written.ok()) return written;
  SumFile made;
  made.file = path;
  made.size = size;
  made.checksum = checksum.Value();
  made.subtree = {.epoch = 0,
                  .leaves = static_cast<std::uint32_t>(leaves.size()),
                  .weight = sum.weight(),
                  .names = leaves.Name()};
  return made;
}

// What a participant brought.
round::LeafSet LeavesThrough(const round::ClientId& client,
                             const round::Participant& participant) {
  if (participant.role == round::Role::kAggregator) return participant.leaves;
  return *round::LeafSet::Make({client});
}

void RemoveFile(const std::filesystem::path& file) {
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
}

}  // namespace

absl::Status Runner::TakeTask(const v1::Task& task,
                              std::vector<std::string> without,
                              std::shared_ptr<TaskListener> listener) {
  const v1::Plan& plan = task.subtree().plan();
  const absl::StatusOr<Digest> model = Digest::FromBytes(task.model());
  if (!model.ok()) return model.status();
  if (task.seed().size() != std::tuple_size_v<Key>) {
    return absl::InvalidArgumentError("a task without a seed");
  }
  absl::StatusOr<ModelFormat> format =
      ReadModelFormat(disk_.blobs, *model, plan);
  if (!format.ok()) return format.status();
  GivenTask given{
      .task = task,
      .model = *model,
      .format = std::make_shared<const ModelFormat>(*std::move(format)),
      .without = {},
      .listener = std::move(listener)};
  for (std::string& leaf : without) given.without.insert({std::move(leaf)});
  return Await([this, given = std::move(given)] { return Take(given); })
      .status();
}

absl::StatusOr<std::string> Runner::Take(const GivenTask& given) {
  const v1::Task& task = given.task;
  auto found = runs_.find(task.run());
  if (found == runs_.end()) {
    absl::Status begun = BeginChild(given);
    if (!begun.ok()) return begun;
    found = runs_.find(task.run());
  }
  Run& run = *found->second;
  if (!run.IsChild() || run.IsOver() || run.engine == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("run \"", run.name, "\" is over here",
                     run.message.empty() ? "" : ": ", run.message));
  }
  KeepTaskModel(run, static_cast<int>(task.round()) - 1, given.model);
  round::TaskGiven event{
      .round = static_cast<int>(task.round()),
      .attempt = static_cast<int>(task.attempt()),
      .model = given.model,
      .round_seed = {},
      .time_left =
          std::max(round::Duration(
                       google::protobuf::util::TimeUtil::DurationToMilliseconds(
                           task.time_left())),
                   round::Duration(0))};
  std::copy(task.seed().begin(), task.seed().end(), event.round_seed.begin());
  if (task.integers().has_clip_norm()) {
    event.clip_norm = task.integers().clip_norm();
  }
  Happen(run, event);
  const round::State& state = run.engine->state();
  if (state.round != event.round || state.attempt != event.attempt ||
      !state.task_deadline) {
    return absl::AbortedError(absl::StrCat("round ", event.round, ", attempt ",
                                           event.attempt, " is over here"));
  }
  // After what the event has begun.
  outbox_.push_back([this, &run, given] {
    run.listener = given.listener;
    run.listened = {run.name, static_cast<int>(given.task.round()),
                    static_cast<int>(given.task.attempt())};
    if (run.without != given.without) {
      run.without = given.without;
      DropSumFile(run);
    }
    ReleaseIfFolded(run);
  });
  return run.name;
}

absl::Status Runner::BeginChild(const GivenTask& given) {
  const v1::Task& task = given.task;
  store::RunRow row;
  row.run = task.run();
  row.number = runs_submitted_ + 1;
  row.plan = task.subtree().plan().SerializeAsString();
  row.tier = static_cast<int>(task.subtree().tier());
  Key key{};
  SystemRandom().Fill(key);
  row.key = std::string(key.begin(), key.end());
  row.first_model = given.model;
  row.archive = task.archive();
  row.state = v1::RUNNING;
  row.submitted = ToMilliseconds(std::chrono::system_clock::now());
  absl::StatusOr<std::unique_ptr<Run>> made = MakeRun(row);
  if (!made.ok()) return made.status();
  // The parent has gone on to another run of the population.
  if (Run* other = RunOf((*made)->population);
      other != nullptr && !other->IsOver()) {
    Happen(*other, round::StopRequested{});
  }
  return Enter(*std::move(made), row, given.format);
}

void Runner::KeepTaskModel(Run& run, int round, const Digest& model) {
  const auto kept = run.models.find(round);
  if (kept != run.models.end() && kept->second == model) return;
  run.models[round] = model;
  batch_.push_back(store::KeepModel{run.name, round, model});
  std::set<Digest> forgotten;
  while (run.models.size() > kModelsKept) {
    const auto oldest = run.models.begin();
    forgotten.insert(oldest->second);
    batch_.push_back(store::ForgetModel{run.name, oldest->first});
    run.models.erase(oldest);
  }
  outbox_.push_back([this, &run, forgotten = std::move(forgotten)] {
    board_.SetModels(run.name, run.models);
    RemoveUnkeptBlobs(forgotten);
  });
}

absl::Status Runner::SumCounts(const TaskName& task) {
  return Await([this, task]() -> absl::StatusOr<std::string> {
           const auto found = runs_.find(task.run);
           if (found == runs_.end() || found->second->engine == nullptr) {
             return "";
           }
           Run& run = *found->second;
           const round::State& state = run.engine->state();
           // Else it was said before.
           if (std::holds_alternative<round::Released>(state.phase) &&
               state.round == task.round && state.attempt == task.attempt) {
             Happen(run, round::ModelReleased{task.round, state.model});
           }
           return "";
         })
      .status();
}

absl::Status Runner::EndTask(const TaskName& task) {
  return Await([this, task]() -> absl::StatusOr<std::string> {
           const auto found = runs_.find(task.run);
           if (found == runs_.end() || found->second->engine == nullptr) {
             return "";
           }
           Run& run = *found->second;
           if (run.listened == task) run.listener.reset();
           if (!run.IsOver()) {
             Happen(run, round::TaskOver{task.round, task.attempt});
           }
           return "";
         })
      .status();
}

// A sum cannot be taken apart, but it can be made again: its updates stay in
// the spool until the parent has it.
void Runner::SumAgain(Run& run) {
  run.sum_without = run.without;
  run.sum->Cancel();
  run.sum = std::make_shared<RoundSum>(run.format->layout);
  run.folding = 0;
  run.unread.clear();
  const round::Cohort& cohort = *round::CohortOf(run.engine->state().phase);
  for (const auto& [client, update] : run.accepted) {
    const round::Participant& participant = cohort.at({client});
    if (IsWithout(run, {client}, participant)) continue;
    Fold(run, update, participant.contribution.weight);
  }
}

// Of an aggregator's sum all leaves go if one has to: it is in one piece here.
bool Runner::IsWithout(const Run& run, const round::ClientId& client,
                       const round::Participant& participant) {
  if (run.without.empty()) return false;
  const round::LeafSet leaves = LeavesThrough(client, participant);
  return std::ranges::any_of(leaves.leaves(), [&](const round::ClientId& leaf) {
    return run.without.contains(leaf);
  });
}

void Runner::HandUp(Run& run) {
  // After a restart nobody has asked for it yet.
  if (run.listener == nullptr || run.handing != nullptr) return;
  if (run.sum_file) return run.listener->SumReady(*run.sum_file);
  if (run.sum_without != run.without) {
    SumAgain(run);
    if (run.folding > 0) return;
  }
  round::LeafSet leaves;
  double loss = 0;
  std::uint64_t weight = 0;
  const round::Cohort& cohort = *round::CohortOf(run.engine->state().phase);
  for (const round::ClientId& client : run.release->contributors) {
    const round::Participant& participant = cohort.at(client);
    if (IsWithout(run, client, participant)) continue;
    leaves.Add(LeavesThrough(client, participant));
    const round::Contribution& counted = participant.contribution;
    loss += static_cast<double>(counted.weight) * counted.train_loss;
    weight += counted.weight;
  }
  if (leaves.size() == 0) {
    return GiveUp(run, "all its leaves count through others");
  }
  run.handing = std::make_shared<const aggregation::ExactSum>(run.sum->Take());
  if (run.handing->weight() != weight ||
      run.handing->contributions() != leaves.size()) {
    FailRun(run,
            absl::StrCat("round ", run.release->round, ": ",
                         run.handing->contributions(), " updates of weight ",
                         run.handing->weight(), " are folded, ", leaves.size(),
                         " of ", weight, " were accepted"));
    return;
  }
  WriteSumFile(run, std::move(leaves), loss / static_cast<double>(weight));
}

void Runner::WriteSumFile(Run& run, round::LeafSet leaves, double loss) {
  const std::filesystem::path folder =
      std::filesystem::path(options_.state_folder) / "sums";
  // Never the name of one that may be on its way up.
  const std::filesystem::path path =
      folder / absl::StrCat(run.name, "-", ++sums_written_);
  pool_.Post([this, &run, sum = run.handing, leaves = std::move(leaves), loss,
              folder, path] {
    const absl::Status folder_made = store::MakeFolder(folder);
    absl::StatusOr<SumFile> made = folder_made.ok()
                                       ? WriteSum(path, leaves, *sum)
                                       : absl::StatusOr<SumFile>(folder_made);
    if (made.ok()) made->train_loss = loss;
    Post([this, &run, sum, leaves, loss, made, path] {
      if (run.handing != sum || run.IsOver()) return RemoveFile(path);
      SumWritten(run, leaves, loss, made);
    });
  });
}

void Runner::SumWritten(Run& run, const round::LeafSet& leaves, double loss,
                        const absl::StatusOr<SumFile>& made) {
  const std::string part = absl::StrCat("sum of ", run.name);
  if (made.ok()) {
    if (health_.Set(part, absl::OkStatus())) ShowHealth();
    run.handing.reset();
    run.sum_file = *made;
    if (run.listener != nullptr) run.listener->SumReady(*made);
    return;
  }
  if (IsDamage(made.status())) {
    return FailRun(run, std::string(made.status().message()));
  }
  if (health_.Set(part, made.status())) ShowHealth();
  At(clock_() + kRetryPeriod, [this, &run, sum = run.handing, leaves, loss] {
    if (run.handing == sum && !run.IsOver()) WriteSumFile(run, leaves, loss);
  });
}

void Runner::DropSumFile(Run& run) {
  run.handing.reset();
  if (run.sum_file) RemoveFile(run.sum_file->file);
  run.sum_file.reset();
}

void Runner::NoteHandedUp(const Run& run,
                          const round::CommitRound& effect) const {
  Log(Level::kInfo, "sum handed up",
      {{"run", run.name},
       {"round", absl::StrCat(effect.round)},
       {"attempt", absl::StrCat(run.attempt)},
       {"leaves",
        absl::StrCat(run.sum_file ? run.sum_file->subtree.leaves : 0)},
       {"bytes", absl::StrCat(run.sum_file ? run.sum_file->size : 0)}});
}

void Runner::GiveUp(Run& run, const std::string& reason) {
  if (auto listener = std::exchange(run.listener, nullptr)) {
    listener->GivenUp(reason);
  }
}

}  // namespace tributary::coordinator
