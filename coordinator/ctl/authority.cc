// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/authority.h"

#include <ctime>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace tributary::ctl {
namespace {

using nlohmann::ordered_json;

// Sorts as text, like everything in the index.
std::string Now() {
  const std::time_t now = std::time(nullptr);
  std::tm broken{};
  gmtime_r(&now, &broken);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &broken);
  return text;
}

absl::StatusOr<std::vector<IssuedEntry>> ParseIndex(
    const std::string& text, const std::filesystem::path& file) {
  const auto bad = absl::DataLossError(
      absl::StrCat(file.string(), ": is damaged; restore it from a backup"));
  const auto list = ordered_json::parse(text, nullptr, false);
  if (!list.is_array()) return bad;
  std::vector<IssuedEntry> entries;
  for (const auto& item : list) {
    IssuedEntry entry;
    for (const auto& [key, field] : {std::pair("serial", &entry.serial),
                                     {"name", &entry.name},
                                     {"role", &entry.role},
                                     {"not_after", &entry.not_after},
                                     {"revoked", &entry.revoked}}) {
      if (!item.is_object() || !item.contains(key) || !item[key].is_string()) {
        return bad;
      }
      *field = item[key].get<std::string>();
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace

absl::Status Authority::Create(const std::filesystem::path& folder,
                               const std::string& name) {
  const auto own = MakeAuthority(name);
  if (!own.ok()) return own.status();
  const auto crl = MakeCrl(*own, {});
  if (!crl.ok()) return crl.status();
  if (auto status = MakeFolder(folder); !status.ok()) return status;
  const auto guard = FolderGuard::Acquire(folder);
  if (!guard.ok()) return guard.status();
  // The key goes first and is never replaced: of two that start at once, and
  // of one that is started twice, one wins.
  auto status = CreateSecretFile(folder / "ca.key", own->key);
  if (absl::IsAlreadyExists(status)) {
    return absl::AlreadyExistsError(absl::StrCat(
        folder.string(),
        ": an authority is there already; use it, or choose another folder"));
  }
  if (!status.ok()) return status;
  status = ReplaceFile(folder / "ca.pem", own->certificate);
  if (status.ok()) status = ReplaceFile(folder / "crl.pem", *crl);
  if (status.ok()) status = ReplaceFile(folder / "issued.json", "[]\n");
  // Half an authority would be taken for a whole one at the next try.
  std::error_code ignored;
  if (!status.ok()) std::filesystem::remove(folder / "ca.key", ignored);
  return status;
}

absl::StatusOr<Authority> Authority::Open(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder / "ca.key", ignored)) {
    return absl::NotFoundError(
        absl::StrCat(folder.string(),
                     ": no authority is there; make one with "
                     "\"tributaryctl pki init ",
                     folder.string(), "\""));
  }
  auto guard = FolderGuard::Acquire(folder);
  if (!guard.ok()) return guard.status();
  Authority authority(folder, *std::move(guard));
  auto key = ReadSmallFile(folder / "ca.key");
  if (!key.ok()) return key.status();
  auto certificate = ReadSmallFile(folder / "ca.pem");
  if (!certificate.ok()) return certificate.status();
  authority.own_ = {*std::move(key), *std::move(certificate)};
  const auto index = ReadSmallFile(folder / "issued.json");
  if (!index.ok()) return index.status();
  auto issued = ParseIndex(*index, folder / "issued.json");
  if (!issued.ok()) return issued.status();
  authority.issued_ = *std::move(issued);
  return authority;
}

absl::Status Authority::SaveIndex() const {
  ordered_json list = ordered_json::array();
  for (const IssuedEntry& entry : issued_) {
    list.push_back({{"serial", entry.serial},
                    {"name", entry.name},
                    {"role", entry.role},
                    {"not_after", entry.not_after},
                    {"revoked", entry.revoked}});
  }
  return ReplaceFile(folder_ / "issued.json", list.dump(1) + "\n");
}

absl::Status Authority::WriteCrl() const {
  std::vector<std::string> serials;
  for (const IssuedEntry& entry : issued_) {
    if (!entry.revoked.empty()) serials.push_back(entry.serial);
  }
  const auto crl = MakeCrl(own_, serials);
  if (!crl.ok()) return crl.status();
  return ReplaceFile(folder_ / "crl.pem", *crl);
}

absl::StatusOr<IssuedCertificate> Authority::Sign(const std::string& request,
                                                  const Grant& grant,
                                                  Reissue reissue) {
  const auto name = NameInRequest(request);
  if (!name.ok()) return name.status();
  const std::string now = Now();
  for (const IssuedEntry& entry : issued_) {
    if (reissue == Reissue::kRefuse && entry.name == *name &&
        entry.revoked.empty() && entry.not_after > now) {
      return absl::AlreadyExistsError(absl::StrCat(
          "\"", *name, "\" holds certificate ", entry.serial, " (", entry.role,
          ", until ", entry.not_after,
          "); add --replace to issue another, or revoke that one first"));
    }
  }
  auto issued = ctl::Sign(own_, request, grant);
  if (!issued.ok()) return issued.status();
  issued_.push_back(
      {issued->serial, issued->name, grant.role, issued->not_after, ""});
  // Before the certificate is out: what is out can always be revoked by name.
  if (auto status = SaveIndex(); !status.ok()) return status;
  return issued;
}

bool Authority::Means(const IssuedEntry& entry, const std::string& target,
                      const std::string& serial) const {
  if (!serial.empty()) return entry.serial == serial;
  return entry.name == target || entry.serial == absl::AsciiStrToUpper(target);
}

absl::StatusOr<std::vector<IssuedEntry>> Authority::Revoke(
    const std::string& target) {
  std::string serial;
  std::error_code ignored;
  if (std::filesystem::is_regular_file(target, ignored)) {
    const auto pem = ReadSmallFile(target);
    if (!pem.ok()) return pem.status();
    const auto found = SerialOf(*pem, own_.certificate);
    if (!found.ok()) {
      return absl::Status(found.status().code(),
                          absl::StrCat(target, ": ", found.status().message()));
    }
    serial = *found;
  }
  std::vector<IssuedEntry> revoked;
  bool known = false;
  for (IssuedEntry& entry : issued_) {
    if (!Means(entry, target, serial)) continue;
    known = true;
    if (!entry.revoked.empty()) continue;
    entry.revoked = Now();
    revoked.push_back(entry);
  }
  if (!known && !serial.empty()) {
    // Ours by its signature, though the index has lost it.
    issued_.push_back({serial, "", "", "", Now()});
    revoked.push_back(issued_.back());
  } else if (!known) {
    return absl::NotFoundError(absl::StrCat(
        "\"", target,
        "\" is no file, name or serial of a certificate of this authority; ",
        (folder_ / "issued.json").string(), " lists them"));
  }
  if (auto status = SaveIndex(); !status.ok()) return status;
  // Also when nothing is new: a list that was lost is written again.
  if (auto status = WriteCrl(); !status.ok()) return status;
  return revoked;
}

}  // namespace tributary::ctl
