// SPDX-License-Identifier: Apache-2.0
// Whole secure sessions in messages of the wire, and what a hostile coordinator
// tries in them. The protocol's own attacks are in
// tests/privacy/secagg/attack_test.cc.
#include "client/core/secure_task.h"

#include <algorithm>
#include <functional>
#include <list>
#include <set>

#include "client/core/answered_file.h"
#include "privacy/secagg/merkle_tree.h"
#include "tests/client/core/secure_round.h"
#include "tests/client/core/temporary_folder.h"

#include "tests/catch.h"

namespace tributary {
namespace {

constexpr std::uint32_t kWords = 40;

std::string Reason(const absl::Status& status) {
  return std::string(status.message());
}

// Five clients and a coordinator.
class SecureTaskFixture {
 public:
  SecureTaskFixture() {
    for (int i = 0; i < 5; ++i) {
      peers_.emplace_back("pump-" + std::to_string(i));
      auto& words = peers_.back().words;
      for (std::uint32_t at = 0; at < kWords; ++at) {
        words.push_back(static_cast<std::int64_t>(at) * (i + 1) - 60);
      }
      peers_.back().Begin(task_);
    }
  }

  void Advertise() {
    for (SecurePeer& peer : peers_) {
      REQUIRE(round_.Take(peer.name, peer.task->advertisement()) ==
              secagg::Refusal::kNone);
    }
    round_.Close();
  }
  // So many of the steps that are answers: opening, shares, input, agreement,
  // unmasking. After each but the last its step is closed.
  void Answer(int steps) {
    for (int step = 1; step <= steps; ++step) {
      for (SecurePeer& peer : peers_) peer.Answer(round_);
      if (step < 5) round_.Close();
    }
  }
  SecurePeer& first() { return peers_.front(); }
  absl::Status Says(const v1::SecureServerMessage& message) {
    return first().task->Receive(message).status();
  }

 protected:
  const v1::Task task_ = SecureTaskOf(kWords, 5);
  SecureRound round_{task_};
  std::list<SecurePeer> peers_;
};

TEST_CASE_METHOD(SecureTaskFixture, "the sum is that of the words") {
  Advertise();
  Answer(5);
  std::vector<std::int64_t> expected(kWords);
  for (const SecurePeer& peer : peers_) {
    for (std::uint32_t i = 0; i < kWords; ++i) expected[i] += peer.words[i];
    CHECK(peer.answered.answered.size() == 1);
  }
  CHECK(round_.Sum() == expected);
}

TEST_CASE_METHOD(SecureTaskFixture,
                 "what comes again is answered as before, byte for byte") {
  Advertise();
  for (int step = 1; step <= 5; ++step) {
    std::string answer;
    for (int time = 0; time < 3; ++time) {
      for (const auto& message : round_.MessagesFor(first().name)) {
        const auto answered = first().task->Receive(message);
        INFO("step " << step << ", time " << time << ": "
                     << answered.status().ToString());
        REQUIRE(answered.ok());
        REQUIRE(answered->has_value());
        CHECK((*answered)->task_token() == task_.task_token());
        if (time == 0) answer = (*answered)->SerializeAsString();
        CHECK((*answered)->SerializeAsString() == answer);
      }
    }
    for (SecurePeer& peer : peers_) peer.Answer(round_);
    if (step < 5) round_.Close();
  }
  CHECK(first().answered.answered.size() == 1);
}

TEST_CASE_METHOD(
    SecureTaskFixture,
    "pages cut off by a lost stream are sent again from the first") {
  Advertise();
  Answer(1);
  v1::SecureServerMessage whole = round_.MessagesFor(first().name).front();
  // Pages of two: the last two of the four neighbours come with the end.
  v1::SecureServerMessage start = whole;
  start.mutable_neighbours()->mutable_neighbours()->DeleteSubrange(2, 2);
  start.mutable_neighbours()->set_is_last(false);
  v1::SecureServerMessage end = whole;
  end.mutable_neighbours()->mutable_neighbours()->DeleteSubrange(0, 2);
  CHECK_FALSE(first().task->Receive(start)->has_value());
  CHECK_FALSE(first().task->Receive(start)->has_value());
  const auto answered = first().task->Receive(end);
  REQUIRE(answered.ok());
  REQUIRE(answered->has_value());
  CHECK((*answered)->has_key_shares());
  CHECK((*answered)->key_shares().shares_size() == 4);
  // And once more, all of it.
  CHECK_FALSE(first().task->Receive(start)->has_value());
  const auto again = first().task->Receive(end);
  REQUIRE(again.ok());
  CHECK((*again)->SerializeAsString() == (*answered)->SerializeAsString());
}

TEST_CASE_METHOD(SecureTaskFixture,
                 "a second set of agreements after the answer is refused") {
  Advertise();
  Answer(5);
  v1::SecureServerMessage other = round_.MessagesFor(first().name).front();
  other.mutable_agreements()->mutable_agreements()->RemoveLast();
  CHECK(Reason(Says(other)) == "the session is over");
}

TEST_CASE_METHOD(SecureTaskFixture,
                 "an answer that a folder remembers is not given again") {
  // The client's memory was copied, or its machine set back to before the
  // answer; its twin has answered, in the same folder.
  const TemporaryFolder folder;
  AnsweredFile kept(folder.path() / "answered");
  secagg::TestSigner signer(first().name);
  secagg::TestAuthority authority;
  auto begun =
      SecureTask::Begin(task_, {TestPolicy(), signer, authority, kept});
  REQUIRE(begun.ok());
  first().task = *std::move(begun);
  Advertise();
  Answer(4);
  CHECK(AnsweredFile(folder.path() / "answered")
            .Remember(round_.server().session())
            .ok());
  CHECK(Reason(Says(round_.MessagesFor(first().name).front())) ==
        "this client has answered the secure session before");
}

TEST_CASE_METHOD(
    SecureTaskFixture,
    "a message of another session, or at another time, is refused") {
  std::list<SecurePeer> others;
  SecureRound other(task_);
  for (const SecurePeer& peer : peers_) {
    others.emplace_back(peer.name).Begin(task_);
    REQUIRE(other.Take(peer.name, others.back().task->advertisement()) ==
            secagg::Refusal::kNone);
  }
  other.Close();
  Advertise();

  SECTION("a roster that this client is not in") {
    CHECK(Reason(Says(other.MessagesFor(first().name).front())) ==
          "this client's advertisement is not in the tree");
  }
  SECTION("shares of another session") {
    Answer(2);
    for (int step = 1; step <= 2; ++step) {
      for (SecurePeer& peer : others) peer.Answer(other);
      other.Close();
    }
    // Sealed to other keys, none of them opens.
    const auto answered =
        first().task->Receive(other.MessagesFor(first().name).front());
    REQUIRE(answered.ok());
    CHECK((*answered)->masked_input().unreadable_size() == 4);
  }
  SECTION("survivors before the input") {
    v1::SecureServerMessage early;
    early.mutable_survivors()->set_survivors(std::string(1, '\x1f'));
    Answer(1);
    CHECK(Reason(Says(early)) == "a message at another time than its own");
    CHECK(Reason(Says(round_.MessagesFor(first().name).front())) ==
          "the session is over");
  }
  SECTION("nothing at all") { CHECK(absl::IsInvalidArgument(Says({}))); }
}

TEST_CASE("a task whose terms are below a floor is refused with both values") {
  const v1::Task task = SecureTaskOf(kWords, 5);
  SecurePeer peer("pump-0");
  const auto refusal = [&](const secagg::Policy& policy) {
    return Reason(SecureTask::Begin(task, {policy, peer.signer, peer.authority,
                                           peer.answered})
                      .status());
  };
  CHECK(refusal(TestPolicy()) == "");
  secagg::Policy policy = TestPolicy();
  policy.min_cohort = 20;
  CHECK(refusal(policy) ==
        "the session offers min_cohort 3, this client demands at least 20 "
        "(ClientOptions::secure_aggregation.min_cohort, --min-cohort)");
  policy = TestPolicy();
  policy.min_word_bits = 33;
  CHECK(refusal(policy) ==
        "the session offers word_bits 32, this client demands at least 33 "
        "(ClientOptions::secure_aggregation.min_word_bits, --min-word-bits)");
  policy = TestPolicy();
  policy.min_length = kWords + 1;
  CHECK(refusal(policy) ==
        "the session offers length 40, this client demands at least 41 "
        "(ClientOptions::secure_aggregation.min_length, --min-length)");
}

TEST_CASE("words that are not the session's are not masked") {
  SecureRound round(SecureTaskOf(kWords, 5));
  std::list<SecurePeer> peers;
  for (int i = 0; i < 5; ++i) {
    peers.emplace_back("pump-" + std::to_string(i)).Begin(round.task());
    peers.back().words.resize(kWords);
    REQUIRE(round.Take(peers.back().name, peers.back().task->advertisement()) ==
            secagg::Refusal::kNone);
  }
  SecureTask& task = *peers.front().task;
  CHECK_FALSE(task.Mask(std::vector<std::int64_t>(kWords)).ok());
  round.Close();
  for (int step = 1; step <= 2; ++step) {
    for (SecurePeer& peer : peers) peer.Answer(round);
    round.Close();
  }
  REQUIRE(task.Receive(round.MessagesFor("pump-0").front()).ok());
  CHECK(Reason(task.Mask(std::vector<std::int64_t>(kWords - 1)).status()) ==
        "an input of 39 words, not of 40");
  std::vector<std::int64_t> large(kWords);
  large[7] = std::int64_t{1} << 31;
  CHECK(absl::IsInvalidArgument(task.Mask(large).status()));
  CHECK(task.Mask(std::vector<std::int64_t>(kWords)).ok());
}

// A coordinator that gives the last of five clients another task, and makes the
// tree over all advertisements itself: what the first client says of that.
std::string ReasonAfter(const std::function<void(v1::Task&)>& change) {
  const v1::Task task = SecureTaskOf(kWords, 5);
  std::list<SecurePeer> peers;
  std::vector<secagg::Advertisement> advertisements;
  std::vector<Digest> leaves;
  for (int i = 0; i < 5; ++i) {
    v1::Task given = task;
    if (i == 4) change(given);
    SecurePeer& peer = peers.emplace_back("pump-" + std::to_string(i));
    peer.Begin(given);
    advertisements.push_back(
        codec::ToAdvertisement(peer.task->advertisement().advertisement())
            .value());
    leaves.push_back(secagg::LeafOf(advertisements.back()));
  }
  const secagg::MerkleTree tree(leaves);
  std::vector<secagg::Neighbour> neighbours;
  secagg::Index index = 0;
  for (SecurePeer& peer : peers) {
    v1::SecureServerMessage message;
    *message.mutable_roster() = codec::ToMessage(
        secagg::Roster{tree.root(), 5, index, tree.ProofOf(index)});
    const auto opened = peer.task->Receive(message);
    REQUIRE(opened.ok());
    if (index != 0) {
      neighbours.push_back(
          {index, advertisements[index], tree.ProofOf(index),
           codec::ToOpening((*opened)->opening()).value().choice});
    }
    ++index;
  }
  v1::SecureServerMessage message;
  *message.mutable_neighbours() = codec::ToPages(neighbours).front();
  return Reason(peers.front().task->Receive(message).status());
}

TEST_CASE("a client that is given another model or plan is found out") {
  CHECK(ReasonAfter([](v1::Task&) {}) == "");
  const std::vector<std::function<void(v1::Task&)>> changes = {
      [](v1::Task& task) { task.set_model(std::string(32, 'x')); },
      [](v1::Task& task) { task.mutable_training()->set_epochs(100); },
      [](v1::Task& task) { task.mutable_update()->set_max_abs(2); },
      [](v1::Task& task) { task.mutable_integers()->set_noise_variance(1); },
      [](v1::Task& task) { task.set_archive(std::string(32, 'x')); },
      [](v1::Task& task) { task.set_run("another"); },
      [](v1::Task& task) { task.set_round(9); },
      [](v1::Task& task) { task.set_attempt(2); },
      [](v1::Task& task) { task.mutable_secure()->set_max_cohort(6); }};
  for (const auto& change : changes) {
    CHECK(ReasonAfter(change) ==
          "neighbour 4: its advertisement is not signed by it for these terms");
  }
  // What differs between clients is not part of it.
  CHECK(ReasonAfter([](v1::Task& task) {
          task.set_task_token(std::string(16, 'z'));
          task.set_seed(std::string(32, 'z'));
        }) == "");
}

}  // namespace
}  // namespace tributary
