// SPDX-License-Identifier: Apache-2.0
#include "simulation/run_ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/codec/ledger.h"
#include "proto/durable/replacement.h"
#include "tributary/v1/ledger.pb.h"

namespace tributary::simulation {
namespace {

// A page of so many is far below 1 MiB.
constexpr int kClientsOfPage = 4096;

std::string ReadWhole(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string Record(const dp::Entry& entry) {
  v1::LedgerPage page;
  *page.add_entries() = codec::ToMessage(entry);
  return codec::ToRecord(page);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RunLedger>> RunLedger::Open(
    const std::filesystem::path& file) {
  auto past = codec::ReadLedgerFile(ReadWhole(file));
  absl::StatusOr<dp::Ledger> ledger =
      past.ok() ? dp::Ledger::Replay(std::move(past->entries)) : past.status();
  if (!ledger.ok()) {
    return absl::Status(
        ledger.status().code(),
        absl::StrCat(file.string(), ": ", ledger.status().message()));
  }
  // Whoever took part until then is counted again.
  if (!past->participation.empty()) {
    std::string records;
    for (const dp::Entry& entry : ledger->entries()) records += Record(entry);
    past->whole_bytes = records.size();
    if (auto kept = durable::ReplaceFile(file, records, {}); !kept.ok()) {
      return kept;
    }
  }
  const int descriptor =
      open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor < 0) return durable::FileError("opening", file);
  std::unique_ptr<RunLedger> opened(new RunLedger(file, descriptor));
  opened->ledger_ = *std::move(ledger);
  if (ftruncate(descriptor, static_cast<off_t>(past->whole_bytes)) != 0) {
    return durable::FileError("shortening", file);
  }
  return opened;
}

RunLedger::~RunLedger() { close(descriptor_); }

absl::Status RunLedger::Charge(const simulation::Charge& charge) {
  const std::size_t before = ledger_.entries().size();
  const auto entry = ledger_.Append(charge.debit);
  if (!entry.ok()) {
    return absl::Status(
        entry.status().code(),
        absl::StrCat(file_.string(), ": ", entry.status().message()));
  }
  if (ledger_.entries().size() > before) {
    if (auto written = Append(Record(*entry)); !written.ok()) return written;
  }
  spend_.Add(charge.debit);
  population_ = charge.debit.population;
  for (const round::ClientId& client : charge.contributors) {
    ++releases_[client.name];
  }
  return absl::OkStatus();
}

absl::Status RunLedger::WriteParticipation() {
  std::string records;
  v1::LedgerPage page;
  for (const auto& [client, releases] : releases_) {
    v1::Participation& participation = *page.add_participation();
    participation.set_population(population_);
    participation.set_client(client);
    participation.set_rounds(releases);
    if (page.participation_size() < kClientsOfPage) continue;
    records += codec::ToRecord(page);
    page.Clear();
  }
  if (page.participation_size() > 0) records += codec::ToRecord(page);
  return Append(records);
}

absl::Status RunLedger::Append(std::string_view record) {
  const auto bytes = std::as_bytes(std::span(record.data(), record.size()));
  if (auto written = durable::WriteAll(descriptor_, bytes, file_);
      !written.ok()) {
    return written;
  }
  if (fdatasync(descriptor_) != 0) return durable::FileError("syncing", file_);
  return absl::OkStatus();
}

}  // namespace tributary::simulation
