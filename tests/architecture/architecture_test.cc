// SPDX-License-Identifier: Apache-2.0
// The boundaries of docs/architecture.md hold in every source file.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/architecture/include_rules.h"

#include "tests/catch.h"

namespace tributary::architecture {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<fs::path> SourcesIn(const std::vector<const char*>& folders) {
  std::vector<fs::path> files;
  for (const char* folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(
             fs::path(TRIBUTARY_SOURCE_DIR) / folder)) {
      const auto extension = entry.path().extension();
      if (extension == ".h" || extension == ".cc") {
        files.push_back(fs::relative(entry.path(), TRIBUTARY_SOURCE_DIR));
      }
    }
  }
  return files;
}

std::vector<fs::path> ProductSources() {
  return SourcesIn({"aggregation", "privacy", "proto", "coordinator", "client",
                    "simulation"});
}

// Calls of RapidCheck that stand for themselves. It says only in what it
// returns that a property does not hold.
std::size_t VerdictsDropped(const std::string& text) {
  std::istringstream lines(text);
  std::size_t dropped = 0;
  char last = ';';  // of what stands before
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find_first_not_of(' ');
    if (first == std::string::npos) continue;
    const bool is_call = line.compare(first, 10, "rc::check(") == 0;
    if (is_call && last != '(' && last != ',') ++dropped;
    last = line.back();
  }
  return dropped;
}

TEST_CASE("a property that does not hold fails its test") {
  CHECK(VerdictsDropped("{\n  rc::check([] {\n  });\n}\n") == 1);
  CHECK(VerdictsDropped("{\n  REQUIRE(\n      rc::check([] {}));\n}\n") == 0);
  CHECK(VerdictsDropped("  CHECK(rc::check([] {}));\n") == 0);
  std::size_t calls = 0;
  for (const auto& file : SourcesIn({"tests"})) {
    const auto text = ReadFile(fs::path(TRIBUTARY_SOURCE_DIR) / file);
    INFO(file.generic_string());
    CHECK(VerdictsDropped(text) == 0);
    if (text.find("rc::check(") != std::string::npos) ++calls;
  }
  CHECK(calls > 20);
}

TEST_CASE("no source file includes what its folder must not see") {
  const auto files = ProductSources();
  REQUIRE(files.size() > 50);
  std::string report;
  for (const auto& file : files) {
    for (const auto& violation :
         Violations(file.generic_string(),
                    ReadFile(fs::path(TRIBUTARY_SOURCE_DIR) / file))) {
      report += violation + "\n";
    }
  }
  CHECK(report == "");
}

TEST_CASE("the checker finds what it is there to find") {
  const std::vector<std::pair<std::string, std::string>> forbidden = {
      {"aggregation/x.cc", "#include <torch/torch.h>"},
      {"aggregation/x.cc", "#include \"aggregation/robust/updates.h\""},
      {"aggregation/robust/x.cc", "#include <thread>"},
      {"coordinator/round/x.h", "#include <thread>"},
      {"privacy/dp/x.cc", "#include <fstream>"},
      {"privacy/dp/x.cc", "#include \"tributary/v1/plan.pb.h\""},
      {"privacy/crypto/x.cc", "#include \"privacy/dp/rdp.h\""},
      {"privacy/secagg/x.cc", "#include \"privacy/dp/rdp.h\""},
      {"privacy/secagg/x.cc", "#include \"tributary/v1/secagg.pb.h\""},
      {"privacy/secagg/x.cc", "#include \"privacy/secagg/client/client.h\""},
      {"privacy/secagg/client/x.cc",
       "#include \"privacy/secagg/server/server.h\""},
      {"privacy/secagg/server/x.cc",
       "#include \"privacy/secagg/client/client.h\""},
      {"coordinator/round/x.cc", "auto t = std::chrono::steady_clock::now();"},
      {"coordinator/server/x.cc", "#include \"simulation/simulator.h\""},
      {"coordinator/server/x.cc", "#include <torch/script.h>"},
      {"client/core/x.cc", "#include \"tributary/v1/federation.grpc.pb.h\""},
      {"client/core/x.cc", "#include \"coordinator/round/engine.h\""},
      {"client/core/x.cc", "#include \"privacy/secagg/server/server.h\""},
      {"client/include/tributary/x.h", "#include <grpcpp/grpcpp.h>"},
      {"simulation/x.cc", "#include \"coordinator/store/store.h\""},
      {"simulation/x.cc", "#include <matio.h>"},
      {"simulation/datasets/x.cc", "#include <torch/torch.h>"},
      {"simulation/datasets/x.cc", "#include \"simulation/partition.h\""},
      {"simulation/ranks/x.cc", "#include \"simulation/simulation.h\""},
      {"simulation/report/x.cc", "#include \"simulation/results.h\""},
      {"proto/durable/x.cc", "#include \"privacy/crypto/digest.h\""},
      {"proto/command_line/x.cc", "#include \"absl/status/status.h\""},
      {"proto/command_line/x.cc", "#include \"proto/codec/yaml.h\""},
      {"coordinator/runner/x.cc", "#include \"proto/command_line/read.h\""},
      {"elsewhere/x.cc", ""}};
  for (const auto& [path, text] : forbidden) {
    INFO(path << ": " << text);
    CHECK(Violations(path, text + "\n").size() == 1);
  }
}

TEST_CASE("the checker lets pass what is allowed") {
  CHECK(Violations("aggregation/x.cc",
                   "#include <vector>\n#include \"absl/status/status.h\"\n"
                   "#include \"aggregation/grid.h\"\n")
            .empty());
  CHECK(Violations("client/torch/x.cc", "#include <torch/torch.h>\n").empty());
}

TEST_CASE("there is no junk drawer") {
  for (const auto& file : ProductSources()) {
    for (const auto& part : file) {
      const std::string name = part.stem().string();
      INFO(file.generic_string());
      for (const char* junk :
           {"common", "util", "utils", "misc", "helper", "helpers"}) {
        CHECK(name != junk);
      }
    }
  }
}

}  // namespace
}  // namespace tributary::architecture
