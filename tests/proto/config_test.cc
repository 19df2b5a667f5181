// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "proto/codec/yaml.h"
#include "tests/proto/files.h"
#include "tests/proto/plans.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

const std::string kTls =
    "tls: {authority: ca.pem, certificate: c.pem, key: c.key}\n";

struct ConfigFixture {
  TemporaryFolder folder;

  absl::StatusOr<v1::CoordinatorConfig> Read(const std::string& text) {
    return ReadCoordinatorConfig(folder.Write("c.yaml", text));
  }
  // The reasons, without file and line.
  bool Refuses(const std::string& text, const std::string& reason) {
    const std::string message(Read(text).status().message());
    return message.find(reason) != std::string::npos;
  }
};

TEST_CASE_METHOD(ConfigFixture, "a configuration needs a state and TLS") {
  const auto config = Read("state: data\n" + kTls);
  REQUIRE(config.ok());
  CHECK(config->state() == (folder.path() / "data").string());
  CHECK(config->tls().key() == (folder.path() / "c.key").string());
  CHECK(config->tls().crl().empty());
  CHECK(config->listen() == "0.0.0.0:8470");
  CHECK(config->admin_listen() == "127.0.0.1:8471");
  CHECK(config->http_listen() == "127.0.0.1:8472");
  CHECK(config->upload_credits() == 8);
  CHECK(config->buffer_mib() == 128);
  CHECK(config->fold_threads() >= 1);
  CHECK(config->log_level() == "info");
  CHECK(config->idle_latest().seconds() == 15);
  CHECK(config->drain().seconds() == 20);
}

TEST_CASE_METHOD(ConfigFixture, "every problem of it is reported with a line") {
  const auto status = Read("listen: here\nlog_level: loud\n").status();
  const std::string file = (folder.path() / "c.yaml").string();
  CHECK(Says(status, file + ":1: state: is required"));
  CHECK(Says(status, file + ":1: listen: \"here\" is not host:port"));
  CHECK(Says(status, file +
                         ":2: log_level: \"loud\" is not one of debug, info, "
                         "warn, error"));
  CHECK(Refuses("listen: here\n", "tls: is required"));
}

TEST_CASE_METHOD(ConfigFixture, "plaintext binds to loopback only") {
  const std::string insecure = "state: data\ninsecure: true\n";
  CHECK(Read(insecure).ok());
  CHECK(Read(insecure + "listen: \"[::1]:80\"\n").ok());
  CHECK(Read(insecure + "listen: localhost:0\n").ok());
  CHECK(Read(insecure)->listen() == "127.0.0.1:8470");
  for (const char* address :
       {"0.0.0.0:8470", "192.168.1.2:1", "127.example.org:1", "'[::]:1'"}) {
    INFO(address);
    CHECK(Refuses(insecure + "listen: " + address + "\n",
                  "is not a loopback address"));
    CHECK(Refuses(insecure + "admin_listen: " + address + "\n",
                  "is not a loopback address"));
  }
  CHECK(Refuses(insecure + kTls, "insecure: cannot stand beside tls"));
}

TEST_CASE_METHOD(ConfigFixture, "addresses are host:port and differ") {
  const std::string base = "state: data\n" + kTls;
  for (const char* address :
       {"'localhost'", "':80'", "'a:b'", "'a:99999'", "'::1:80'", "'a:-1'"}) {
    INFO(address);
    CHECK(Refuses(base + "listen: " + address + "\n", "is not host:port"));
  }
  CHECK(Read(base + "http_listen: \"off\"\n").ok());
  CHECK(Refuses(base + "listen: 127.0.0.1:8471\n", "is the same as listen"));
  CHECK(Refuses(base + "http_listen: 127.0.0.1:8471\n", "is the same as"));
  CHECK(Read(base + "listen: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\n").ok());
}

TEST_CASE_METHOD(ConfigFixture, "the idle window starts before it ends") {
  CHECK(Refuses("state: d\nidle_earliest: 20s\n" + kTls,
                ":2: idle_earliest: 20s is longer than idle_latest 15s"));
}

TEST_CASE_METHOD(ConfigFixture, "an aggregator names its parent") {
  const std::string root = "state: data\n" + kTls;
  const auto config =
      Read(root +
           "parent:\n  addresses: [root.example:8470, \"[fe80::1]:8470\"]\n"
           "  population: pumps\n"
           "  tls: {authority: ca.pem, certificate: a.pem, key: a.key}\n");
  INFO(config.status().ToString());
  REQUIRE(config.ok());
  CHECK(config->parent().addresses_size() == 2);
  CHECK(config->parent().tls().key() == (folder.path() / "a.key").string());
  const auto parent = [&](const std::string& lines) {
    return root + "parent: {" + lines + "}\n";
  };
  const std::string where = "addresses: [\"127.0.0.1:1\"], population: pumps";
  CHECK(Read(parent(where + ", insecure: true, name: edge-1")).ok());
  CHECK(Refuses(parent("population: pumps"), "parent.addresses: is required"));
  CHECK(Refuses(parent("addresses: [root], population: pumps"),
                "parent.addresses[0]: \"root\" is not host:port"));
  CHECK(Refuses(parent("addresses: [\"10.0.0.1:1\"], population: pumps, "
                       "insecure: true, name: edge-1"),
                "is not a loopback address"));
  CHECK(Refuses(parent(where + ", insecure: true"),
                "parent.name: is required without TLS"));
  CHECK(Refuses(parent(where), "parent.tls: is required"));
  CHECK(Refuses(parent(where + ", tls: {authority: ca.pem}"),
                "parent.tls.certificate: is required"));
  CHECK(Refuses(parent(where + ", name: edge-1, tls: {authority: ca.pem, "
                               "certificate: a.pem, key: a.key}"),
                "parent.name: is the certificate's to say"));
}

}  // namespace
}  // namespace tributary::codec
