// SPDX-License-Identifier: Apache-2.0
#include "simulation/robust_round.h"

#include <algorithm>
#include <utility>

#include "aggregation/encoding.h"
#include "aggregation/invariant.h"
#include "aggregation/robust/updates.h"
#include "coordinator/robust/robust_sum.h"
#include "proto/codec/attack.h"
#include "proto/codec/quarantine_rules.h"
#include "proto/codec/robust.h"

namespace tributary::simulation {
namespace {

// Rows of a map, which outlives it.
class KeptUpdates final : public robust::Updates {
 public:
  KeptUpdates(const UpdateRows& rows, std::size_t length) : length_(length) {
    for (const auto& [client, row] : rows) rows_.emplace_back(row);
  }

  std::size_t count() const override { return rows_.size(); }
  std::size_t length() const override { return length_; }
  absl::Status Read(std::span<const std::size_t> rows, std::size_t offset,
                    const robust::ForEach& for_each,
                    robust::Block& block) override {
    for_each(rows.size(), [&](std::size_t k) {
      std::ranges::copy(rows_[rows[k]].subspan(offset, block.columns()),
                        block.Row(k).begin());
    });
    return absl::OkStatus();
  }

 private:
  std::vector<std::span<const float>> rows_;
  const std::size_t length_;
};

}  // namespace

RobustRound::RobustRound(const v1::Plan& plan,
                         const aggregation::Layout& layout, const Key& run_key)
    : recipe_(codec::ToRecipe(plan.robust())),
      outlier_weight_(codec::OutlierWeight(plan)),
      layout_(layout),
      run_key_(run_key) {
  const v1::SimulationPlan& simulation = plan.simulation();
  if (!simulation.has_attack()) return;
  const std::uint32_t clients = simulation.clients();
  adversaries_.emplace(simulation.attack(),
                       clients - codec::AdversariesAmong(simulation, clients),
                       layout, run_key);
}

void RobustRound::Add(const round::ClientId& client,
                      std::span<const std::byte> bytes) {
  std::vector<float> row(layout_.length);
  aggregation::UpdateDecoder decoder(aggregation::Encoding::kFloat32,
                                     layout_.length);
  const absl::Status decoded = decoder.Feed(
      bytes, [&row](std::size_t offset, std::span<const float> values) {
        std::ranges::copy(values,
                          row.begin() + static_cast<std::ptrdiff_t>(offset));
        return absl::OkStatus();
      });
  TRIBUTARY_INVARIANT(decoded.ok(), ==, true);
  rows_.insert_or_assign(client, std::move(row));
}

bool RobustRound::NeedsCenter() const {
  return coordinator::NeedsCenter(recipe_);
}

absl::StatusOr<coordinator::RobustResult> RobustRound::Finish(
    const Attempt& attempt, std::span<const float> center) {
  UpdateRows rows = std::exchange(rows_, {});
  if (adversaries_) {
    adversaries_->Strike({attempt.round, attempt.attempt}, rows);
  }
  KeptUpdates updates(rows, layout_.length);
  std::vector<round::ClientId> clients;
  for (const auto& [client, row] : rows) clients.push_back(client);
  return coordinator::EndAttempt({.recipe = recipe_,
                                  .outlier_weight = outlier_weight_,
                                  .run_key = run_key_,
                                  .round = attempt.round,
                                  .attempt = attempt.attempt},
                                 {.updates = updates,
                                  .clients = clients,
                                  .layout = layout_,
                                  .center = center},
                                 robust::Execution{});
}

}  // namespace tributary::simulation
