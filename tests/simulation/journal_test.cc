// SPDX-License-Identifier: Apache-2.0
#include "simulation/journal.h"

#include <limits>

#include "simulation/journal_message.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

const Journal::Update kUpdate{.size = 16, .weight = 100, .train_loss = 0.5};

const Journal::Release kRelease{
    .model = Sha256("one"),
    .next_clip_norm = 0.25,
    .aggregates = round::Aggregates{.examples = 60, .train_loss = 0.75},
    .outliers = {{round::ClientId{"ann"}, round::ClientId{"bob"}}},
    .adversaries = {.copied = 3, .step = 0.25}};

// A run of everything that can be noted.
Journal Written() {
  Journal journal;
  journal.NoteUpdate(kUpdate);
  journal.NoteUpdate(absl::InternalError("out of battery"));
  journal.NoteDefect(round::Refusal::kNone);
  journal.NoteDefect(round::Refusal::kOverBound);
  journal.NoteJudgement(absl::InvalidArgumentError("no examples"));
  EvaluateResult judgement;
  judgement.metrics["loss"] = std::numeric_limits<double>::infinity();
  journal.NoteJudgement(judgement);
  journal.NoteRelease(kRelease);
  journal.NoteRelease({.model = Sha256("two")});
  journal.NoteClientMetrics({{"accuracy.mean", 0.5}});
  return journal;
}

void CheckRecalled(Journal journal) {
  CHECK(journal.IsReplaying());
  CHECK(*journal.RecallUpdate() == kUpdate);
  CHECK(journal.RecallUpdate().status() ==
        absl::InternalError("out of battery"));
  CHECK(journal.RecallDefect() == round::Refusal::kNone);
  CHECK(journal.RecallDefect() == round::Refusal::kOverBound);
  CHECK(journal.RecallJudgement().status() ==
        absl::InvalidArgumentError("no examples"));
  const auto judgement = journal.RecallJudgement();
  REQUIRE(judgement.ok());
  CHECK(judgement->examples == 0);
  CHECK(judgement->metrics.at("loss") > 1e300);
  CHECK(journal.RecallRelease() == kRelease);
  CHECK(journal.RecallRelease() == Journal::Release{.model = Sha256("two")});
  CHECK(journal.RecallClientMetrics().at("accuracy.mean") == 0.5);
  CHECK_FALSE(journal.IsExhausted());
  CHECK(journal.EndReplay().ok());
  CHECK_FALSE(journal.IsReplaying());
}

TEST_CASE("a journal recalls what was noted, failures too") {
  CheckRecalled(Journal(Written().contents()));
}

TEST_CASE("a journal's message is read back to the same journal") {
  const auto message = ToMessage(Written().contents());
  const auto read = FromMessage(message);
  REQUIRE(read.ok());
  CheckRecalled(Journal(*read));
  CHECK(ToMessage(*read).SerializeAsString() == message.SerializeAsString());
}

TEST_CASE("recalling less or more than was noted is noticed") {
  Journal less(Written().contents());
  (void)less.RecallUpdate();
  CHECK_FALSE(less.EndReplay().ok());

  Journal more(Written().contents());
  (void)more.RecallRelease();
  (void)more.RecallRelease();
  CHECK_FALSE(more.IsExhausted());
  CHECK(more.RecallRelease() == Journal::Release{});
  CHECK(more.IsExhausted());
  CHECK_FALSE(more.EndReplay().ok());
}

TEST_CASE("a message that no journal gives is refused") {
  const auto good = ToMessage(Written().contents());
  const auto refused = [&good](void (*change)(v1::SimulationJournal&)) {
    v1::SimulationJournal bad = good;
    change(bad);
    return FromMessage(bad).status().code() == absl::StatusCode::kDataLoss;
  };
  using Bad = v1::SimulationJournal;
  CHECK(refused([](Bad& bad) { bad.add_sizes(1); }));
  CHECK(refused([](Bad& bad) { bad.add_train_losses(1); }));
  CHECK(refused(
      [](Bad& bad) { bad.add_defects(static_cast<v1::Refusal>(9999)); }));
  CHECK(refused([](Bad& bad) { bad.mutable_failures(0)->set_code(0); }));
  CHECK(refused([](Bad& bad) { bad.mutable_failures(0)->set_code(17); }));
  CHECK(refused(
      [](Bad& bad) { bad.mutable_releases(0)->mutable_model()->pop_back(); }));
  CHECK(refused([](Bad& bad) { bad.mutable_releases(0)->clear_examples(); }));
  CHECK(refused([](Bad& bad) { bad.mutable_releases(0)->clear_train_loss(); }));
  CHECK(refused([](Bad& bad) {
    *bad.mutable_judgements(1)->add_metrics() = bad.judgements(1).metrics(0);
  }));
  CHECK(refused([](Bad& bad) { bad.mutable_judgements(1)->clear_examples(); }));
}

}  // namespace
}  // namespace tributary::simulation
