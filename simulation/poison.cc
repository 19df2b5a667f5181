// SPDX-License-Identifier: Apache-2.0
#include "simulation/poison.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tributary::simulation {
namespace {

constexpr const char* kLabelFlip = "simulation.attack.label_flip";
constexpr const char* kBackdoor = "simulation.attack.backdoor";
// As many as partitions by label count (simulation/labels.h).
constexpr float kMostClasses = 65536;

// C of the targets.
absl::StatusOr<int> CountClasses(const char* key, const Dataset& train) {
  float largest = 0;
  for (std::size_t i = 0; i < train.Size(); ++i) {
    const float target = train.targets[i];
    if (!(target >= 0 && target < kMostClasses) ||
        target != std::floor(target)) {
      return absl::InvalidArgumentError(
          absl::StrCat(key, ": needs classes; target ", target, " of example ",
                       i, " of simulation.train is none"));
    }
    largest = std::max(largest, target);
  }
  return static_cast<int>(largest) + 1;
}

bool AreImages(const std::vector<std::int64_t>& shape) {
  return shape.size() == 2 || shape.size() == 3;
}

absl::Status CheckImages(const v1::AttackPlan::Backdoor& plan,
                         const Dataset& train) {
  const std::vector<std::int64_t>& shape = train.example_shape;
  const std::string found = absl::StrCat("; an example of simulation.train is ",
                                         absl::StrJoin(shape, " x "));
  if (!AreImages(shape)) {
    return absl::InvalidArgumentError(absl::StrCat(
        kBackdoor,
        ": needs images, height x width or channels x height x width", found));
  }
  const std::int64_t shorter = std::min(shape.back(), shape[shape.size() - 2]);
  if (plan.trigger() > shorter) {
    return absl::InvalidArgumentError(
        absl::StrCat(kBackdoor, ".trigger: a square of ", plan.trigger(),
                     " pixels has no room", found));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Poison> Poison::Make(const v1::AttackPlan& plan,
                                    const Dataset& train, const Key& run_key) {
  Poison poison;
  poison.run_key_ = run_key;
  if (plan.has_label_flip()) {
    const auto classes = CountClasses(kLabelFlip, train);
    if (!classes.ok()) return classes.status();
    poison.kind_ = LabelFlip{.classes = *classes};
  } else if (plan.has_backdoor()) {
    const auto classes = CountClasses(kBackdoor, train);
    if (!classes.ok()) return classes.status();
    const std::uint32_t target = plan.backdoor().target();
    if (target >= static_cast<std::uint32_t>(*classes)) {
      return absl::InvalidArgumentError(absl::StrCat(
          kBackdoor, ".target: ", target,
          " is no class; those of simulation.train are 0 to ", *classes - 1));
    }
    if (auto fits = CheckImages(plan.backdoor(), train); !fits.ok()) {
      return fits;
    }
    poison.kind_ = Backdoor{.target = static_cast<float>(target),
                            .width = plan.backdoor().trigger(),
                            .value = *std::ranges::max_element(train.features),
                            .poisoned = plan.backdoor().poisoned()};
  }
  return poison;
}

void Poison::Apply(std::size_t client, Dataset& rows) const {
  if (const auto* flip = std::get_if<LabelFlip>(&kind_)) {
    for (float& target : rows.targets) {
      target = static_cast<float>(flip->classes - 1) - target;
    }
  }
  const auto* backdoor = std::get_if<Backdoor>(&kind_);
  if (backdoor == nullptr) return;
  KeyedStream random(run_key_, absl::StrCat("backdoor/", client));
  const std::size_t length = rows.ExampleLength();
  std::size_t left = rows.Size();
  auto wanted = static_cast<std::size_t>(
      std::llround(backdoor->poisoned * static_cast<double>(left)));
  // Selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S).
  for (std::size_t i = 0; i < rows.Size(); ++i, --left) {
    if (random.Below(left) >= wanted) continue;
    --wanted;
    PutTrigger(*backdoor, std::span(rows.features).subspan(i * length, length),
               rows.example_shape);
    rows.targets[i] = backdoor->target;
  }
}

Dataset Poison::Triggered(const Dataset& test) const {
  const Backdoor& backdoor = std::get<Backdoor>(kind_);
  std::vector<std::uint32_t> others;
  for (std::size_t i = 0; i < test.Size(); ++i) {
    if (test.targets[i] != backdoor.target) {
      others.push_back(static_cast<std::uint32_t>(i));
    }
  }
  Dataset triggered = test.Select(others);
  const std::size_t length = triggered.ExampleLength();
  for (std::size_t i = 0; i < triggered.Size(); ++i) {
    PutTrigger(backdoor,
               std::span(triggered.features).subspan(i * length, length),
               triggered.example_shape);
    triggered.targets[i] = backdoor.target;
  }
  return triggered;
}

void Poison::PutTrigger(const Backdoor& backdoor, std::span<float> image,
                        const std::vector<std::int64_t>& shape) {
  const auto height = static_cast<std::size_t>(shape[shape.size() - 2]);
  const auto width = static_cast<std::size_t>(shape.back());
  for (std::size_t plane = 0; plane < image.size(); plane += height * width) {
    for (std::size_t row = height - backdoor.width; row < height; ++row) {
      std::ranges::fill(
          image.subspan(plane + (row + 1) * width - backdoor.width,
                        backdoor.width),
          backdoor.value);
    }
  }
}

}  // namespace tributary::simulation
