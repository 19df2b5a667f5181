// SPDX-License-Identifier: Apache-2.0
// What the work of a run gave, in the order in which its virtual world asked
// for it: updates in short, judgements, what was released. Everything else in a
// simulation follows from the plan and the key. So a run that is given its
// journal makes the same world again, event by event, and trains nothing:
//
//   if (journal.IsReplaying()) return journal.RecallUpdate();
//   const auto update = Train();
//   journal.NoteUpdate(update);
//   return update;
//
// About 24 bytes an update. A value; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/round/types.h"
#include "simulation/adversary_memory.h"
#include "tributary/trainer.h"

namespace tributary::simulation {

class Journal {
 public:
  // What of an update's header does not follow from its task.
  struct Update {
    std::uint64_t size = 0;
    std::uint32_t weight = 0;  // 0: the task failed
    double train_loss = 0;
    friend bool operator==(const Update&, const Update&) = default;
  };
  // What a round's sum became.
  struct Release {
    round::ModelId model;
    // Of a sum of integers, where it says so.
    std::optional<double> next_clip_norm = std::nullopt;
    std::optional<round::Aggregates> aggregates = std::nullopt;
    // Sorted; nothing if a robust rule does not tell.
    std::optional<std::vector<round::ClientId>> outliers = std::nullopt;
    // Of the adversaries, once they know of this release.
    AdversaryMemory adversaries = {};
    friend bool operator==(const Release&, const Release&) = default;
  };
  struct Contents {
    std::vector<Update> updates;
    // Of every update that was sent, what verification found.
    std::vector<round::Refusal> defects;
    // Nothing: the task failed.
    std::vector<std::optional<EvaluateResult>> judgements;
    // Why tasks failed, of both kinds.
    std::vector<absl::Status> failures;
    std::vector<Release> releases;
    // What clients found on examples of their own.
    std::vector<round::Metrics> client_metrics;
  };

  // Empty, to be written from the beginning of a run.
  Journal() = default;
  // To be replayed, and then to be written on.
  explicit Journal(Contents past);

  const Contents& contents() const { return contents_; }

  // An update's weight is not 0.
  void NoteUpdate(const absl::StatusOr<Update>& update);
  void NoteDefect(round::Refusal defect);
  void NoteJudgement(const absl::StatusOr<EvaluateResult>& judgement);
  void NoteRelease(const Release& release);
  void NoteClientMetrics(const round::Metrics& metrics);

  bool IsReplaying() const { return is_replaying_; }
  // While replaying: the next of its kind. Where there is none, any value; then
  // EndReplay says so.
  absl::StatusOr<Update> RecallUpdate();
  round::Refusal RecallDefect();
  absl::StatusOr<EvaluateResult> RecallJudgement();
  Release RecallRelease();
  round::Metrics RecallClientMetrics();
  // Whether more was recalled than there is: this is not the run that wrote it.
  bool IsExhausted() const { return is_exhausted_; }
  // From now on it is written. FailedPrecondition unless all of it, and no
  // more, was recalled.
  absl::Status EndReplay();

 private:
  template <typename Entry>
  Entry Recall(const std::vector<Entry>& entries, std::size_t& next);
  absl::Status RecallFailure();

  Contents contents_;
  bool is_replaying_ = false;
  bool is_exhausted_ = false;
  // The next to recall of each kind.
  std::size_t update_ = 0;
  std::size_t defect_ = 0;
  std::size_t judgement_ = 0;
  std::size_t failure_ = 0;
  std::size_t release_ = 0;
  std::size_t client_metrics_ = 0;
};

}  // namespace tributary::simulation
