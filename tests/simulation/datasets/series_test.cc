// SPDX-License-Identifier: Apache-2.0
// Windows of recordings: inertial, engine life, hourly load.
#include <algorithm>
#include <cmath>

#include "tests/simulation/datasets/sources.h"

#include "tests/catch.h"

namespace tributary::datasets {
namespace {

// Rows of `columns` numbers: row r has r * 10 + column, times `factor`.
std::string Rows(int rows, int columns, int factor = 1) {
  std::string text;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      absl::StrAppend(&text, factor * (row * 10 + column),
                      column + 1 == columns ? "\n" : " ");
    }
  }
  return text;
}

class Recordings {
 public:
  Recordings() {
    folder.Write("labels.txt", "1 7 5 0 5\n1 7 9 5 8\n1 7 4 7 10\n2 3 5 1 4\n");
    folder.WriteGzip("acc_exp01_user07.txt.gz", Rows(10, 3));
    folder.Write("gyro_exp01_user07.txt", Rows(10, 3, -1));
    folder.Write("acc_exp02_user03.txt", Rows(4, 3));
    folder.Write("gyro_exp02_user03.txt", Rows(4, 3, -1));
  }
  std::string Yaml(const std::string& more = "") const {
    return absl::StrCat("inertial: {folder: \"", folder.path().string(),
                        "\", window: {length: 3, stride: 2}", more, "}");
  }
  Folder folder;
};

TEST_CASE_METHOD(Recordings,
                 "windows lie within a segment, six channels, person by "
                 "person") {
  const auto examples = ReadYaml(Yaml());
  INFO(examples.status());
  REQUIRE(examples.ok());
  CHECK(IsConsistent(*examples));
  CHECK(examples->data.example_shape == Shape{6, 3});
  // Activity 5 is the fifth class; segment 0..5 holds two windows, 7..10 one.
  CHECK(examples->data.targets == Floats{4, 4, 3, 4});
  CHECK(examples->owners == Names{"person-07", "person-03"});
  CHECK(examples->owner == Indexes{0, 0, 0, 1});
  const Floats second(examples->data.features.begin() + 18,
                      examples->data.features.begin() + 36);
  CHECK(second == Floats{20, 30, 40, 21, 31, 41, 22, 32, 42, -20, -30, -40, -21,
                         -31, -41, -22, -32, -42});
}

TEST_CASE_METHOD(Recordings, "persons and activities are chosen by number") {
  const auto examples = ReadYaml(Yaml(", persons: [7], activities: [4, 9]"));
  REQUIRE(examples.ok());
  CHECK(examples->data.targets == Floats{1, 0});
  CHECK(ErrorOf(Yaml(", persons: [8]")) ==
        (folder.path() / "labels.txt").string() +
            ": expected a segment of at least 3 samples of one of the persons "
            "and activities, found none");
}

TEST_CASE_METHOD(Recordings, "recordings that do not fit their labels") {
  const std::string path = folder.path().string();
  folder.Write("gyro_exp01_user07.txt", Rows(9, 3));
  CHECK(ErrorOf(Yaml()) ==
        path +
            "/acc_exp01_user07.txt.gz: expected 9 samples, as in "
            "gyro_exp01_user07.txt; found 10");
  folder.Write("gyro_exp01_user07.txt", "1 2 3\n1 2\n");
  CHECK(ErrorOf(Yaml()) == path +
                               "/gyro_exp01_user07.txt, line 2: expected 3 "
                               "columns, found 2");
  folder.Write("gyro_exp01_user07.txt", "1 2 x\n");
  CHECK(ErrorOf(Yaml()) == path +
                               "/gyro_exp01_user07.txt, line 1: column 3: "
                               "expected a number, found \"x\"");
  folder.Write("gyro_exp01_user07.txt", "");
  CHECK(ErrorOf(Yaml()) ==
        path + "/gyro_exp01_user07.txt: expected rows, found none");
  folder.Write("gyro_exp01_user07.txt", Rows(10, 3));
  folder.Write("labels.txt", "1 7 5 1 11\n");
  CHECK(ErrorOf(Yaml()) ==
        path +
            "/labels.txt: experiment 1: expected segments within its 10 "
            "samples, found one that ends at 11");
  for (const std::string line : {"1 7 5 -1 4", "1 7 5 4 1", "1 7 5 1 4e30",
                                 "-1 7 5 1 4", "1 7 5 1.5 4"}) {
    folder.Write("labels.txt", line + "\n");
    CHECK(ErrorOf(Yaml()).find(path + "/labels.txt, line 1: expected") == 0);
  }
  folder.Write("labels.txt", "9 7 5 1 4\n");
  CHECK(ErrorOf(Yaml()) == path + "/acc_exp09_user07.txt: no such file");
}

TEST_CASE("HAPT has as many windows as its description says") {
  const auto folder = SharedData() / "hapt/RawData";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: no " << folder);
    return;
  }
  const auto examples =
      ReadYaml(absl::StrCat("inertial: {folder: \"", folder.string(), "\"}"));
  INFO(examples.status());
  REQUIRE(examples.ok());
  CHECK(IsConsistent(*examples));
  std::vector<int> counts(6);
  for (const float label : examples->data.targets) {
    ++counts[static_cast<std::size_t>(label)];
  }
  CHECK(counts == std::vector<int>{1720, 1542, 1406, 1797, 1977, 1957});
  std::vector<int> windows(30);
  for (const std::uint32_t owner : examples->owner) ++windows[owner];
  CHECK(*std::min_element(windows.begin(), windows.end()) == 283);
  CHECK(*std::max_element(windows.begin(), windows.end()) == 413);
}

// Records of units with these many cycles; sensor s of cycle c is c * s, but
// sensor 1, which is 5.
std::string Engines(const std::vector<int>& cycles) {
  std::string text;
  for (std::size_t unit = 0; unit < cycles.size(); ++unit) {
    for (int cycle = 1; cycle <= cycles[unit]; ++cycle) {
      absl::StrAppend(&text, unit + 1, " ", cycle, " 0 0 100 5");
      for (int sensor = 2; sensor <= 21; ++sensor) {
        absl::StrAppend(&text, " ", cycle * sensor);
      }
      absl::StrAppend(&text, "  \n");
    }
  }
  return text;
}

std::string Life(const std::filesystem::path& records,
                 const std::string& more) {
  return absl::StrCat("engine_life: {records: \"", records.string(),
                      "\", window: {length: 2, stride: 1}, sensors: [1, 3]",
                      more, "}");
}

TEST_CASE("an engine's windows end at each cycle with what remains, capped") {
  const Folder folder;
  const auto records = folder.Write("train.txt", Engines({4, 3, 1}));
  const auto examples = ReadYaml(Life(records, ", max_life: 2"));
  INFO(examples.status());
  REQUIRE(examples.ok());
  CHECK(IsConsistent(*examples));
  CHECK(examples->data.example_shape == Shape{2, 2});
  // Unit 1 ends windows at cycles 2, 3, 4; unit 2 at 2, 3; unit 3 is too short.
  CHECK(examples->data.targets == Floats{1, 0.5f, 0, 0.5f, 0});
  CHECK(examples->owners == Names{"engine-001", "engine-002"});
  CHECK(examples->owner == Indexes{0, 0, 0, 1, 1});
  // Cycles 1 2 3 4 1 2 3 1, times 3: mean 6.375, deviation 3.0796...
  const double deviation = std::sqrt(405.0 / 8 - 6.375 * 6.375);
  CHECK(examples->data.features[0] == 0);  // a constant sensor
  CHECK(examples->data.features[2] ==
        Approx((3 - 6.375) / deviation).epsilon(1e-6));
}

TEST_CASE("windows are chosen by the life they have, and named faults by it") {
  const Folder folder;
  const auto records = folder.Write("train.txt", Engines({6}));
  // Windows with 4 3 2 1 0 cycles remaining.
  CHECK(ReadYaml(Life(records, ", max_life: 10, min_life: 3"))->data.targets ==
        Floats{0.4f, 0.3f});
  CHECK(ReadYaml(Life(records, ", fault_below: 2"))->data.targets ==
        Floats{0, 0, 0, 1, 1});
}

TEST_CASE("records that end early give one window with the life they have") {
  const Folder folder;
  const auto train = folder.Write("train.txt", Engines({4, 3}));
  const auto test = folder.Write("test.txt", Engines({2, 3}));
  const auto life = folder.WriteGzip("rul.txt.gz", "7 \n200 \n");
  const std::string more =
      absl::StrCat(", remaining: \"", life.string(), "\", standardise_by: \"",
                   train.string(), "\"");
  const auto examples = ReadYaml(Life(test, more));
  INFO(examples.status());
  REQUIRE(examples.ok());
  CHECK(examples->data.targets == Floats{7.0f / 125, 1});
  // Of the training records: cycles 1 2 3 4 1 2 3, times 3.
  const double mean = 48.0 / 7;
  const double deviation = std::sqrt(396.0 / 7 - mean * mean);
  CHECK(examples->data.features[3] ==
        Approx((6 - mean) / deviation).epsilon(1e-6));
  folder.Write("test.txt", Engines({1, 3}));
  CHECK(ErrorOf(Life(test, more)) ==
        test.string() +
            ": unit 1: expected at least 2 cycles, a window; found "
            "1");
  folder.Write("test.txt", Engines({2, 3, 3}));
  CHECK(ErrorOf(Life(test, more))
            .find(": expected 3 rows, one for each unit of") !=
        std::string::npos);
}

TEST_CASE("records out of order, cut or empty are refused") {
  const Folder folder;
  const std::string good = Engines({3});
  const auto records = folder.Write("train.txt", good + Engines({2}));
  CHECK(ErrorOf(Life(records, "")) ==
        records.string() +
            ", line 4: expected unit 2, cycle 1 or the first "
            "cycle of the next unit; found unit 1, cycle 1");
  folder.Write("train.txt", good.substr(0, good.size() - 20));
  CHECK(ErrorOf(Life(records, "")).find(", line 3: expected 26 columns") !=
        std::string::npos);
  folder.Write("train.txt", "");
  CHECK(ErrorOf(Life(records, "")) ==
        records.string() + ": expected rows, found none");
  folder.Write("train.txt", Engines({1}));
  CHECK(ErrorOf(Life(records, "")) ==
        records.string() +
            ": expected a unit of at least 2 cycles, a window, with min_life "
            "remaining; found none");
}

TEST_CASE("C-MAPSS FD001 is read as its description says") {
  const auto folder = SharedData() / "cmapss";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: no " << folder);
    return;
  }
  const std::string train = (folder / "train_FD001.txt.gz").string();
  const auto examples = ReadYaml("engine_life: {records: \"" + train + "\"}");
  REQUIRE(examples.ok());
  CHECK(examples->data.example_shape == Shape{14, 30});
  CHECK(examples->owners.size() == 100);
  CHECK(examples->data.Size() == 20631 - 100 * 29);
  const auto test = ReadYaml(
      "engine_life: {records: \"" + (folder / "test_FD001.txt.gz").string() +
      "\", remaining: \"" + (folder / "RUL_FD001.txt.gz").string() +
      "\", standardise_by: \"" + train + "\"}");
  INFO(test.status());
  REQUIRE(test.ok());
  CHECK(test->data.Size() == 100);
  CHECK(test->data.targets[0] == 112.0f / 125);
}

// Hours from 2013-10-27 on, hour by hour, with these loads.
std::string Hours(const std::vector<int>& loads) {
  std::string text = "Datetime,X_MW\n";
  for (std::size_t hour = 0; hour < loads.size(); ++hour) {
    absl::StrAppend(&text, "2013-10-", 27 + hour / 24, " ",
                    hour % 24 < 10 ? "0" : "", hour % 24, ":00:00,",
                    loads[hour], "\n");
  }
  return text;
}

std::string Load(const Folder& folder, const std::string& more) {
  return absl::StrCat("hourly_load: {folder: \"", folder.path().string(),
                      "\", window: {length: 2, stride: 1}, test_hours: 2", more,
                      "}");
}

TEST_CASE("hours are sorted, doubles averaged, gaps left out, zones joined") {
  const Folder folder;
  folder.WriteGzip("A_hourly.csv.gz",
                   "Datetime,A_MW\n"
                   "2004-02-29 01:00:00,3\n"
                   "2004-02-28 22:00:00,1\n"
                   "2004-02-28 23:00:00,1\n"
                   "2004-02-28 23:00:00,3\n"
                   "2004-02-29 00:00:00,3\n"
                   // An hour is missing.
                   "2004-02-29 03:00:00,1\n"
                   "2004-02-29 04:00:00,3\n"
                   "2004-02-29 05:00:00,1.0\n");
  folder.Write("B_hourly.csv", Hours({1, 3, 1, 3, 1}));
  const auto all = ReadYaml(Load(folder, ", clients: {A: B}"));
  INFO(all.status());
  REQUIRE(all.ok());
  CHECK(IsConsistent(*all));
  CHECK(all->data.example_shape == Shape{1, 2});
  CHECK(all->owners == Names{"B"});
  // Hours 22 23 0 1 | 3 4 5 of A; five of B. The train part of A is 1 2 3 3 1:
  // mean 2, deviation sqrt(0.8).
  const auto z = [](double load) {
    return Approx((load - 2) / std::sqrt(0.8)).epsilon(1e-6);
  };
  REQUIRE(all->data.Size() == 3 + 3);
  CHECK(all->data.targets[0] == z(3));
  CHECK(all->data.features[0] == z(1));
  CHECK(all->data.features[1] == z(2));
  CHECK(all->data.targets[2] == z(1));
  const auto test = ReadYaml(Load(folder, ", zones: [B], part: test"));
  REQUIRE(test.ok());
  CHECK(test->data.Size() == 2);
  CHECK(ReadYaml(Load(folder, ", zones: [B], part: train"))->data.Size() == 1);
}

TEST_CASE("hourly files that are cut, empty or something else are refused") {
  const Folder folder;
  const auto file = folder.Write("A_hourly.csv", Hours({1, 2}));
  CHECK(ErrorOf(Load(folder, "")) == file.string() +
                                         ": expected more than the 2 hours of "
                                         "its test part, found 2");
  for (const std::string line :
       {"2004-02-30 01:00:00,1", "2004-02-28 24:00:00,1", "2004-02-28,1",
        "2004-02-28 01:30:00,1", "2004-02-28 01:00:00", "x", ""}) {
    folder.Write("A_hourly.csv", "Datetime,A\n" + line + "\n");
    INFO(line);
    CHECK(ErrorOf(Load(folder, "")).find(", line 2: expected a time") !=
          std::string::npos);
  }
  folder.Write("A_hourly.csv", "Datetime,A\n2004-02-28 01:00:00,y\n");
  CHECK(ErrorOf(Load(folder, "")) ==
        file.string() + ", line 2: expected a number, found \"y\"");
  folder.Write("A_hourly.csv", "Datetime,A\n");
  CHECK(ErrorOf(Load(folder, "")) ==
        file.string() + ": expected hours, found none");
  CHECK(ErrorOf(Load(folder, ", zones: [B]")).find("no such file") !=
        std::string::npos);
}

TEST_CASE("PJM's zones are read whatever their order and doubles") {
  const auto folder = SharedData() / "pjm";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: no " << folder);
    return;
  }
  const auto examples =
      ReadYaml("hourly_load: {folder: \"" + folder.string() +
               "\", zones: [NI, COMED], clients: {NI: COMED}, part: test}");
  INFO(examples.status());
  REQUIRE(examples.ok());
  CHECK(examples->owners == Names{"COMED"});
  // Two years of hours, less those after a gap.
  CHECK(examples->data.Size() > 17'000);
  CHECK(examples->data.Size() <= 2 * 8760);
}

}  // namespace
}  // namespace tributary::datasets
