// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/ledger_source.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/codec/ledger.h"

namespace tributary::ctl {
namespace {

// How SQLite's files begin.
constexpr std::string_view kDatabase = "SQLite format 3";

absl::StatusOr<LedgerSource> FromFile(const std::string& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) {
    return absl::InvalidArgumentError(absl::StrCat(
        file, ": is a folder; name the ledger file in it (privacy.ledger)"));
  }
  std::ifstream stream(file, std::ios::binary);
  if (!stream.is_open()) {
    return absl::NotFoundError(absl::StrCat(file, ": cannot be read"));
  }
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad()) {
    return absl::DataLossError(absl::StrCat(file, ": cannot be read"));
  }
  if (bytes.starts_with(kDatabase)) {
    return absl::InvalidArgumentError(
        absl::StrCat(file,
                     ": is a coordinator's database, not a ledger file; start "
                     "the coordinator of that state folder and name no FILE"));
  }
  auto read = codec::ReadLedgerFile(bytes);
  if (!read.ok()) {
    return absl::Status(read.status().code(),
                        absl::StrCat(file, ": ", read.status().message()));
  }
  return LedgerSource{.name = file,
                      .is_file = true,
                      .entries = std::move(read->entries),
                      .participation = std::move(read->participation),
                      .bytes_cut_off = bytes.size() - read->whole_bytes};
}

absl::StatusOr<LedgerSource> FromCoordinator(
    const ConnectionOptions& connection) {
  const auto stub = Connect(connection);
  if (!stub.ok()) return stub.status();
  grpc::ClientContext context;
  const auto reader = (*stub)->ReadLedger(&context, v1::ReadLedgerRequest());
  LedgerSource source{.name = connection.admin,
                      .is_file = false,
                      .entries = {},
                      .participation = {},
                      .bytes_cut_off = 0};
  v1::LedgerPage page;
  absl::Status status;
  while (status.ok() && reader->Read(&page)) {
    for (const v1::LedgerEntry& message : page.entries()) {
      auto entry = codec::ToEntry(message);
      if (!entry.ok()) {
        status = absl::DataLossError(
            absl::StrCat(source.name, ": ", entry.status().message()));
        break;
      }
      source.entries.push_back(*std::move(entry));
    }
    source.participation.insert(source.participation.end(),
                                page.participation().begin(),
                                page.participation().end());
  }
  if (!status.ok()) context.TryCancel();
  const auto finished = reader->Finish();
  if (!status.ok()) return status;
  if (status = Explain(finished, connection); !status.ok()) return status;
  return source;
}

}  // namespace

absl::StatusOr<LedgerSource> ReadLedger(const std::string& file,
                                        const ConnectionOptions& connection) {
  return file.empty() ? FromCoordinator(connection) : FromFile(file);
}

}  // namespace tributary::ctl
