// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/ledger.h"

#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "proto/codec/privacy_terms.h"
#include "proto/codec/yaml.h"

namespace tributary::codec {
namespace {

constexpr std::size_t kLengthBytes = 4;
// Of a page, with room for its last entry.
constexpr std::size_t kLargestPage = std::size_t{1} << 21;

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("ledger: ", what));
}

template <typename Message>
std::string Canonical(const Message& message) {
  // Without maps, fields are written in the order of their numbers.
  return message.SerializeAsString();
}

}  // namespace

v1::LedgerEntry ToMessage(const dp::Entry& entry) {
  const dp::Debit& debit = entry.debit;
  v1::LedgerEntry message;
  message.set_number(entry.number);
  message.set_population(debit.population);
  message.set_run(debit.run);
  message.set_round(debit.round);
  message.set_attempt(debit.attempt);
  message.set_noise(FromNoise(debit.mechanism.noise));
  message.set_sampling(FromSampling(debit.mechanism.sampling));
  message.set_rate(debit.mechanism.rate);
  message.set_neighbours(FromNeighbours(debit.mechanism.neighbours));
  message.set_unit(v1::PrivacyPlan::CLIENT);
  message.set_accountant(FromAccountant(debit.accountant));
  message.set_delta(debit.delta);
  for (const dp::Statistic& from : debit.mechanism.statistics) {
    auto& to = *message.add_statistics();
    to.set_name(from.name);
    to.set_words(static_cast<std::uint64_t>(from.words));
    to.set_l1(from.l1);
    to.set_l2(from.l2);
    to.set_variance(from.variance);
  }
  message.set_clip_norm(debit.clip_norm);
  message.set_contributors(debit.contributors);
  message.set_plan(std::string(debit.plan.AsBytes()));
  message.set_previous(std::string(entry.previous.AsBytes()));
  message.set_hash(std::string(entry.hash.AsBytes()));
  return message;
}

absl::StatusOr<dp::Entry> ToEntry(const v1::LedgerEntry& message) {
  if (auto limits = CheckLimits(message); !limits.ok()) {
    return Damaged(limits.message());
  }
  // Limits hold, so these are values that there are.
  dp::Mechanism mechanism{.noise = ToNoise(message.noise()),
                          .sampling = ToSampling(message.sampling()),
                          .rate = message.rate(),
                          .neighbours = ToNeighbours(message.neighbours()),
                          .statistics = {}};
  const std::optional<dp::Accountant> accountant =
      ToAccountant(message.accountant());
  if (!accountant) return Damaged("accountant: is required");
  for (const auto& from : message.statistics()) {
    mechanism.statistics.push_back(
        {.name = from.name(),
         .words = static_cast<std::int64_t>(from.words()),
         .l1 = from.l1(),
         .l2 = from.l2(),
         .variance = from.variance()});
  }
  if (auto status = mechanism.Validate(); !status.ok()) {
    return Damaged(status.message());
  }
  dp::Entry entry{.number = message.number(),
                  .debit = {.population = message.population(),
                            .run = message.run(),
                            .round = message.round(),
                            .attempt = message.attempt(),
                            .mechanism = std::move(mechanism),
                            .unit = dp::Unit::kClient,
                            .accountant = *accountant,
                            .delta = message.delta(),
                            .clip_norm = message.clip_norm(),
                            .contributors = message.contributors(),
                            .plan = {}},
                  .previous = {},
                  .hash = {}};
  for (const auto& [field, bytes, digest] :
       {std::tuple{"plan", &message.plan(), &entry.debit.plan},
        {"previous", &message.previous(), &entry.previous},
        {"hash", &message.hash(), &entry.hash}}) {
    const auto read = Digest::FromBytes(*bytes);
    if (!read.ok()) return Damaged(absl::StrCat(field, " has not 32 bytes"));
    *digest = *read;
  }
  return entry;
}

std::string ToBytes(const dp::Entry& entry) {
  return Canonical(ToMessage(entry));
}

absl::StatusOr<dp::Entry> ReadEntry(std::string_view bytes) {
  v1::LedgerEntry message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Damaged("an entry is no LedgerEntry");
  }
  if (Canonical(message) != bytes ||
      message.GetReflection()->GetUnknownFields(message).field_count() > 0) {
    return Damaged("an entry holds more than its fields");
  }
  return ToEntry(message);
}

std::string ToRecord(const v1::LedgerPage& page) {
  const std::string bytes = Canonical(page);
  std::string record;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    record.push_back(static_cast<char>(bytes.size() >> 8 * i & 0xff));
  }
  return record + bytes;
}

absl::StatusOr<LedgerFile> ReadLedgerFile(std::string_view bytes) {
  LedgerFile file;
  std::map<std::pair<std::string, std::string>, std::uint64_t> rounds;
  while (bytes.size() >= kLengthBytes) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < kLengthBytes; ++i) {
      size |= std::size_t{static_cast<unsigned char>(bytes[i])} << 8 * i;
    }
    if (size > kLargestPage && file.whole_bytes == 0) {
      return absl::DataLossError(
          "is not a ledger, or its first bytes were changed");
    }
    if (size > kLargestPage) {
      return Damaged(absl::StrCat("a page of ", size, " bytes at byte ",
                                  file.whole_bytes, " is over 2 MiB"));
    }
    if (bytes.size() < kLengthBytes + size) break;
    v1::LedgerPage page;
    if (!page.ParseFromArray(bytes.data() + kLengthBytes,
                             static_cast<int>(size)) ||
        Canonical(page) != bytes.substr(kLengthBytes, size)) {
      return Damaged(absl::StrCat("what stands at byte ", file.whole_bytes,
                                  " is no LedgerPage"));
    }
    if (auto limits = CheckLimits(page); !limits.ok()) {
      return Damaged(limits.message());
    }
    for (const v1::LedgerEntry& message : page.entries()) {
      auto entry = ReadEntry(Canonical(message));
      if (!entry.ok()) return entry.status();
      file.entries.push_back(*std::move(entry));
    }
    for (const v1::Participation& one : page.participation()) {
      rounds[{one.population(), one.client()}] = one.rounds();
    }
    bytes.remove_prefix(kLengthBytes + size);
    file.whole_bytes += kLengthBytes + size;
  }
  for (const auto& [client, count] : rounds) {
    auto& one = file.participation.emplace_back();
    one.set_population(client.first);
    one.set_client(client.second);
    one.set_rounds(count);
  }
  return file;
}

}  // namespace tributary::codec
