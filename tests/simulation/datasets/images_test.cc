// SPDX-License-Identifier: Apache-2.0
// IDX and CIFAR.
#include "tests/simulation/datasets/sources.h"

#include "tests/catch.h"

namespace tributary::datasets {
namespace {

std::string Idx(const std::filesystem::path& features,
                const std::filesystem::path& labels, const std::string& more) {
  return absl::StrCat("idx: {features: \"", features.string(), "\", labels: \"",
                      labels.string(), "\"", more, "}");
}

// One CIFAR record: labels, then 3,072 bytes that count up.
std::string Record(const std::string& labels) {
  std::string record = labels;
  for (int i = 0; i < 3072; ++i) record += static_cast<char>(i % 251);
  return record;
}

std::string Cifar(const std::vector<std::filesystem::path>& files,
                  const std::string& more) {
  std::string list;
  for (const auto& file : files) {
    absl::StrAppend(&list, list.empty() ? "" : ", ", "\"", file.string(), "\"");
  }
  return absl::StrCat("cifar: {files: [", list, "]", more, "}");
}

TEST_CASE("images stored column by column are turned round") {
  const Folder folder;
  const auto images = folder.WriteGzip(
      "images.gz", data::Idx(8, {2, 2, 3}, "\1\2\3\4\5\6\7\10\11\12\13\14"));
  const auto labels = folder.Write("labels", data::Idx(8, {2}, "\1\2"));
  const auto stored = ReadYaml(Idx(images, labels, ""));
  const auto turned = ReadYaml(Idx(images, labels, ", transposed: true"));
  REQUIRE(stored.ok());
  REQUIRE(turned.ok());
  CHECK(stored->data.example_shape == Shape{1, 2, 3});
  CHECK(turned->data.example_shape == Shape{1, 3, 2});
  CHECK(turned->data.features == Floats{1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12});
  const auto rows = folder.Write("rows", data::Idx(8, {2, 2}, "\1\2\3\4"));
  CHECK(ErrorOf(Idx(rows, labels, ", transposed: true")) ==
        rows.string() + ": transposed: expected images, found examples of 2");
}

TEST_CASE("an IDX set that is cut, misdeclared or empty is refused") {
  const Folder folder;
  const auto labels = folder.Write("labels", data::Idx(8, {2}, "\1\2"));
  const auto cut = folder.Write("cut", data::Idx(8, {2, 3}, "\1\2\3\4"));
  CHECK(ErrorOf(Idx(cut, labels, "")) ==
        cut.string() + ": expected 6 bytes for 2 x 3 values, found 4");
  const auto three = folder.Write("three", data::Idx(8, {3, 1}, "\1\2\3"));
  CHECK(ErrorOf(Idx(three, labels, ""))
            .find("expected 3 labels, one for each example") !=
        std::string::npos);
  const auto empty = folder.Write("empty", "");
  CHECK(ErrorOf(Idx(empty, labels, "")) ==
        empty.string() + ": expected an IDX header, found the end of the file");
}

TEST_CASE("MNIST has the counts that are known of it") {
  const auto folder = SharedData() / "mnist";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: no " << folder);
    return;
  }
  const auto test = ReadYaml(Idx(folder / "t10k-images-idx3-ubyte.gz",
                                 folder / "t10k-labels-idx1-ubyte.gz", ""));
  REQUIRE(test.ok());
  CHECK(test->data.example_shape == Shape{1, 28, 28});
  std::vector<int> counts(10);
  for (const float label : test->data.targets) {
    ++counts[static_cast<std::size_t>(label)];
  }
  CHECK(counts == std::vector<int>{980, 1135, 1032, 1010, 982, 892, 958, 1028,
                                   974, 1009});
}

TEST_CASE("CIFAR records have one label or two") {
  const Folder folder;
  const auto ten =
      folder.Write("ten", Record("\7") + Record(std::string(1, '\0')));
  const auto more = folder.WriteGzip("more.bin.gz", Record("\1"));
  const auto examples = ReadYaml(Cifar({ten, more}, ", scale: 0.5"));
  REQUIRE(examples.ok());
  CHECK(IsConsistent(*examples));
  CHECK(examples->data.example_shape == Shape{3, 32, 32});
  CHECK(examples->data.targets == Floats{7, 0, 1});
  CHECK(examples->data.features[3072 + 250] == 125);
  const auto hundred = folder.Write("hundred", Record("\x13\x63"));
  CHECK(ReadYaml(Cifar({hundred}, ", labels: cifar100"))->data.targets ==
        Floats{99});
  CHECK(ReadYaml(Cifar({hundred}, ", labels: cifar100_coarse"))->data.targets ==
        Floats{19});
}

TEST_CASE("a CIFAR file that is cut, empty or of another kind is refused") {
  const Folder folder;
  const auto cut = folder.Write("cut", Record("\7") + "\1\2\3");
  CHECK(ErrorOf(Cifar({cut}, "")) ==
        cut.string() + ", record 1: expected 3073 bytes, found 3");
  const auto empty = folder.Write("empty", "");
  CHECK(ErrorOf(Cifar({empty}, "")) ==
        empty.string() + ", record 0: expected 3073 bytes, found 0");
  const auto hundred = folder.Write("hundred", Record("\x13\x64"));
  CHECK(ErrorOf(Cifar({hundred}, "")) ==
        hundred.string() + ", record 0: expected a label below 10, found 19");
  CHECK(ErrorOf(Cifar({hundred}, ", labels: cifar100")) ==
        hundred.string() + ", record 0: expected a label below 100, found 100");
  CHECK(ErrorOf(Cifar({folder.path() / "absent"}, "")).find("no such file") !=
        std::string::npos);
}

}  // namespace
}  // namespace tributary::datasets
