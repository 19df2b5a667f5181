// SPDX-License-Identifier: Apache-2.0
// Any bytes as a simulation's journal: they are refused, or they are something
// that is written back the same and that can be recalled to its end and beyond.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "simulation/journal.h"
#include "simulation/journal_message.h"

namespace {

using namespace tributary::simulation;  // NOLINT: one file, one entry point

std::string Bytes(const Journal::Contents& journal) {
  return ToMessage(journal).SerializeAsString();
}

// As many as there are, and one more, of each kind.
void RecallAll(const Journal::Contents& contents) {
  Journal journal(contents);
  for (std::size_t i = 0; i <= contents.updates.size(); ++i) {
    const auto update = journal.RecallUpdate();
    if (update.ok() && update->weight == 0) std::abort();
  }
  for (std::size_t i = 0; i <= contents.defects.size(); ++i) {
    (void)journal.RecallDefect();
  }
  for (std::size_t i = 0; i <= contents.judgements.size(); ++i) {
    (void)journal.RecallJudgement();
  }
  for (std::size_t i = 0; i <= contents.releases.size(); ++i) {
    (void)journal.RecallRelease();
  }
  if (!journal.IsExhausted() || journal.EndReplay().ok()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  tributary::v1::SimulationJournal message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto journal = FromMessage(message);
  if (!journal.ok()) return 0;
  // Compared as bytes: a number that is not one does not equal itself.
  const std::string written = Bytes(*journal);
  tributary::v1::SimulationJournal again;
  if (!again.ParseFromString(written)) std::abort();
  const auto read = FromMessage(again);
  if (!read.ok() || Bytes(*read) != written) std::abort();
  RecallAll(*journal);
  return 0;
}
