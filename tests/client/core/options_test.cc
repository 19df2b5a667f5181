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
  ClientOptions options = Plaintext("localhost:1");
  options.fallbacks = {"127.0.0.1:2"};
  CHECK(options.Validate().ok());
  options.fallbacks = {"127.0.0.1:2", "10.0.0.1:1"};
  CHECK_FALSE(options.Validate().ok());
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
  options.fallbacks = {"edge-2.example.org:8470", "fl.example.org"};
  CHECK(options.Validate().message() ==
        "fallbacks: \"fl.example.org\" is not host:port with a port of 1 to "
        "65535, such as fl.example.org:8470");
  options = Tls();
  options.patience = std::chrono::milliseconds(0);
  CHECK(names(options, "patience"));
  options = Tls();
  options.evaluator = true;
  CHECK(names(options, "evaluator"));
  options = Plaintext("localhost:1");
  options.name.clear();
  CHECK(names(options, "name"));
}

TEST_CASE("a floor of secure aggregation that makes no sense is named") {
  const auto reason = [](auto change) {
    ClientOptions options = Tls();
    change(options.secure_aggregation);
    return std::string(options.Validate().message());
  };
  using Secure = SecureAggregationOptions;
  CHECK(reason([](Secure&) {}) == "");
  CHECK(reason([](Secure& secure) { secure.min_cohort = 2; }) ==
        "secure_aggregation.min_cohort: 2 is not at least 3");
  CHECK(reason([](Secure& secure) { secure.min_cohort = 10; }) ==
        "secure_aggregation.min_survivors: 10 is not at least 2 and below "
        "min_cohort");
  CHECK(reason([](Secure& secure) { secure.min_word_bits = 63; }) ==
        "secure_aggregation.min_word_bits: 63 is not in 8 .. 62");
  CHECK(reason([](Secure& secure) { secure.min_corrupt_per_mille = 901; }) ==
        "secure_aggregation.min_corrupt_per_mille: 901 is not in 0 .. 900");
  CHECK(reason([](Secure& secure) { secure.min_threshold_per_mille = 1001; }) ==
        "secure_aggregation.min_threshold_per_mille: 1001 is not in 0 .. 1000");
  CHECK(reason([](Secure& secure) { secure.min_noise_multiplier = -1; }) ==
        "secure_aggregation.min_noise_multiplier: -1 is not in 0 .. 1000000");
}

TEST_CASE("without TLS credentials serve secure aggregation, or are absent") {
  ClientOptions options = Plaintext("localhost:1");
  options.secure_aggregation.use = SecureAggregationOptions::Use::kRequired;
  CHECK(std::string(options.Validate().message()) ==
        "secure_aggregation.use: required, but there are no credentials to "
        "take part with");
  options.credentials.certificate = "pump.pem";
  CHECK(std::string(options.Validate().message()) ==
        "credentials.authority: must be set");
  options.credentials = {"ca.pem", "pump.pem", "pump.key"};
  CHECK(options.Validate().ok());
}

}  // namespace
}  // namespace tributary
