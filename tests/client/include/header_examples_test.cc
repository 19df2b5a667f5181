// SPDX-License-Identifier: Apache-2.0
// What the public headers show is what header_examples.cc compiles.
#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "tests/catch.h"

namespace {

std::string Read(const std::string& file) {
  std::ifstream in(std::string(TRIBUTARY_SOURCE_DIR "/") + file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Line breaks are the formatter's.
std::string WithoutSpace(std::string text) {
  std::erase_if(text,
                [](unsigned char c) { return std::isspace(c) || c == '/'; });
  return text;
}

// The indented lines of the comment before #pragma once.
std::string ExampleOf(const std::string& header) {
  std::istringstream lines(Read(header));
  std::string line;
  std::string example;
  while (std::getline(lines, line) && line != "#pragma once") {
    if (line.starts_with("//   ")) example += line.substr(2) + "\n";
  }
  return example;
}

TEST_CASE("the examples in the public headers compile as they stand") {
  const std::string compiled =
      WithoutSpace(Read("tests/client/include/header_examples.cc"));
  for (const char* header : {"client.h", "model.h", "trainer.h"}) {
    const std::string example =
        ExampleOf(std::string("client/include/tributary/") + header);
    INFO(header);
    CHECK(std::count(example.begin(), example.end(), '\n') > 8);
    CHECK(compiled.find(WithoutSpace(example)) != std::string::npos);
  }
}

}  // namespace
