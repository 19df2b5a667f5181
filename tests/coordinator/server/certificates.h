// SPDX-License-Identifier: Apache-2.0
// An authority made in memory for a test, and the files it writes. Not for use
// outside tests: its keys lie on the disk unprotected.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace tributary::testing {

struct IssuedCertificate {
  std::string certificate;  // PEM
  std::string key;          // PEM
  std::string serial;       // upper-case hex
};

class Authority {
 public:
  explicit Authority(const std::string& name);
  ~Authority();

  const std::string& certificate() const { return certificate_; }
  // A certificate for `name` with these URIs as subject alternative names;
  // it also covers localhost and 127.0.0.1.
  IssuedCertificate Issue(const std::string& name,
                          const std::vector<std::string>& uris) const;
  // A signed list of revocations.
  std::string Revoke(const std::vector<std::string>& serials) const;

 private:
  struct Keys;
  std::unique_ptr<Keys> keys_;
  std::string certificate_;
};

inline std::string RoleUri(const std::string& role) {
  return "urn:tributary:role:" + role;
}
inline std::string PopulationUri(const std::string& population) {
  return "urn:tributary:population:" + population;
}

// A new folder, removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }
  // Writes a file and returns its path.
  std::filesystem::path Write(const std::string& name,
                              const std::string& bytes) const;

 private:
  std::filesystem::path path_;
};

}  // namespace tributary::testing
