// SPDX-License-Identifier: Apache-2.0
// A session's part in secure aggregation: which tasks it takes, and the order
// of messages between training, masking and unmasking.
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/core/session.h"
#include "proto/codec/integers.h"

namespace tributary::session {
namespace {

constexpr std::size_t kTokenSize = 16;

v1::ClientMessage Wrapped(v1::SecureClientMessage message) {
  v1::ClientMessage wrapped;
  *wrapped.mutable_secure() = std::move(message);
  return wrapped;
}

// Clients that add their noise to what the coordinator will see of this one:
// itself alone, or with masks the honest ones of the smallest sum.
std::uint64_t NoisyClients(const v1::Task& task) {
  if (!task.has_secure()) return 1;
  const v1::SecureTerms& terms = task.secure();
  const std::uint64_t corrupt =
      (std::uint64_t{terms.max_cohort()} * terms.corrupt_per_mille() + 999) /
      1000;
  return terms.min_survivors() -
         std::min<std::uint64_t>(terms.min_survivors(), corrupt);
}

// What their noise comes to, in norm bounds; 0 if anything goes up that is not
// clipped, or has none.
double NoiseMultiplier(const v1::Task& task) {
  const v1::IntegerUpdate& integers = task.integers();
  if (task.kind() != v1::Task::TRAIN ||
      task.update().encoding() != v1::UpdatePlan::PACKED ||
      !integers.has_clip_norm() || !(integers.norm_bound() > 0) ||
      integers.noise() == v1::IntegerUpdate::NOISE_UNSPECIFIED) {
    return 0;
  }
  const auto clients = static_cast<double>(NoisyClients(task));
  // Squares of multipliers: z^-2 adds up over what is released. One client
  // moves the sum of clip words by 1.
  const double update = clients *
                        static_cast<double>(integers.noise_variance()) /
                        (integers.norm_bound() * integers.norm_bound());
  if (!integers.clip_word()) return std::sqrt(update);
  const double clip_word =
      clients * static_cast<double>(integers.clip_word_variance());
  return 1 / std::sqrt(1 / update + 1 / clip_word);
}

// Of a task with secure aggregation.
std::string SecureObjection(const SecureDemands& demands,
                            const v1::Task& task) {
  if (task.kind() != v1::Task::TRAIN) {
    return "evaluation with secure aggregation";
  }
  if (task.update().encoding() != v1::UpdatePlan::PACKED) {
    return "secure aggregation of an update that is not packed integers";
  }
  if (!demands.obstacle.empty()) {
    return absl::StrCat("secure aggregation: ", demands.obstacle);
  }
  const auto terms = codec::TermsOf(task);
  const absl::Status admitted =
      terms.ok() ? demands.policy.Admits(*terms) : terms.status();
  if (admitted.ok()) return "";
  return absl::StrCat("secure aggregation: ", admitted.message());
}

}  // namespace

std::string Objection(const SecureDemands& demands, const v1::Task& task) {
  if (task.has_secure()) {
    std::string objection = SecureObjection(demands, task);
    if (!objection.empty()) return objection;
  } else if (demands.unmasked == SecureDemands::Unmasked::kRefused) {
    return "task without secure aggregation, which this client requires "
           "(ClientOptions::secure_aggregation.use, --secure-aggregation)";
  }
  const double noise = NoiseMultiplier(task);
  if (noise >= demands.min_noise_multiplier) return "";
  return absl::StrCat("the noise that clients add has multiplier ", noise,
                      ", this client demands at least ",
                      demands.min_noise_multiplier,
                      " (ClientOptions::secure_aggregation."
                      "min_noise_multiplier, --min-noise)");
}

std::string Protection(const v1::Task& task) {
  std::string text =
      task.has_secure()
          ? absl::StrCat("masked among ", task.secure().min_cohort(),
                         " clients or more")
          : "not masked";
  const double noise = NoiseMultiplier(task);
  if (noise == 0) return text + ", no noise of the clients";
  return absl::StrCat(
      text,
      task.has_secure() ? ", noise of the clients" : ", noise of this client",
      " (multiplier ", noise, ")");
}

void Session::BecomeUnmasking(Finished finished) {
  if (finished.stage == Finished::Stage::kUploading) {
    effects_.push_back(CancelUpload{finished.task.task_token()});
  }
  work_ = Unmasking{std::move(finished.task), std::move(finished.result)};
}

void Session::On(const v1::SecureServerMessage& message) {
  const TaskToken& token = message.task_token();
  if (!HasTask(token) || !CurrentTask()->has_secure()) {
    if (token.size() != kTokenSize) return;
    // Nobody is to wait for an answer to it.
    return SendTaskFailed(token, "this client is not in that secure session");
  }
  if (std::holds_alternative<Fetching>(work_)) {
    return FailTask(
        "the secure session began before this client did, whose secrets are "
        "never stored");
  }
  if (auto* working = std::get_if<Working>(&work_)) {
    working->advertisement.reset();
  } else if (const auto* finished = std::get_if<Finished>(&work_)) {
    // Whose inputs are added up is settled after all verdicts: that on this
    // one was lost with a stream.
    if (message.has_survivors() || message.has_agreements()) {
      NoteAccepted();
      BecomeUnmasking(Finished(*finished));
    }
  }
  effects_.push_back(TakeSecure{token, message});
}

void Session::On(const SecureAnswered& event) {
  if (!HasTask(event.token) || !CurrentTask()->has_secure() ||
      std::holds_alternative<Fetching>(work_)) {
    return;
  }
  v1::ClientMessage message = Wrapped(event.message);
  const v1::SecureClientMessage& secure = message.secure();
  if (secure.has_masked_input()) {
    auto* working = std::get_if<Working>(&work_);
    if (working == nullptr || working->masked_input) return;
    working->masked_input = std::move(message);
    return MaskIfReady();
  }
  auto* working = std::get_if<Working>(&work_);
  if (working != nullptr && secure.has_advertisement()) {
    working->advertisement = message;
  }
  auto* unmasking = std::get_if<Unmasking>(&work_);
  const bool is_last = unmasking != nullptr && secure.has_unmasking();
  if (is_last) unmasking->has_answered = true;
  if (!IsOpen()) return;
  SendMessage(std::move(message));
  // The verdict, said again, is the receipt of what was sent before it.
  if (is_last) SendMessage(unmasking->result);
}

void Session::MaskIfReady() {
  const auto& working = std::get<Working>(work_);
  if (!working.masked_input || !working.saturated) return;
  effects_.push_back(MaskUpdate{working.task.task_token()});
}

void Session::On(const Masked& event) {
  const auto* working = std::get_if<Working>(&work_);
  if (working == nullptr || working->task.task_token() != event.token ||
      !working->masked_input || !working->saturated) {
    return;
  }
  Finished finished;
  finished.task = working->task;
  finished.masked_input = working->masked_input;
  finished.saturated = *working->saturated;
  finished.clip_norm = working->clip_norm;
  *finished.result.mutable_update_ready()->mutable_header() = event.header;
  BecomeFinished(std::move(finished));
}

void Session::On(const SecureFailed& event) {
  if (!HasTask(event.token)) return;
  FailTask(absl::StrCat("secure aggregation: ", event.message));
}

}  // namespace tributary::session
