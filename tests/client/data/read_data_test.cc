// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "tests/client/data/folder.h"
#include "tributary/dataset.h"

#include "tests/catch.h"

namespace tributary {
namespace {

using data::Folder;
using data::Idx;
using Floats = std::vector<float>;

std::string ErrorOf(const std::filesystem::path& path,
                    const std::filesystem::path& labels = {}) {
  return std::string(ReadData(path, labels, {}).status().message());
}

TEST_CASE("a file is read by its name, a folder file by file in name order") {
  const Folder folder;
  folder.WriteGzip("b.csv.gz", "3,1\n");
  folder.Write("a.csv", "1,0\n2,0\n");
  folder.Write("c.csv", "4,1\n");
  folder.Write("notes.txt", "not data");
  const auto all = ReadData(folder.path(), {}, {});
  REQUIRE(all.ok());
  CHECK(all->features == Floats{1, 2, 3, 4});
  CHECK(all->targets == Floats{0, 0, 1, 1});
  CHECK(ReadData(folder.path() / "b.csv.gz", {}, {}).value().features ==
        Floats{3});
  const auto images = folder.Write("images-ubyte", Idx(0x08, {1, 2}, "ab"));
  const auto labels = folder.Write("labels-ubyte", Idx(0x08, {1}, "\x05"));
  CHECK(ReadData(images, labels, {}).value().targets == Floats{5});
}

TEST_CASE("what cannot be read says which file and what was expected") {
  const Folder folder;
  const std::string path = folder.path().string();
  CHECK(ErrorOf(folder.path()) ==
        path + ": expected *.csv or *.csv.gz in this folder, found none");
  CHECK(ErrorOf(folder.path() / "absent.csv") ==
        path + "/absent.csv: no such file");
  CHECK(ErrorOf(folder.path() / "absent") ==
        path + "/absent: no such file or folder");
  CHECK(ReadData(folder.path() / "absent", {}, {}).status().code() ==
        absl::StatusCode::kNotFound);
  const auto a = folder.Write("a.csv", "1,2,0\n");
  folder.Write("b.csv", "1,0\n");
  CHECK(ErrorOf(folder.path()) ==
        path + "/b.csv: expected 2 features, as in a.csv; found 1");
  CHECK(
      ErrorOf(a, "labels").find(path + "/a.csv: expected no file of labels") ==
      0);
  const auto images = folder.Write("images", Idx(0x08, {1, 2}, "ab"));
  CHECK(ErrorOf(images).find(path + "/images: expected a folder, *.csv") == 0);
}

TEST_CASE(
    "a compressed file that is cut, damaged or not compressed is refused") {
  const Folder folder;
  std::string content;
  for (int i = 0; i < 20'000; ++i) {
    content += std::to_string(i * 7'919 % 10'007) + ",1\n";
  }
  const auto file = folder.WriteGzip("data.csv.gz", content);
  CHECK(ReadCsv(file, {}).ok());
  const auto size = std::filesystem::file_size(file);
  for (const auto left : {size - 1, size - 8, size / 2, std::uintmax_t{12}}) {
    std::filesystem::resize_file(file, left);
    CHECK(ReadCsv(file, {}).status().code() == absl::StatusCode::kDataLoss);
  }
  folder.WriteGzip("data.csv.gz", content);
  std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
  stream.seekp(static_cast<std::streamoff>(size - 6));  // in its checksum
  stream.put('\x55');
  stream.close();
  CHECK(ReadCsv(file, {}).status().code() == absl::StatusCode::kDataLoss);
  const auto plain = folder.Write("plain.csv.gz", "1,2\n");
  CHECK(ErrorOf(plain) ==
        plain.string() + ": expected gzip, as its name says; it is not");
}

TEST_CASE("a selection has the examples asked for, in that order") {
  Dataset dataset;
  dataset.example_shape = {1, 2};
  dataset.features = {0, 1, 10, 11, 20, 21};
  dataset.targets = {0, 1, 2};
  const Dataset selected = dataset.Select({2, 0, 2});
  CHECK(selected.features == Floats{20, 21, 0, 1, 20, 21});
  CHECK(selected.targets == Floats{2, 0, 2});
  CHECK(selected.example_shape == dataset.example_shape);
  CHECK(dataset.Select({}).Size() == 0);
}

}  // namespace
}  // namespace tributary
