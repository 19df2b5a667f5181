// SPDX-License-Identifier: Apache-2.0
// What is said of partial sums: in the log, and to those that are refused.
#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coordinator/runner/runner.h"

namespace tributary::coordinator {
namespace {

// A sum may have a million leaves, and a line of the log should be readable.
constexpr std::size_t kMostNames = 50;

// "a, b, c; 7 more"
template <typename Describe>
std::string Some(const round::LeafSet& leaves, Describe describe) {
  const auto all = leaves.leaves();
  const auto some = all.first(std::min(all.size(), kMostNames));
  std::vector<std::string> texts;
  for (const round::ClientId& leaf : some) texts.push_back(describe(leaf));
  std::string text = absl::StrJoin(texts, ", ");
  if (some.size() < all.size()) {
    absl::StrAppend(&text, "; ", all.size() - some.size(), " more");
  }
  return text;
}

// "leaf-7 counts through edge-1, ..."
std::string DescribeOverlap(const round::State& state,
                            const round::LeafSet& overlap) {
  const auto* collecting = std::get_if<round::Collecting>(&state.phase);
  return Some(overlap, [&](const round::ClientId& leaf) {
    std::optional<round::ClientId> through;
    if (collecting != nullptr && collecting->ledger) {
      through = collecting->ledger->Through(leaf);
    }
    return absl::StrCat(leaf.name, " counts through ",
                        through ? through->name : "another");
  });
}

}  // namespace

void Runner::NoteSums(Run& run, const round::Event& event,
                      const round::Effect& effect) {
  const auto log = [&](const char* message, Fields fields) {
    fields.insert(fields.begin(), {"run", run.name});
    outbox_.push_back([this, message, fields = std::move(fields)] {
      Log(Level::kInfo, message, fields);
    });
  };
  if (std::holds_alternative<round::OpenRound>(effect)) {
    const round::Cohort* cohort = round::CohortOf(run.engine->state().phase);
    if (cohort != nullptr) run.silent = SilentOf(*cohort);
  } else if (const auto* accept = std::get_if<round::AcceptUpdate>(&effect)) {
    run.silent.erase(accept->client.name);
    const auto* arrived = std::get_if<round::UpdateArrived>(&event);
    if (arrived == nullptr || !arrived->contribution.subtree) return;
    const round::Subtree& subtree = *arrived->contribution.subtree;
    log("partial sum accepted",
        {{"round", absl::StrCat(run.round)},
         {"aggregator", accept->client.name},
         {"epoch", absl::StrCat(subtree.epoch)},
         {"leaves", absl::StrCat(subtree.leaves)},
         {"weight", absl::StrCat(subtree.weight)},
         {"names", Some(arrived->leaves, [](const round::ClientId& leaf) {
            return leaf.name;
          })}});
  } else if (const auto* refuse = std::get_if<round::Refuse>(&effect);
             refuse != nullptr && refuse->overlap.size() > 0) {
    run.details[{refuse->client, refuse->token}] =
        DescribeOverlap(run.engine->state(), refuse->overlap);
  } else if (std::holds_alternative<round::ReleaseRound>(effect) ||
             std::holds_alternative<round::AbandonRound>(effect)) {
    for (const std::string& aggregator : std::exchange(run.silent, {})) {
      log("aggregator handed nothing up",
          {{"round", absl::StrCat(run.round)},
           {"attempt", absl::StrCat(run.attempt)},
           {"aggregator", aggregator}});
    }
  }
}

}  // namespace tributary::coordinator
