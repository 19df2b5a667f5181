// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/runner/secure_federation.h"

#include <xxhash.h>

#include <utility>

#include "aggregation/integer_update.h"
#include "proto/codec/integers.h"
#include "proto/codec/yaml.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

using round::SecureStep;

// More than a disk ever takes.
constexpr std::chrono::minutes kPatience{3};
constexpr int kMostPauses = 40;
constexpr std::int64_t kStepMilliseconds = 1'000;

// In which the coordinator's message is answered.
SecureStep StepOf(const v1::SecureServerMessage& message) {
  switch (message.kind_case()) {
    case v1::SecureServerMessage::kRoster:
      return SecureStep::kOpening;
    case v1::SecureServerMessage::kNeighbours:
      return SecureStep::kSharing;
    case v1::SecureServerMessage::kRoutedShares:
      return SecureStep::kMasking;
    case v1::SecureServerMessage::kSurvivors:
      return SecureStep::kAgreeing;
    default:
      return SecureStep::kUnmasking;
  }
}

// The words of the update, with the weight that its header has; what is then
// announced says nothing of the client.
std::vector<std::int64_t> WordsOf(const v1::Task& task, TestUpdate& update) {
  const auto format = codec::ToIntegerFormat(task.integers(), task.update(),
                                             TestManifest(), task.strategy());
  REQUIRE(format.ok());
  return aggregation::ToIntegers(
      *format, update.values,
      {.weight = update.weight, .train_loss = update.header.train_loss()});
}

void Repack(TestUpdate& update, std::string bytes) {
  update.bytes = std::move(bytes);
  update.header.set_encoding(v1::UpdatePlan::PACKED);
  update.header.set_size(update.bytes.size());
  update.header.set_checksum(
      XXH3_64bits(update.bytes.data(), update.bytes.size()));
  update.header.set_weight(1);
  update.header.set_train_loss(0);
}

}  // namespace

PlanChoice SecureChoice() {
  return {.clients = 8,
          .min_updates = 5,
          .rounds = 1,
          .encoding = v1::UpdatePlan::PACKED,
          .deadline_milliseconds = 6'000,
          .sections = "secure_aggregation: {step_deadline: 1s, dropped: 0.3}"};
}

SecureFederation::SecureFederation(const PlanChoice& choice)
    : plan_(MakePlan(choice)), clients_(ClientNames(choice.clients)) {
  federation_.SetClock([now = milliseconds_] {
    return std::chrono::steady_clock::time_point(
        std::chrono::milliseconds(now->load()));
  });
  federation_.coordinator().SetAuthority(authority_);
  run_ = federation_.Submit(plan_);
}

void SecureFederation::Vanish(const std::string& client, SecureStep step) {
  vanished_[client] = step;
}

bool SecureFederation::HasVanished(const std::string& client,
                                   SecureStep step) const {
  const auto found = vanished_.find(client);
  return found != vanished_.end() && found->second <= step;
}

void SecureFederation::ComeBack() {
  for (const auto& [client, step] : std::exchange(vanished_, {})) {
    federation_.Join(client);
    federation_.CheckIn(client);
  }
}

void SecureFederation::Restart() {
  federation_.Close();
  uploaded_.clear();
  federation_.Open();
  federation_.coordinator().SetAuthority(authority_);
  federation_.ComeBack(clients_);
}

bool SecureFederation::IsOver() {
  const v1::RunState state = federation_.Show(run_).summary().state();
  return state != v1::RUNNING && state != v1::PAUSED;
}

void SecureFederation::PassTime() { *milliseconds_ += kStepMilliseconds; }

bool SecureFederation::IsAtWork() {
  return !uploaded_.empty() || federation_.Show(run_).phase() == "released";
}

std::optional<Letter> SecureFederation::NextLetter() {
  constexpr std::chrono::milliseconds kGlance{10};
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < until) {
    federation_.Settle();
    // Before the letters that its end may bring.
    const bool is_at_work = IsAtWork();
    if (auto letter = federation_.mail().Take(
            is_at_work ? kGlance : std::chrono::milliseconds(0))) {
      return letter;
    }
    if (!is_at_work) return std::nullopt;
  }
  FAIL("the coordinator does not come to an end with "
       << federation_.Show(run_).ShortDebugString());
  return std::nullopt;
}

void SecureFederation::Drive(const std::function<bool(int)>& is_done) {
  federation_.ComeBack(clients_);
  int pauses = 0;
  for (int number = 0; !is_done(number);) {
    const std::optional<Letter> letter = NextLetter();
    if (!letter) {
      if (++pauses > kMostPauses) {
        FAIL("the run stands still: "
             << federation_.Show(run_).ShortDebugString());
      }
      PassTime();
      continue;
    }
    pauses = 0;
    ++number;
    React(*letter);
  }
}

void SecureFederation::Drive() {
  Drive([this](int) { return IsOver(); });
}

void SecureFederation::Say(const std::string& client,
                           v1::ClientMessage message) {
  if (message.has_secure()) said.push_back(message.secure());
  if (tamper && tamper(client, message)) return;
  federation_.Say(client, message);
}

void SecureFederation::React(const Letter& letter) {
  const std::string& client = letter.to;
  const v1::ServerMessage& message = letter.message;
  if (message.has_task() || message.has_verdict() || message.has_cancel()) {
    uploaded_.erase(client);
  }
  if (HasVanished(client, SecureStep::kAdvertising)) return;
  switch (message.kind_case()) {
    case v1::ServerMessage::kTask:
      Begin(client, message.task());
      break;
    case v1::ServerMessage::kSecure:
      Answer(client, message.secure());
      break;
    case v1::ServerMessage::kUploadGrant:
      if (federation_
              .Upload(client, at_work_.at(client).update,
                      message.upload_grant().offset())
              .ok()) {
        uploaded_.insert(client);
      }
      break;
    case v1::ServerMessage::kVerdict:
      verdicts[client] = message.verdict();
      // Whose update counts stays until the masks are off.
      if (!message.verdict().accepted() || at_work_.at(client).has_unmasked) {
        if (!HasVanished(client, SecureStep::kUnmasking)) {
          federation_.CheckIn(client);
        }
      }
      break;
    case v1::ServerMessage::kCancel:
      cancels[client] = message.cancel();
      [[fallthrough]];
    case v1::ServerMessage::kComeBack:
      if (!HasVanished(client, SecureStep::kUnmasking)) {
        federation_.CheckIn(client);
      }
      break;
    default:
      break;
  }
}

void SecureFederation::Begin(const std::string& client, const v1::Task& task) {
  AtWork& work = at_work_[client];
  if (work.task.task_token() == task.task_token()) {
    // Lost its stream, and is back.
    if (!work.has_heard) SaySecure(client, work.client->advertisement());
    return;
  }
  work = AtWork{};
  work.task = task;
  work.client = std::make_unique<SecureClient>(client, task);
  work.update = MakeUpdate(task);
  made_[task.round()][client] = work.update;
  SaySecure(client, work.client->advertisement());
}

void SecureFederation::SaySecure(const std::string& client,
                                 const v1::SecureClientMessage& message) {
  v1::ClientMessage out;
  *out.mutable_secure() = message;
  Say(client, std::move(out));
}

void SecureFederation::Answer(const std::string& client,
                              const v1::SecureServerMessage& message) {
  AtWork& work = at_work_.at(client);
  CHECK(message.task_token() == work.task.task_token());
  const SecureStep step = StepOf(message);
  if (HasVanished(client, step)) return;
  work.has_heard = true;
  const auto answer = work.client->Receive(message);
  if (!answer) return;
  SaySecure(client, *answer);
  if (step == SecureStep::kMasking && !work.is_masked) {
    work.is_masked = true;
    const auto packed = work.client->Mask(WordsOf(work.task, work.update));
    std::string masked(reinterpret_cast<const char*>(packed.data()),
                       packed.size());
    if (garble) garble(client, masked);
    Repack(work.update, std::move(masked));
  }
  if (step == SecureStep::kUnmasking) work.has_unmasked = true;
  // With the masked input's message, and as the receipt of the last answer.
  if (step == SecureStep::kMasking || step == SecureStep::kUnmasking) {
    v1::ClientMessage ready;
    *ready.mutable_update_ready()->mutable_header() = work.update.header;
    Say(client, ready);
  }
}

std::string SecureFederation::OracleModel(
    const std::vector<std::set<std::string>>& rounds) {
  std::vector<std::vector<TestUpdate>> updates;
  std::uint32_t round = 0;
  for (const std::set<std::string>& clients : rounds) {
    ++round;
    updates.emplace_back();
    for (const std::string& client : clients) {
      updates.back().push_back(made_.at(round).at(client));
    }
  }
  return OracleModels(plan_, updates).back();
}

}  // namespace tributary::testing
