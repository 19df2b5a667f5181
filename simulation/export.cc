// SPDX-License-Identifier: Apache-2.0
#include "simulation/export.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/data/byte_source.h"
#include "simulation/datasets/examples.h"
#include "simulation/write_file.h"
#include "tributary/dataset.h"

namespace tributary::simulation {
namespace {

// A source of examples as lines of CSV.
struct Lines {
  std::string header;  // with its line end; empty if there is none
  std::vector<std::string> examples;
};

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

absl::StatusOr<Lines> CsvLines(const v1::DataSource::Csv& source) {
  auto file = data::OpenFile(source.path());
  if (!file.ok()) return file.status();
  std::string text;
  std::vector<std::uint8_t> chunk(1 << 16);
  while (true) {
    const auto count = (*file)->Read(chunk);
    if (!count.ok()) return count.status();
    if (*count == 0) break;
    text.append(reinterpret_cast<const char*>(chunk.data()), *count);
  }
  Lines lines;
  std::string_view rest = text;
  if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
  bool is_first = true;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (std::exchange(is_first, false) && source.header()) {
      lines.header = absl::StrCat(std::string(line), "\n");
    } else if (!IsBlank(line)) {
      lines.examples.push_back(absl::StrCat(std::string(line), "\n"));
    }
  }
  return lines;
}

void AppendNumber(std::string& text, float value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
  text.append(digits.begin(), end);
}

Lines NumberLines(const Dataset& data) {
  Lines lines;
  const std::size_t length = data.ExampleLength();
  for (std::size_t example = 0; example < data.Size(); ++example) {
    std::string line;
    for (std::size_t i = 0; i < length; ++i) {
      AppendNumber(line, data.features[example * length + i]);
      line += ',';
    }
    AppendNumber(line, data.targets[example]);
    line += '\n';
    lines.examples.push_back(std::move(line));
  }
  return lines;
}

absl::StatusOr<Lines> ReadLines(const v1::DataSource& source,
                                const std::string& key, const Key& run_key) {
  // The files of a folder have a header each: they are not copied.
  std::error_code error;
  if (source.has_csv() &&
      !std::filesystem::is_directory(source.csv().path(), error)) {
    return CsvLines(source.csv());
  }
  v1::DataSource unscaled = source;
  if (unscaled.has_idx()) unscaled.mutable_idx()->clear_scale();
  const auto examples = datasets::ReadExamples(unscaled, key, run_key);
  if (!examples.ok()) return examples.status();
  return NumberLines(examples->data);
}

}  // namespace

absl::Status ExportPartition(const v1::SimulationPlan& plan,
                             const Partition& partition, const Key& run_key,
                             const std::filesystem::path& folder) {
  const auto train = ReadLines(plan.train(), "simulation.train", run_key);
  if (!train.ok()) return train.status();
  if (train->examples.size() != partition.examples()) {
    return absl::FailedPreconditionError(
        absl::StrCat("simulation.train: has ", train->examples.size(),
                     " examples now, had ", partition.examples()));
  }
  for (std::size_t client = 0; client < partition.clients(); ++client) {
    if (partition.Of(client).empty()) continue;
    std::string text = train->header;
    for (const std::uint32_t example : partition.Of(client)) {
      text += train->examples[example];
    }
    const auto file = folder / (ClientName(client) + ".csv");
    if (auto status = WriteFile(file, {text}); !status.ok()) return status;
  }
  if (!plan.has_test()) return absl::OkStatus();
  const auto test = ReadLines(plan.test(), "simulation.test", run_key);
  if (!test.ok()) return test.status();
  std::string text = test->header;
  for (const std::string& line : test->examples) text += line;
  return WriteFile(folder / "test.csv", {text});
}

}  // namespace tributary::simulation
