// SPDX-License-Identifier: Apache-2.0
// Messages of secure aggregation <-> those of the wire (secagg.proto). What
// comes from the wire is checked: every list within its limit, every key, hash
// and seal of its size, every set within its cohort. A broken message is
// InvalidArgument with the field and what is wrong with it, and never what is
// in it. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "privacy/secagg/messages.h"
#include "privacy/secagg/terms.h"
#include "tributary/v1/secagg.pb.h"

namespace tributary::codec {

v1::SecureTerms ToMessage(const secagg::Terms& terms);
// Into terms whose model, plan, run, round and attempt the caller knows.
absl::Status ReadTerms(const v1::SecureTerms& message, secagg::Terms& terms);

v1::SecureAdvertisement ToMessage(const secagg::Advertisement& advertisement);
absl::StatusOr<secagg::Advertisement> ToAdvertisement(
    const v1::SecureAdvertisement& message);

v1::SecureRoster ToMessage(const secagg::Roster& roster);
absl::StatusOr<secagg::Roster> ToRoster(const v1::SecureRoster& message);

v1::SecureOpening ToMessage(const secagg::Opening& opening);
absl::StatusOr<secagg::Opening> ToOpening(const v1::SecureOpening& message);

// At least one page; only the last says that it is.
std::vector<v1::SecureNeighbours> ToPages(
    std::span<const secagg::Neighbour> neighbours);
// Appends a page's.
absl::Status ReadPage(const v1::SecureNeighbours& message,
                      std::vector<secagg::Neighbour>& neighbours);

v1::SecureKeyShares ToMessage(const secagg::KeyShares& shares);
absl::StatusOr<secagg::KeyShares> ToKeyShares(
    const v1::SecureKeyShares& message);

v1::SecureRoutedShares ToMessage(const secagg::RoutedShares& routed);
// Of a session of `clients`.
absl::StatusOr<secagg::RoutedShares> ToRoutedShares(
    const v1::SecureRoutedShares& message, std::uint32_t clients);

v1::SecureMaskedInput ToMessage(const secagg::MaskedInput& input);
absl::StatusOr<secagg::MaskedInput> ToMaskedInput(
    const v1::SecureMaskedInput& message);

v1::SecureSurvivors ToMessage(const secagg::Survivors& survivors);
absl::StatusOr<secagg::Survivors> ToSurvivors(
    const v1::SecureSurvivors& message, std::uint32_t clients);

v1::SecureAgreement ToMessage(const secagg::Agreement& agreement);
absl::StatusOr<secagg::Agreement> ToAgreement(
    const v1::SecureAgreement& message);

v1::SecureAgreements ToMessage(
    std::span<const secagg::SignedAgreement> agreements);
absl::StatusOr<std::vector<secagg::SignedAgreement>> ToAgreements(
    const v1::SecureAgreements& message);

v1::SecureUnmasking ToMessage(const secagg::Unmasking& unmasking);
absl::StatusOr<secagg::Unmasking> ToUnmasking(
    const v1::SecureUnmasking& message);
// Writes zeros over the shares of an unmasking, which is of no more use then;
// other messages have no secret in the clear and stay as they are.
void EraseShares(v1::SecureClientMessage& message);

}  // namespace tributary::codec
