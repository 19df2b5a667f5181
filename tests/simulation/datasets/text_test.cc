// SPDX-License-Identifier: Apache-2.0
// LEAF's JSON and plays.
#include <algorithm>

#include "tests/simulation/datasets/sources.h"

#include "tests/catch.h"

namespace tributary::datasets {
namespace {

std::string Leaf(const std::filesystem::path& path,
                 const std::string& more = "") {
  return absl::StrCat("leaf: {path: \"", path.string(), "\"", more, "}");
}

TEST_CASE("users of LEAF are clients, with numbers or characters") {
  const Folder folder;
  const auto numbers = folder.WriteGzip(
      "a.json.gz",
      R"({"users": ["u", "v"], "num_samples": [2, 1], "hierarchies": [["x"]],
          "user_data": {"u": {"x": [[0, 0.5], [1e0, -2]], "y": [3, 4.0]},
                        "v": {"y": [5], "note": {"x": [1]}, "x": [[7, 8]]}}})");
  const auto examples = ReadYaml(Leaf(numbers, ", shape: [1, 2]"));
  INFO(examples.status());
  REQUIRE(examples.ok());
  CHECK(IsConsistent(*examples));
  CHECK(examples->data.example_shape == Shape{1, 2});
  CHECK(examples->data.features == Floats{0, 0.5f, 1, -2, 7, 8});
  CHECK(examples->data.targets == Floats{3, 4, 5});
  CHECK(examples->owners == Names{"u", "v"});
  CHECK(examples->owner == Indexes{0, 0, 1});
  const auto text =
      folder.Write("b.json", R"({"users": ["HAMLET"], "num_samples": [1],
                    "user_data": {"HAMLET": {"x": ["\n To}"], "y": ["b"]}}})");
  const auto play = ReadYaml(Leaf(text));
  INFO(play.status());
  REQUIRE(play.ok());
  // Positions in LEAF's ALL_LETTERS.
  CHECK(play->data.features == Floats{0, 1, 44, 67, 79});
  CHECK(play->data.targets == Floats{54});
}

TEST_CASE("files of a folder are one LEAF set") {
  const Folder folder;
  const auto write = [&](const std::string& name, const std::string& user,
                         const std::string& x) {
    return folder.Write(name, "{\"users\": [\"" + user +
                                  "\"], \"num_samples\": [1], \"user_data\": "
                                  "{\"" +
                                  user + "\": {\"x\": [[" + x +
                                  "]], \"y\": [0]}}}");
  };
  write("a.json", "u", "1, 2");
  write("b.json", "v", "3, 4");
  write("c.json", "u", "5, 6");
  const auto examples = ReadYaml(Leaf(folder.path()));
  REQUIRE(examples.ok());
  CHECK(examples->data.features == Floats{1, 2, 3, 4, 5, 6});
  CHECK(examples->owner == Indexes{0, 1, 0});
  CHECK(ErrorOf(Leaf(folder.path(), ", shape: [3]")) ==
        "shape: holds 3 features, an example of " + folder.path().string() +
            " has 2");
  const auto wide = write("d.json", "w", "5, 6, 7");
  CHECK(ErrorOf(Leaf(folder.path())) ==
        wide.string() +
            ": user \"w\", example 0: expected 2 features, as in "
            "the first example; found 3");
}

TEST_CASE(
    "LEAF files that are cut, misdeclared, empty or hostile are refused") {
  const Folder folder;
  const auto error = [&](const std::string& content) {
    const auto file = folder.Write("x.json", content);
    const std::string message = ErrorOf(Leaf(file));
    REQUIRE(message.find(file.string() + ": ") == 0);
    return message.substr(file.string().size() + 2);
  };
  const std::string head = R"({"users": ["u"], "num_samples": [1], )";
  CHECK(error("").find("byte ") == 0);
  CHECK(error(head).find("byte ") == 0);
  CHECK(error(head + "\"user_data\": {\"u\": {\"x\": [[1").find("byte ") == 0);
  CHECK(error("[]") == "expected an object, found a list");
  CHECK(error("{}") == "user_data: expected users, found none");
  CHECK(
      error(head + R"("user_data": {"u": {"x": [[1], [2]], "y": [1, 2]}}})") ==
      "user \"u\": expected 1 examples, as num_samples says; found 2");
  CHECK(error(head + R"("user_data": {"u": {"x": [[1], [2]], "y": [1]}}})") ==
        "user \"u\": expected 2 labels, one for each example; found 1");
  CHECK(error(head + R"("user_data": {"v": {"x": [[1]], "y": [1]}}})") ==
        "user_data: expected user \"u\", as users says; found none");
  CHECK(error(head + R"("user_data": {"u": {"x": [[1]], "y": [1]},
                                      "v": {"x": [[1]], "y": [1]}}})") ==
        "users: expected 2 names, one for each of user_data; found 1");
  CHECK(error(head + R"("user_data": {"u": {"x": [[1]], "y": [1]},
                                      "u": {"x": [[1]], "y": [1]}}})") ==
        "user \"u\" is given twice");
  CHECK(
      error(head + R"("user_data": {"u": {"x": [[1], [1, 2]], "y": [1]}}})") ==
      "user \"u\", example 1: expected 1 features, as in the first example; "
      "found 2");
  CHECK(error(head + R"("user_data": {"u": {"x": [[null]], "y": [1]}}})") ==
        "user \"u\", example 0: expected a number or a text, found null");
  CHECK(error(head + R"("user_data": {"u": {"x": 3, "y": [1]}}})") ==
        "user \"u\", example 0: x: expected a list, found a number");
  CHECK(error(head + R"("user_data": {"u": {"x": [[1e39]], "y": [1]}}})") ==
        "user \"u\", example 0: expected finite numbers within float32");
  CHECK(error(head + R"("user_data": {"u": {"x": ["~"], "y": ["a"]}}})") ==
        "user \"u\", example 0: expected LEAF's 80 characters, found \"~\"");
  CHECK(error(head + R"("user_data": {"u": {"x": ["a"], "y": ["ab"]}}})") ==
        "user \"u\", label 0: expected a number or one of LEAF's 80 "
        "characters, found \"ab\"");
  CHECK(error(R"({"users": 3})") ==
        "users: expected a list or an object, found a number");
  CHECK(error(R"({"other": )" + std::string(100'000, '[')) ==
        "is nested too deeply");
}

const std::string kPlay =
    "First:\nab\nba\n"
    "\n"
    "Second Man:\naab\n"
    "\n\n"
    "First:\naa\n";

std::string Text(const std::filesystem::path& file, const std::string& more) {
  return absl::StrCat("speaker_text: {file: \"", file.string(), "\"", more,
                      "}");
}

TEST_CASE("a speaker's lines are windows of characters with the next one") {
  const Folder folder;
  const auto file = folder.WriteGzip("play.txt.gz", kPlay);
  const auto examples =
      ReadYaml(Text(file, ", window: {length: 3, stride: 2}"));
  INFO(examples.status());
  REQUIRE(examples.ok());
  CHECK(IsConsistent(*examples));
  CHECK(examples->owners == Names{"First", "Second Man"});
  // The file's characters, sorted: \n space : F M S a b c d e i n o r s t.
  // "ab\nba\naa\n": targets at 3, 5, 7; "aab\n": one target, at 3.
  const float a = 6, b = 7, end = 0;
  CHECK(examples->data.example_shape == Shape{3});
  CHECK(examples->data.features ==
        Floats{a, b, end, end, b, a, a, end, a, a, a, b});
  CHECK(examples->data.targets == Floats{b, end, a, end});
  CHECK(examples->owner == Indexes{0, 0, 0, 1});
}

TEST_CASE("the last lines of each speaker are the test part") {
  const Folder folder;
  const auto file = folder.Write("play.txt", kPlay);
  const std::string window = ", window: {length: 1, stride: 1}";
  const auto part = [&](const std::string& name) {
    return ReadYaml(Text(file, window + ", test_fraction: 0.4, part: " + name));
  };
  const auto train = part("train");
  const auto test = part("test");
  REQUIRE(train.ok());
  REQUIRE(test.ok());
  // First: lines ab ba | aa. Second: its one line is for training.
  CHECK(train->data.Size() == 5 + 3);
  CHECK(test->data.Size() == 2);
  CHECK(test->owners == Names{"First"});
  const auto few = ReadYaml(Text(file, window + ", min_characters: 5"));
  CHECK(few->owners == Names{"First"});
  CHECK(ErrorOf(Text(file, window + ", min_characters: 99")) ==
        file.string() +
            ": expected a speaker of at least 99 characters, found "
            "none");
}

TEST_CASE("text that is no play is refused") {
  const Folder folder;
  const auto file = folder.Write("play.txt", "First:\nab\n\nab\n");
  CHECK(ErrorOf(Text(file, ", window: {length: 1}")) ==
        file.string() +
            ", line 4: expected \"Name:\" at the beginning of a "
            "block, found \"ab\"");
  folder.Write("play.txt", "");
  CHECK(
      ErrorOf(Text(file, ", window: {length: 1}")).find("expected a speaker") !=
      std::string::npos);
}

TEST_CASE("tiny shakespeare has the speakers its description counts") {
  const auto file = SharedData() / "shakespeare/input.txt.gz";
  if (!std::filesystem::exists(file)) {
    WARN("skipped: no " << file);
    return;
  }
  const auto all = ReadYaml(Text(file, ", window: {length: 1, stride: 1}"));
  INFO(all.status());
  REQUIRE(all.ok());
  // Of the 309 names ten say nothing.
  CHECK(all->owners.size() == 299);
  const auto large = ReadYaml(
      Text(file, ", window: {length: 80, stride: 40}, min_characters: 2000"));
  REQUIRE(large.ok());
  CHECK(large->owners.size() == 99);
  CHECK(*std::max_element(large->data.features.begin(),
                          large->data.features.end()) == 64);
}

}  // namespace
}  // namespace tributary::datasets
