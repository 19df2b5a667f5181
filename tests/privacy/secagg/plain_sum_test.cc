// SPDX-License-Identifier: Apache-2.0
// What comes out of a session is the plain integer sum of those whose inputs
// came, whoever vanishes before whichever step, up to the threshold; and with
// one client fewer, nothing.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "privacy/secagg/graph.h"
#include "privacy/secagg/packing.h"
#include "rapidcheck.h"
#include "tests/privacy/secagg/cohort.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

// Those before which clients vanish once it is known who holds whose shares.
enum class Step { kSharing, kMasking, kAgreeing, kUnmasking };
constexpr Step kSteps[] = {Step::kSharing, Step::kMasking, Step::kAgreeing,
                           Step::kUnmasking};

// How many holders of each client's secrets are left. Of a cohort that has
// opened its choices; members by their numbers, not their indices.
class HoldersLeft {
 public:
  explicit HoldersLeft(Cohort& cohort)
      : threshold_(cohort.server->graph().threshold),
        min_survivors_(cohort.terms.min_survivors),
        left_(cohort.members.size()),
        holds_of_(cohort.members.size()),
        is_needed_(cohort.members.size()) {
    const Graph graph(cohort.server->graph(), cohort.server->clients(),
                      cohort.server->RosterFor(0).root);
    std::vector<std::size_t> at_index(cohort.server->clients());
    for (std::size_t i = 0; i < cohort.members.size(); ++i) {
      const auto index = cohort.server->IndexOf(cohort[i].name);
      if (index.has_value()) at_index[*index] = i;
    }
    for (std::size_t i = 0; i < cohort.members.size(); ++i) {
      if (!cohort[i].is_there) continue;
      present_.insert(i);
      is_needed_[i] = true;
      for (const Index index :
           graph.Holders(cohort[i].index, cohort[i].choice)) {
        const std::size_t holder = at_index[index];
        holds_of_[holder].push_back(i);
        if (cohort[holder].is_there) ++left_[i];
      }
    }
  }

  const std::set<std::size_t>& present() const { return present_; }
  bool IsShort(std::size_t member) const { return left_[member] < threshold_; }

  // One after the other in a random order, those who can without a secret that
  // will be needed losing its threshold: at most so many.
  std::set<std::size_t> DrawVanishing(Step step, std::size_t most,
                                      RandomSource& random) {
    std::vector<std::size_t> order(present_.begin(), present_.end());
    for (std::size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[random.Below(i)]);
    }
    std::set<std::size_t> vanished;
    for (const std::size_t member : order) {
      if (vanished.size() == most) break;
      if (!CanVanish(member)) continue;
      Vanish(step, member);
      vanished.insert(member);
    }
    return vanished;
  }
  // Anybody, whatever becomes of it.
  std::size_t VanishOneMore(Step step, RandomSource& random) {
    const auto at =
        std::next(present_.begin(),
                  static_cast<std::ptrdiff_t>(random.Below(present_.size())));
    const std::size_t member = *at;
    Vanish(step, member);
    return member;
  }

 private:
  bool CanVanish(std::size_t member) const {
    return present_.size() > min_survivors_ &&
           std::ranges::all_of(holds_of_[member], [&](std::size_t owner) {
             return !is_needed_[owner] || left_[owner] > threshold_;
           });
  }
  void Vanish(Step step, std::size_t member) {
    present_.erase(member);
    for (const std::size_t owner : holds_of_[member]) --left_[owner];
    // Who has not shared has left no secret to be recovered.
    if (step == Step::kSharing) is_needed_[member] = false;
  }

  std::uint32_t threshold_;
  std::uint32_t min_survivors_;
  std::set<std::size_t> present_;
  std::vector<std::uint32_t> left_;
  std::vector<std::vector<std::size_t>> holds_of_;
  std::vector<char> is_needed_;
};

Result Pass(Cohort& cohort, Step step, const std::set<std::size_t>& vanished) {
  const auto unless = [](std::optional<Abandoned> abandoned) -> Result {
    if (abandoned.has_value()) return *abandoned;
    return Released{};
  };
  switch (step) {
    case Step::kSharing:
      cohort.Share(vanished);
      return unless(cohort.CloseSharing());
    case Step::kMasking:
      cohort.SendInputs(vanished);
      return unless(cohort.CloseMasking());
    case Step::kAgreeing:
      cohort.Agree(vanished);
      return unless(cohort.CloseAgreeing());
    case Step::kUnmasking:
      break;
  }
  cohort.Unmask(vanished);
  return cohort.CloseUnmasking();
}

struct Draw {
  Terms terms;
  std::uint32_t clients = 0;
  Step full = Step::kSharing;
  std::uint64_t seed = 0;
};

// Words of all inputs of a case together, at most: make soak has room for 500
// clients with 100,000 each.
std::uint32_t MostWords() {
  const char* most = std::getenv("TRIBUTARY_SECAGG_WORDS");
  return most == nullptr ? 4'000'000
                         : static_cast<std::uint32_t>(std::stoul(most));
}

// Mostly small cohorts. Two cases in a hundred have 100 to 500 clients:
// RapidCheck counts sizes from 0 to 99 again and again.
Draw DrawSession() {
  const auto between = [](std::uint32_t least, std::uint32_t most) {
    return rc::gen::resize(100,
                           rc::gen::inRange<std::uint32_t>(least, most + 1));
  };
  Draw draw;
  draw.clients = *rc::gen::withSize([&](int size) {
    if (size % 50 == 49) return between(100, 500);
    return size % 20 == 10 ? between(33, 99) : between(8, 32);
  });
  // Sometimes over several blocks of the masks.
  const auto length = *rc::gen::weightedOneOf<std::uint32_t>(
      {{9, between(1, 3'000)}, {1, between(3'000, 100'000)}});
  draw.terms =
      SomeTerms(draw.clients, std::min(length, MostWords() / draw.clients));
  draw.terms.word_bits = *rc::gen::inRange(12, kMaxWordBits + 1);
  draw.terms.cipher =
      *rc::gen::element(StreamCipher::kAes256Ctr, StreamCipher::kChaCha20);
  draw.terms.adversary =
      *rc::gen::element(Adversary::kSemiHonest, Adversary::kSemiMalicious);
  draw.full = *rc::gen::elementOf(
      std::vector<Step>(std::begin(kSteps), std::end(kSteps)));
  draw.seed = *rc::gen::arbitrary<std::uint64_t>();
  return draw;
}

std::set<std::size_t> DrawMembers(std::size_t count, std::size_t of,
                                  RandomSource& random) {
  std::set<std::size_t> members;
  while (members.size() < count) members.insert(random.Below(of));
  return members;
}

// Up to the choices of holders. An eighth may not even come; of those who open
// no choice nobody knows yet whose shares they would hold, so few vanish then.
void RunToChoices(const Draw& draw, Cohort& cohort, RandomSource& random) {
  cohort.DrawInputs(draw.seed);
  cohort.Advertise(
      DrawMembers(random.Below(draw.clients / 8 + 1), draw.clients, random));
  REQUIRE_FALSE(cohort.CloseAdvertising().has_value());
  const std::uint32_t dropped =
      draw.terms.RiskOf(cohort.server->clients()).Dropped();
  cohort.Open(DrawMembers(random.Below(dropped / 4 + 1), draw.clients, random));
  REQUIRE_FALSE(cohort.CloseOpening().has_value());
}

bool IsPlainSum(const Draw& draw) {
  KeyedStream random(KeyFromSeed(draw.seed), "vanishing");
  Cohort cohort(draw.terms, draw.clients);
  RunToChoices(draw, cohort, random);
  HoldersLeft left(cohort);
  std::set<std::size_t> expected;
  Result result;
  for (const Step step : kSteps) {
    const std::size_t most =
        step == draw.full ? draw.clients : random.Below(draw.clients / 16 + 2);
    result = Pass(cohort, step, left.DrawVanishing(step, most, random));
    if (!std::holds_alternative<Released>(result)) return false;
    if (step == Step::kMasking) expected = left.present();
  }
  const auto& released = std::get<Released>(result);
  return released.survivors == expected &&
         released.sum == cohort.PlainSum(expected);
}

// Nobody that is asked for its agreement in spite of it gives it who has too
// few holders left.
bool RefuseToAgree(Cohort& cohort, const HoldersLeft& left) {
  return std::ranges::all_of(left.present(), [&](std::size_t member) {
    return !left.IsShort(member) ||
           ReasonOf(cohort[member].client->Receive(cohort.server->AgreeOn()))
                   .find("holders are left") != std::string::npos;
  });
}

// Of `count` words of which each is as it was by chance 2^-bits, so few are but
// for once in 10^10: Chernoff's bound (e mean / x)^x e^-mean.
std::size_t MostEqual(std::size_t count, int bits) {
  const double mean = std::ldexp(static_cast<double>(count), -bits);
  std::size_t most = 0;
  for (double bound = 1; bound > 1e-10;) {
    ++most;
    const auto x = static_cast<double>(most);
    if (x > mean) bound = std::exp(x * (1 + std::log(mean / x)) - mean);
  }
  return most - 1;
}

// Every four neighbouring bits of the words are uniform, by chi-square with 15
// degrees of freedom. A false alarm comes less than once in 10^10, of which the
// quantile is 81.7: there is room for few words' heavier tail.
bool HasUniformNibbles(const std::vector<std::uint64_t>& words, int bits) {
  if (words.size() < 640) return true;  // 40 of a kind
  const double expected = static_cast<double>(words.size()) / 16;
  for (int at = 0; at + 4 <= bits; ++at) {
    std::array<double, 16> seen{};
    for (const std::uint64_t word : words) ++seen[word >> at & 15];
    double chi_square = 0;
    for (const double count : seen) {
      chi_square += (count - expected) * (count - expected) / expected;
    }
    if (chi_square > 100) return false;
  }
  return true;
}

// The words of a sum do not say anything of the plain one. Some plain ones
// among them would show, and some plain bits in each.
bool LooksMasked(std::span<const std::int64_t> sum,
                 std::span<const std::int64_t> plain, int bits) {
  std::vector<std::uint64_t> masks;
  std::size_t equal = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    // Modulo 2^bits.
    masks.push_back((static_cast<std::uint64_t>(sum[i]) -
                     static_cast<std::uint64_t>(plain[i])) &
                    (~std::uint64_t{0} >> (64 - bits)));
    equal += masks.back() == 0 ? 1 : 0;
  }
  return equal <= MostEqual(plain.size(), bits) &&
         HasUniformNibbles(masks, bits);
}

bool IsMasked(const Cohort& cohort, const std::set<std::size_t>& of) {
  std::vector<std::int64_t> sum;
  for (std::size_t i = 0; i < cohort.terms.length; ++i) {
    sum.push_back(cohort.sum->At(i));
  }
  return LooksMasked(sum, cohort.PlainSum(of), cohort.terms.word_bits);
}

bool RevealsNothing(const Draw& draw) {
  KeyedStream random(KeyFromSeed(draw.seed), "vanishing");
  Cohort cohort(draw.terms, draw.clients);
  RunToChoices(draw, cohort, random);
  const std::uint32_t threshold = cohort.server->graph().threshold;
  HoldersLeft left(cohort);
  std::set<std::size_t> with_input;
  for (const Step step : kSteps) {
    auto vanished = left.DrawVanishing(
        step,
        step == draw.full ? draw.clients : random.Below(draw.clients / 16 + 2),
        random);
    if (step == draw.full) vanished.insert(left.VanishOneMore(step, random));
    const Result result = Pass(cohort, step, vanished);
    if (step == Step::kMasking) with_input = left.present();
    if (step != draw.full) {
      if (!std::holds_alternative<Released>(result)) return false;
      continue;
    }
    const auto* abandoned = std::get_if<Abandoned>(&result);
    return abandoned != nullptr &&
           abandoned->reason == Reason::kTooFewHolders &&
           abandoned->count == threshold - 1 &&
           abandoned->needed == threshold && abandoned->blamed.empty() &&
           cohort.server->Accept(0, Unmasking{}) == Refusal::kWrongStep &&
           (step != Step::kMasking || RefuseToAgree(cohort, left)) &&
           (step == Step::kSharing || IsMasked(cohort, with_input));
  }
  return false;
}

TEST_CASE("the sum is the plain sum, whoever vanishes up to the threshold") {
  CHECK(rc::check([] { RC_ASSERT(IsPlainSum(DrawSession())); }));
}

TEST_CASE("what leaks but a part of a sum does not look masked") {
  constexpr std::size_t kWords = 2'000;
  KeyedStream random(KeyFromSeed(9), "masks");
  std::vector<std::int64_t> plain(kWords, 1'000);
  for (const int bits : {12, 32, 62}) {
    const std::uint64_t all = ~std::uint64_t{0} >> (64 - bits);
    std::vector<std::int64_t> sum;
    for (std::size_t i = 0; i < kWords; ++i) {
      sum.push_back(static_cast<std::int64_t>((1'000 + random.Word()) & all));
    }
    CHECK(LooksMasked(sum, plain, bits));
    // A hundredth of the words.
    std::vector<std::int64_t> few = sum;
    for (std::size_t i = 0; i < kWords; i += 100) few[i] = 1'000;
    CHECK_FALSE(LooksMasked(few, plain, bits));
    // The last bit of each, and the first.
    for (const int bit : {0, bits - 1}) {
      std::vector<std::int64_t> each = sum;
      const auto one = std::int64_t{1} << bit;
      for (std::int64_t& word : each) word = (word & ~one) | (1'000 & one);
      CHECK_FALSE(LooksMasked(each, plain, bits));
    }
  }
}

TEST_CASE("one client fewer than the threshold, and nothing is revealed") {
  CHECK(rc::check([] { RC_ASSERT(RevealsNothing(DrawSession())); }));
}

TEST_CASE("the sum is the plain sum on every kind of sparse graph") {
  for (const Adversary adversary :
       {Adversary::kSemiHonest, Adversary::kSemiMalicious}) {
    Terms terms = SomeTerms(130, 100);
    terms.adversary = adversary;
    terms.dropped_per_mille = 50;
    for (const std::uint32_t clients : {100U, 130U}) {
      INFO(clients);
      CHECK(ChooseGraph(terms.RiskOf(clients))->kind ==
            (adversary == Adversary::kSemiHonest ? GraphKind::kHarary
                                                 : GraphKind::kChosen));
      CHECK(IsPlainSum({terms, clients, Step::kMasking, clients}));
    }
  }
}

}  // namespace
}  // namespace tributary::secagg
