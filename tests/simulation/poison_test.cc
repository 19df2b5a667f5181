// SPDX-License-Identifier: Apache-2.0
#include "simulation/poison.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

// Black images of 2 channels, 4 x 5, with one bright pixel at the top left; the
// targets are 0, 1, .. classes - 1, 0, ...
Dataset Images(std::size_t count, int classes) {
  Dataset data;
  data.example_shape = {2, 4, 5};
  data.features.assign(count * 40, 0);
  for (std::size_t i = 0; i < count; ++i) {
    data.features[i * 40] = 0.75;
    data.targets.push_back(static_cast<float>(i % classes));
  }
  return data;
}

v1::AttackPlan LabelFlip() {
  v1::AttackPlan plan;
  plan.mutable_label_flip();
  return plan;
}

v1::AttackPlan Backdoor(std::uint32_t target, double poisoned = 0.5) {
  v1::AttackPlan plan;
  plan.mutable_backdoor()->set_target(target);
  plan.mutable_backdoor()->set_trigger(2);
  plan.mutable_backdoor()->set_poisoned(poisoned);
  return plan;
}

Poison Make(const v1::AttackPlan& plan, const Dataset& train) {
  auto poison = Poison::Make(plan, train, KeyFromSeed(1));
  REQUIRE(poison.ok());
  return *std::move(poison);
}

std::string ErrorOf(const v1::AttackPlan& plan, const Dataset& train) {
  return std::string(
      Poison::Make(plan, train, KeyFromSeed(1)).status().message());
}

// Whether the image has the trigger, and else is as before.
bool HasTrigger(const Dataset& data, std::size_t image) {
  for (std::size_t channel = 0; channel < 2; ++channel) {
    for (std::size_t row = 0; row < 4; ++row) {
      for (std::size_t column = 0; column < 5; ++column) {
        const bool is_square = row >= 2 && column >= 3;
        const bool is_dot = channel == 0 && row == 0 && column == 0;
        const float value =
            data.features[image * 40 + channel * 20 + row * 5 + column];
        if (value != (is_square || is_dot ? 0.75f : 0.0f)) return false;
      }
    }
  }
  return true;
}

TEST_CASE("flipped labels count from the other end") {
  Dataset train = Images(7, 4);
  const Poison poison = Make(LabelFlip(), train);
  CHECK_FALSE(poison.ChangesNothing());
  const auto features = train.features;
  poison.Apply(3, train);
  CHECK(train.targets == std::vector<float>{3, 2, 1, 0, 3, 2, 1});
  CHECK(train.features == features);
  // A client that has few classes flips among all of them.
  Dataset few = Images(2, 1);
  poison.Apply(4, few);
  CHECK(few.targets == std::vector<float>{3, 3});
}

TEST_CASE("a backdoor is put into as many examples as the plan says") {
  const Poison poison = Make(Backdoor(9, 0.3), Images(20, 10));
  Dataset rows = Images(50, 10);
  poison.Apply(7, rows);
  std::size_t poisoned = 0;
  for (std::size_t i = 0; i < rows.Size(); ++i) {
    if (HasTrigger(rows, i)) {
      ++poisoned;
      CHECK(rows.targets[i] == 9);
    } else {
      CHECK(rows.targets[i] == static_cast<float>(i % 10));
    }
  }
  CHECK(poisoned == 15);

  Dataset again = Images(50, 10);
  poison.Apply(7, again);
  CHECK(again.features == rows.features);
  Dataset other = Images(50, 10);
  poison.Apply(8, other);
  CHECK(other.features != rows.features);
}

TEST_CASE("a backdoor is judged on other classes than its own") {
  const Dataset test = Images(12, 4);
  const Poison poison = Make(Backdoor(2), test);
  REQUIRE(poison.IsBackdoor());
  const Dataset triggered = poison.Triggered(test);
  REQUIRE(triggered.Size() == 9);
  CHECK(std::ranges::all_of(triggered.targets,
                            [](float target) { return target == 2; }));
  for (std::size_t i = 0; i < triggered.Size(); ++i) {
    CHECK(HasTrigger(triggered, i));
  }
}

TEST_CASE("other attacks leave examples as they are") {
  v1::AttackPlan plan;
  plan.mutable_alie();
  CHECK(Make(plan, Images(3, 3)).ChangesNothing());
  CHECK(Poison().ChangesNothing());
}

TEST_CASE("examples that cannot be poisoned are told by key") {
  Dataset values = Images(4, 2);
  values.targets[1] = 0.5;
  CHECK(ErrorOf(LabelFlip(), values) ==
        "simulation.attack.label_flip: needs classes; target 0.5 of example 1 "
        "of simulation.train is none");
  CHECK(ErrorOf(Backdoor(0), values) ==
        "simulation.attack.backdoor: needs classes; target 0.5 of example 1 of "
        "simulation.train is none");
  CHECK(ErrorOf(Backdoor(3), Images(6, 3)) ==
        "simulation.attack.backdoor.target: 3 is no class; those of "
        "simulation.train are 0 to 2");
  Dataset flat = Images(6, 3);
  flat.example_shape = {40};
  CHECK(ErrorOf(Backdoor(1), flat) ==
        "simulation.attack.backdoor: needs images, height x width or channels "
        "x height x width; an example of simulation.train is 40");
  v1::AttackPlan wide = Backdoor(1);
  wide.mutable_backdoor()->set_trigger(5);
  CHECK(ErrorOf(wide, Images(6, 3)) ==
        "simulation.attack.backdoor.trigger: a square of 5 pixels has no room; "
        "an example of simulation.train is 2 x 4 x 5");
}

}  // namespace
}  // namespace tributary::simulation
