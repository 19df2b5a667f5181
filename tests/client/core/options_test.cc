// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "tributary/client.h"

#include "tests/catch.h"

namespace tributary {
namespace {

ClientOptions Plaintext(const std::string& coordinator) {
  ClientOptions options;
  options.coordinator = coordinator;
  options.population = "pumps";
  options.insecure = true;
  options.name = "pump-17";
  options.state_folder = "/state";
  return options;
}
ClientOptions Tls() {
  ClientOptions options = Plaintext("fl.example.org:8470");
  options.insecure = false;
  options.name.clear();
  options.credentials = {"ca.pem", "pump.pem", "pump.key"};
  return options;
}

TEST_CASE("plaintext is for loopback addresses only") {
  CHECK(Plaintext("localhost:1").Validate().ok());
  CHECK(Plaintext("127.0.0.1:1").Validate().ok());
  CHECK(Plaintext("[::1]:1").Validate().ok());
  CHECK_FALSE(Plaintext("10.0.0.1:1").Validate().ok());
  CHECK_FALSE(Plaintext("127.example.org:1").Validate().ok());
  CHECK_FALSE(Plaintext("localhost.example.org:1").Validate().ok());
}

TEST_CASE("the coordinator's address is a host and a port") {
  for (const char* good : {"localhost:1", "10.0.0.1:65535", "[fe80::1]:8470"}) {
    ClientOptions options = Tls();
    options.coordinator = good;
    CHECK(options.Validate().ok());
  }
  for (const char* bad :
       {"", "localhost", "localhost:", ":8470", "localhost:0",
        "localhost:65536", "localhost:99999", "localhost:99999999999",
        "localhost:-1", "localhost:80a", "localhost:port", "fe80::1:8470"}) {
    ClientOptions options = Tls();
    options.coordinator = bad;
    const std::string message(options.Validate().message());
    INFO(message);
    CHECK(message.find("coordinator: \"" + std::string(bad) + "\"") == 0);
  }
}

TEST_CASE("a wrong option is named") {
  CHECK(Tls().Validate().ok());
  const auto names = [](const ClientOptions& options, const char* name) {
    return std::string(options.Validate().message()).find(name) == 0;
  };
  ClientOptions options = Tls();
  options.coordinator = "fl.example.org";
  CHECK(names(options, "coordinator"));
  options = Tls();
  options.population.clear();
  CHECK(names(options, "population"));
  options = Tls();
  options.credentials.key.clear();
  CHECK(names(options, "credentials.key"));
  options = Tls();
  options.backoff_max = options.backoff_min - std::chrono::milliseconds(1);
  CHECK(names(options, "backoff_max"));
  options = Tls();
  options.evaluator = true;
  CHECK(names(options, "evaluator"));
  options = Plaintext("localhost:1");
  options.name.clear();
  CHECK(names(options, "name"));
}

}  // namespace
}  // namespace tributary
