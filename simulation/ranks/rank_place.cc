// SPDX-License-Identifier: Apache-2.0
#include "simulation/ranks/rank_place.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tributary::simulation {
namespace {

constexpr int kMostRanks = 4096;

absl::StatusOr<int> ReadNumber(const Environment& environment, const char* name,
                               int least, int most) {
  const char* text = environment(name);
  if (text == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(name,
                     " is not set; ranks need RANK, WORLD_SIZE, MASTER_ADDR "
                     "and MASTER_PORT, a single process none of them"));
  }
  int number = 0;
  if (!absl::SimpleAtoi(text, &number) || number < least || number > most) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": '", text, "' is no number from ", least, " to ", most));
  }
  return number;
}

}  // namespace

absl::StatusOr<RankPlace> ReadRankPlace(const Environment& environment) {
  if (environment("RANK") == nullptr && environment("WORLD_SIZE") == nullptr) {
    return RankPlace{};
  }
  const auto size = ReadNumber(environment, "WORLD_SIZE", 1, kMostRanks);
  if (!size.ok()) return size.status();
  const auto rank = ReadNumber(environment, "RANK", 0, *size - 1);
  if (!rank.ok()) return rank.status();
  if (*size == 1) return RankPlace{};
  const auto port = ReadNumber(environment, "MASTER_PORT", 1, 65535);
  if (!port.ok()) return port.status();
  const char* address = environment("MASTER_ADDR");
  if (address == nullptr || *address == '\0') {
    return absl::InvalidArgumentError(
        "MASTER_ADDR is not set: the address of the machine of rank 0");
  }
  return RankPlace{.rank = *rank,
                   .size = *size,
                   .address = address,
                   .port = static_cast<std::uint16_t>(*port)};
}

absl::StatusOr<int> ReadLocalRank(const Environment& environment) {
  for (const char* name : {"LOCAL_RANK", "SLURM_LOCALID"}) {
    if (environment(name) != nullptr) {
      return ReadNumber(environment, name, 0, kMostRanks - 1);
    }
  }
  return 0;
}

}  // namespace tributary::simulation
