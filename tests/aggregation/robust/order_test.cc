// SPDX-License-Identifier: Apache-2.0
// The same updates give the same bits, whatever the blocks and threads; and
// what units, shifts and another order of the updates do to the result.
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "tests/aggregation/robust/rounds.h"

#include "tests/catch.h"

namespace tributary::robust {
namespace {

using aggregation::HasSameBits;
using Vector = std::vector<float>;

constexpr std::size_t kHonest = 10;
constexpr std::size_t kAdversaries = 3;

Vector Result(const Recipe& recipe, const Rows& rows, const Vector& reference,
              const Execution& execution = {}) {
  KeyedStream words(KeyFromSeed(7));
  return ResultOf(
      recipe, rows,
      TakesReference(recipe) ? std::span<const float>(reference)
                             : std::span<const float>(),
      [&] { return words.Word(); }, execution);
}

void FromTheBack(std::size_t count,
                 const std::function<void(std::size_t)>& task) {
  for (std::size_t i = count; i > 0; --i) task(i - 1);
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

bool IsNear(const Vector& a, const Vector& b, double tolerance) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::abs(double{a[i]} - double{b[i]}) > tolerance) return false;
  }
  return true;
}

struct Case {
  Rows rows;
  Vector reference;
};

Case MakeCase(RandomSource& random, std::size_t shortest, std::size_t longest) {
  const std::size_t length = shortest + random.Below(longest - shortest + 1);
  const Round round = RandomRound(random, kHonest, kAdversaries, length);
  // Beside the updates, and of their kind.
  return {round.All(), RandomRound(random, 1, 0, length).honest[0]};
}

TEST_CASE("blocks and threads do not change a bit of any rule") {
  CHECK(rc::check("one strip at a time, backwards, on threads", [] {
    KeyedStream random(KeyFromSeed(*rc::gen::arbitrary<std::uint64_t>()));
    const Case c = MakeCase(random, 1, 1'500);
    const bool has_threads = random.Below(8) == 0;
    for (const auto& [name, recipe] : AllRecipes()) {
      const Vector whole = Result(recipe, c.rows, c.reference);
      RC_ASSERT(HasSameBits(
          Result(recipe, c.rows, c.reference, {.block_bytes = 0}), whole));
      RC_ASSERT(
          HasSameBits(Result(recipe, c.rows, c.reference,
                             {.for_each = FromTheBack, .block_bytes = 40'000}),
                      whole));
      if (!has_threads) continue;
      RC_ASSERT(
          HasSameBits(Result(recipe, c.rows, c.reference,
                             {.for_each = OnThreads, .block_bytes = 30'000}),
                      whole));
    }
  }));
}

// Scores of so many coordinates are never equal but where Bulyan chooses by the
// nearest neighbour alone: then two that are each other's tie.
TEST_CASE("median and Krum take the same bits from any order of updates") {
  CHECK(rc::check("shuffled rows", [] {
    KeyedStream random(KeyFromSeed(*rc::gen::arbitrary<std::uint64_t>()));
    const Case c = MakeCase(random, 20, 300);
    Rows shuffled = c.rows;
    for (std::size_t i = shuffled.size(); i > 1; --i) {
      std::swap(shuffled[i - 1], shuffled[random.Below(i)]);
    }
    for (const auto& [name, recipe] : AllRules()) {
      if (name == "Bulyan") continue;
      const Vector a = Result(recipe, c.rows, c.reference);
      const Vector b = Result(recipe, shuffled, c.reference);
      if (name == "median" || name == "Krum") {
        RC_ASSERT(HasSameBits(a, b));
      } else {
        // Sums in another order: an ulp of the largest that was added.
        RC_ASSERT(IsNear(a, b, 1e-3));
      }
    }
  }));
}

TEST_CASE("all rules are exact in powers of two of the unit") {
  CHECK(rc::check("updates, radii and norms times 2^k", [] {
    KeyedStream random(KeyFromSeed(*rc::gen::arbitrary<std::uint64_t>()));
    const Case c = MakeCase(random, 1, 300);
    const float unit = std::ldexp(1.0f, static_cast<int>(random.Below(17)) - 8);
    const auto scaled = [&](Vector row) {
      for (float& value : row) value *= unit;
      return row;
    };
    Rows rows;
    for (const Vector& row : c.rows) rows.push_back(scaled(row));
    const auto plain = AllRecipes();
    const auto in_units = AllRecipes(unit);
    for (std::size_t k = 0; k < plain.size(); ++k) {
      RC_ASSERT(
          HasSameBits(Result(in_units[k].second, rows, scaled(c.reference)),
                      scaled(Result(plain[k].second, c.rows, c.reference))));
    }
  }));
}

TEST_CASE("a shift of all updates shifts the result") {
  CHECK(rc::check("rules that know no origin", [] {
    KeyedStream random(KeyFromSeed(*rc::gen::arbitrary<std::uint64_t>()));
    const std::size_t length = 1 + random.Below(300);
    const Rows rows = RandomRound(random, 12, 0, length).honest;
    const Vector shift = RandomRound(random, 1, 0, length).honest[0];
    const auto shifted = [&](Vector row) {
      for (std::size_t i = 0; i < length; ++i) row[i] += shift[i];
      return row;
    };
    Rows moved;
    for (const Vector& row : rows) moved.push_back(shifted(row));
    for (const auto& [name, recipe] : AllRules()) {
      if (name == "FLTrust") continue;
      RC_ASSERT(IsNear(Result(recipe, moved, shifted(rows[0])),
                       shifted(Result(recipe, rows, rows[0])), 1e-5));
    }
  }));
}

TEST_CASE("weights say what each update counted for") {
  KeyedStream random(KeyFromSeed(5));
  const Case c = MakeCase(random, 1, 300);
  for (const auto& [name, recipe] : AllRecipes()) {
    INFO(name);
    Matrix updates(c.rows);
    Vector out(updates.length());
    const bool takes_reference = TakesReference(recipe);
    const auto outcome =
        Aggregate(recipe,
                  {updates,
                   takes_reference ? std::span<const float>(c.reference)
                                   : std::span<const float>(),
                   [&] { return random.Word(); }},
                  Execution{}, out);
    REQUIRE(outcome.ok());
    if (name.find("median") != std::string::npos && name[0] != 'g') {
      CHECK(outcome->weights.empty());
      continue;
    }
    if (name.find("trimmed") != std::string::npos) {
      CHECK(outcome->weights.empty());
      continue;
    }
    REQUIRE(outcome->weights.size() == c.rows.size());
    if (name == "Bulyan" || name.find("clipping") != std::string::npos) {
      continue;  // not a sum of updates alone
    }
    Vector sum(out.size());
    for (std::size_t i = 0; i < sum.size(); ++i) {
      double z = 0;
      for (std::size_t k = 0; k < c.rows.size(); ++k) {
        z += outcome->weights[k] * c.rows[k][i];
      }
      sum[i] = static_cast<float>(z);
    }
    CHECK(IsNear(out, sum, 1e-5));
  }
}

}  // namespace
}  // namespace tributary::robust
