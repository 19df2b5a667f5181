// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/datasets/sources.h"

#include "tests/catch.h"

namespace tributary::datasets {
namespace {

const std::string kTable =
    "id,\"a\",b,label\n"
    "x,1,10,0\n"
    "y,2,20,1\n"
    "x,3,30,0\n"
    "y,4,40,1\n"
    "x,5,50,2\n";

std::string Csv(const std::filesystem::path& path, const std::string& more) {
  return absl::StrCat("csv: {path: \"", path.string(), "\"", more, "}");
}

TEST_CASE("columns are found by name and by index") {
  const Folder folder;
  const auto file = folder.Write("table.csv", kTable);
  for (const std::string columns :
       {"feature_columns: [b, a], label_column: label, client_column: id",
        "feature_columns: [2, 1], label_column: -1, client_column: 0"}) {
    const auto examples = ReadYaml(Csv(file, ", header: true, " + columns));
    INFO(examples.status());
    REQUIRE(examples.ok());
    CHECK(IsConsistent(*examples));
    CHECK(examples->data.features == Floats{10, 1, 20, 2, 30, 3, 40, 4, 50, 5});
    CHECK(examples->data.targets == Floats{0, 1, 0, 1, 2});
    CHECK(examples->owners == Names{"x", "y"});
    CHECK(examples->owner == Indexes{0, 1, 0, 1, 0});
  }
}

TEST_CASE("windows of rows stay within a client, the last row's label") {
  const Folder folder;
  const auto file = folder.WriteGzip("table.csv.gz", kTable);
  const auto examples = ReadYaml(
      Csv(file,
          ", header: true, client_column: id, window: {length: 2, stride: 1}"));
  REQUIRE(examples.ok());
  CHECK(IsConsistent(*examples));
  CHECK(examples->data.example_shape == Shape{2, 2});
  CHECK(examples->data.features ==
        Floats{1, 3, 10, 30, 3, 5, 30, 50, 2, 4, 20, 40});
  CHECK(examples->data.targets == Floats{0, 2, 1});
  CHECK(examples->owner == Indexes{0, 0, 1});
}

TEST_CASE("each file of a folder may be a client") {
  const Folder folder;
  folder.Write("b.csv", "3,0\n");
  folder.WriteGzip("a.csv.gz", "1,0\n2,1\n");
  const auto examples = ReadYaml(Csv(folder.path(), ", client_per_file: true"));
  REQUIRE(examples.ok());
  CHECK(examples->data.features == Floats{1, 2, 3});
  CHECK(examples->owners == Names{"a", "b"});
  CHECK(examples->owner == Indexes{0, 0, 1});
  const auto all = ReadYaml(Csv(folder.path(), ""));
  REQUIRE(all.ok());
  CHECK(all->owner.empty());
}

TEST_CASE("what a schema and a file disagree on is named") {
  const Folder folder;
  const auto file = folder.Write("table.csv", kTable);
  const std::string at = file.string() + ", line ";
  CHECK(ErrorOf(Csv(file, ", header: true, label_column: lable")) ==
        at + "2: label_column: \"lable\" is not a name of the header");
  CHECK(ErrorOf(Csv(file, ", label_column: label")) ==
        at + "1: label_column: \"label\" is not an index; names need header: "
             "true");
  CHECK(ErrorOf(Csv(file, ", header: true, client_column: label")) ==
        at + "2: client_column: column \"label\" is used for something else "
             "already");
  CHECK(ErrorOf(Csv(file, ", header: true, feature_columns: [a, 9]")) ==
        at + "2: feature_columns: 9 is not one of 4 columns");
  CHECK(ErrorOf(Csv(file, ", header: true")) ==
        at + "2, column 1: expected a number, found \"x\"");
  CHECK(ErrorOf(Csv(file,
                    ", header: true, client_column: id, "
                    "window: {length: 4}")) ==
        file.string() +
            ": expected at least 4 rows of one client in one file, "
            "a window; found fewer");
  const auto nameless = folder.Write("nameless.csv", "1,,2\n");
  CHECK(ErrorOf(Csv(nameless, ", client_column: 1")) ==
        nameless.string() +
            ", line 1, column 2: expected the name of a "
            "client, found none");
  const auto narrow = folder.Write("narrow.csv", "a,b\n1,2,3\n");
  CHECK(ErrorOf(Csv(narrow, ", header: true, label_column: b")) ==
        narrow.string() +
            ", line 2: expected 2 columns, as in the header; found 3");
}

TEST_CASE("files of a folder are equally wide") {
  const Folder folder;
  folder.Write("a.csv", "1,0\n");
  const auto wide = folder.Write("b.csv", "1,2,0\n");
  CHECK(ErrorOf(Csv(folder.path(), "")) ==
        wide.string() + ": expected 1 features, as in the first file; found 2");
}

}  // namespace
}  // namespace tributary::datasets
