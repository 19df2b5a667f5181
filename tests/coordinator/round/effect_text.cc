// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/round/effect_text.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace tributary::round {
namespace {

constexpr int kNamedModels = 64;

std::string Number(std::uint64_t value) { return std::to_string(value); }

std::string Of(Refusal reason) { return std::string(Name(reason)); }

struct Teller {
  std::string operator()(const OfferTask& e) const {
    std::string by = " by " + Text(e.task.deadline);
    if (e.task.clip_norm > 0) by += ", clipped to " + Text(e.task.clip_norm);
    if (e.task.kind == TaskKind::kEvaluate) {
      return "offer " + e.client.name + " the evaluation of round " +
             Number(e.task.round) + ", " + Text(e.task.model) + "," + by;
    }
    const char* what =
        e.task.role == Role::kAggregator ? "the sum" : "the training";
    return "offer " + e.client.name + " " + what + " of round " +
           Number(e.task.round) + "." + Number(e.task.attempt) + " from " +
           Text(e.task.model) + by;
  }
  std::string operator()(const ComeBack& e) const {
    return "turn " + e.client.name + " away for " + Text(e.earliest) + " to " +
           Text(e.latest);
  }
  std::string operator()(const GrantUpload& e) const {
    return "grant " + e.client.name;
  }
  std::string operator()(const AcceptUpdate& e) const {
    return "accept " + e.client.name + " with weight " + Number(e.weight);
  }
  std::string operator()(const AcknowledgeAgain& e) const {
    return "acknowledge " + e.client.name + " again";
  }
  std::string operator()(const Refuse& e) const {
    std::string text = "refuse " + e.client.name + " " + Of(e.reason);
    for (const auto& leaf : e.overlap.leaves()) text += " " + leaf.name;
    return text;
  }
  std::string operator()(const CancelTask& e) const {
    return "cancel " + e.client.name + " " + Of(e.reason);
  }
  std::string operator()(const AcceptEvaluation& e) const {
    std::string text = "accept the evaluation of round " + Number(e.round) +
                       " by " + e.client.name;
    for (const auto& [name, value] : e.metrics) {
      text += " " + name + "=" + Text(value);
    }
    return text;
  }
  std::string operator()(const OpenRound& e) const {
    return "open round " + Number(e.round) + "." + Number(e.attempt) +
           " from " + Text(e.model);
  }
  std::string operator()(const CloseSecureStep& e) const {
    return "close " + std::string(Name(e.step)) + " of round " +
           Number(e.round) + "." + Number(e.attempt);
  }
  std::string operator()(const ReleaseRound& e) const {
    std::string text =
        "release round " + Number(e.round) + "." + Number(e.attempt) + " of";
    for (const auto& client : e.contributors) text += " " + client.name;
    if (e.leaves != e.contributors.size()) {
      text += ", " + Number(e.leaves) + " leaves,";
    }
    text += " with weight " + Number(e.total_weight);
    if (e.divisor != e.total_weight) text += " of " + Number(e.divisor);
    text += " and loss " + Text(e.train_loss);
    if (e.mixture) {
      text += ", from " + Text(e.mixture->base) + " with a share of " +
              Text(e.mixture->share);
    }
    return text;
  }
  std::string operator()(const CommitRound& e) const {
    std::string text =
        "commit round " + Number(e.round) + " as " + Text(e.model);
    if (e.aggregates) {
      text += " of " + Number(e.aggregates->examples) + " examples with loss " +
              Text(e.aggregates->train_loss);
    }
    return text;
  }
  std::string operator()(const AbandonRound& e) const {
    return "abandon round " + Number(e.round) + "." + Number(e.attempt) +
           " with " + Number(e.accepted) + " lost: " + e.reason;
  }
  std::string operator()(const QuarantineClient& e) const {
    return "quarantine " + e.client.name + " until round " +
           Number(static_cast<std::uint64_t>(e.until)) + ": " + e.reason;
  }
  std::string operator()(const EndRun& e) const {
    const char* how = e.end == RunEnd::kFinished  ? "finished"
                      : e.end == RunEnd::kStopped ? "stopped"
                                                  : "failed";
    return std::string("end the run, ") + how + ": " + e.reason;
  }
  std::string operator()(const WakeAt& e) const {
    return "wake at " + Text(e.when);
  }
};

}  // namespace

ModelId ModelNamed(int number) {
  return Sha256("model-" + std::to_string(number));
}

std::string Text(const ModelId& model) {
  for (int number = 0; number < kNamedModels; ++number) {
    if (ModelNamed(number) == model) return "model-" + Number(number);
  }
  return model.Hex().substr(0, 8);
}

std::string Text(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
  return std::string(text.data(), end.ptr);
}

std::string Text(Duration duration) {
  return Text(static_cast<double>(duration.count()) / 1000) + "s";
}

std::string Text(Instant instant) { return Text(instant.time_since_epoch()); }

std::string Text(const Effect& effect) { return std::visit(Teller{}, effect); }

std::string Text(const std::vector<Effect>& effects) {
  std::string text;
  for (const Effect& effect : effects) {
    if (std::holds_alternative<WakeAt>(effect)) continue;
    if (!text.empty()) text += "; ";
    text += Text(effect);
  }
  return text;
}

}  // namespace tributary::round
