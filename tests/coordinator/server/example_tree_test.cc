// SPDX-License-Identifier: Apache-2.0
// The examples of a tree: on machines of their own, in containers, in a
// cluster.
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "coordinator/server/server_options.h"
#include "proto/codec/yaml.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

namespace fs = std::filesystem;

const std::string kDeploy = TRIBUTARY_SOURCE "/deploy/";

std::string Text(const std::string& file) {
  std::ifstream in(kDeploy + file);
  INFO(file);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

// As a coordinator reads it.
v1::CoordinatorConfig Read(const std::string& text) {
  const fs::path file = fs::temp_directory_path() / "tributary-tree-test.yaml";
  std::ofstream(file) << text;
  const auto config = codec::ReadCoordinatorConfig(file);
  fs::remove(file);
  INFO(config.status().ToString());
  REQUIRE(config.ok());
  REQUIRE(ToServerOptions(*config, "/etc/tributary").ok());
  return *config;
}

// `key=value` lines of a unit, without those of other sections.
std::set<std::string> Section(const std::string& unit,
                              const std::string& name) {
  std::set<std::string> lines;
  std::istringstream in(unit);
  std::string section;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '[') {
      REQUIRE(line.back() == ']');
      section = line;
      continue;
    }
    INFO(line);
    REQUIRE(line.find('=') != std::string::npos);
    REQUIRE_FALSE(section.empty());
    if (section == name) lines.insert(line);
  }
  return lines;
}

TEST_CASE("the example of a tree is a root and an aggregator of it") {
  const auto root = Read(Text("examples/tree/root.yaml"));
  CHECK_FALSE(root.has_parent());
  const auto edge = Read(Text("examples/tree/aggregator.yaml"));
  REQUIRE(edge.has_parent());
  CHECK(edge.parent().addresses_size() == 1);
  CHECK(edge.parent().tls().key() ==
        "/etc/tributary/pki/edge-as-aggregator.key");
}

TEST_CASE("the aggregator's unit is the coordinator's but for its files") {
  const std::string coordinator = Text("systemd/tributary-coordinator.service");
  const std::string aggregator = Text("systemd/tributary-aggregator.service");
  const auto expected = Section(coordinator, "[Service]");
  std::set<std::string> found;
  for (std::string line : Section(aggregator, "[Service]")) {
    for (const std::string name : {"aggregator.yaml", "tributary/aggregator"}) {
      const auto at = line.find(name);
      if (at == std::string::npos) continue;
      line.replace(at + name.find("aggregator"), 10, "coordinator");
    }
    found.insert(line);
  }
  CHECK(found == expected);
  CHECK(Section(aggregator, "[Install]") == Section(coordinator, "[Install]"));
}

TEST_CASE("each node of the tree in containers has a state of its own") {
  const YAML::Node tree =
      YAML::LoadFile(kDeploy + "containers/tree.compose.yaml");
  std::set<std::string> volumes;
  std::set<std::string> ports;
  for (const auto& service : tree["services"]) {
    INFO(service.first.as<std::string>());
    const YAML::Node node = service.second;
    CHECK(node["image"].as<std::string>() == "tributary-coordinator");
    REQUIRE(node["volumes"].size() == 2);
    const std::string state = node["volumes"][1].as<std::string>();
    const std::string volume = state.substr(0, state.find(':'));
    CHECK(tree["volumes"][volume].IsDefined());
    CHECK(volumes.insert(volume).second);
    CHECK(ports.insert(node["ports"][0].as<std::string>()).second);
  }
  CHECK(volumes.size() == 4);
}

TEST_CASE("the tree in a cluster has configurations that are valid") {
  std::set<std::string> kinds;
  for (const YAML::Node& object :
       YAML::LoadAllFromFile(kDeploy + "kubernetes/tree.yaml")) {
    const std::string kind = object["kind"].as<std::string>();
    kinds.insert(kind + " " + object["metadata"]["name"].as<std::string>());
    if (kind != "ConfigMap") continue;
    CHECK_FALSE(
        Read(object["data"]["root.yaml"].as<std::string>()).has_parent());
    const auto edge = Read(object["data"]["edge.yaml"].as<std::string>());
    REQUIRE(edge.has_parent());
    // The service of the root.
    CHECK(edge.parent().addresses(0) == "root:8470");
  }
  CHECK(kinds == std::set<std::string>{"ConfigMap tributary-tree",
                                       "Service edge", "Service root",
                                       "StatefulSet edge", "StatefulSet root"});
}

}  // namespace
}  // namespace tributary::coordinator
