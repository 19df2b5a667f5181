// SPDX-License-Identifier: Apache-2.0
#include "simulation/export.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/data/byte_source.h"
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

// The example's features, then its target.
void AppendExample(std::string& text, const Dataset& data,
                   std::size_t example) {
  const std::size_t length = data.ExampleLength();
  for (std::size_t i = 0; i < length; ++i) {
    AppendNumber(text, data.features[example * length + i]);
    text += ',';
  }
  AppendNumber(text, data.targets[example]);
  text += '\n';
}

absl::StatusOr<Lines> IdxLines(const v1::DataSource::Idx& source) {
  const auto data = ReadIdx(source.features(), source.labels(), 1.0);
  if (!data.ok()) return data.status();
  Lines lines;
  for (std::size_t example = 0; example < data->Size(); ++example) {
    AppendExample(lines.examples.emplace_back(), *data, example);
  }
  return lines;
}

// Whether the lines of the source are written rather than the numbers that
// virtual clients hold. The files of a folder have a header each.
bool HasLines(const v1::DataSource& source) {
  if (source.has_idx()) return !source.idx().transposed();
  std::error_code error;
  const v1::DataSource::Csv& csv = source.csv();
  return source.has_csv() && csv.feature_columns().empty() &&
         csv.client_column().empty() && !csv.has_window() &&
         !std::filesystem::is_directory(csv.path(), error);
}

absl::StatusOr<Lines> ReadLines(const v1::DataSource& source,
                                const std::string& key) {
  auto lines =
      source.has_csv() ? CsvLines(source.csv()) : IdxLines(source.idx());
  if (!lines.ok()) {
    return absl::Status(lines.status().code(),
                        absl::StrCat(key, ": ", lines.status().message()));
  }
  return lines;
}

absl::Status WriteNumbers(const Dataset& data,
                          const std::filesystem::path& file) {
  return WriteFile(file, [&](std::ostream& out) {
    std::string line;
    for (std::size_t example = 0; example < data.Size(); ++example) {
      line.clear();
      AppendExample(line, data, example);
      out << line;
    }
  });
}

// Calls `write` with each honest client that holds something, and its file,
// named after the client and the suffix.
absl::Status ForEachClient(
    const Partition& partition, const std::filesystem::path& folder,
    const std::string& suffix,
    const std::function<absl::Status(std::size_t,
                                     const std::filesystem::path&)>& write) {
  for (std::size_t client = 0; client < partition.honest(); ++client) {
    if (partition.Of(client).empty()) continue;
    const auto file = folder / (ClientName(client) + suffix);
    if (auto status = write(client, file); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// What clients train on, or what they judge models on: files named after them.
struct Role {
  const Partition& partition;
  std::string suffix;
  std::function<Dataset(std::size_t)> rows;
};

absl::Status WriteRole(const v1::DataSource& source,
                       const Population& population, const Role& role,
                       const std::filesystem::path& folder) {
  const Partition& partition = role.partition;
  if (!population.shift.IsIdentity() || !HasLines(source)) {
    return ForEachClient(partition, folder, role.suffix,
                         [&](auto client, const auto& file) {
                           return WriteNumbers(role.rows(client), file);
                         });
  }
  const auto lines = ReadLines(source, "simulation.train");
  if (!lines.ok()) return lines.status();
  if (lines->examples.size() != population.train->Size()) {
    return absl::FailedPreconditionError(
        absl::StrCat("simulation.train: has ", lines->examples.size(),
                     " examples now, had ", population.train->Size()));
  }
  return ForEachClient(partition, folder, role.suffix,
                       [&](auto client, const auto& file) {
                         return WriteFile(file, [&](std::ostream& out) {
                           out << lines->header;
                           for (const auto example : partition.Of(client)) {
                             out << lines->examples[example];
                           }
                         });
                       });
}

absl::Status WriteTest(const v1::DataSource& source,
                       const Population& population,
                       const std::filesystem::path& file) {
  if (!population.shift.IsIdentity() || !HasLines(source)) {
    return WriteNumbers(*population.test, file);
  }
  const auto lines = ReadLines(source, "simulation.test");
  if (!lines.ok()) return lines.status();
  return WriteFile(file, [&](std::ostream& out) {
    out << lines->header;
    for (const std::string& line : lines->examples) out << line;
  });
}

}  // namespace

absl::Status ExportPartition(const v1::SimulationPlan& plan,
                             const Population& population,
                             const std::filesystem::path& folder) {
  const Role train{
      .partition = population.partition,
      .suffix = ".csv",
      .rows = [&](std::size_t client) { return population.RowsOf(client); }};
  if (auto status = WriteRole(plan.train(), population, train, folder);
      !status.ok()) {
    return status;
  }
  if (population.client_test) {
    const Role test{.partition = *population.client_test,
                    .suffix = "-test.csv",
                    .rows = [&](std::size_t client) {
                      return population.TestRowsOf(client);
                    }};
    if (auto status = WriteRole(plan.train(), population, test, folder);
        !status.ok()) {
      return status;
    }
  }
  if (population.test == nullptr) return absl::OkStatus();
  return WriteTest(plan.test(), population, folder / "test.csv");
}

}  // namespace tributary::simulation
