// SPDX-License-Identifier: Apache-2.0
// Clients whose updates are not what they should be are not asked for a while.
#include <limits>

#include "tests/coordinator/round/round_fixture.h"

#include "tests/catch.h"

namespace tributary::round {
namespace {

struct QuarantineFixture : RoundFixture {
  QuarantineFixture() { StartWith({.strikes = 2, .rounds = 2}); }
  void StartWith(const QuarantineOptions& quarantine) {
    Options options = SmallRounds();
    options.rounds = 9;
    options.quarantine = quarantine;
    StartRunWith(options);
  }
  // A round of mal and two others, in which mal sends this.
  void MakeRound(const Sent& sent) {
    CheckIn({"ann", "bob", "mal"});
    Returns("mal", sent);
    Return({"ann", "bob"});
    ModelIsMade();
  }
  // A round that mal may not be in.
  void MakeRoundWithoutMal() {
    CheckIn({"ann", "bob", "cid"});
    CHECK_FALSE(CohortOf(state().phase)->contains(ClientId{"mal"}));
    Return({"ann", "bob", "cid"});
    ModelIsMade();
  }
  int StrikesOf(const std::string& client) const {
    const auto found = state().strikes.find(ClientId{client});
    return found == state().strikes.end() ? 0 : found->second;
  }
  bool IsQuarantined(const std::string& client) const {
    return state().quarantined.contains(ClientId{client});
  }
};

TEST_CASE_METHOD(QuarantineFixture, "a refusal for what an update is counts") {
  const Refusal reason = GENERATE(Refusal::kWrongSize, Refusal::kBadChecksum,
                                  Refusal::kBadEncoding, Refusal::kNotFinite,
                                  Refusal::kOverBound, Refusal::kBadProtocol);
  INFO(Name(reason));
  MakeRound({.defect = reason});
  CHECK(StrikesOf("mal") == 1);
  CHECK(StrikesOf("ann") == 0);
}

TEST_CASE_METHOD(QuarantineFixture, "weights and losses count as well") {
  SECTION("no weight") { MakeRound({.weight = 0}); }
  SECTION("a loss that is none") {
    MakeRound({.train_loss = std::numeric_limits<double>::infinity()});
  }
  CHECK(StrikesOf("mal") == 1);
}

TEST_CASE_METHOD(QuarantineFixture, "who is slow or gives up has no strike") {
  CheckIn({"ann", "bob", "mal"});
  SECTION("an update from a model of before") {
    Returns("mal", {.base_model = ModelNamed(9)});
  }
  SECTION("a task that was given up") {
    Fails("mal");
    Returns("mal", {.defect = Refusal::kOverBound});
  }
  SECTION("another's token") {
    Returns("mal", {.token = TokenOf("ann"), .defect = Refusal::kOverBound});
  }
  SECTION("nobody's token") {
    Returns("mal", {.token = TaskToken{}, .defect = Refusal::kOverBound});
  }
  SECTION("a revoked client") {
    IsRevoked("mal");
    Returns("mal", {.defect = Refusal::kOverBound});
  }
  CHECK(state().strikes.empty());
}

TEST_CASE_METHOD(QuarantineFixture, "an attempt has one strike for a client") {
  CheckIn({"ann", "bob", "mal"});
  Returns("mal", {.defect = Refusal::kOverBound});
  Returns("mal", {.defect = Refusal::kNotFinite});
  Announces("mal");
  CHECK(StrikesOf("mal") == 1);
}

TEST_CASE_METHOD(QuarantineFixture,
                 "with its last strike a client is out of the rounds to come") {
  MakeRound({.defect = Refusal::kOverBound});
  CheckIn({"ann", "bob", "mal"});
  CHECK(Returns("mal", {.defect = Refusal::kNotFinite}) ==
        "refuse mal not_finite; quarantine mal until round 5: not_finite");
  CHECK(StrikesOf("mal") == 0);
  Return({"ann", "bob"});
  ModelIsMade();
  for (const int round : {3, 4}) {
    CHECK(state().round == round);
    CHECK(ChecksIn("mal").starts_with("turn mal away for"));
    MakeRoundWithoutMal();
  }
  CHECK(state().quarantined.empty());
  CheckIn({"ann", "bob", "mal"});
  CHECK(CohortOf(state().phase)->contains(ClientId{"mal"}));
  // Nothing of before is held against it.
  Returns("mal", {.defect = Refusal::kOverBound});
  CHECK(StrikesOf("mal") == 1);
  CHECK_FALSE(IsQuarantined("mal"));
}

TEST_CASE_METHOD(QuarantineFixture,
                 "nor is it in the round's further attempts") {
  StartWith({.strikes = 1, .rounds = 1});
  CheckIn({"ann", "bob", "mal"});
  Returns("mal", {.defect = Refusal::kOverBound});
  Fails("ann");
  Fails("bob");
  AdvanceTo(5s);
  REQUIRE(state().attempt == 2);
  CHECK(ChecksIn("mal").starts_with("turn mal away for"));
  CheckIn({"ann", "bob", "cid"});
  CHECK(CohortOf(state().phase)->size() == 3);
}

TEST_CASE_METHOD(QuarantineFixture,
                 "an outlier has a strike, and leaves those that wait") {
  StartWith({.strikes = 1, .rounds = 1});
  CheckIn({"ann", "bob", "mal"});
  Return({"ann", "bob", "mal"});
  ChecksIn("mal");
  REQUIRE(state().waiting.contains(ClientId{"mal"}));
  const std::string said =
      Happens(ModelReleased{.round = 1,
                            .model = ModelNamed(1),
                            .outliers = {ClientId{"mal"}, ClientId{"nobody"}}});
  CHECK(
      said.starts_with("commit round 1 as model-1; "
                       "quarantine mal until round 3: outlier; "
                       "turn mal away for "));
  CHECK(state().waiting.empty());
  CHECK(state().quarantined.size() == 1);
}

TEST_CASE_METHOD(QuarantineFixture,
                 "a round waits while too few are left to be asked") {
  StartWith({.strikes = 1, .rounds = 1});
  MakeRound({.defect = Refusal::kOverBound});
  CHECK(CheckIn({"ann", "mal"}).starts_with("turn mal away for"));
  AdvanceTo(1000s);
  CHECK(state().phase == Phase{Selecting{}});
  ChecksIn("bob");
  AdvanceTo(1010s);
  CHECK(CohortOf(state().phase)->size() == 2);
}

TEST_CASE_METHOD(QuarantineFixture,
                 "a masked session's breach is one strike, before and after") {
  Options options = MaskedRounds();
  options.quarantine = {.strikes = 2, .rounds = 1};
  StartRunWith(options);
  CheckIn({"ann", "bob", "cid", "mal"});
  SECTION("an update before its keys") {
    Returns("mal");
    CHECK(StrikesOf("mal") == 1);
  }
  SECTION("a breach after its update counts") {
    ExchangeKeys({"ann", "bob", "cid", "mal"});
    Returns("mal");
    Returns("mal", {.defect = Refusal::kBadProtocol});
    Returns("mal", {.defect = Refusal::kBadProtocol});
    CHECK(StrikesOf("mal") == 1);
  }
}

TEST_CASE("without a quarantine nobody has strikes") {
  RoundFixture run;
  run.CheckIn({"ann", "bob", "mal"});
  run.Returns("mal", {.defect = Refusal::kOverBound});
  run.Return({"ann", "bob"});
  run.Happens(ModelReleased{
      .round = 1, .model = ModelNamed(1), .outliers = {ClientId{"ann"}}});
  CHECK(run.state().strikes.empty());
  CHECK(run.state().quarantined.empty());
}

}  // namespace
}  // namespace tributary::round
