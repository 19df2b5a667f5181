// SPDX-License-Identifier: Apache-2.0
// From the updates of a round to its model: what a rule gives is what the model
// moves by, within the grid; buffers have a rule of their own.
#include "coordinator/robust/robust_sum.h"

#include <rapidcheck.h>

#include <cmath>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "aggregation/release.h"
#include "aggregation/robust/aggregate.h"
#include "tests/aggregation/robust/rounds.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using aggregation::Grid;
using aggregation::Layout;
using Vector = std::vector<float>;

constexpr double kMaxAbs = 1 << 14;  // what adversaries of a round reach

Layout LayoutOf(std::size_t trainable, std::size_t length,
                double max_abs = kMaxAbs, double buffer_max_abs = kMaxAbs) {
  return {.trainable = trainable,
          .length = length,
          .parameters =
              *Grid::Make({.max_abs = max_abs, .max_weight = 1000, .bits = 20}),
          .buffers = *Grid::Make(
              {.max_abs = buffer_max_abs, .max_weight = 1000, .bits = 20})};
}

RobustSum SumOf(const robust::Recipe& recipe, const robust::Rows& rows,
                const Layout& layout, std::span<const float> center = {},
                const robust::Execution& execution = {}) {
  robust::Matrix updates(rows);
  KeyedStream words(KeyFromSeed(5));
  return SumRobustly(recipe,
                     {.updates = updates,
                      .layout = layout,
                      .center = center,
                      .words = [&words] { return words.Word(); }},
                     execution)
      .value();
}

// What zeros become by the release.
Vector ModelOf(RobustSum sum) {
  Vector model(sum.sum.layout().length);
  aggregation::Release(std::move(sum.sum), aggregation::FedAvg{})
      .Block(0, model, {});
  return model;
}

TEST_CASE("the median of three updates is the model's move") {
  const Layout layout = LayoutOf(3, 3, 8);
  const RobustSum sum = SumOf({{}, robust::CoordinateMedian{}},
                              {{1, -4, 8}, {2, 8, -8}, {3, 0.5F, 0}}, layout);
  CHECK(sum.weights.empty());
  CHECK(sum.sum.contributions() == 1);
  CHECK(ModelOf(sum) == Vector{2, 0.5F, 0});
}

TEST_CASE("the weights say what each update counted for") {
  const Layout layout = LayoutOf(2, 2, 8);
  const robust::Rows rows = {{0, 1}, {0.125F, 1}, {0, 1.125F}, {0, 1}, {8, -8}};
  const RobustSum sum =
      SumOf({{}, robust::Krum{.adversaries = 1, .selected = 2}}, rows, layout);
  CHECK(sum.weights == std::vector<double>{0.5, 0, 0, 0.5, 0});
  CHECK(ModelOf(sum) == Vector{0, 1});
}

TEST_CASE("what is released is the rule's result, within half a grid step") {
  CHECK(rc::check([] {
    KeyedStream random(KeyFromSeed(*rc::gen::arbitrary<std::uint32_t>()));
    const robust::Rows rows = robust::RandomRound(random, 10, 2, 300).All();
    const Layout layout = LayoutOf(300, 300);
    const Vector center(300, 0.25F);
    for (const auto& [name, recipe] : robust::AllRecipes()) {
      if (std::holds_alternative<robust::FlTrust>(recipe.rule)) continue;
      const auto start = NeedsCenter(recipe) ? std::span<const float>(center)
                                             : std::span<const float>();
      KeyedStream words(KeyFromSeed(5));
      const Vector expected =
          robust::ResultOf(recipe, rows, start, [&] { return words.Word(); });
      const Vector model = ModelOf(SumOf(recipe, rows, layout, start));
      for (std::size_t i = 0; i < model.size(); ++i) {
        // And half an ulp, for the mean is a float.
        const double most =
            layout.parameters.step() / 2 + std::abs(expected[i]) * 0x1p-24;
        RC_ASSERT(std::abs(double{model[i]} - double{expected[i]}) <= most);
      }
    }
  }));
}

void OnThreads(std::size_t count,
               const std::function<void(std::size_t)>& task) {
  std::vector<std::thread> threads;
  for (std::size_t k = 0; k < 3; ++k) {
    threads.emplace_back([&, k] {
      for (std::size_t i = k; i < count; i += 3) task(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("threads and blocks change no bit of the sum") {
  KeyedStream random(KeyFromSeed(3));
  const robust::Rows rows = robust::RandomRound(random, 10, 2, 2'000).All();
  const Layout layout = LayoutOf(1'500, 2'000);
  const Vector center(1'500, 0.25F);
  for (const auto& [name, recipe] : robust::AllRecipes()) {
    if (std::holds_alternative<robust::FlTrust>(recipe.rule)) continue;
    INFO(name);
    const auto start = NeedsCenter(recipe) ? std::span<const float>(center)
                                           : std::span<const float>();
    const RobustSum once = SumOf(recipe, rows, layout, start);
    const RobustSum again = SumOf(recipe, rows, layout, start,
                                  {.for_each = OnThreads, .block_bytes = 1});
    CHECK(std::ranges::equal(once.sum.sums(), again.sum.sums()));
    CHECK(once.weights == again.weights);
  }
}

TEST_CASE("buffers have their median, whatever the parameters' rule chose") {
  // Krum takes the second update; its buffer is far from the others'.
  const Layout layout = LayoutOf(1, 2, 8, 1'024);
  const robust::Rows rows = {
      {1, 3}, {1.25F, 900}, {1.5F, 1}, {1.25F, 2}, {8, -900}};
  CHECK(ModelOf(SumOf({{}, robust::Krum{.adversaries = 1}}, rows, layout)) ==
        Vector{1.25F, 2});
  CHECK(ModelOf(SumOf({{}, robust::CoordinateMedian{}}, rows, layout)) ==
        Vector{1.25F, 2});
}

TEST_CASE("under rule mean buffers have their mean, which nothing shortens") {
  const Layout layout = LayoutOf(1, 2, 8, 1'024);
  CHECK(ModelOf(SumOf({{robust::NormBound{.norm = 2}}, robust::Mean{}},
                      {{1, 100}, {8, 200}}, layout)) == Vector{1.5F, 150});
}

TEST_CASE("a result at the bound stays within it") {
  // 0.1 is no float: the largest below it is the bound.
  const Layout layout = LayoutOf(1, 1, 0.1);
  const float most = layout.parameters.LargestValue();
  const robust::Rows rows(7, Vector{most});
  const Vector model = ModelOf(SumOf({{}, robust::Mean{}}, rows, layout));
  CHECK(std::abs(model[0] - most) <= layout.parameters.step());
}

TEST_CASE("too few updates for the rule make no sum") {
  robust::Matrix updates(robust::Rows{{1}, {2}});
  const Layout layout = LayoutOf(1, 1);
  const auto sum =
      SumRobustly({{}, robust::TrimmedMean{.adversaries = 1}},
                  {.updates = updates, .layout = layout}, robust::Execution{});
  CHECK(sum.status().message() ==
        "robust.trimmed_mean: 1 adversaries take at least 3 updates (n > 2f), "
        "there are 2");
}

TEST_CASE("an update that cannot be read makes no sum") {
  const Layout layout = LayoutOf(1, 2);
  // The second read is that of the buffers.
  for (const std::size_t fail_at : {0, 1}) {
    robust::Matrix updates(robust::Rows{{1, 1}, {2, 2}});
    updates.fail_at = fail_at;
    CHECK(absl::IsDataLoss(SumRobustly({{}, robust::CoordinateMedian{}},
                                       {.updates = updates, .layout = layout},
                                       robust::Execution{})
                               .status()));
  }
}

}  // namespace
}  // namespace tributary::coordinator
