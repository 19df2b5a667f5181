// SPDX-License-Identifier: Apache-2.0
// What adversaries put in the place of their updates, on rows whose formulas a
// reader can work out.
#include "simulation/adversaries.h"

#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "simulation/partition.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using Row = std::vector<float>;

constexpr float kBound = 50;

aggregation::Layout LayoutOf(std::size_t trainable, std::size_t length) {
  const auto grid = [](double max_abs) {
    return *aggregation::Grid::Make({.max_abs = max_abs, .max_weight = 1});
  };
  return {.trainable = trainable,
          .length = length,
          .parameters = grid(kBound),
          .buffers = grid(2)};
}

// Clients 0, 1, .. with these rows.
UpdateRows RowsOf(const std::vector<Row>& rows) {
  UpdateRows all;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    all[{ClientName(k)}] = rows[k];
  }
  return all;
}

struct Attack {
  std::function<void(v1::AttackPlan&)> plan;
  std::size_t first = 3;  // adversary
  std::size_t trainable = 2;
  std::size_t length = 2;
  std::uint64_t seed = 1;
};

Adversaries Make(const Attack& attack) {
  v1::AttackPlan plan;
  attack.plan(plan);
  return Adversaries(plan, attack.first,
                     LayoutOf(attack.trainable, attack.length),
                     KeyFromSeed(attack.seed));
}

// The rows after the first round's strike.
UpdateRows Struck(const Attack& attack, UpdateRows rows) {
  Make(attack).Strike({.round = 1, .attempt = 1}, rows);
  return rows;
}

Row RowOf(const UpdateRows& rows, std::size_t client) {
  return rows.at({ClientName(client)});
}

// Honest: mean (2, -4), sample deviations (1, 2); then two adversaries.
const std::vector<Row> kRows = {{1, -2}, {2, -4}, {3, -6}, {7, 8}, {9, -5}};

TEST_CASE("adversaries that know the honest send what their formula says") {
  const auto sent = [](const std::function<void(v1::AttackPlan&)>& plan) {
    const UpdateRows rows = Struck({.plan = plan}, RowsOf(kRows));
    for (std::size_t k = 0; k < 3; ++k) CHECK(RowOf(rows, k) == kRows[k]);
    return std::vector<Row>{RowOf(rows, 3), RowOf(rows, 4)};
  };
  const auto both = [](const Row& row) { return std::vector<Row>{row, row}; };
  CHECK(sent([](auto& plan) { plan.mutable_sign_flip(); }) == both({-2, 4}));
  CHECK(sent([](auto& plan) { plan.mutable_ipm()->set_scale(0.5); }) ==
        both({-1, 2}));
  CHECK(sent([](auto& plan) { plan.mutable_alie()->set_deviations(2); }) ==
        both({0, -8}));
  CHECK(sent([](auto& plan) { plan.mutable_bit_flip(); }) ==
        std::vector<Row>{{-7, -8}, {-9, 5}});
  CHECK(sent([](auto& plan) { plan.mutable_label_flip(); }) ==
        std::vector<Row>{{7, 8}, {9, -5}});
  CHECK(sent([](auto& plan) { plan.mutable_backdoor()->set_scale(3); }) ==
        std::vector<Row>{{21, 24}, {27, -15}});
}

// n = 25, f = 5: z = 0.2533..., tests/simulation/attacks/attack_test.cc.
TEST_CASE(
    "a little is enough hides by itself, and goes one deviation off "
    "where nothing can hide") {
  const Attack alie{.plan = [](auto& plan) { plan.mutable_alie(); },
                    .first = 20,
                    .trainable = 1,
                    .length = 1};
  std::vector<Row> rows;
  for (int k = 0; k < 20; ++k) rows.push_back({k % 2 == 0 ? -1.0f : 1.0f});
  for (int k = 0; k < 5; ++k) rows.push_back({9});
  const double deviation = std::sqrt(20.0 / 19.0);
  CHECK(RowOf(Struck(alie, RowsOf(rows)), 20)[0] ==
        Approx(-0.2533471031357998 * deviation).epsilon(1e-7));

  Attack many = alie;
  many.first = 2;
  CHECK(RowOf(Struck(many, RowsOf({{-1}, {1}, {0}, {0}, {0}})), 4)[0] ==
        Approx(-std::sqrt(2.0)).epsilon(1e-7));
  many.first = 1;  // without a spread
  CHECK(RowOf(Struck(many, RowsOf({{5}, {0}})), 1) == Row{5});
}

TEST_CASE("a backdoor is scaled such that its mean over the round is whole") {
  const Attack backdoor{.plan = [](auto& plan) { plan.mutable_backdoor(); }};
  const UpdateRows rows = Struck(backdoor, RowsOf(kRows));
  CHECK(RowOf(rows, 3) == Row{17.5, 20});
  CHECK(RowOf(rows, 4) == Row{22.5, -12.5});
}

TEST_CASE(
    "no adversary goes over the plan's bounds, where it would be refused") {
  Attack attack{
      .plan = [](auto& plan) { plan.mutable_backdoor()->set_scale(100); },
      .trainable = 1};
  const UpdateRows rows = Struck(attack, RowsOf(kRows));
  CHECK(RowOf(rows, 3) == Row{kBound, 2});  // a parameter and a buffer
  CHECK(RowOf(rows, 4) == Row{kBound, -2});
  attack.plan = [](auto& plan) { plan.mutable_backdoor()->set_scale(1e6); };
  CHECK(RowOf(Struck(attack, RowsOf({{0, 0}, {0, 0}, {0, 0}, {3e38f, 1}})),
              3) == Row{kBound, 2});
}

TEST_CASE(
    "those who need an honest update send their own where there is none") {
  const UpdateRows alone = RowsOf({{1, 2}, {3, 4}});
  for (const auto& plan : std::vector<std::function<void(v1::AttackPlan&)>>{
           [](auto& p) { p.mutable_sign_flip(); },
           [](auto& p) { p.mutable_ipm()->set_scale(1); },
           [](auto& p) { p.mutable_alie(); },
           [](auto& p) { p.mutable_mimic(); }}) {
    CHECK(Struck({.plan = plan, .first = 0}, alone) == alone);
  }
}

TEST_CASE("a round without adversaries is left as it is") {
  const Attack attack{.plan = [](auto& plan) { plan.mutable_sign_flip(); },
                      .first = 5};
  CHECK(Struck(attack, RowsOf(kRows)) == RowsOf(kRows));
}

// 20,000 draws: mean and mean square within 5 standard errors, which a right
// stream misses once in a million seeds; this seed is fixed. It does not show
// that the draws are normal: tests/simulation/dirichlet_test.cc does.
TEST_CASE(
    "Gaussian adversaries send noise of the plan's deviation, each its "
    "own, the same for the same seed") {
  constexpr std::size_t kLength = 20'000;
  const Attack attack{
      .plan = [](auto& plan) { plan.mutable_gaussian()->set_deviation(3); },
      .first = 1,
      .trainable = kLength,
      .length = kLength};
  const UpdateRows rows = RowsOf({Row(kLength), Row(kLength), Row(kLength)});
  const UpdateRows struck = Struck(attack, rows);
  const Row noise = RowOf(struck, 1);
  double sum = 0;
  double squares = 0;
  for (const float value : noise) {
    sum += value;
    squares += value * value;
  }
  CHECK(std::abs(sum / kLength) < 5 * 3 / std::sqrt(kLength));
  CHECK(std::abs(squares / kLength - 9) < 5 * 9 * std::sqrt(2.0 / kLength));
  CHECK(RowOf(struck, 2) != noise);
  CHECK(RowOf(struck, 0) == Row(kLength));

  CHECK(Struck(attack, rows) == struck);
  Attack other = attack;
  other.seed = 2;
  CHECK(RowOf(Struck(other, rows), 1) != noise);
  UpdateRows later = rows;
  Make(attack).Strike({.round = 1, .attempt = 2}, later);
  CHECK(RowOf(later, 1) != noise);
}

TEST_CASE("mimics keep to the client that they copied first") {
  Adversaries mimics = Make({.plan = [](auto& plan) { plan.mutable_mimic(); }});
  // They differ along (1, 1) most: the first or the third is furthest.
  const std::vector<Row> first = {{5, 5}, {0, 1}, {-6, -5}, {0, 0}, {0, 0}};
  UpdateRows rows = RowsOf(first);
  mimics.Strike({.round = 1, .attempt = 1}, rows);
  REQUIRE(mimics.memory().copied);
  const std::size_t copied = *mimics.memory().copied;
  CHECK(std::set<std::size_t>{0, 2}.contains(copied));
  CHECK(RowOf(rows, 3) == first[copied]);
  CHECK(RowOf(rows, 4) == first[copied]);

  // Others differ more now.
  const std::vector<Row> second = {{1, 0}, {40, -40}, {2, 0}, {0, 0}, {0, 0}};
  rows = RowsOf(second);
  mimics.Strike({.round = 2, .attempt = 1}, rows);
  CHECK(RowOf(rows, 3) == second[copied]);

  // It is away: another is copied, and it again when it is back.
  rows = RowsOf(second);
  rows.erase({ClientName(copied)});
  mimics.Strike({.round = 3, .attempt = 1}, rows);
  CHECK((RowOf(rows, 3) == second[1] || RowOf(rows, 3) == second[2 - copied]));
  CHECK(mimics.memory().copied == copied);

  // A run that goes on from a checkpoint remembers.
  Adversaries resumed =
      Make({.plan = [](auto& plan) { plan.mutable_mimic(); }});
  resumed.Remember(mimics.memory());
  rows = RowsOf(second);
  resumed.Strike({.round = 4, .attempt = 1}, rows);
  CHECK(RowOf(rows, 4) == second[copied]);
}

TEST_CASE("free riders send noise as large as the last release's step") {
  constexpr std::size_t kLength = 20'000;
  Adversaries riders =
      Make({.plan = [](auto& plan) { plan.mutable_free_riders(); },
            .first = 1,
            .trainable = kLength,
            .length = kLength});
  const UpdateRows before = RowsOf({Row(kLength), Row(kLength, 7)});
  UpdateRows rows = before;
  riders.Strike({.round = 1, .attempt = 1}, rows);
  CHECK(RowOf(rows, 1) == Row(kLength));  // nothing is known yet

  // Every other parameter moved by 4: the mean square is 8.
  const Row model(kLength, 1);
  Row next = model;
  for (std::size_t i = 0; i < kLength; i += 2) next[i] += 4;
  riders.Learn(model, next);
  CHECK(riders.memory().step == Approx(std::sqrt(8.0)));
  rows = before;
  riders.Strike({.round = 2, .attempt = 1}, rows);
  double squares = 0;
  for (const float value : RowOf(rows, 1)) squares += value * value;
  CHECK(std::abs(squares / kLength - 8) < 5 * 8 * std::sqrt(2.0 / kLength));
}

}  // namespace
}  // namespace tributary::simulation
