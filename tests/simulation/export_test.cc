// SPDX-License-Identifier: Apache-2.0
// Whatever the source, a real client reads back what a virtual client holds.
#include "simulation/export.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "simulation/population.h"
#include "tributary/dataset.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

namespace fs = std::filesystem;

class ExportFixture {
 public:
  ExportFixture() {
    std::string name = (fs::temp_directory_path() / "export-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    folder = name;
    plan.set_clients(2);
    plan.mutable_partition()->mutable_iid();
  }
  ~ExportFixture() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }

  fs::path Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder / name, std::ios::binary) << bytes;
    return folder / name;
  }

  std::string Read(const std::string& name) const {
    std::ifstream in(folder / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::shared_ptr<const Population> Load() const {
    v1::Plan whole;
    *whole.mutable_simulation() = plan;
    const auto population = LoadPopulation(whole, KeyFromSeed(5));
    REQUIRE(population.ok());
    return *population;
  }

  // The examples of plan.train() in these parts.
  Population InParts(const std::vector<std::uint32_t>& part_of) const {
    Population population = *Load();
    population.partition = Partition(part_of, 2);
    return population;
  }

  // Exports, and reads every client's file as a client with the plan's options
  // would; each must be what the virtual client selects.
  void CheckRoundTrip(const CsvOptions& options) {
    const auto population = Load();
    REQUIRE(ExportPartition(plan, *population, folder).ok());
    for (std::size_t client = 0; client < 2; ++client) {
      const auto file =
          ReadCsv(folder / (ClientName(client) + ".csv"), options);
      REQUIRE(file.ok());
      const Dataset expected = population->RowsOf(client);
      CHECK(file->features == expected.features);
      CHECK(file->targets == expected.targets);
    }
  }

  fs::path folder;
  v1::SimulationPlan plan;
};

TEST_CASE_METHOD(ExportFixture,
                 "what clients keep to judge on has files of its own") {
  plan.mutable_train()->mutable_csv()->set_path(
      Write("train.csv", "1,0\n2,1\n3,0\n4,1\n5,0\n6,1\n7,0\n8,1\n"));
  plan.set_client_test_fraction(0.25);
  CheckRoundTrip({});
  const auto population = Load();
  std::size_t lines = 0;
  for (std::size_t client = 0; client < 2; ++client) {
    const auto file = ReadCsv(folder / (ClientName(client) + "-test.csv"), {});
    REQUIRE(file.ok());
    CHECK(file->features == population->TestRowsOf(client).features);
    lines += file->Size() + population->RowsOf(client).Size();
  }
  CHECK(lines == 8);
}

TEST_CASE_METHOD(ExportFixture,
                 "lines of CSV keep header, label column and every digit") {
  auto& csv = *plan.mutable_train()->mutable_csv();
  csv.set_path(Write("data.csv",
                     "class,a,b\r\n1,0.12345678901234567,3\r\n"
                     "0,1e-3,-2.5\n1,0.3333333333333333,7\n\n")
                   .string());
  csv.set_header(true);
  csv.set_label_column("0");
  csv.set_scale(0.1);
  CheckRoundTrip({.label_column = 0, .header = true, .scale = 0.1});
  CHECK(Read("client-0000.csv").starts_with("class,a,b\n"));
}

TEST_CASE_METHOD(ExportFixture, "IDX bytes become integers, the label last") {
  const auto word = [](char last) { return std::string("\0\0\0", 3) + last; };
  const std::string images = std::string("\0\0\x08\x03", 4) + word(3) +
                             word(1) + word(2) + "\x01\xff\x10\x20\x7f" +
                             std::string(1, '\0');
  const std::string labels =
      std::string("\0\0\x08\x01", 4) + word(3) + "\x07\x02\x05";
  auto& idx = *plan.mutable_train()->mutable_idx();
  idx.set_features(Write("images", images).string());
  idx.set_labels(Write("labels", labels).string());
  idx.set_scale(1.0 / 255);
  CheckRoundTrip({.scale = 1.0 / 255});
  const std::string text = Read("client-0000.csv") + Read("client-0001.csv");
  CHECK(text.find("1,255,7\n") != std::string::npos);
  CHECK(text.find("127,0,5\n") != std::string::npos);
}

TEST_CASE_METHOD(ExportFixture, "a folder becomes the numbers that are held") {
  fs::create_directory(folder / "parts");
  Write("parts/a.csv", "x,class\n0.1,1\n0.3,0\n");
  Write("parts/b.csv", "x,class\n0.7,1\n");
  auto& csv = *plan.mutable_train()->mutable_csv();
  csv.set_path((folder / "parts").string());
  csv.set_header(true);
  csv.set_scale(0.3);
  CheckRoundTrip({});
}

TEST_CASE_METHOD(ExportFixture,
                 "with a feature shift the files hold what virtual clients "
                 "hold, as they hold it") {
  auto& csv = *plan.mutable_train()->mutable_csv();
  csv.set_path(Write("data.csv", "class,a,b\n1,8,3\n0,2,-2\n1,5,7\n").string());
  csv.set_header(true);
  csv.set_label_column("0");
  csv.set_scale(0.1);
  *plan.mutable_test() = plan.train();
  plan.mutable_partition()->mutable_feature_shift()->set_noise(0.5);
  const auto population = Load();
  CheckRoundTrip({});
  const auto own = population->partition.Of(0);
  const Dataset clean = population->train->Select({own.begin(), own.end()});
  CHECK(population->RowsOf(0).features != clean.features);
  const auto test = ReadCsv(folder / "test.csv", {});
  REQUIRE(test.ok());
  CHECK(test->features == population->test->features);
}

TEST_CASE_METHOD(ExportFixture, "a client without examples gets no file") {
  plan.mutable_train()->mutable_csv()->set_path(
      Write("data.csv", "1,0\n2,1\n").string());
  REQUIRE(ExportPartition(plan, InParts({0, 0}), folder).ok());
  CHECK(fs::exists(folder / "client-0000.csv"));
  CHECK_FALSE(fs::exists(folder / "client-0001.csv"));
}

TEST_CASE_METHOD(ExportFixture, "a file that cannot be written is named") {
  plan.mutable_train()->mutable_csv()->set_path(
      Write("data.csv", "1,0\n2,1\n").string());
  const auto status = ExportPartition(plan, InParts({0, 1}), folder / "absent");
  REQUIRE_FALSE(status.ok());
  CHECK(status.message().find("absent/client-0000.csv") != std::string::npos);
}

}  // namespace
}  // namespace tributary::simulation
