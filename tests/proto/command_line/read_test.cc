// SPDX-License-Identifier: Apache-2.0
#include "proto/command_line/read.h"

#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace tributary::command_line {
namespace {

// A program with options of every kind, and what it answers.
struct Answer {
  std::optional<int> code;
  std::string out, err;
  int count = 3;
};

Answer Ask(std::vector<std::string> arguments) {
  Answer answer;
  CLI::App app("Counts things", "counter");
  app.require_subcommand(1);
  std::string file, device;
  CLI::App* count = app.add_subcommand("count", "count what a file holds");
  count->add_option("FILE", file, "the things")->required();
  count->add_option("--times", answer.count, "how often")
      ->check(CLI::Range(1, 9))
      ->capture_default_str();
  count->add_option("--device", device, "where")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->envname("COUNTER_DEVICE");
  count->add_option("--out", file, "file to write")->required();
  app.add_subcommand("show", "show what was counted");
  std::ostringstream out, err;
  answer.code = Read(app, "1.2", std::move(arguments), out, err);
  answer.out = out.str();
  answer.err = err.str();
  return answer;
}

TEST_CASE("a line that makes sense is read, and nothing is said") {
  const Answer answer = Ask({"count", "things", "--out", "x", "--times", "7"});
  CHECK_FALSE(answer.code.has_value());
  CHECK(answer.count == 7);
  CHECK(answer.out + answer.err == "");
}

TEST_CASE("help is in one style") {
  const Answer answer = Ask({"count", "--help"});
  CHECK(answer.code == 0);
  CHECK(answer.err == "");
  // Line by line: CLI11's versions differ in the empty ones.
  for (const char* line :
       {"count what a file holds\n", "Usage: counter count [OPTIONS] FILE\n",
        "\n  FILE (required)             the things\n",
        "\n  --times INT                 how often (default: 3)\n",
        "\n  --device {cpu,cuda}         where (or the variable "
        "COUNTER_DEVICE)\n",
        "\n  --out TEXT (required)       file to write\n",
        "\n  -h,--help                   print this and exit\n"}) {
    INFO(answer.out);
    CHECK(answer.out.find(line) != std::string::npos);
  }
  CHECK(answer.out.find("REQUIRED") == std::string::npos);
}

TEST_CASE("the version names the program") {
  CHECK(Ask({"--version"}).code == 0);
  CHECK(Ask({"--version"}).out == "counter 1.2\n");
}

TEST_CASE("a misspelt option is named before what it leaves missing") {
  const Answer answer = Ask({"count", "things", "--oot", "x"});
  CHECK(answer.code == kUsage);
  CHECK(answer.out == "");
  CHECK(answer.err ==
        "counter: \"--oot\" is no option here\n"
        "counter: --out is required\n"
        "see counter count --help\n");
}

TEST_CASE("a misspelt option is named where nothing is missing") {
  CHECK(Ask({"count", "things", "--out", "x", "--tmes", "7"}).err ==
        "counter: \"--tmes\" is no option here\n"
        "see counter count --help\n");
}

TEST_CASE("a misspelt command and an argument too many are named") {
  CHECK(Ask({"cuont", "things"})
            .err.starts_with("counter: \"cuont\" is no command here\n"));
  CHECK(Ask({"count", "things", "--out", "x", "more"})
            .err.starts_with("counter: \"more\" is one argument too many\n"));
  CHECK(Ask({}).err.find("subcommand") != std::string::npos);
}

TEST_CASE("a value that does not fit names the option") {
  const Answer answer = Ask({"count", "things", "--out", "x", "--times", "10"});
  CHECK(answer.code == kUsage);
  CHECK(answer.err.starts_with("counter: --times: "));
}

TEST_CASE("no control character of the line reaches the terminal") {
  CHECK(Ask({"count", "--a\x1b[2J"})
            .err.starts_with("counter: \"--a?[2J\" is no option here\n"));
}

}  // namespace
}  // namespace tributary::command_line
