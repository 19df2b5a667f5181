// SPDX-License-Identifier: Apache-2.0
// Whole sessions: what comes out is the plain sum of those who are in it, or
// nothing.
#include <algorithm>
#include <chrono>
#include <thread>

#include "privacy/secagg/certificate_identity.h"
#include "privacy/secagg/modulus.h"
#include "privacy/secagg/packing.h"
#include "tests/coordinator/server/certificates.h"
#include "tests/privacy/secagg/cohort.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

std::set<std::size_t> Last(std::size_t count, std::size_t of) {
  std::set<std::size_t> last;
  for (std::size_t i = of - count; i < of; ++i) last.insert(i);
  return last;
}

// How many of a complete graph may vanish: all but the threshold and one, who
// holds no share of its own.
std::uint32_t MostVanishing(const Terms& terms, std::uint32_t clients) {
  const auto graph = ChooseGraph(terms.RiskOf(clients)).value();
  return clients - graph.threshold - 1;
}

TEST_CASE("as many survivors as it takes release the sum, one fewer nothing") {
  const Terms terms = SomeTerms(12);
  const auto most = MostVanishing(terms, 12);
  const auto threshold = ChooseGraph(terms.RiskOf(12))->threshold;
  for (const auto step : {&Vanished::sharing, &Vanished::masking,
                          &Vanished::agreeing, &Vanished::unmasking}) {
    Cohort enough(terms, 12);
    enough.DrawInputs(7);
    Vanished vanished;
    vanished.*step = Last(most, 12);
    const Result released = enough.Run(vanished);
    REQUIRE(std::holds_alternative<Released>(released));
    CHECK(std::get<Released>(released).sum ==
          enough.PlainSum(std::get<Released>(released).survivors));

    Cohort too_few(terms, 12);
    too_few.DrawInputs(7);
    vanished.*step = Last(most + 1, 12);
    const Result abandoned = too_few.Run(vanished);
    REQUIRE(std::holds_alternative<Abandoned>(abandoned));
    const auto& reason = std::get<Abandoned>(abandoned);
    CHECK(reason.reason == Reason::kTooFewHolders);
    CHECK(reason.count == threshold - 1);
    CHECK(reason.needed == threshold);
    CHECK(reason.blamed.empty());
  }
}

TEST_CASE("too few clients are reported with their count, at every step") {
  Terms terms = SomeTerms(12);
  terms.min_cohort = 11;
  terms.min_survivors = 10;
  const auto count = [&](const Vanished& vanished) {
    Cohort cohort(terms, 12);
    const Result result = cohort.Run(vanished);
    REQUIRE(std::holds_alternative<Abandoned>(result));
    const auto& abandoned = std::get<Abandoned>(result);
    CHECK(abandoned.reason == Reason::kTooFewClients);
    return std::pair(abandoned.count, abandoned.needed);
  };
  Vanished vanished;
  vanished.advertising = Last(2, 12);
  CHECK(count(vanished) == std::pair(10U, 11U));
  vanished = {};
  vanished.opening = Last(3, 12);
  CHECK(count(vanished) == std::pair(9U, 10U));
  vanished = {};
  vanished.sharing = Last(3, 12);
  CHECK(count(vanished) == std::pair(9U, 10U));
  vanished = {};
  vanished.masking = Last(4, 12);
  CHECK(count(vanished) == std::pair(8U, 10U));
  vanished = {};
  vanished.agreeing = Last(3, 12);
  CHECK(count(vanished) == std::pair(9U, 10U));
}

TEST_CASE("those who vanish before the keys are shared leave no trace") {
  Cohort cohort(SomeTerms(10), 10);
  cohort.DrawInputs(2);
  const Result result = cohort.Run({.advertising = {3},
                                    .opening = {9},
                                    .sharing = {0},
                                    .masking = {},
                                    .agreeing = {},
                                    .unmasking = {}});
  REQUIRE(std::holds_alternative<Released>(result));
  CHECK(std::get<Released>(result).sum ==
        cohort.PlainSum({1, 2, 4, 5, 6, 7, 8}));
}

TEST_CASE("a masked input looks nothing like its input") {
  // All zeros under masks: 100,000 words of 16 bits are uniform. Each bit is
  // set in half of them; beyond 6 deviations once in 10^7 such tests.
  Terms terms = SomeTerms(4, 100'000);
  terms.word_bits = 16;
  Cohort cohort(terms, 4);
  cohort.RunToInputs();
  for (const auto& member : cohort.members) {
    std::vector<std::uint32_t> words(terms.length);
    AddPacked(member.masked, 16, std::span(words));
    for (int bit = 0; bit < 16; ++bit) {
      const auto set = std::ranges::count_if(
          words, [&](std::uint32_t word) { return (word >> bit & 1) != 0; });
      CHECK(std::abs(static_cast<double>(set) - 50'000) < 6 * 158.2);
    }
  }
  CHECK(cohort[0].masked != cohort[1].masked);
}

TEST_CASE("threads that take ranges of the sum make the same sum") {
  Terms terms = SomeTerms(6, 10'000);
  Cohort cohort(terms, 6);
  cohort.DrawInputs(5);
  cohort.RunToShares();
  cohort.SendInputs({5});
  REQUIRE_FALSE(cohort.CloseMasking().has_value());
  cohort.Agree();
  REQUIRE_FALSE(cohort.CloseAgreeing().has_value());
  cohort.Unmask();
  auto outcome = cohort.server->CloseUnmasking();
  const auto& recovery = std::get<Recovery>(outcome);
  const auto masks = recovery.AllMasks();
  // 5 self masks, and 5 that the inputs had with the client that left.
  CHECK(masks.size() == 10);
  MaskedSum sum(terms.length, terms.word_bits);
  const auto work = [&](std::size_t first, std::size_t count) {
    for (const auto& member : cohort.members) {
      if (member.masked.empty()) continue;
      sum.Add(first, count,
              std::span(member.masked).subspan(first * 4, count * 4));
    }
    sum.Apply(terms.cipher, masks, first, count);
  };
  std::thread one(work, 0, 4'000);
  std::thread other(work, 4'000, 6'000);
  one.join();
  other.join();
  const auto plain = cohort.PlainSum({0, 1, 2, 3, 4});
  for (std::size_t i = 0; i < terms.length; ++i) REQUIRE(sum.At(i) == plain[i]);
}

TEST_CASE("clients with the certificates of an authority make a session") {
  const testing::Authority source("authority");
  std::vector<std::unique_ptr<Signer>> signers;
  for (int i = 0; i < 6; ++i) {
    const auto issued = source.Issue("device-" + std::to_string(i),
                                     {testing::RoleUri("trainer")});
    signers.push_back(
        MakeCertificateSigner(issued.certificate, issued.key).value());
  }
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  const auto authority =
      MakeCertificateAuthority({source.certificate(), now, {}}).value();
  Cohort cohort(SomeTerms(6), LenientPolicy(), std::move(signers), *authority);
  cohort.DrawInputs(3);
  Vanished vanished;
  vanished.masking = {4};
  const Result result = cohort.Run(vanished);
  REQUIRE(std::holds_alternative<Released>(result));
  CHECK(std::get<Released>(result).sum == cohort.PlainSum({0, 1, 2, 3, 5}));
}

TEST_CASE("an input of a wrong length or beyond the bound is not sent") {
  Cohort cohort(SomeTerms(5, 3), 5);
  cohort.RunToShares();
  Client& client = *cohort[0].client;
  CHECK(ReasonOf(client.MaskInput(std::vector<std::int64_t>{1, 2, 3})) ==
        "a message at another time than its own");
  REQUIRE(client.Receive(cohort.server->SharesFor(0)).ok());
  CHECK(ReasonOf(client.MaskInput(std::vector<std::int64_t>{1, 2})) ==
        "an input of 2 words, not of 3");
  const std::int64_t largest = cohort.terms.LargestInput();
  CHECK(largest == 429'496'729);
  for (const std::int64_t beyond : {largest + 1, -largest - 1}) {
    CHECK(ReasonOf(client.MaskInput(std::vector<std::int64_t>{1, beyond, 3})) ==
          "a word of the input is beyond 429496729");
  }
  CHECK(client.MaskInput(std::vector<std::int64_t>{largest, -largest, 0}).ok());
  CHECK_FALSE(
      client.MaskInput(std::vector<std::int64_t>{largest, -largest, 0}).ok());
}

}  // namespace
}  // namespace tributary::secagg
