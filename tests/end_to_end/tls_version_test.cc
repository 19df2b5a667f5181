// SPDX-License-Identifier: Apache-2.0
// The coordinator's port as another TLS program sees it.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/end_to_end/federation.h"
#include "tests/end_to_end/plans.h"
#include "tests/end_to_end/process.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

constexpr int kSkipped = 77;

// A handshake with the first client's certificate, and nothing after it.
Finished ShakeHands(const Federation& federation, const std::string& version) {
  const std::string folder = federation.folder().string();
  return RunCommand({"/bin/sh", "-c",
                     "exec openssl s_client -connect " + federation.address() +
                         " " + version + " -alpn h2 -CAfile " + folder +
                         "/pki/ca.pem -cert " + folder +
                         "/client-0000.pem -key " + folder +
                         "/client-0000.key </dev/null"});
}

TEST_CASE("the coordinator talks TLS 1.3 and refuses TLS 1.2") {
  if (RunCommand({"/bin/sh", "-c", "command -v openssl"}).exit != 0) {
    std::printf("skipped: the program openssl is not installed\n");
    std::exit(kSkipped);
  }
  Federation federation(
      {.clients = 1,
       .plan = DigitsPlan({.clients = 1, .cohort_size = 1, .min_updates = 1})});
  federation.StartCoordinator();

  const Finished newer = ShakeHands(federation, "-tls1_3");
  INFO(newer.output << newer.errors);
  CHECK(newer.exit == 0);
  CHECK(newer.output.find("New, TLSv1.3") != std::string::npos);

  const Finished older = ShakeHands(federation, "-tls1_2");
  INFO(older.output << older.errors);
  CHECK(older.exit != 0);
  CHECK(older.output.find("New, (NONE)") != std::string::npos);
  CHECK(federation.coordinator()
            .WaitForLine("\"handshake failed\"", std::chrono::seconds(10))
            .has_value());
}

}  // namespace
}  // namespace tributary::testing
