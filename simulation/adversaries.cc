// SPDX-License-Identifier: Apache-2.0
#include "simulation/adversaries.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregation/encoding.h"
#include "aggregation/invariant.h"
#include "client/core/bounds.h"
#include "simulation/attacks/attack.h"
#include "simulation/attacks/honest_moments.h"
#include "simulation/attacks/mimic.h"
#include "simulation/datasets/normal.h"
#include "simulation/partition.h"

namespace tributary::simulation {
namespace {

// Where adversaries are no minority nothing outvotes them, near or far.
constexpr double kShiftOfMany = 1;

// What is over the largest float is that: a bound is over no infinity.
float Finite(double value) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(value, -kLargest, kLargest));
}

void Scale(double factor, std::span<float> row) {
  for (float& value : row) value = Finite(factor * value);
}

}  // namespace

Adversaries::Adversaries(const v1::AttackPlan& plan, std::size_t first,
                         const aggregation::Layout& layout, const Key& run_key)
    : plan_(plan),
      first_(first),
      layout_(layout),
      bounds_(BoundsOf(aggregation::Encoding::kFloat32, layout)),
      run_key_(run_key) {}

bool Adversaries::Include(const round::ClientId& client) const {
  return ClientNumber(client.name) >= first_;
}

void Adversaries::Strike(const Attempt& attempt, UpdateRows& rows) {
  Honest honest;
  Theirs theirs;
  for (auto& [client, row] : rows) {
    TRIBUTARY_INVARIANT(row.size(), ==, layout_.length);
    const std::uint64_t number = ClientNumber(client.name);
    if (number < first_) {
      honest.emplace(number, row);
    } else {
      theirs.emplace(number, row);
    }
  }
  if (theirs.empty()) return;
  switch (plan_.kind_case()) {
    case v1::AttackPlan::kSignFlip:
    case v1::AttackPlan::kIpm:
    case v1::AttackPlan::kAlie: {
      if (honest.empty()) break;
      const std::vector<float> common = MakeCommon(honest, theirs.size());
      for (auto& [number, row] : theirs) {
        std::ranges::copy(common, row.begin());
      }
      break;
    }
    case v1::AttackPlan::kMimic: {
      if (honest.empty()) break;
      const std::span<const float> copied = Mimicked(attempt, honest);
      for (auto& [number, row] : theirs) {
        std::ranges::copy(copied, row.begin());
      }
      break;
    }
    case v1::AttackPlan::kBitFlip:
      for (auto& [number, row] : theirs) Scale(-1, row);
      break;
    case v1::AttackPlan::kBackdoor: {
      const double scale = plan_.backdoor().has_scale()
                               ? plan_.backdoor().scale()
                               : static_cast<double>(rows.size()) /
                                     static_cast<double>(theirs.size());
      for (auto& [number, row] : theirs) Scale(scale, row);
      break;
    }
    case v1::AttackPlan::kGaussian:
      FillWithNoise(attempt, plan_.gaussian().deviation(), theirs);
      break;
    case v1::AttackPlan::kFreeRiders:
      FillWithNoise(attempt, memory_.step, theirs);
      break;
    case v1::AttackPlan::kLabelFlip:
    case v1::AttackPlan::KIND_NOT_SET:
      break;
  }
  Clamped clamped;
  for (auto& [number, row] : theirs) ClampAll(row, 0, bounds_, clamped);
}

std::vector<float> Adversaries::MakeCommon(const Honest& honest,
                                           std::size_t theirs) const {
  attacks::HonestMoments moments(layout_.length);
  for (const auto& [number, row] : honest) moments.Add(row);
  attacks::Attack attack = attacks::SignFlip{};
  if (plan_.has_ipm()) {
    attack = attacks::InnerProduct{.scale = plan_.ipm().scale()};
  } else if (plan_.has_alie()) {
    const auto hidden = attacks::LargestHiddenShift(
        static_cast<std::uint32_t>(honest.size() + theirs),
        static_cast<std::uint32_t>(theirs));
    using Spread = attacks::HonestMoments::Spread;
    attack = attacks::LittleIsEnough{
        .deviations = plan_.alie().has_deviations()
                          ? plan_.alie().deviations()
                          : hidden.value_or(kShiftOfMany),
        // A single update has no spread of a sample.
        .spread = honest.size() > 1 ? Spread::kSample : Spread::kPopulation};
  }
  KeyedStream unused(run_key_);
  return attacks::MaliciousUpdate(attack, moments, unused);
}

std::span<const float> Adversaries::Mimicked(const Attempt& attempt,
                                             const Honest& honest) {
  if (memory_.copied) {
    const auto found = honest.find(*memory_.copied);
    if (found != honest.end()) return found->second;
  }
  std::vector<std::span<const float>> rows;
  for (const auto& [number, row] : honest) rows.push_back(row);
  KeyedStream stream = StreamOf(attempt, "mimic");
  BufferedRandom random(stream);
  const std::size_t place =
      attacks::MimicTarget(layout_.length, random).Choose(rows);
  const auto chosen =
      std::next(honest.begin(), static_cast<std::ptrdiff_t>(place));
  if (!memory_.copied) memory_.copied = chosen->first;
  return chosen->second;
}

void Adversaries::FillWithNoise(const Attempt& attempt, double deviation,
                                Theirs& theirs) {
  for (auto& [number, row] : theirs) {
    KeyedStream stream = StreamOf(attempt, absl::StrCat(number));
    BufferedRandom random(stream);
    for (float& value : row) {
      value = Finite(deviation * datasets::Normal(random));
    }
  }
}

KeyedStream Adversaries::StreamOf(const Attempt& attempt,
                                  const std::string& who) const {
  return KeyedStream(run_key_, absl::StrCat("attack/", attempt.round, "/",
                                            attempt.attempt, "/", who));
}

void Adversaries::Learn(std::span<const float> before,
                        std::span<const float> after) {
  if (!plan_.has_free_riders()) return;
  double squares = 0;
  for (std::size_t i = 0; i < layout_.trainable; ++i) {
    const double step = static_cast<double>(after[i]) - before[i];
    squares += step * step;
  }
  memory_.step = std::sqrt(squares / static_cast<double>(layout_.trainable));
}

}  // namespace tributary::simulation
