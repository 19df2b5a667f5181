// SPDX-License-Identifier: Apache-2.0
#include "coordinator/checkpoint/fields.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/checkpoint/assign.h"

namespace tributary::checkpoint {

absl::Status Damaged(const std::string& what) {
  return absl::DataLossError(absl::StrCat("engine checkpoint: ", what));
}

std::uint64_t FromInstant(round::Instant instant) {
  return static_cast<std::uint64_t>(instant.time_since_epoch().count());
}

absl::StatusOr<round::Duration> ToDuration(std::uint64_t milliseconds) {
  if (milliseconds > kMaxMilliseconds) {
    return Damaged(absl::StrCat(milliseconds, " ms is over 2^53"));
  }
  return round::Duration(static_cast<round::Duration::rep>(milliseconds));
}

absl::StatusOr<round::Instant> ToInstant(std::uint64_t milliseconds) {
  round::Duration since{};
  TRIBUTARY_ASSIGN(since, ToDuration(milliseconds));
  return round::Instant(since);
}

absl::StatusOr<round::ClientId> ToClient(const std::string& name) {
  if (name.empty() || name.size() > kMaxClientName) {
    return Damaged(absl::StrCat("a client name of ", name.size(), " bytes"));
  }
  return round::ClientId{name};
}

absl::StatusOr<std::set<round::ClientId>> ToClients(const Names& from) {
  std::set<round::ClientId> to;
  for (const auto& name : from) {
    round::ClientId client;
    TRIBUTARY_ASSIGN(client, ToClient(name));
    if (!to.insert(std::move(client)).second) {
      return Damaged("a client twice in a list");
    }
  }
  return to;
}

std::string FromToken(const round::TaskToken& token) {
  return std::string(token.bytes.begin(), token.bytes.end());
}

absl::StatusOr<round::TaskToken> ToToken(const std::string& raw) {
  round::TaskToken token;
  if (raw.size() != token.bytes.size()) {
    return Damaged(absl::StrCat("a token of ", raw.size(), " bytes"));
  }
  std::copy(raw.begin(), raw.end(), token.bytes.begin());
  return token;
}

std::string FromModel(const round::ModelId& model) {
  return std::string(model.bytes.begin(), model.bytes.end());
}

absl::StatusOr<round::ModelId> ToModel(const std::string& raw) {
  round::ModelId model;
  if (raw.size() != model.bytes.size()) {
    return Damaged(absl::StrCat("a model id of ", raw.size(), " bytes"));
  }
  std::copy(raw.begin(), raw.end(), model.bytes.begin());
  return model;
}

// The wire's enum has the same values; a test holds the two together.
v1::Refusal FromRefusal(round::Refusal reason) {
  return static_cast<v1::Refusal>(reason);
}

absl::StatusOr<round::Refusal> ToRefusal(v1::Refusal reason) {
  if (!v1::Refusal_IsValid(reason)) {
    return Damaged(absl::StrCat("unknown refusal ", static_cast<int>(reason)));
  }
  return static_cast<round::Refusal>(reason);
}

absl::StatusOr<int> ToCount(std::uint32_t value, std::uint32_t limit,
                            const std::string& what) {
  if (value < 1 || value > limit) {
    return Damaged(absl::StrCat(what, " ", value, " is not in 1 .. ", limit));
  }
  return static_cast<int>(value);
}

// UNSPECIFIED comes before the first.
v1::EngineSecureStep FromStep(round::SecureStep step) {
  return static_cast<v1::EngineSecureStep>(static_cast<int>(step) + 1);
}

absl::StatusOr<round::SecureStep> ToStep(v1::EngineSecureStep step) {
  if (!v1::EngineSecureStep_IsValid(step) ||
      step == v1::SECURE_STEP_UNSPECIFIED) {
    return Damaged(absl::StrCat("unknown step ", static_cast<int>(step)));
  }
  return static_cast<round::SecureStep>(static_cast<int>(step) - 1);
}

absl::StatusOr<std::string> ToReason(const std::string& raw) {
  if (raw.size() > kMaxReason) return Damaged("a reason too long");
  return raw;
}

absl::StatusOr<double> ToClipNorm(double norm) {
  if (!(std::isfinite(norm) && norm > 0)) {
    return Damaged(absl::StrCat("a clip norm of ", norm));
  }
  return norm;
}

std::string FromKey(const Key& key) {
  return std::string(key.begin(), key.end());
}

absl::StatusOr<Key> ToKey(const std::string& raw) {
  Key key{};
  if (raw.size() != key.size()) {
    return Damaged(absl::StrCat("a key of ", raw.size(), " bytes"));
  }
  std::copy(raw.begin(), raw.end(), key.begin());
  return key;
}

v1::Role FromRole(round::Role role) {
  switch (role) {
    case round::Role::kTrainer:
      return v1::TRAINER;
    case round::Role::kEvaluator:
      return v1::EVALUATOR;
    case round::Role::kAggregator:
      return v1::AGGREGATOR;
  }
  return v1::ROLE_UNSPECIFIED;
}

absl::StatusOr<round::Role> ToRole(v1::Role role) {
  switch (role) {
    case v1::TRAINER:
      return round::Role::kTrainer;
    case v1::EVALUATOR:
      return round::Role::kEvaluator;
    case v1::AGGREGATOR:
      return round::Role::kAggregator;
    default:
      return Damaged(absl::StrCat("a role of ", static_cast<int>(role)));
  }
}

void Write(const round::LeafSet& leaves, Names* to) {
  Write(leaves.leaves(), to);
}

absl::StatusOr<round::LeafSet> ToLeaves(const Names& from) {
  std::vector<round::ClientId> leaves;
  leaves.reserve(static_cast<std::size_t>(from.size()));
  for (const auto& name : from) leaves.push_back({name});
  auto to = round::LeafSet::Make(std::move(leaves));
  if (!to.ok()) return Damaged(std::string(to.status().message()));
  return to;
}

v1::EngineContribution FromContribution(const round::Contribution& from) {
  v1::EngineContribution to;
  to.set_base_model(FromModel(from.base_model));
  to.set_weight(from.weight);
  to.set_train_loss(from.train_loss);
  if (from.subtree) {
    auto* subtree = to.mutable_subtree();
    subtree->set_epoch(from.subtree->epoch);
    subtree->set_leaves(from.subtree->leaves);
    subtree->set_weight(from.subtree->weight);
    subtree->set_leaves_sha256(FromModel(from.subtree->names));
  }
  return to;
}

absl::StatusOr<round::Contribution> ToContribution(
    const v1::EngineContribution& from) {
  round::Contribution to;
  TRIBUTARY_ASSIGN(to.base_model, ToModel(from.base_model()));
  to.weight = from.weight();
  to.train_loss = from.train_loss();
  if (from.has_subtree()) {
    round::Subtree subtree{.epoch = from.subtree().epoch(),
                           .leaves = from.subtree().leaves(),
                           .weight = from.subtree().weight(),
                           .names = {}};
    if (from.subtree().leaves_sha256().size() != subtree.names.bytes.size()) {
      return Damaged("a name of leaves that is no SHA-256");
    }
    TRIBUTARY_ASSIGN(subtree.names, ToModel(from.subtree().leaves_sha256()));
    to.subtree = subtree;
  }
  return to;
}

}  // namespace tributary::checkpoint
