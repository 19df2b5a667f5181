// SPDX-License-Identifier: Apache-2.0
// An authority in a folder, which its key never leaves:
//   ca.key       its key, mode 0600
//   ca.pem       its certificate: what coordinators and clients trust
//   crl.pem      what it revoked: coordinators read it again when it changes
//   issued.json  what it issued
//
// One process at a time changes the folder; others wait. Not for several
// threads.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/ctl/certificates.h"
#include "coordinator/ctl/pki_files.h"

namespace tributary::ctl {

// One line of issued.json.
struct IssuedEntry {
  std::string serial;
  std::string name;
  std::string role;
  std::string not_after;  // 2027-01-31T12:00:00Z
  std::string revoked;    // when; empty: it is not
};

// Whether a name that holds a certificate may be given another one.
enum class Reissue { kRefuse, kReplace };

class Authority {
 public:
  // AlreadyExists if the folder holds one.
  static absl::Status Create(const std::filesystem::path& folder,
                             const std::string& name);
  static absl::StatusOr<Authority> Open(const std::filesystem::path& folder);

  // AlreadyExists if the name holds a certificate that is neither revoked nor
  // expired, unless it is to be replaced (a rotation: the old one stays good
  // until it is revoked or expires).
  absl::StatusOr<IssuedCertificate> Sign(const std::string& request,
                                         const Grant& grant, Reissue reissue);

  // Revokes by certificate file, by name (all it holds) or by serial; returns
  // what was revoked now. NotFound if nothing of ours is meant.
  absl::StatusOr<std::vector<IssuedEntry>> Revoke(const std::string& target);

  const std::vector<IssuedEntry>& issued() const { return issued_; }

 private:
  Authority(std::filesystem::path folder, FolderGuard guard)
      : folder_(std::move(folder)), guard_(std::move(guard)) {}
  absl::Status SaveIndex() const;
  absl::Status WriteCrl() const;
  bool Means(const IssuedEntry& entry, const std::string& target,
             const std::string& serial) const;

  std::filesystem::path folder_;
  FolderGuard guard_;
  KeyAndCertificate own_;
  std::vector<IssuedEntry> issued_;
};

}  // namespace tributary::ctl
