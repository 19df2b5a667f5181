// SPDX-License-Identifier: Apache-2.0
// What is found wrong in the files of a configuration before it is used.
#include "coordinator/server/credentials.h"
#include "coordinator/server/state_folder.h"
#include "tests/coordinator/server/certificates.h"

#include "tests/catch.h"

using namespace tributary;
using namespace tributary::coordinator;
using namespace tributary::testing;

TEST_CASE("a client's certificate is not the coordinator's") {
  const TemporaryFolder folder;
  const Authority authority("authority");
  const auto check = [&](const std::vector<std::string>& uris) {
    const IssuedCertificate issued = authority.Issue("pump-1", uris);
    return CheckTlsFiles({folder.Write("ca.pem", authority.certificate()),
                          folder.Write("server.pem", issued.certificate),
                          folder.Write("server.key", issued.key),
                          {}});
  };
  CHECK(check({RoleUri("coordinator")}).ok());
  CHECK(check({}).ok());
  CHECK(std::string(check({RoleUri("trainer")}).message()) ==
        "tls.certificate: " + (folder.path() / "server.pem").string() +
            " has the role trainer, not coordinator");
  CHECK_FALSE(check({RoleUri("coordinator"), RoleUri("operator")}).ok());
}

TEST_CASE("a state folder is one that can be made or written in") {
  const TemporaryFolder folder;
  CHECK(CheckStateFolder(folder.path()).ok());
  CHECK(CheckStateFolder(folder.path() / "new" / "state").ok());
  CHECK(CheckStateFolder(folder.path() / "new" / "state" / "").ok());
  const std::filesystem::path file = folder.Write("file", "bytes");
  CHECK(std::string(CheckStateFolder(file / "state").message()) ==
        "state: " + (file / "state").string() +
            " cannot be used: " + file.string() + ": Not a directory");
  CHECK_FALSE(CheckStateFolder(file).ok());
  std::filesystem::create_symlink("nowhere", folder.path() / "link");
  CHECK_FALSE(CheckStateFolder(folder.path() / "link").ok());
}
