// SPDX-License-Identifier: Apache-2.0
// Any bytes as each message of secure aggregation: what is taken says the same
// when it is sent on, and what is not is refused with a reason. Input: size of
// the cohort, then a SecureClientMessage or SecureServerMessage.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "proto/codec/secagg.h"

namespace {

using namespace tributary;
using namespace tributary::codec;

void Demand(bool holds) {
  if (!holds) std::abort();
}

// `read` once more after writing gives the same bytes.
template <typename Domain, typename Read>
void CheckTaken(const absl::StatusOr<Domain>& taken, const Read& read) {
  if (!taken.ok()) {
    Demand(!taken.status().message().empty());
    Demand(taken.status().message().size() < 100'000);
    return;
  }
  const auto written = ToMessage(*taken);
  const auto again = read(written);
  Demand(again.ok());
  Demand(ToMessage(*again).SerializeAsString() == written.SerializeAsString());
}

void CheckPage(const v1::SecureNeighbours& message) {
  std::vector<secagg::Neighbour> neighbours;
  const auto status = ReadPage(message, neighbours);
  Demand(status.ok() || !status.message().empty());
  if (!status.ok()) return;
  std::vector<secagg::Neighbour> again;
  for (const auto& page : ToPages(neighbours)) {
    Demand(ReadPage(page, again).ok());
  }
  Demand(again.size() == neighbours.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const std::uint32_t clients = data[0];
  const int rest = static_cast<int>(size - 1);
  v1::SecureTerms terms;
  if (terms.ParseFromArray(data + 1, rest)) {
    secagg::Terms read;
    read.run = "run";
    const auto status = ReadTerms(terms, read);
    Demand(status.ok() ? read.Validate().ok() : !status.message().empty());
  }
  v1::SecureClientMessage up;
  if (up.ParseFromArray(data + 1, rest)) {
    CheckTaken(ToAdvertisement(up.advertisement()), ToAdvertisement);
    CheckTaken(ToOpening(up.opening()), ToOpening);
    CheckTaken(ToKeyShares(up.key_shares()), ToKeyShares);
    CheckTaken(ToMaskedInput(up.masked_input()), ToMaskedInput);
    CheckTaken(ToAgreement(up.agreement()), ToAgreement);
    CheckTaken(ToUnmasking(up.unmasking()), ToUnmasking);
  }
  v1::SecureServerMessage down;
  if (down.ParseFromArray(data + 1, rest)) {
    CheckTaken(ToRoster(down.roster()), ToRoster);
    CheckPage(down.neighbours());
    CheckTaken(ToRoutedShares(down.routed_shares(), clients),
               [&](const auto& m) { return ToRoutedShares(m, clients); });
    CheckTaken(ToSurvivors(down.survivors(), clients),
               [&](const auto& m) { return ToSurvivors(m, clients); });
    CheckTaken(ToAgreements(down.agreements()), ToAgreements);
  }
  return 0;
}
