// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/pki_files.h"

namespace tributary::ctl {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

ExitCode PkiInit(Session& session, const std::string& folder,
                 const std::string& name) {
  if (auto status = Authority::Create(folder, name); !status.ok()) {
    return status;
  }
  const fs::path path(folder);
  if (session.IsJson()) {
    session.Print({{"authority", (path / "ca.pem").string()},
                   {"crl", (path / "crl.pem").string()}});
  } else {
    session.out << "authority \"" << name << "\" in " << folder << "\n  "
                << (path / "ca.pem").string()
                << "   what coordinators and clients trust\n  "
                << (path / "crl.pem").string()
                << "  what it revoked, for the coordinator\n  "
                << (path / "ca.key").string()
                << "   its key: keep it here, back it up, show it to nobody\n";
  }
  return 0;
}

ExitCode PkiRequest(Session& session, const std::string& name,
                    const std::string& folder, const AlternativeNames& names) {
  const auto made = MakeRequest(name, names);
  if (!made.ok()) return made.status();
  if (auto status = MakeFolder(folder); !status.ok()) return status;
  const fs::path key = fs::path(folder) / (name + ".key");
  const fs::path request = fs::path(folder) / (name + ".csr");
  auto status = CreateSecretFile(key, made->key);
  if (absl::IsAlreadyExists(status)) {
    return absl::AlreadyExistsError(absl::StrCat(
        key.string(), ": is there already; move it away to make a new key"));
  }
  if (status.ok()) status = ReplaceFile(request, made->request);
  if (!status.ok()) return status;
  if (session.IsJson()) {
    session.Print(
        {{"name", name}, {"key", key.string()}, {"request", request.string()}});
  } else {
    session.out << key.string() << "  the key; it stays here\n"
                << request.string()
                << "  the request; have it signed with \"tributaryctl pki "
                   "sign\"\n";
  }
  return 0;
}

ExitCode PkiSign(Session& session, const SignCommand& command) {
  const auto request = ReadSmallFile(command.request);
  if (!request.ok()) return request.status();
  auto authority = Authority::Open(command.pki);
  if (!authority.ok()) return authority.status();
  const auto issued = authority->Sign(*request, command.grant, command.reissue);
  if (!issued.ok()) {
    return absl::Status(
        issued.status().code(),
        absl::StrCat(command.request, ": ", issued.status().message()));
  }
  const fs::path out = command.out.empty()
                           ? fs::path(command.request).replace_extension(".pem")
                           : fs::path(command.out);
  if (auto status = ReplaceFile(out, issued->certificate); !status.ok()) {
    return status;
  }
  if (session.IsJson()) {
    session.Print({{"name", issued->name},
                   {"role", command.grant.role},
                   {"populations", command.grant.populations},
                   {"serial", issued->serial},
                   {"not_after", issued->not_after},
                   {"certificate", out.string()}});
  } else {
    session.out << out.string() << "  " << issued->name << ", "
                << command.grant.role
                << (command.grant.populations.empty() ? "" : " of ")
                << absl::StrJoin(command.grant.populations, ", ") << ", until "
                << issued->not_after << ", serial " << issued->serial << "\n";
  }
  return 0;
}

ExitCode PkiRevoke(Session& session, const std::string& target,
                   const std::string& pki) {
  auto authority = Authority::Open(pki);
  if (!authority.ok()) return authority.status();
  const auto revoked = authority->Revoke(target);
  if (!revoked.ok()) return revoked.status();
  const std::string crl = (fs::path(pki) / "crl.pem").string();
  if (session.IsJson()) {
    ordered_json list = ordered_json::array();
    for (const IssuedEntry& entry : *revoked) {
      list.push_back({{"name", entry.name}, {"serial", entry.serial}});
    }
    session.Print({{"revoked", list}, {"crl", crl}});
    return 0;
  }
  for (const IssuedEntry& entry : *revoked) {
    session.out << "revoked " << Shown(entry.name) << ", serial "
                << Shown(entry.serial) << "\n";
  }
  if (revoked->empty()) {
    session.out << Shown(target) << " was revoked before\n";
  }
  session.out << crl
              << "  the coordinator whose tls.crl is this file reads it again; "
                 "copy it to any other\n";
  return 0;
}

}  // namespace tributary::ctl
