// SPDX-License-Identifier: Apache-2.0
// Every transcript is what the engine says, byte for byte. With
// TRIBUTARY_REGENERATE=1 the files are written anew instead: read the diff.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "tests/coordinator/checkpoint/script.h"

#include "tests/catch.h"

namespace tributary::checkpoint {
namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::set<std::filesystem::path> Transcripts() {
  std::set<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(TRIBUTARY_TRANSCRIPTS)) {
    if (entry.path().extension() == ".txt") paths.insert(entry.path());
  }
  return paths;
}

TEST_CASE("every transcript is what the engine says") {
  const char* regenerate = std::getenv("TRIBUTARY_REGENERATE");
  const bool is_writing = regenerate != nullptr && *regenerate == '1';
  REQUIRE(Transcripts().size() >= 9);
  for (const auto& path : Transcripts()) {
    INFO(path.filename().string());
    const std::string written = ReadFile(path);
    const std::string played = Script::Play(written);
    if (is_writing) {
      std::ofstream(path, std::ios::binary) << played;
    } else {
      CHECK(played == written);
    }
  }
}

TEST_CASE("a changed transcript does not pass") {
  const std::string script =
      "run cohort_size=1 min_updates=1\n0s check-in ann\n";
  const std::string played = Script::Play(script);
  CHECK(played ==
        "run cohort_size=1 min_updates=1\n"
        "0s check-in ann\n"
        "  open round 1.1 from model-0\n"
        "  offer ann the training of round 1.1 from model-0 by 60s\n"
        "  wake at 60s\n");
  CHECK(Script::Play(played + "  accept ann with weight 1\n") == played);
}

}  // namespace
}  // namespace tributary::checkpoint
