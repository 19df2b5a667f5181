// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "tests/client/data/folder.h"
#include "tributary/dataset.h"

#include "tests/catch.h"

namespace tributary {
namespace {

using data::Folder;
using Floats = std::vector<float>;
using Shape = std::vector<std::int64_t>;

// What is said after the file's path about a CSV of this content.
std::string ErrorOf(const std::string& content,
                    const CsvOptions& options = {}) {
  const Folder folder;
  const auto file = folder.Write("data.csv", content);
  const auto dataset = ReadCsv(file, options);
  if (dataset.ok()) return "";
  const std::string message(dataset.status().message());
  REQUIRE(message.find(file.string()) == 0);
  return message.substr(file.string().size());
}

TEST_CASE("a CSV reads as rows of features and a label") {
  const Folder folder;
  const auto file = folder.Write("data.csv", "1,2,0\n3,-4.5,1\n1e2,+6,2\n");
  const auto dataset = ReadCsv(file, {.scale = 0.5});
  REQUIRE(dataset.ok());
  CHECK(dataset->Size() == 3);
  CHECK(dataset->ExampleLength() == 2);
  CHECK(dataset->example_shape == Shape{2});
  CHECK(dataset->features == Floats{0.5f, 1, 1.5f, -2.25f, 50, 3});
  CHECK(dataset->targets == Floats{0, 1, 2});
}

TEST_CASE("the label may be any column, counted from either end") {
  const Folder folder;
  const auto file = folder.Write("data.csv", "7,1,2\n8,3,4\n");
  for (const int column : {0, -3}) {
    const auto dataset = ReadCsv(file, {.label_column = column});
    REQUIRE(dataset.ok());
    CHECK(dataset->targets == Floats{7, 8});
    CHECK(dataset->features == Floats{1, 2, 3, 4});
  }
}

TEST_CASE("header, byte order mark, blanks, CRLF and a missing last line end") {
  const Folder folder;
  const auto file = folder.Write(
      "data.csv", "\xef\xbb\xbf\"a, b\",label,c\r\n 1 ,\t2, 3\r\n4,5,6");
  const auto dataset = ReadCsv(file, {.label_column = 1, .header = true});
  // The quoted comma of the header is not counted: the header is not read.
  REQUIRE(dataset.ok());
  CHECK(dataset->features == Floats{1, 3, 4, 6});
  CHECK(dataset->targets == Floats{2, 5});
  const auto marked = folder.Write("marked.csv",
                                   "\xef\xbb\xbf"
                                   "1,2\n\n\r\n");
  CHECK(ReadCsv(marked, {}).value().features == Floats{1});
}

TEST_CASE("a compressed CSV reads as a plain one, over many buffers") {
  const Folder folder;
  std::string content;
  for (int i = 0; i < 60'000; ++i) {
    content += std::to_string(i % 977) + ".25," + std::to_string(i % 10) + "\n";
  }
  const auto plain = ReadCsv(folder.Write("a.csv", content), {});
  const auto compressed = ReadCsv(folder.WriteGzip("a.csv.gz", content), {});
  REQUIRE(plain.ok());
  REQUIRE(compressed.ok());
  CHECK(plain->Size() == 60'000);
  CHECK(plain->features[59'999] == 59'999 % 977 + 0.25f);
  CHECK(plain->features == compressed->features);
  CHECK(plain->targets == compressed->targets);
}

TEST_CASE("what is no number is refused by line and column") {
  CHECK(ErrorOf("1,2\n3,x4\n") ==
        ", line 2, column 2: expected a number, found \"x4\"");
  CHECK(ErrorOf("1,2\n,4\n") ==
        ", line 2, column 1: expected a number, found \"\"");
  CHECK(ErrorOf("1,2\n3 3,4\n") ==
        ", line 2, column 1: expected a number, found \"3 3\"");
  CHECK(ErrorOf("\"1\",2\n") ==
        ", line 1, column 1: expected a number, found \"\\\"1\\\"\"");
  CHECK(ErrorOf("1;2,3\n") ==
        ", line 1, column 1: expected a number, found \"1;2\"");
  CHECK(ErrorOf("a,b\n1,2\n", {.header = true}).empty());
  CHECK(ErrorOf("+-1,2\n") ==
        ", line 1, column 1: expected a number, found \"+-1\"");
  CHECK(ErrorOf(std::string(100, 'z') + ",1\n") ==
        ", line 1, column 1: expected a number, found "
        "\"zzzzzzzzzzzzzzzzzzzzzzzz...\"");
}

TEST_CASE("NaN, infinities and what float32 cannot hold are refused") {
  const std::string expected =
      ", line 1, column 1: expected a finite number within float32, found ";
  for (const std::string field : {"nan", "-inf", "1e39", "1e999"}) {
    CHECK(ErrorOf(field + ",1\n") == expected + "\"" + field + "\"");
  }
  CHECK(ErrorOf("3e38,1\n", {.scale = 2}) == expected + "\"3e38\"");
  CHECK(ErrorOf("1,inf\n").find(", line 1, column 2:") == 0);
}

TEST_CASE("rows that are not equally wide are refused") {
  CHECK(ErrorOf("1,2,3\n4,5\n") ==
        ", line 2: expected 3 columns, as in the first row; found 2");
  CHECK(ErrorOf("1,2\n4,5,6\n") ==
        ", line 2: expected 2 columns, as in the first row; found 3");
  CHECK(ErrorOf("1\n") ==
        ", line 1: expected features and a label, found one column");
  CHECK(ErrorOf("1,2\n\n3,4\n") ==
        ", line 2: expected an example, found an empty line");
}

TEST_CASE("a file without examples is refused") {
  CHECK(ErrorOf("") == ": expected examples, found none");
  CHECK(ErrorOf("\n\n") == ": expected examples, found none");
  CHECK(ErrorOf("a,b\n", {.header = true}) ==
        ": expected examples, found none");
}

TEST_CASE("options that fit no file are refused by their key") {
  CHECK(ErrorOf("1,2\n", {.label_column = 2}) ==
        ", line 1: label_column: 2 is not one of 2 columns");
  CHECK(ErrorOf("1,2\n", {.label_column = -3}) ==
        ", line 1: label_column: -3 is not one of 2 columns");
  const auto dataset = ReadCsv("any.csv", {.scale = 1.0 / 0.0});
  CHECK_FALSE(dataset.ok());
}

TEST_CASE("a line without end is refused before it fills the memory") {
  CHECK(ErrorOf(std::string(20'000'000, '1')) ==
        ", line 1: expected a line of at most 16777216 bytes");
}

}  // namespace
}  // namespace tributary
