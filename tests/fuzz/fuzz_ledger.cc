// SPDX-License-Identifier: Apache-2.0
// Any bytes as an entry of the privacy ledger and as a ledger's file: what is
// taken is written as the same bytes again, and what is not is refused with a
// reason.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "proto/codec/ledger.h"

namespace {

using namespace tributary;
using namespace tributary::codec;

void Demand(bool holds) {
  if (!holds) std::abort();
}

void CheckRefused(const absl::Status& status) {
  Demand(status.code() == absl::StatusCode::kDataLoss);
  Demand(!status.message().empty());
  Demand(status.message().size() < 100'000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto entry = ReadEntry(bytes); entry.ok()) {
    Demand(ToBytes(*entry) == bytes);
    // Nothing that is taken stops the accounting.
    dp::Spend spend;
    spend.Add(entry->debit);
    Demand(!spend.charges().empty());
  } else {
    CheckRefused(entry.status());
  }
  const auto file = ReadLedgerFile(bytes);
  if (!file.ok()) {
    CheckRefused(file.status());
    return 0;
  }
  Demand(file->whole_bytes <= size);
  for (const dp::Entry& entry : file->entries) {
    Demand(ReadEntry(ToBytes(entry)).ok());
  }
  if (const auto ledger = dp::Ledger::Replay(file->entries); !ledger.ok()) {
    CheckRefused(ledger.status());
  }
  return 0;
}
