// SPDX-License-Identifier: Apache-2.0
// Entries of the privacy ledger <-> messages and bytes. Whatever was stored or
// sent is decoded as if a stranger had written it. Whether an entry is the one
// that was written is for dp::Chain to say: decoding does not look at hashes.
//
// Pure; any thread. Errors are DataLoss and name the field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "privacy/dp/ledger.h"
#include "tributary/v1/ledger.pb.h"

namespace tributary::codec {

v1::LedgerEntry ToMessage(const dp::Entry& entry);
absl::StatusOr<dp::Entry> ToEntry(const v1::LedgerEntry& message);

// The bytes of an entry: always the same, and no others are taken for it.
std::string ToBytes(const dp::Entry& entry);
absl::StatusOr<dp::Entry> ReadEntry(std::string_view bytes);

// Appended to a ledger's file.
std::string ToRecord(const v1::LedgerPage& page);

struct LedgerFile {
  std::vector<dp::Entry> entries;
  // The latest that was written of each client.
  std::vector<v1::Participation> participation;
  // Bytes of whole records. Fewer than the file has if the last was cut off: go
  // on from here.
  std::uint64_t whole_bytes = 0;
};
absl::StatusOr<LedgerFile> ReadLedgerFile(std::string_view bytes);

}  // namespace tributary::codec
