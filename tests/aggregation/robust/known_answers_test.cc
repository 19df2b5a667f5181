// SPDX-License-Identifier: Apache-2.0
// Known answers, computed independently in numpy from the papers' formulas in
// double: seven updates, the last two adversaries, f = 2; for Bulyan four more.
// All inputs are whole hundredths, so a hundredfold they are exact in float32,
// and what comes out is the answer to half an ulp.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/aggregation/robust/matrix.h"
#include "tests/aggregation/robust/reference.h"

#include "tests/catch.h"

namespace tributary::robust {
namespace {

using Answer = std::vector<double>;

const Rows kUpdates = {{100, 200, 300},    {131, 187, 316}, {72, 229, 285},
                       {113, 217, 340},    {84, 166, 261},  {1000, -1000, 3000},
                       {-900, 1200, -3000}};
const Rows kFourMore = {
    {107, 202, 309}, {93, 191, 278}, {104, 214, 293}, {98, 179, 305}};

Rows Eleven() {
  Rows rows = kUpdates;
  rows.insert(rows.end(), kFourMore.begin(), kFourMore.end());
  return rows;
}

Answer Hundredth(const std::vector<float>& values) {
  Answer answer;
  for (const float value : values) answer.push_back(value / 100.0);
  return answer;
}

Answer Of(const Rule& rule, const std::vector<float>& reference = {}) {
  return Hundredth(ResultOf({{}, rule}, kUpdates, reference));
}

Distances DistancesOf(const Rows& rows) {
  Matrix updates(rows);
  return Distances::Between(updates, Execution{}).value();
}

Answer Scores() {
  Answer scores = KrumScores(DistancesOf(kUpdates), 2);
  for (double& score : scores) score /= 1e4;
  return scores;
}

Answer ChosenByBulyan() {
  const auto rows = SelectForBulyan({.adversaries = 2}, DistancesOf(Eleven()));
  return {rows.begin(), rows.end()};
}

struct Known {
  std::function<Answer()> ours;
  Answer expected;
};

const std::map<std::string, Known>& KnownAnswers() {
  static const auto& answers = *new std::map<std::string, Known>{
      {"mean",
       {[] { return Of(Mean{}); }, {0.8571428571, 1.712857143, 2.145714286}}},
      {"coordinate_median", {[] { return Of(CoordinateMedian{}); }, {1, 2, 3}}},
      {"trimmed_mean_f2",
       {[] { return Of(TrimmedMean{.adversaries = 2}); },
        {0.99, 2.013333333, 3.003333333}}},
      {"krum_scores_f2",
       {Scores,
        {0.5294, 0.8861, 1.1389, 0.8708, 1.3297, 2825.1444, 3824.0383}}},
      {"krum_f2", {[] { return Of(Krum{.adversaries = 2}); }, {1, 2, 3}}},
      {"multikrum_f2_m5",
       {[] { return Of(Krum{.adversaries = 2, .selected = 5}); },
        {1.0, 1.998, 3.004}}},
      {"multikrum_f2_m3",
       {[] { return Of(Krum{.adversaries = 2, .selected = 3}); },
        {1.146666667, 2.013333333, 3.186666667}}},
      {"geometric_median",
       {[] {
          return Of(GeometricMedian{.iterations = 200, .smoothing = 1e-8});
        },
        {1, 2, 3}}},
      {"rfa_R3_nu1e-6",
       {[] { return Of(GeometricMedian{.iterations = 3, .smoothing = 1e-4}); },
        {1.003171667, 1.997852785, 3.002230541}}},
      {"centered_clip_v0_zero_tau1_L1",
       {[] {
          return Of(CenteredClipping{.radius = 100}, {0, 0, 0});
        },
        {0.1945048921, 0.3887095483, 0.5733270224}}},
      {"centered_clip_v0_zero_tau10_L1",
       {[] {
          return Of(CenteredClipping{.radius = 1000}, {0, 0, 0});
        },
        {0.7616902675, 1.507513617, 2.160152632}}},
      {"centered_clip_v0_zero_tau1_L100",
       {[] {
          return Of(CenteredClipping{.radius = 100, .iterations = 100},
                    {0, 0, 0});
        },
        {1.002555275, 1.976270514, 2.99510658}}},
      {"fltrust_g0=[1,2,3]",
       {[] {
          return Of(FlTrust{}, {100, 200, 300});
        },
        {1.009528697, 1.636593825, 3.040319729}}},
      {"bulyan_f2_n11",
       {[] {
          return Hundredth(ResultOf({{}, Bulyan{.adversaries = 2}}, Eleven()));
        },
        {1.006666667, 1.976666667, 2.993333333}}},
      {"bulyan_selected", {ChosenByBulyan, {0, 7, 8, 9, 10, 3, 2}}}};
  return answers;
}

void CheckAnswer(const std::string& name, const Answer& ours,
                 const Answer& expected) {
  INFO(name);
  REQUIRE(ours.size() == expected.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    // Half an ulp of float32, and the tenth digit of the answers.
    CHECK(ours[i] == Approx(expected[i]).epsilon(6.1e-8).margin(1e-9));
  }
}

TEST_CASE("each rule gives the known answer") {
  for (const auto& [name, known] : KnownAnswers()) {
    CheckAnswer(name, known.ours(), known.expected);
  }
}

TEST_CASE("each vector of the file of exact vectors is met") {
  const auto reference = ReadReference();
  if (!reference) return;
  for (const auto& [name, value] : reference->items()) {
    // What attacks send: tests/simulation/attacks.
    if (name.starts_with("attack_") || name.starts_with("alie_")) continue;
    if (name == "X" || name == "bulyan_X11_extra") {
      const Rows& rows = name == "X" ? kUpdates : kFourMore;
      for (std::size_t k = 0; k < rows.size(); ++k) {
        CheckAnswer(name, Hundredth(rows[k]), value[k].get<Answer>());
      }
    } else if (name == "f") {
      CHECK(value == 2);
    } else {
      INFO(name);
      REQUIRE(KnownAnswers().count(name) == 1);
      CheckAnswer(name, KnownAnswers().at(name).ours(), value.get<Answer>());
    }
  }
}

TEST_CASE("multi-Krum takes the lowest scores first") {
  CHECK(
      SelectByKrum({.adversaries = 2, .selected = 5}, DistancesOf(kUpdates)) ==
      std::vector<std::size_t>{0, 3, 1, 2, 4});
}

TEST_CASE("of equal scores Krum takes the earlier row") {
  const Rows rows = {{9, 9}, {1, 0}, {0, 1}, {1, 0}, {0, 1}};
  CHECK(SelectByKrum({.adversaries = 1, .selected = 4}, DistancesOf(rows)) ==
        std::vector<std::size_t>{1, 2, 3, 4});
}

// RFA's smoothed Weiszfeld from the mean; ByzFL, which begins at zero, gives
// 3.7878876 for its own T = 3, nu = 0.1.
TEST_CASE("the geometric median of three points on a line is the middle one") {
  const Rows rows = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}};
  CHECK(ResultOf({{}, GeometricMedian{.iterations = 3, .smoothing = 0.1}},
                 rows) == std::vector<float>{4, 5, 6});
}

TEST_CASE("a norm bound shortens what is longer and leaves the rest") {
  const Rows rows = {{3, 4}, {30, 40}, {0, 0}};
  CHECK(ResultOf({{NormBound{.norm = 5}}, Mean{}}, rows) ==
        std::vector<float>{2, static_cast<float>(8 / 3.0)});
}

// The order is shuffled by swapping from the back, here always with the first:
// (4 1 2 3 0), (3 1 2 4 0), (2 1 3 4 0), (1 2 3 4 0).
TEST_CASE("bucketing averages buckets of a shuffled order") {
  Matrix updates({{1}, {10}, {100}, {1'000}, {10'000}});
  const auto buckets = MixturesOf(
      Bucketing{.size = 2}, updates, [] { return std::uint64_t{0}; },
      Execution{});
  REQUIRE(buckets.ok());
  REQUIRE(buckets->size() == 3);
  CHECK((*buckets)[0].rows == std::vector<std::uint32_t>{1, 2});
  CHECK((*buckets)[1].rows == std::vector<std::uint32_t>{3, 4});
  CHECK((*buckets)[2].rows == std::vector<std::uint32_t>{0});
  CHECK(ResultOf({{Bucketing{.size = 2}}, CoordinateMedian{}},
                 {{1}, {10}, {100}, {1'000}, {10'000}}, {},
                 [] { return std::uint64_t{0}; }) == std::vector<float>{55});
}

TEST_CASE("each update is mixed with those nearest to it") {
  Matrix updates({{0}, {1}, {3}, {100}});
  const auto mixed = MixturesOf(NearestNeighbourMixing{.adversaries = 1},
                                updates, {}, Execution{});
  REQUIRE(mixed.ok());
  CHECK((*mixed)[0].rows == std::vector<std::uint32_t>{0, 1, 2});
  CHECK((*mixed)[2].rows == std::vector<std::uint32_t>{0, 1, 2});
  CHECK((*mixed)[3].rows == std::vector<std::uint32_t>{1, 2, 3});
  CHECK(ResultOf({{NearestNeighbourMixing{.adversaries = 1}},
                  TrimmedMean{.adversaries = 1}},
                 {{0}, {1}, {3}, {100}}) ==
        std::vector<float>{static_cast<float>(4 / 3.0)});
}

TEST_CASE("FLTrust leaves the model where it is if nobody points the way") {
  CHECK(ResultOf({{}, FlTrust{}}, {{-1, 0}, {0, 0}},
                 std::vector<float>{1, 0}) == std::vector<float>{0, 0});
}

}  // namespace
}  // namespace tributary::robust
