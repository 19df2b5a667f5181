// SPDX-License-Identifier: Apache-2.0
// From packed words to the sum that is released.
#include "coordinator/secure/integer_sum.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "privacy/crypto/random.h"
#include "tests/coordinator/secure/integer_plans.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using aggregation::IntegerScalars;

using testing::kSecure;
using testing::Packed;
using testing::PlanWith;
using testing::Private;

// Two ranges.
IntegerRound MakeRound(const v1::Plan& plan) {
  return testing::MakeRound(plan, 70'000);
}

secagg::MaskedSum SumOf(const IntegerRound& round,
                        const std::vector<std::vector<std::int64_t>>& updates) {
  secagg::MaskedSum sum(round.format.Words(), round.format.word_bits);
  for (const auto& words : updates) {
    sum.Add(0, words.size(), Packed(round.format.word_bits, words));
  }
  return sum;
}

absl::StatusOr<FinishedSum> FinishAll(
    const IntegerRound& round,
    const std::vector<std::vector<std::int64_t>>& updates,
    std::uint64_t seed = 1) {
  IntegerSum sum(round, SumOf(round, updates), updates.size());
  KeyedStream random(KeyFromSeed(seed), "noise");
  for (std::size_t range = 0; range < sum.Ranges(); ++range) {
    sum.Finish(range, random);
  }
  return std::move(sum).Conclude();
}

std::vector<float> Values(const IntegerRound& round, double scale) {
  std::vector<float> values(round.format.layout.length);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(scale * std::sin(static_cast<double>(i)));
  }
  return values;
}

TEST_CASE("the sum of packed updates is the exact sum of their integers") {
  const IntegerRound round = MakeRound(PlanWith(kSecure));
  std::vector<std::vector<std::int64_t>> updates;
  aggregation::ExactSum expected(round.format.layout);
  std::uint64_t examples = 0;
  double loss = 0;
  for (const std::uint32_t weight : {3u, 100u, 1u}) {
    const auto values = Values(round, 0.9 / weight);
    updates.push_back(aggregation::ToIntegers(
        round.format, values, {.weight = weight, .train_loss = weight / 4.0}));
    expected.AddBlock(0, values, weight);
    examples += weight;
    loss += weight * (weight / 4.0);
  }
  const auto finished = FinishAll(round, updates);
  REQUIRE(finished.ok());
  CHECK(std::ranges::equal(finished->sum.sums(), expected.sums()));
  CHECK(finished->sum.weight() == examples);
  CHECK(finished->sum.contributions() == 3);
  REQUIRE(finished->aggregates);
  CHECK(finished->aggregates->examples == examples);
  CHECK(finished->aggregates->train_loss ==
        Approx(loss / static_cast<double>(examples)));
  CHECK_FALSE(finished->next_clip_norm);
}

TEST_CASE("masks come off range by range") {
  const IntegerRound round = MakeRound(PlanWith(kSecure));
  const std::vector<std::vector<std::int64_t>> updates = {
      aggregation::ToIntegers(round.format, Values(round, 0.5), {.weight = 7}),
      aggregation::ToIntegers(round.format, Values(round, -0.1),
                              {.weight = 2})};
  const auto with_mask = [](secagg::Direction direction) {
    std::vector<secagg::Mask> masks(2);
    for (std::uint8_t i = 0; i < 2; ++i) {
      masks[i].key.bytes()[0] = i;
      masks[i].direction = direction;
    }
    return masks;
  };
  secagg::MaskedSum words = SumOf(round, updates);
  constexpr auto kCipher = secagg::StreamCipher::kChaCha20;
  words.Apply(kCipher, with_mask(secagg::Direction::kAdd), 0, words.length());
  IntegerSum sum(round, std::move(words), 2, kCipher,
                 with_mask(secagg::Direction::kSubtract));
  REQUIRE(sum.Ranges() == 2);
  SystemRandom random;
  for (const std::size_t range : {1u, 0u}) sum.Finish(range, random);
  const auto finished = std::move(sum).Conclude();
  REQUIRE(finished.ok());
  const auto plain = FinishAll(round, updates);
  CHECK(std::ranges::equal(finished->sum.sums(), plain->sum.sums()));
}

TEST_CASE("words that no sum can have, and weights, are found out") {
  const IntegerRound round = MakeRound(PlanWith(kSecure));
  const auto honest =
      aggregation::ToIntegers(round.format, Values(round, 0.5), {.weight = 7});
  auto liar = honest;
  std::string why;
  SECTION("a coordinate") {
    liar[69'999] = 2 * round.largest_word + 1 - honest[69'999];
    why = "1 of 70002 words";
  }
  SECTION("no examples") {
    liar[70'000] = -7;
    why = "weights of 2 updates add up to 0";
  }
  SECTION("too many examples") {
    liar[70'000] = 194;
    why = "weights of 2 updates add up to 201";
  }
  const auto finished = FinishAll(round, {honest, liar});
  CHECK(absl::IsFailedPrecondition(finished.status()));
  CHECK(std::string(finished.status().message()).find(why) !=
        std::string::npos);
}

TEST_CASE("under privacy the sum is divided by the cohort, whoever came") {
  const IntegerRound round =
      MakeRound(PlanWith(Private("central", "{norm: 0.5}")));
  const std::vector<std::int64_t> zeros(round.format.Words());
  const auto finished = FinishAll(round, {zeros, zeros, zeros});
  REQUIRE(finished.ok());
  CHECK(finished->sum.weight() == 8);
  CHECK(finished->sum.contributions() == 3);
  CHECK_FALSE(finished->aggregates);
}

TEST_CASE("central noise on the sum has the deviation of multiplier x bound") {
  const IntegerRound round =
      MakeRound(PlanWith(Private("central", "{norm: 0.5}")));
  const std::vector<std::int64_t> zeros(round.format.Words());
  const auto finished = FinishAll(round, {zeros});
  REQUIRE(finished.ok());
  double squares = 0;
  for (const std::int64_t word : finished->sum.sums()) {
    squares += static_cast<double>(word) * static_cast<double>(word);
  }
  const double measured = std::sqrt(squares / 70'000);
  // 70,000 draws: the deviation is known to 0.27 %; six of these.
  CHECK(measured ==
        Approx(1.5 * round.update.norm_bound()).epsilon(6 * 0.0027));
  // Other randomness, other noise.
  const auto other = FinishAll(round, {zeros}, 2);
  CHECK_FALSE(std::ranges::equal(finished->sum.sums(), other->sum.sums()));
}

TEST_CASE("what noise hides of a sum is not found out either") {
  const IntegerRound round =
      MakeRound(PlanWith(Private("central", "{norm: 0.5}")));
  std::vector<std::int64_t> words(round.format.Words());
  words[0] = round.largest_word + 1;
  CHECK(FinishAll(round, {words}).ok());
}

TEST_CASE("distributed and local noise are the clients' own") {
  const std::string noise = GENERATE("distributed", "local");
  const IntegerRound round = MakeRound(
      PlanWith(Private(noise, "{norm: 0.5}") +
               (noise == "distributed" ? "secure_aggregation: {}\n" : "")));
  CHECK(round.update.noise() != v1::IntegerUpdate::NOISE_UNSPECIFIED);
  CHECK_FALSE(round.HasNormBound());
  CHECK(round.largest_word > round.format.LargestWord());
  const std::vector<std::int64_t> zeros(round.format.Words());
  const auto finished = FinishAll(round, {zeros});
  REQUIRE(finished.ok());
  CHECK(std::ranges::all_of(finished->sum.sums(),
                            [](std::int64_t word) { return word == 0; }));
}

TEST_CASE("the clip norm follows how many updates were within it") {
  const IntegerRound round = MakeRound(PlanWith(
      Private("central",
              "{norm: 0.5, adaptive: {quantile: 0.5, learning_rate: 0.2, "
              "count_noise: 1}}")));
  REQUIRE(round.privacy);
  // z_delta = (1.5^-2 - 2^-2)^-1/2       Andrew et al. 2021, theorem 1
  const double deviation =
      round.update.norm_bound() / std::sqrt(1 / 2.25 - 1 / 4.0);
  CHECK(std::sqrt(round.privacy->noise_variance) == Approx(deviation));
  CHECK(std::sqrt(round.privacy->clip_word_variance) == Approx(2));

  // The mean over many draws of C exp(-eta (b - 1/2)), b = 1/2 + sum / 16: all
  // eight within gives b = 1, all eight outside b = 0, and noise of deviation
  // 1/8 on b moves the mean by the factor exp((eta / 8)^2 / 2).
  const bool is_within = GENERATE(true, false);
  std::vector<std::int64_t> words(round.format.Words());
  words.back() = is_within ? 1 : -1;
  const std::vector<std::vector<std::int64_t>> updates(8, words);
  double sum = 0;
  constexpr int kDraws = 40;
  for (int i = 0; i < kDraws; ++i) {
    const auto finished =
        FinishAll(round, updates, static_cast<std::uint64_t>(i));
    REQUIRE(finished.ok());
    REQUIRE(finished->next_clip_norm);
    sum += std::log(*finished->next_clip_norm / 0.5);
  }
  // Deviation of one logarithm: 0.2 / 8; of the mean of 40: 0.004; six of it.
  CHECK(std::abs(sum / kDraws - (is_within ? -0.1 : 0.1)) < 6 * 0.004);
}

}  // namespace
}  // namespace tributary::coordinator
