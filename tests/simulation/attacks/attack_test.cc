// SPDX-License-Identifier: Apache-2.0
// Known answers, computed independently in numpy in double, of five honest
// updates. Their coordinates are whole hundredths, so a hundredfold they are
// exact in float32.
#include "simulation/attacks/attack.h"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "tests/aggregation/robust/reference.h"

#include "tests/catch.h"

namespace tributary::attacks {
namespace {

using Answer = std::vector<double>;
using Spread = HonestMoments::Spread;

HonestMoments MomentsOf(const std::vector<std::vector<float>>& updates) {
  HonestMoments moments(updates.front().size());
  for (const auto& update : updates) moments.Add(update);
  return moments;
}

HonestMoments Honest() {
  return MomentsOf({{100, 200, 300},
                    {131, 187, 316},
                    {72, 229, 285},
                    {113, 217, 340},
                    {84, 166, 261}});
}

Answer SentBy(const Attack& attack) {
  KeyedStream random(KeyFromSeed(1));
  Answer answer;
  for (const float value : MaliciousUpdate(attack, Honest(), random)) {
    answer.push_back(value / 100.0);
  }
  return answer;
}

struct Known {
  Answer ours;
  Answer expected;
};

std::map<std::string, Known> KnownAnswers() {
  return {
      {"attack_signflip", {SentBy(SignFlip{}), {-1.0, -1.998, -3.004}}},
      {"attack_ipm_eps0.1",
       {SentBy(InnerProduct{.scale = 0.1}), {-0.1, -0.1998, -0.3004}}},
      {"attack_alie_z1.0_popstd",
       {SentBy(LittleIsEnough{.deviations = 1, .spread = Spread::kPopulation}),
        {0.7916733334, 1.776423828, 2.735627125}}},
      {"attack_alie_z1.0_samplestd",
       {SentBy(LittleIsEnough{.deviations = 1, .spread = Spread::kSample}),
        {0.767083706, 1.750270309, 2.703950004}}},
      {"alie_zmax_n50_f24",
       {{LargestHiddenShift(50, 24).value()}, {1.4260768722728479}}},
      {"alie_zmax_n25_f5",
       {{LargestHiddenShift(25, 5).value()}, {0.2533471031357998}}},
      {"alie_zmax_n25_f11",
       {{LargestHiddenShift(25, 11).value()}, {1.0675705238781414}}},
      {"alie_zmax_n20_f5",
       {{LargestHiddenShift(20, 5).value()}, {0.2533471031357998}}}};
}

void CheckAnswer(const std::string& name, const Answer& ours,
                 const Answer& expected) {
  INFO(name);
  // Half an ulp of float32 and the tenth digit; z_max is a double.
  const double tolerance = name.starts_with("alie_") ? 1e-14 : 6.1e-8;
  REQUIRE(ours.size() == expected.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CHECK(ours[i] == Approx(expected[i]).epsilon(tolerance));
  }
}

TEST_CASE("each attack sends the known answer") {
  for (const auto& [name, known] : KnownAnswers()) {
    CheckAnswer(name, known.ours, known.expected);
  }
}

TEST_CASE("each attack of the file of exact vectors is met") {
  const auto reference = robust::ReadReference();
  if (!reference) return;
  const auto known = KnownAnswers();
  for (const auto& [name, value] : reference->items()) {
    if (!name.starts_with("attack_") && !name.starts_with("alie_")) continue;
    INFO(name);
    REQUIRE(known.count(name) == 1);
    CheckAnswer(
        name, known.at(name).ours,
        value.is_array() ? value.get<Answer>() : Answer{value.get<double>()});
  }
}

// 20,000 draws: the mean is within 5 standard errors (0.035 s), the deviation
// within 5 (0.025 s); a false alarm in less than a million. Passing says
// nothing of the tails.
TEST_CASE("Gaussian updates have the deviation asked for, and no mean") {
  const HonestMoments nothing =
      MomentsOf({std::vector<float>(20'000, 1'000.0f)});
  KeyedStream random(KeyFromSeed(2));
  double sum = 0;
  double squares = 0;
  for (const float value :
       MaliciousUpdate(GaussianNoise{.deviation = 30}, nothing, random)) {
    sum += value;
    squares += double{value} * value;
  }
  CHECK(std::abs(sum / 20'000) < 30 * 0.036);
  CHECK(std::sqrt(squares / 20'000) == Approx(30).epsilon(0.026));
}

TEST_CASE("options out of range and impossible shares are refused") {
  CHECK(Validate(SignFlip{}).ok());
  CHECK(Validate(LittleIsEnough{}).ok());
  CHECK(Validate(GaussianNoise{.deviation = 0}).message() ==
        "attack.gaussian.deviation: 0 is not a finite number over 0");
  CHECK(Validate(InnerProduct{.scale = std::nan("")}).message() ==
        "attack.ipm.scale: nan is not a finite number over 0");
  CHECK(Validate(LittleIsEnough{.deviations = -1}).message() ==
        "attack.alie.deviations: -1 is not a finite number over 0");
  CHECK(LargestHiddenShift(10, 0).status().message() ==
        "attack.alie: 0 adversaries of 10 updates; it takes at least one, and "
        "at most 5");
  CHECK(LargestHiddenShift(10, 5).ok());
  CHECK(!LargestHiddenShift(10, 6).ok());
  CHECK(!LargestHiddenShift(2, 1).ok());
}

}  // namespace
}  // namespace tributary::attacks
