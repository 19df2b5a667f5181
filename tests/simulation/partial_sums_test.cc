// SPDX-License-Identifier: Apache-2.0
#include "simulation/partial_sums.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "privacy/crypto/random.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using aggregation::ExactSum;
using aggregation::Grid;
using aggregation::Layout;
using aggregation::NarrowSum;

constexpr std::size_t kLength = 100;

Layout LayoutOf(std::size_t length) {
  const Grid grid = Grid::Make({.max_abs = 1, .max_weight = 100}).value();
  return {length, length, grid, grid};
}

// Of one value everywhere.
class Update final : public AddedUpdate {
 public:
  Update(float value, std::uint32_t counted)
      : weight(counted), values_(kLength, value) {}
  void AddTo(NarrowSum& sum) const { sum.AddBlock(0, values_, 1, weight); }
  void AddTo(ExactSum& sum) const {
    sum.AddBlock(0, values_, weight);
    sum.AddContribution(weight);
  }
  void TakeFrom(NarrowSum& sum) override {
    sum.SubtractBlock(0, values_, weight);
  }

  const std::uint32_t weight;

 private:
  const std::vector<float> values_;
};

struct Sums : PartialSums {
  Sums() : PartialSums(LayoutOf(kLength)) { Open(); }
  void Add(Update& update) {
    auto loan = Borrow(attempt());
    REQUIRE(loan.has_value());
    update.AddTo(loan->sum());
    loan->Commit(update);
  }
  void Accept(Update& update) {
    Confirm(update);
    Count(update.weight);
  }
};

bool IsSame(const ExactSum& a, const ExactSum& b) {
  return std::ranges::equal(a.sums(), b.sums()) && a.weight() == b.weight() &&
         a.contributions() == b.contributions();
}

TEST_CASE("parts of several threads add up to one sum") {
  Sums sums;
  std::vector<std::unique_ptr<Update>> updates;
  ExactSum expected(LayoutOf(kLength));
  KeyedStream random(KeyFromSeed(4));
  for (int i = 0; i < 60; ++i) {
    updates.push_back(std::make_unique<Update>(
        static_cast<float>(2 * random.Uniform() - 1),
        static_cast<std::uint32_t>(1 + random.Below(100))));
    updates.back()->AddTo(expected);
  }
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < updates.size(); i += 3) sums.Add(*updates[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& update : updates) sums.Accept(*update);
  CHECK(IsSame(sums.Take(), expected));
}

TEST_CASE("what is withdrawn, or never confirmed, is not in the sum") {
  Sums sums;
  Update accepted(0.5f, 3), withdrawn(-0.25f, 100), forgotten(0.75f, 7);
  for (Update* update : {&accepted, &withdrawn, &forgotten}) sums.Add(*update);
  sums.Withdraw(withdrawn);
  sums.Accept(accepted);
  ExactSum expected(LayoutOf(kLength));
  accepted.AddTo(expected);
  CHECK(IsSame(sums.Take(), expected));
}

TEST_CASE(
    "an update that arrives as bytes is counted without being committed") {
  Sums sums;
  const Update arrived(0.5f, 9);
  {
    const auto loan = sums.Borrow(sums.attempt());
    arrived.AddTo(loan->sum());
  }
  sums.Count(9);
  ExactSum expected(LayoutOf(kLength));
  arrived.AddTo(expected);
  CHECK(IsSame(sums.Take(), expected));
}

TEST_CASE("an attempt that is over takes nothing and leaves nothing behind") {
  Sums sums;
  Update late(0.5f, 3), next(0.25f, 2);
  sums.Add(late);
  const std::uint64_t first = sums.attempt();
  const bool abandoned = GENERATE(true, false);
  if (abandoned) {
    sums.Abandon();
    CHECK_FALSE(sums.Borrow(first).has_value());
  }
  sums.Open();
  CHECK_FALSE(sums.Borrow(first).has_value());
  sums.Withdraw(late);
  sums.Add(next);
  sums.Accept(next);
  ExactSum expected(LayoutOf(kLength));
  next.AddTo(expected);
  CHECK(IsSame(sums.Take(), expected));
  CHECK_FALSE(sums.Borrow(sums.attempt()).has_value());
}

TEST_CASE("a sum is taken once every loan has come back") {
  Sums sums;
  Update slow(0.5f, 3);
  auto loan = sums.Borrow(sums.attempt());
  slow.AddTo(loan->sum());
  // Taken too early, the sum would hold what is not committed yet.
  std::thread worker([&] {
    loan->Commit(slow);
    loan.reset();
  });
  const ExactSum sum = sums.Take();
  worker.join();
  CHECK(std::ranges::all_of(sum.sums(), [](auto value) { return value == 0; }));
  CHECK(sum.contributions() == 0);
}

}  // namespace
}  // namespace tributary::simulation
