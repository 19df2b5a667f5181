// SPDX-License-Identifier: Apache-2.0
// A session by names and wire messages, with the real client half on the other
// side.
#include "coordinator/secure/secure_session.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "privacy/secagg/server/masked_sum.h"
#include "proto/codec/integers.h"
#include "proto/codec/secagg.h"
#include "tests/coordinator/secure/secure_client.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using round::ClientId;
using round::Refusal;
using round::SecureStep;
using testing::SecureClient;

constexpr std::uint32_t kClients = 12;
constexpr std::uint32_t kLength = 40;

std::string NameOf(int client) {
  return "client-" + std::to_string(100 + client);
}

// Everybody answers each step but those who have vanished by then.
class Session {
 public:
  explicit Session(std::uint32_t clients = kClients,
                   std::uint32_t min_survivors = 4)
      : terms(secagg::SomeTerms(clients, kLength)) {
    terms.min_survivors = min_survivors;
    terms.min_cohort = min_survivors + 1;
    v1::Task task;
    task.set_run(terms.run);
    task.set_round(terms.round);
    task.set_attempt(terms.attempt);
    task.set_model(std::string(terms.model.AsBytes()));
    task.set_task_token(std::string(16, 't'));
    *task.mutable_secure() = codec::ToMessage(terms);
    terms = codec::TermsOf(task).value();
    auto made = SecureSession::Make(terms, authority);
    REQUIRE(made.ok());
    session = *std::move(made);
    for (std::uint32_t i = 0; i < clients; ++i) {
      const std::string name = NameOf(static_cast<int>(i));
      clients_[{name}] = std::make_unique<SecureClient>(name, task);
      for (std::uint32_t word = 0; word < kLength; ++word) {
        inputs[{name}].push_back(static_cast<std::int64_t>(i * 1000 + word) -
                                 5'000);
      }
    }
    sum.emplace(kLength, terms.word_bits);
  }

  SecureClient& client(int number) { return *clients_.at({NameOf(number)}); }
  SecureSession::Answer Receive(int number,
                                const v1::SecureClientMessage& message) {
    return session->Receive({NameOf(number)}, message);
  }

  // All messages of the present step, answered by who is still there.
  void Answer(const std::set<int>& vanished = {}) {
    for (const int number : vanished) gone.insert({NameOf(number)});
    for (auto& [id, client] : clients_) {
      if (gone.contains(id)) continue;
      if (session->step() == SecureStep::kAdvertising) {
        CHECK(session->Receive(id, client->advertisement()).refusal ==
              Refusal::kNone);
        continue;
      }
      for (const auto& message : session->MessagesFor(id)) {
        const auto answer = client->Receive(message);
        if (!answer) continue;
        last[id] = *answer;
        const SecureSession::Answer taken = session->Receive(id, *answer);
        INFO(taken.detail);
        CHECK(taken.refusal == Refusal::kNone);
        if (!taken.is_enough) ++answers_before_enough;
      }
      if (session->step() != SecureStep::kMasking) continue;
      REQUIRE(session->ExpectsInput(id));
      sum->Add(0, kLength, client->Mask(inputs.at(id)));
      REQUIRE(session->AcceptInput(id));
    }
  }
  std::size_t Close() {
    auto outcome = session->Close();
    REQUIRE(std::holds_alternative<SecureSession::Closed>(outcome));
    return std::get<SecureSession::Closed>(outcome).remaining.size();
  }
  SecureSession::Abandoned Abandon() {
    auto outcome = session->Close();
    REQUIRE(std::holds_alternative<SecureSession::Abandoned>(outcome));
    return std::get<SecureSession::Abandoned>(outcome);
  }
  // Up to the beginning of a step.
  void RunTo(SecureStep step) {
    while (session->step() < step) {
      Answer();
      Close();
    }
  }
  // The sum without its masks.
  std::vector<std::int64_t> Unmasked() {
    const secagg::Recovery recovery = session->TakeRecovery();
    sum->Apply(terms.cipher, recovery.AllMasks(), 0, kLength);
    std::vector<std::int64_t> words;
    for (std::size_t i = 0; i < kLength; ++i) words.push_back(sum->At(i));
    return words;
  }
  std::vector<std::int64_t> PlainSum(const std::set<int>& without) const {
    std::vector<std::int64_t> plain(kLength);
    for (const auto& [id, input] : inputs) {
      bool is_out = false;
      for (const int number : without) is_out |= id.name == NameOf(number);
      for (std::size_t i = 0; i < kLength && !is_out; ++i) plain[i] += input[i];
    }
    return plain;
  }

  secagg::Terms terms;
  secagg::TestAuthority authority;
  std::optional<SecureSession> session;
  std::map<ClientId, std::vector<std::int64_t>> inputs;
  std::map<ClientId, v1::SecureClientMessage> last;
  std::set<ClientId> gone;
  int answers_before_enough = 0;  // in all steps
  std::optional<secagg::MaskedSum> sum;

 private:
  std::map<ClientId, std::unique_ptr<SecureClient>> clients_;
};

TEST_CASE("a session gives the plain sum of those whose inputs came") {
  // Who is gone before which step; the first three are not in the sum.
  const std::vector<std::set<int>> vanished =
      GENERATE(std::vector<std::set<int>>{{}, {}, {}, {}, {}, {}},
               std::vector<std::set<int>>{{0}, {}, {1}, {}, {}, {}},
               std::vector<std::set<int>>{{}, {}, {}, {2, 7}, {}, {}},
               std::vector<std::set<int>>{{}, {}, {}, {}, {3}, {4}});
  Session session;
  std::size_t left = kClients;
  std::set<int> missing;
  for (std::size_t step = 0; step < vanished.size(); ++step) {
    CHECK(session.session->step() == static_cast<SecureStep>(step));
    session.Answer(vanished[step]);
    left -= vanished[step].size();
    CHECK(session.Close() == left);
    if (step <= static_cast<std::size_t>(SecureStep::kMasking)) {
      missing.insert(vanished[step].begin(), vanished[step].end());
    }
  }
  CHECK(session.session->IsOver());
  CHECK(session.Unmasked() == session.PlainSum(missing));
}

TEST_CASE(
    "where each client has a part of the cohort as holders, it does too") {
  // Too many for a complete graph.
  constexpr int kMany = 130;
  Session session(kMany, 60);
  session.RunTo(SecureStep::kSharing);
  const auto pages = session.session->MessagesFor({NameOf(0)});
  REQUIRE(pages.size() == 1);
  CHECK(pages[0].neighbours().neighbours_size() < kMany - 1);
  session.RunTo(SecureStep::kMasking);
  session.Answer({3, 50, 90, 129});
  CHECK(session.Close() == kMany - 4);
  session.Answer({7});
  CHECK(session.Close() == kMany - 5);
  session.Answer({8});
  CHECK(session.Close() == kMany - 6);
  CHECK(session.Unmasked() == session.PlainSum({3, 50, 90, 129}));
}

TEST_CASE("below a minimum the session is abandoned, with its count and why") {
  const int step = GENERATE(0, 1, 2, 3, 4, 5);
  Session session;
  session.RunTo(static_cast<SecureStep>(step));
  session.Answer({0, 1, 2, 3, 4, 5, 6, 7, 8});
  const SecureSession::Abandoned abandoned = session.Abandon();
  CHECK(abandoned.count == 3);
  const std::string name(round::Name(static_cast<SecureStep>(step)));
  CHECK(abandoned.reason.starts_with(name + ": "));
  CHECK(abandoned.reason.find("needed") != std::string::npos);
  CHECK(session.session->IsOver());
  CHECK(session.session->MessagesFor({NameOf(11)}).empty());
}

TEST_CASE("a session has enough answers as soon as its sum would come out") {
  const auto step = GENERATE(SecureStep::kAgreeing, SecureStep::kUnmasking);
  const auto run_with = [&](Session& session, int answering) {
    session.RunTo(step);
    session.answers_before_enough = 0;
    std::set<int> vanished;
    for (int i = answering; i < static_cast<int>(kClients); ++i) {
      vanished.insert(i);
    }
    session.Answer(vanished);
    return session.answers_before_enough;
  };
  Session all;
  const int before = run_with(all, kClients);
  REQUIRE(before > 1);
  REQUIRE(before < static_cast<int>(kClients) - 1);

  Session enough;
  CHECK(run_with(enough, before + 1) == before);
  enough.Close();
  while (!enough.session->IsOver()) {
    enough.Answer();
    enough.Close();
  }
  CHECK(enough.Unmasked() == enough.PlainSum({}));

  Session too_few;
  CHECK(run_with(too_few, before) == before);
  too_few.Abandon();
}

TEST_CASE("up to the masked inputs no answer is enough for the others") {
  Session session;
  session.RunTo(SecureStep::kMasking);
  session.Answer();
  // An advertisement is not counted here.
  CHECK(session.answers_before_enough == 3 * static_cast<int>(kClients));
}

TEST_CASE("another client's advertisement is refused by its name") {
  Session session;
  const SecureSession::Answer answer =
      session.Receive(0, session.client(1).advertisement());
  CHECK(answer.refusal == Refusal::kBadProtocol);
  CHECK(answer.detail == "wrong name");
}

TEST_CASE("what breaks the protocol is refused, and the right message taken") {
  Session session;
  session.RunTo(SecureStep::kOpening);
  const auto messages = session.session->MessagesFor({NameOf(0)});
  REQUIRE(messages.size() == 1);
  const v1::SecureClientMessage opening =
      session.client(0).Receive(messages[0]).value();

  v1::SecureClientMessage wrong = opening;
  std::string detail;
  SECTION("nothing") {
    wrong.Clear();
    detail = "an empty message";
  }
  SECTION("another step's") {
    wrong.mutable_agreement()->set_signature("signed");
    detail = "agreeing has not begun";
  }
  SECTION("another choice") {
    wrong.mutable_opening()->mutable_choice()->front() ^= 1;
    detail = "wrong choice";
  }
  SECTION("a choice of 31 bytes") {
    wrong.mutable_opening()->mutable_choice()->pop_back();
    detail = "choice";
  }
  const SecureSession::Answer answer = session.Receive(0, wrong);
  CHECK(answer.refusal == Refusal::kBadProtocol);
  CHECK(answer.detail.find(detail) != std::string::npos);
  CHECK(session.Receive(0, opening).refusal == Refusal::kNone);
}

TEST_CASE("an answer that comes again is a duplicate, in its step and after") {
  const int step = GENERATE(1, 2, 4, 5);
  Session session;
  session.RunTo(static_cast<SecureStep>(step));
  session.Answer({5});
  const auto again = session.last.at({NameOf(3)});
  CHECK(session.Receive(3, again).refusal == Refusal::kDuplicate);
  session.Close();
  CHECK(session.Receive(3, again).refusal == Refusal::kDuplicate);
  // Whoever missed the step is told that it is late.
  CHECK(session.Receive(5, again).refusal == Refusal::kTooLate);
}

TEST_CASE("a client that has left the session is not heard in later steps") {
  Session session;
  session.RunTo(SecureStep::kOpening);
  session.Answer({4});
  session.Close();
  CHECK(session.session->MessagesFor({NameOf(4)}).empty());
  v1::SecureClientMessage shares;
  shares.mutable_key_shares();
  CHECK(session.Receive(4, shares).refusal == Refusal::kTooLate);
  CHECK(session.session->Receive({"stranger"}, shares).refusal ==
        Refusal::kTooLate);
}

TEST_CASE("who comes back gets what it has to answer now, once more") {
  Session session;
  session.RunTo(SecureStep::kSharing);
  const auto first = session.session->MessagesFor({NameOf(2)});
  const auto again = session.session->MessagesFor({NameOf(2)});
  REQUIRE(first.size() == again.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(first[i].SerializeAsString() == again[i].SerializeAsString());
  }
}

TEST_CASE("an input counts once, and only after its message") {
  Session session;
  session.RunTo(SecureStep::kMasking);
  const ClientId id{NameOf(6)};
  CHECK_FALSE(session.session->ExpectsInput(id));
  CHECK_FALSE(session.session->AcceptInput(id));
  const auto shares = session.session->MessagesFor(id);
  const auto input = session.client(6).Receive(shares.at(0)).value();

  v1::SecureClientMessage wrong = input;
  // Nobody holds shares of its own.
  const std::uint32_t own = 6;
  wrong.mutable_masked_input()->add_unreadable(own);
  CHECK(session.Receive(6, wrong).detail == "wrong owners");

  CHECK(session.Receive(6, input).refusal == Refusal::kNone);
  CHECK(session.Receive(6, input).refusal == Refusal::kDuplicate);
  CHECK(session.session->ExpectsInput(id));
  CHECK(session.session->AcceptInput(id));
  CHECK_FALSE(session.session->ExpectsInput(id));
  CHECK_FALSE(session.session->AcceptInput(id));
}

TEST_CASE("who is to blame for shares that open nothing is named") {
  Session session(kClients, 3);
  session.RunTo(SecureStep::kSharing);
  const ClientId liar{NameOf(1)};
  for (const auto& message : session.session->MessagesFor(liar)) {
    auto answer = session.client(1).Receive(message);
    if (!answer) continue;
    for (auto& shares : *answer->mutable_key_shares()->mutable_shares()) {
      shares.mutable_sealed()->front() ^= 1;
    }
    CHECK(session.Receive(1, *answer).refusal == Refusal::kNone);
  }
  session.Answer({1});
  session.Close();
  session.gone.clear();
  session.Answer({1});
  const SecureSession::Abandoned abandoned = session.Abandon();
  CHECK(abandoned.reason.find("to blame: " + liar.name) != std::string::npos);
}

}  // namespace
}  // namespace tributary::coordinator
