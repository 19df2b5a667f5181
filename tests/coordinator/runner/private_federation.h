// SPDX-License-Identifier: Apache-2.0
// A coordinator with a private run, and clients that take part in it. As
// federation.h.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "privacy/secagg/packing.h"
#include "tests/coordinator/runner/federation.h"
#include "xxhash.h"

#include "tests/catch.h"

namespace tributary::testing {

inline v1::Plan PrivatePlan() {
  v1::Plan plan = MakePlan({});
  plan.clear_seed();
  plan.mutable_update()->clear_encoding();
  plan.mutable_update()->set_max_weight(1);
  v1::PrivacyPlan& privacy = *plan.mutable_privacy();
  privacy.set_unit(v1::PrivacyPlan::CLIENT);
  privacy.set_neighbours(v1::PrivacyPlan::REPLACE_ONE);
  privacy.set_noise(v1::PrivacyPlan::CENTRAL);
  privacy.set_sampling(v1::PrivacyPlan::NONE);
  privacy.set_delta(0.01);
  privacy.set_epsilon(100);
  privacy.set_population(4);
  privacy.mutable_clipping()->set_norm(1);
  return plan;
}

// The same for a model whose buffers stay on the client.
inline v1::Plan RunnablePlan(int rounds) {
  v1::Plan plan = PrivatePlan();
  plan.mutable_strategy()->mutable_fedper()->add_local("norm");
  plan.mutable_stop()->set_rounds(static_cast<std::uint32_t>(rounds));
  return plan;
}

// Clients whose updates are zero: what is released is the noise.
class PrivateFederation {
 public:
  explicit PrivateFederation(int clients = 4)
      : clients_(ClientNames(clients)) {}

  Federation& federation() { return federation_; }
  const std::vector<std::string>& clients() const { return clients_; }

  // Until the run is over; `before` is called before each letter.
  v1::RunDetail Drive(const std::string& run,
                      const std::function<void(int)>& before = nullptr) {
    federation_.ComeBack(clients_);
    for (int number = 0;; ++number) {
      if (before) before(number);
      const auto letter = federation_.NextLetter(run);
      if (!letter) return federation_.Show(run);
      React(*letter);
    }
  }
  // The run as it is shown once its epsilon is that of all its debits.
  v1::RunDetail Settled(const std::string& run) {
    for (int tries = 0; tries < 2'000; ++tries) {
      const v1::RunDetail shown = federation_.Show(run);
      if (federation_.MetricOf("tributary_privacy_epsilon", {{"run", run}}) ==
              shown.privacy().epsilon() &&
          shown.privacy().has_epsilon()) {
        return shown;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL("no epsilon came");
    return {};
  }
  void Restart() {
    federation_.Close();
    federation_.Open();
    federation_.ComeBack(clients_);
  }
  // Who was given a task, by round and attempt.
  const std::map<std::pair<int, int>, std::set<std::string>>& asked() const {
    return asked_;
  }
  v1::LedgerPage Ledger() {
    v1::LedgerPage all;
    const absl::Status read = federation_.coordinator().ReadLedger(
        {}, [&](const v1::LedgerPage& page) {
          all.MergeFrom(page);
          return true;
        });
    INFO(read.ToString());
    REQUIRE(read.ok());
    return all;
  }

 private:
  void React(const Letter& letter) {
    const std::string& client = letter.to;
    switch (letter.message.kind_case()) {
      case v1::ServerMessage::kTask: {
        const v1::Task& task = letter.message.task();
        asked_[{static_cast<int>(task.round()),
                static_cast<int>(task.attempt())}]
            .insert(client);
        TestUpdate& update = at_work_[client];
        const auto bits = static_cast<int>(task.integers().word_bits());
        update.bytes.assign(secagg::PackedSize(TestManifest().Length(), bits),
                            '\0');
        update.header.set_task_token(task.task_token());
        update.header.set_encoding(v1::UpdatePlan::PACKED);
        update.header.set_size(update.bytes.size());
        update.header.set_checksum(
            XXH3_64bits(update.bytes.data(), update.bytes.size()));
        update.header.set_weight(1);
        update.header.set_base_model(task.model());
        federation_.Announce(client, update.header);
        break;
      }
      case v1::ServerMessage::kUploadGrant:
        (void)federation_.Upload(client, at_work_.at(client),
                                 letter.message.upload_grant().offset());
        break;
      case v1::ServerMessage::kVerdict:
      case v1::ServerMessage::kCancel:
      case v1::ServerMessage::kComeBack:
        federation_.CheckIn(client);
        break;
      default:
        break;
    }
  }

  Federation federation_;
  std::vector<std::string> clients_;
  std::map<std::string, TestUpdate> at_work_;
  std::map<std::pair<int, int>, std::set<std::string>> asked_;
};

}  // namespace tributary::testing
