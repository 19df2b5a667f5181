// SPDX-License-Identifier: Apache-2.0
// The small parts that snapshot and journal share, and their checks. Whatever
// was stored is decoded as if a stranger had written it: a damaged file is an
// error that names the field, never a half-right engine.
//
// Pure; any thread. Errors are DataLoss.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/round/leaf_set.h"
#include "coordinator/round/types.h"
#include "privacy/crypto/random.h"
#include "tributary/v1/checkpoint.pb.h"

namespace tributary::checkpoint {

inline constexpr std::size_t kMaxClientName = 128;
inline constexpr std::size_t kMaxMetrics = 32;
inline constexpr std::size_t kMaxMetricName = 64;
inline constexpr std::uint64_t kMaxMilliseconds = std::uint64_t{1} << 53;
inline constexpr std::uint32_t kMaxRound = 1'000'001;
inline constexpr std::uint32_t kMaxAttempt = 10'000;
inline constexpr std::uint32_t kMaxMembers = 10'000'000;
inline constexpr std::size_t kMaxReason = 4096;

absl::Status Damaged(const std::string& what);

std::uint64_t FromInstant(round::Instant instant);
absl::StatusOr<round::Instant> ToInstant(std::uint64_t milliseconds);
absl::StatusOr<round::Duration> ToDuration(std::uint64_t milliseconds);

absl::StatusOr<round::ClientId> ToClient(const std::string& name);
using Names = google::protobuf::RepeatedPtrField<std::string>;
// Sorted, so equal sets are equal bytes.
template <typename Clients>
void Write(const Clients& clients, Names* to) {
  to->Reserve(static_cast<int>(clients.size()));
  for (const auto& client : clients) *to->Add() = client.name;
}
absl::StatusOr<std::set<round::ClientId>> ToClients(const Names& from);

std::string FromToken(const round::TaskToken& token);
absl::StatusOr<round::TaskToken> ToToken(const std::string& raw);

std::string FromModel(const round::ModelId& model);
absl::StatusOr<round::ModelId> ToModel(const std::string& raw);

v1::Refusal FromRefusal(round::Refusal reason);
absl::StatusOr<round::Refusal> ToRefusal(v1::Refusal reason);

// 1 .. limit.
absl::StatusOr<int> ToCount(std::uint32_t value, std::uint32_t limit,
                            const std::string& what);

v1::EngineSecureStep FromStep(round::SecureStep step);
absl::StatusOr<round::SecureStep> ToStep(v1::EngineSecureStep step);

absl::StatusOr<std::string> ToReason(const std::string& raw);
// Finite and above 0.
absl::StatusOr<double> ToClipNorm(double norm);

// 32 bytes.
std::string FromKey(const Key& key);
absl::StatusOr<Key> ToKey(const std::string& raw);

v1::Role FromRole(round::Role role);
absl::StatusOr<round::Role> ToRole(v1::Role role);

// Sorted, each once.
void Write(const round::LeafSet& leaves, Names* to);
absl::StatusOr<round::LeafSet> ToLeaves(const Names& from);

v1::EngineContribution FromContribution(const round::Contribution& from);
absl::StatusOr<round::Contribution> ToContribution(
    const v1::EngineContribution& from);

}  // namespace tributary::checkpoint
