// SPDX-License-Identifier: Apache-2.0
// The whole client in a secure session with four peers, over a link in memory:
// its own state folder, its trainer's thread, and a coordinator that is honest
// or not.
#include <fstream>
#include <functional>
#include <iterator>
#include <list>
#include <string>
#include <vector>

#include "client/core/client_runner.h"
#include "proto/codec/safetensors.h"
#include "tests/client/core/memory_link.h"
#include "tests/client/core/secure_round.h"
#include "tests/client/core/temporary_folder.h"

#include "tests/catch.h"

namespace tributary {
namespace {

using session::Accept;
using session::Grant;
using session::Offer;
using session::Welcome;

constexpr std::size_t kLength = 300;
const Manifest manifest({{"w", {static_cast<std::int64_t>(kLength)}, true}});
constexpr char kName[] = "pump-17";

class QuarterTrainer final : public Trainer {
 public:
  absl::StatusOr<TrainResult> Train(const TrainTask&, const Model&,
                                    std::span<float> delta,
                                    const TaskContext&) override {
    ++trained;
    for (float& value : delta) value = 0.25F;
    return TrainResult{.examples = 3, .loss = 0.5};
  }
  int trained = 0;
};

class SecureClientFixture {
 public:
  SecureClientFixture() {
    const auto path = folder_.path() / "first";
    REQUIRE(codec::WriteSafetensors(path, manifest, {},
                                    std::vector<float>(kLength, 0.5F))
                .ok());
    std::ifstream in(path, std::ios::binary);
    file_.assign(std::istreambuf_iterator<char>(in), {});
    options_.coordinator = "localhost:1";
    options_.population = "pumps";
    options_.insecure = true;
    options_.name = kName;
    options_.credentials = {"ca.pem", "pump.pem", "pump.key"};
    options_.state_folder = folder_.path() / "state";
    options_.backoff_min = std::chrono::milliseconds(1);
    options_.backoff_max = std::chrono::milliseconds(2);
    options_.max_updates = 1;
    options_.secure_aggregation.min_cohort = 5;
    options_.secure_aggregation.min_survivors = 4;
    options_.on_progress = [this](const ClientProgress& progress) {
      if (progress.stage == ClientProgress::Stage::kRefused) {
        refused_.push_back(progress.detail);
        client_->Stop();
      }
    };
    task_ = SecureTaskOf(kLength + 2, 5);
    task_.set_model(std::string(Sha256(file_).AsBytes()));
    task_.mutable_secure()->set_min_cohort(5);
    task_.mutable_secure()->set_min_survivors(4);
  }

  // Until it stops: it is offered the task, and the round's steps are closed as
  // soon as it has answered, all peers being as quick.
  void Run() {
    round_.emplace(task_);
    for (int i = 0; i < 4; ++i) {
      SecurePeer& peer = peers_.emplace_back("peer-" + std::to_string(i));
      peer.Begin(task_);
      peer.words.assign(kLength + 2, i);
      REQUIRE(round_->Take(peer.name, peer.task->advertisement()) ==
              secagg::Refusal::kNone);
    }
    auto link = std::make_unique<MemoryLink>(
        [this](MemoryLink& wire, const v1::ClientMessage& message) {
          Hear(wire, message);
        },
        file_);
    link->uploaded = [this](MemoryLink& wire) {
      round_->Add({wire.uploads.back().data(), wire.uploads.back().size()});
      wire.Say(Accept(task_));
      CloseStep(wire);
    };
    auto client = MakeClient(
        options_, trainer_, std::move(link),
        std::make_unique<KeyedStream>(Key{}, "jitter"), [] {
          return SecureIdentity{std::make_unique<secagg::TestSigner>(kName),
                                std::make_unique<secagg::TestAuthority>()};
        });
    REQUIRE(client.ok());
    client_ = *std::move(client);
    status_ = client_->Run();
    client_.reset();
  }

  // Said to the client instead of the round's message, if it is set.
  std::function<void(v1::SecureServerMessage&)> change_;
  // Whether the stream breaks before the client's answer of this kind arrives.
  v1::SecureClientMessage::KindCase lost_ =
      v1::SecureClientMessage::KIND_NOT_SET;

 private:
  void Hear(MemoryLink& wire, const v1::ClientMessage& message) {
    if (message.has_hello()) wire.Say(Welcome());
    if (message.has_check_in()) {
      wire.Say(Offer(task_));
      if (step_ > 0) SayStep(wire);
    }
    if (message.has_update_ready()) {
      const bool is_there = !wire.uploads.empty();
      wire.Say(is_there ? Accept(task_) : Grant(task_, 0));
    }
    // A message of the session that crosses it is answered as well.
    if (message.has_task_failed() && failed_.empty()) {
      failed_ = message.task_failed().message();
    }
    if (!message.has_secure()) return;
    if (message.secure().kind_case() == lost_) {
      lost_ = v1::SecureClientMessage::KIND_NOT_SET;
      return wire.HangUp();
    }
    CHECK(round_->Take(kName, message.secure()) == secagg::Refusal::kNone);
    answers_.push_back(message.secure());
    // The input's step is over once its bytes are there.
    if (!message.secure().has_masked_input() &&
        !message.secure().has_unmasking()) {
      CloseStep(wire);
    }
  }
  void CloseStep(MemoryLink& wire) {
    if (step_ > 0) {
      for (SecurePeer& peer : peers_) peer.Answer(*round_);
    }
    round_->Close();
    ++step_;
    SayStep(wire);
  }
  void SayStep(MemoryLink& wire) {
    for (auto& said : round_->MessagesFor(kName)) {
      v1::ServerMessage message;
      if (change_) change_(said);
      *message.mutable_secure() = said;
      wire.Say(std::move(message));
    }
  }

 protected:
  TemporaryFolder folder_;
  std::string file_;
  v1::Task task_;
  ClientOptions options_;
  QuarterTrainer trainer_;
  std::optional<SecureRound> round_;
  std::list<SecurePeer> peers_;
  std::unique_ptr<Client> client_;
  int step_ = 0;
  std::vector<v1::SecureClientMessage> answers_;
  std::vector<std::string> refused_;
  std::string failed_;
  absl::Status status_;
};

TEST_CASE_METHOD(
    SecureClientFixture,
    "a client trains, masks, and takes the masks off with others") {
  SECTION("on a stream that holds") {}
  SECTION("on one that breaks before its shares arrive") {
    lost_ = v1::SecureClientMessage::kKeyShares;
  }
  SECTION("on one that breaks before its agreement arrives") {
    lost_ = v1::SecureClientMessage::kAgreement;
  }
  SECTION("on one that breaks before its last answer arrives") {
    lost_ = v1::SecureClientMessage::kUnmasking;
  }
  Run();
  CHECK(status_.ok());
  CHECK(refused_.empty());
  REQUIRE(answers_.size() == 6);
  for (SecurePeer& peer : peers_) peer.Answer(*round_);
  const std::vector<std::int64_t> sum = round_->Sum();
  // 0.25 of the grid's 2^15 for each of 3 examples; peers add 0, 1, 2, 3.
  for (std::size_t i = 0; i < kLength; ++i) {
    REQUIRE(sum[i] == 3 * (1 << 13) + 6);
  }
  CHECK(sum[kLength] == 3 + 6);
  CHECK(sum[kLength + 1] == 3 * 128 + 6);
  CHECK(std::filesystem::file_size(folder_.path() / "state" / "answered") ==
        32);
}

TEST_CASE_METHOD(SecureClientFixture,
                 "a session that its folder has answered is not answered") {
  // A machine set back to before its answer, or its copy.
  change_ = [this](v1::SecureServerMessage& message) {
    if (!message.has_agreements()) return;
    std::ofstream(folder_.path() / "state" / "answered", std::ios::binary)
        << round_->server().session().AsBytes();
  };
  Run();
  const std::string why =
      "secure aggregation: this client has answered the secure session before";
  CHECK(refused_ == std::vector<std::string>{why});
  CHECK(failed_ == why);
  CHECK(answers_.back().has_agreement());
}

TEST_CASE_METHOD(SecureClientFixture,
                 "a coordinator that breaks the protocol learns nothing more") {
  SECTION("a roster of other clients") {
    change_ = [](v1::SecureServerMessage& message) {
      if (message.has_roster()) {
        message.mutable_roster()->set_root(std::string(32, 'x'));
      }
    };
    Run();
    CHECK(failed_ ==
          "secure aggregation: this client's advertisement is not in the tree");
    CHECK(answers_.size() == 1);
  }
  SECTION("too few survivors") {
    change_ = [](v1::SecureServerMessage& message) {
      if (message.has_survivors()) {
        message.mutable_survivors()->set_survivors(std::string(1, '\x13'));
      }
    };
    Run();
    CHECK(failed_.find("secure aggregation: ") == 0);
    CHECK(answers_.back().has_masked_input());
  }
  SECTION("nobody's agreement") {
    change_ = [](v1::SecureServerMessage& message) {
      if (message.has_agreements()) {
        message.mutable_agreements()->clear_agreements();
      }
    };
    Run();
    CHECK(failed_.find("secure aggregation: only 0 holders of this client "
                       "agree") == 0);
    CHECK(answers_.back().has_agreement());
    CHECK_FALSE(std::filesystem::exists(folder_.path() / "state" / "answered"));
  }
  CHECK(refused_ == std::vector<std::string>{failed_});
}

TEST_CASE_METHOD(
    SecureClientFixture,
    "a coordinator does not learn by a failure how large a word is") {
  // The sum's room for one client is the coordinator's to choose. Were an
  // update tried against it, one bit of a word would be told in each round.
  std::string why;
  SECTION("by a cohort for which the modulus is too narrow") {
    task_.mutable_secure()->set_max_cohort(100'000);
    why =
        "secure.max_cohort: a sum of 100000 words of 32 bits takes words up to "
        "21474, those of an update may be 327680";
  }
  SECTION("by a modulus that the updates do not have") {
    task_.mutable_secure()->set_word_bits(20);
    why = "secure.word_bits: 20, where integers.word_bits is 32";
  }
  SECTION("by another number of words") {
    task_.mutable_secure()->set_length(kLength);
    why = "secure.length: 300 words, where updates of this model have 302";
  }
  Run();
  CHECK(trainer_.trained == 0);
  CHECK(refused_ == std::vector<std::string>{why});
  CHECK(failed_ == "the task failed on the client, whose log says why");
}

TEST_CASE_METHOD(SecureClientFixture,
                 "a floor that is not met is told with both values") {
  options_.secure_aggregation.min_cohort = 50;
  Run();
  const std::string why =
      "secure aggregation: the session offers min_cohort 5, this client "
      "demands at least 50 "
      "(ClientOptions::secure_aggregation.min_cohort, --min-cohort)";
  CHECK(refused_ == std::vector<std::string>{why});
  CHECK(failed_ == why);
  CHECK(answers_.empty());
}

}  // namespace
}  // namespace tributary
