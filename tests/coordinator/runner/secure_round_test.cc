// SPDX-License-Identifier: Apache-2.0
// Rounds under secure aggregation, with the real client half: what is released
// is the plain sum, or nothing.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "coordinator/store/store.h"
#include "tests/coordinator/runner/secure_federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

using round::SecureStep;

std::set<std::string> AllBut(const std::set<std::string>& without) {
  std::set<std::string> rest;
  for (const std::string& client : ClientNames(8)) {
    if (!without.contains(client)) rest.insert(client);
  }
  return rest;
}

double Abandoned(SecureFederation& federation, const std::string& reason) {
  return federation.federation().MetricOf(
      "tributary_secure_sessions_abandoned_total",
      {{"run", federation.run()}, {"reason", reason}});
}

TEST_CASE("rounds of masked updates release the plain sum, bit for bit") {
  PlanChoice choice = SecureChoice();
  choice.rounds = 2;
  SecureFederation federation(choice);
  federation.Drive();
  const v1::RunDetail shown = federation.federation().Show(federation.run());
  CHECK(shown.summary().state() == v1::FINISHED);
  CHECK(federation.federation().ModelBytes(federation.run(), 2) ==
        federation.OracleModel({AllBut({}), AllBut({})}));
  REQUIRE(shown.rounds_size() == 2);
  CHECK(shown.rounds(1).accepted() == 8);
  // The clients' own numbers are in the record together alone.
  CHECK(shown.rounds(1).total_weight() > 8);
  CHECK(shown.rounds(1).train_loss() > 0);
  CHECK(federation.federation().MetricOf("tributary_secure_sessions_total",
                                         {{"run", federation.run()}}) == 2);
}

TEST_CASE("who vanishes at any step is out of the sum, or in it, as it was") {
  struct Case {
    SecureStep step;
    bool is_in_the_sum;
  };
  const auto [step, is_in_the_sum] = GENERATE(
      Case{SecureStep::kAdvertising, false}, Case{SecureStep::kOpening, false},
      Case{SecureStep::kSharing, false}, Case{SecureStep::kMasking, false},
      Case{SecureStep::kAgreeing, true}, Case{SecureStep::kUnmasking, true});
  SecureFederation federation;
  federation.Vanish("client-2", step);
  federation.Drive();
  INFO(round::Name(step));
  CHECK(federation.federation().Show(federation.run()).summary().state() ==
        v1::FINISHED);
  CHECK(federation.federation().ModelBytes(federation.run(), 1) ==
        federation.OracleModel(
            {is_in_the_sum ? AllBut({}) : AllBut({"client-2"})}));
  CHECK(federation.federation().MetricOf(
            "tributary_secure_dropouts_total",
            {{"run", federation.run()},
             {"step", std::string(round::Name(step))}}) == 1);
}

TEST_CASE("with too few left nothing is released, and a new attempt is") {
  const auto step =
      GENERATE(SecureStep::kOpening, SecureStep::kSharing, SecureStep::kMasking,
               SecureStep::kAgreeing, SecureStep::kUnmasking);
  INFO(round::Name(step));
  SecureFederation federation;
  for (const char* client : {"client-0", "client-1", "client-2", "client-3"}) {
    federation.Vanish(client, step);
  }
  const auto abandoned = [&] {
    return federation.federation().MetricOf("tributary_rounds_abandoned_total",
                                            {{"run", federation.run()}}) == 1;
  };
  federation.Drive([&](int) { return abandoned(); });
  CHECK(federation.federation()
            .Show(federation.run())
            .summary()
            .released_rounds() == 0);
  // Fresh keys for the second attempt.
  federation.ComeBack();
  federation.Drive();
  CHECK(federation.federation().Show(federation.run()).summary().state() ==
        v1::FINISHED);
  CHECK(federation.federation().ModelBytes(federation.run(), 1) ==
        federation.OracleModel({AllBut({})}));
  std::map<std::string, std::string> task_of;  // by key
  std::set<std::string> tasks;
  for (const auto& message : federation.said) {
    if (!message.has_advertisement()) continue;
    tasks.insert(message.task_token());
    const auto [key, is_new] = task_of.emplace(
        message.advertisement().mask_key(), message.task_token());
    CHECK(key->second == message.task_token());
  }
  CHECK(tasks.size() > 8);
  CHECK(task_of.size() == tasks.size());
}

// A client that lies is refused with the reason, and the others' sum comes out.
void CheckRefused(SecureFederation& federation, v1::Refusal reason,
                  const std::string& detail) {
  federation.Drive();
  REQUIRE(federation.verdicts.contains("client-4"));
  const v1::Verdict& verdict = federation.verdicts.at("client-4");
  CHECK_FALSE(verdict.accepted());
  CHECK(verdict.reason() == reason);
  CHECK(verdict.detail().find(detail) != std::string::npos);
  CHECK(federation.federation().Show(federation.run()).summary().state() ==
        v1::FINISHED);
  CHECK(federation.federation().ModelBytes(federation.run(), 1) ==
        federation.OracleModel({AllBut({"client-4"})}));
}

TEST_CASE("what breaks the protocol is refused by its name") {
  SecureFederation federation;
  std::string detail;
  SECTION("an advertisement of another") {
    detail = "wrong name";
    federation.tamper = [&](const std::string& client,
                            v1::ClientMessage& message) {
      if (client == "client-4" && message.secure().has_advertisement()) {
        message.mutable_secure()->mutable_advertisement()->set_credential(
            "enrolled:client-5");
      }
      return false;
    };
  }
  SECTION("a signature of other terms") {
    detail = "bad signature";
    federation.tamper = [&](const std::string& client,
                            v1::ClientMessage& message) {
      if (client == "client-4" && message.secure().has_advertisement()) {
        message.mutable_secure()->mutable_advertisement()->set_signature("no");
      }
      return false;
    };
  }
  SECTION("a choice that it did not commit to") {
    detail = "wrong choice";
    federation.tamper = [&](const std::string& client,
                            v1::ClientMessage& message) {
      if (client == "client-4" && message.secure().has_opening()) {
        message.mutable_secure()
            ->mutable_opening()
            ->mutable_choice()
            ->front() ^= 1;
      }
      return false;
    };
  }
  SECTION("an update without its message") {
    detail = "before the masked input's message";
    federation.tamper = [&](const std::string& client,
                            v1::ClientMessage& message) {
      return client == "client-4" && message.secure().has_masked_input();
    };
  }
  CheckRefused(federation, v1::BAD_PROTOCOL, detail);
}

TEST_CASE("an update that is not what was agreed is refused by its name") {
  SecureFederation federation;
  v1::Refusal reason = v1::WRONG_SIZE;
  std::string detail;
  const auto with_header = [&](auto change) {
    federation.tamper = [change](const std::string& client,
                                 v1::ClientMessage& message) {
      if (client == "client-4" && message.has_update_ready()) {
        change(*message.mutable_update_ready()->mutable_header());
      }
      return false;
    };
  };
  SECTION("a byte more announced") {
    detail = "bytes announced";
    with_header(
        [](v1::UpdateHeader& header) { header.set_size(header.size() + 1); });
  }
  SECTION("floats") {
    reason = v1::BAD_ENCODING;
    detail = "packed";
    with_header([](v1::UpdateHeader& header) {
      header.set_encoding(v1::UpdatePlan::FLOAT32);
    });
  }
  SECTION("its own number of examples") {
    reason = v1::BAD_MESSAGE;
    detail = "";
    with_header([](v1::UpdateHeader& header) { header.set_weight(2); });
  }
  CheckRefused(federation, reason, detail);
}

TEST_CASE("a second input is refused, and the first one counts") {
  SecureFederation federation;
  bool is_repeated = false;
  federation.tamper = [&](const std::string& client,
                          v1::ClientMessage& message) {
    // Its receipt, made into another update.
    if (client == "client-4" && message.has_update_ready() &&
        federation.verdicts.contains(client) && !is_repeated) {
      is_repeated = true;
      v1::ClientMessage other = message;
      other.mutable_update_ready()->mutable_header()->set_base_model(
          std::string(32, 'x'));
      federation.federation().Say(client, other);
    }
    return false;
  };
  federation.Drive();
  CHECK(is_repeated);
  CHECK(federation.federation().MetricOf("tributary_refusals_total",
                                         {{"reason", "duplicate"}}) == 1);
  CHECK(federation.federation().ModelBytes(federation.run(), 1) ==
        federation.OracleModel({AllBut({})}));
}

TEST_CASE(
    "words that no sum can have end the attempt, and nothing is released") {
  SecureFederation federation;
  bool is_garbled = false;
  federation.garble = [&](const std::string& client, std::string& bytes) {
    if (client == "client-4" && !std::exchange(is_garbled, true)) {
      bytes.assign(bytes.size(), '\x5a');
    }
  };
  federation.Drive();
  CHECK(is_garbled);
  CHECK(Abandoned(federation, "impossible_sum") == 1);
  const v1::RunDetail shown = federation.federation().Show(federation.run());
  REQUIRE(shown.rounds_size() == 1);
  CHECK(shown.rounds(0).attempts() == 2);
  CHECK(federation.federation().ModelBytes(federation.run(), 1) ==
        federation.OracleModel({AllBut({})}));
}

TEST_CASE("a lost stream costs a client nothing, in any step") {
  const int point = GENERATE(10, 20, 30, 40, 60, 80);
  SecureFederation federation;
  federation.Drive([&](int number) {
    if (number == point && !federation.IsOver()) {
      for (const char* client : {"client-1", "client-6"}) {
        federation.federation().Leave(client);
        federation.federation().Join(client);
        federation.federation().CheckIn(client);
      }
    }
    return federation.IsOver();
  });
  CHECK(federation.federation().ModelBytes(federation.run(), 1) ==
        federation.OracleModel({AllBut({})}));
}

// Every file's bytes, the database's log among them.
std::string BytesOf(const std::filesystem::path& folder) {
  std::string all;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    all.append(std::istreambuf_iterator<char>(file), {});
  }
  return all;
}

TEST_CASE("no share, sealed or revealed, is ever on the disk") {
  SecureFederation federation;
  federation.Vanish("client-7", SecureStep::kMasking);
  std::string disk;
  federation.Drive([&](int number) {
    if (number % 10 == 0) disk += BytesOf(federation.federation().folder());
    return federation.IsOver();
  });
  disk += BytesOf(federation.federation().folder());
  int secrets = 0;
  for (const v1::SecureClientMessage& message : federation.said) {
    for (const auto& share : message.unmasking().shares()) {
      ++secrets;
      CHECK(disk.find(share.share()) == std::string::npos);
    }
    for (const auto& share : message.key_shares().shares()) {
      ++secrets;
      CHECK(disk.find(share.sealed()) == std::string::npos);
    }
  }
  CHECK(secrets > 8 * 7);
  // What is known to be there is found.
  CHECK(disk.find(federation.run()) != std::string::npos);
}

TEST_CASE("a coordinator that restarts begins a new session with fresh keys") {
  const int point = GENERATE(4, 12, 22, 32, 44, 58, 66, 74);
  SecureFederation federation;
  std::string phase;
  federation.Drive([&](int number) {
    if (number == point && phase.empty()) {
      phase = federation.federation().Show(federation.run()).phase();
      federation.Restart();
    }
    return federation.IsOver();
  });
  INFO("restarted while " << phase);
  const v1::RunDetail shown = federation.federation().Show(federation.run());
  CHECK(shown.summary().state() == v1::FINISHED);
  REQUIRE(shown.rounds_size() == 1);
  const bool had_session = phase == "keying" || phase == "collecting" ||
                           phase == "unmasking" || phase == "released";
  if (had_session) CHECK(shown.rounds(0).attempts() == 2);
  CHECK(Abandoned(federation, "restart") == shown.rounds(0).attempts() - 1);
  CHECK(federation.federation().ModelBytes(federation.run(), 1) ==
        federation.OracleModel({AllBut({})}));

  federation.federation().Close();
  auto store =
      store::Store::Open(federation.federation().options().state_folder);
  REQUIRE(store.ok());
  CHECK((*store)->Updates(federation.run(), "committed")->size() == 8);
  CHECK((*store)->Updates(federation.run(), "accepted")->empty());
}

}  // namespace
}  // namespace tributary::testing
