// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/engine_life.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "simulation/datasets/owners.h"
#include "simulation/datasets/table.h"
#include "simulation/datasets/windows.h"

namespace tributary::datasets {
namespace {

constexpr std::size_t kColumns = 26;
constexpr std::size_t kFirstSensor = 5;  // after unit, cycle and 3 settings

// Consecutive rows of one unit.
struct Unit {
  unsigned number;
  std::size_t first;
  std::size_t cycles;
};

absl::StatusOr<std::vector<Unit>> FindUnits(const std::string& file,
                                            const Table& records) {
  std::vector<Unit> units;
  for (std::size_t row = 0; row < records.Rows(); ++row) {
    const float number = records.Row(row)[0];
    const float cycle = records.Row(row)[1];
    const bool begins = cycle == 1;
    const std::size_t unit =
        begins || units.empty() ? units.size() + 1 : units.size();
    const std::size_t expected =
        begins || units.empty() ? 1 : units.back().cycles + 1;
    if (number != static_cast<float>(unit) ||
        cycle != static_cast<float>(expected)) {
      return absl::InvalidArgumentError(absl::StrCat(
          file, ", line ", row + 1, ": expected unit ", unit, ", cycle ",
          expected, " or the first cycle of the next unit; found unit ", number,
          ", cycle ", cycle));
    }
    if (begins) units.push_back({static_cast<unsigned>(unit), row, 0});
    ++units.back().cycles;
  }
  return units;
}

// z = (x - mean) / deviation ; a sensor that does not vary becomes 0.
struct Scale {
  double mean = 0;
  double deviation = 1;
};

Scale ScaleOf(const Table& records, std::size_t column) {
  double sum = 0;
  for (std::size_t row = 0; row < records.Rows(); ++row) {
    sum += records.Row(row)[column];
  }
  Scale scale{.mean = sum / static_cast<double>(records.Rows())};
  double squares = 0;
  for (std::size_t row = 0; row < records.Rows(); ++row) {
    const double difference = records.Row(row)[column] - scale.mean;
    squares += difference * difference;
  }
  scale.deviation = std::sqrt(squares / static_cast<double>(records.Rows()));
  return scale;
}

// The chosen sensors, standardised, row-major.
std::vector<float> Standardise(const v1::DataSource::EngineLife& source,
                               const Table& records, const Table& by) {
  std::vector<float> series(records.Rows() *
                            static_cast<std::size_t>(source.sensors_size()));
  std::size_t at = 0;
  for (const std::uint32_t sensor : source.sensors()) {
    const std::size_t column = kFirstSensor + sensor - 1;
    const Scale scale = ScaleOf(by, column);
    // Below the resolution of float32 a deviation is rounding.
    const bool varies = scale.deviation > 1e-6 * std::abs(scale.mean);
    for (std::size_t row = 0; row < records.Rows(); ++row) {
      series[row * static_cast<std::size_t>(source.sensors_size()) + at] =
          varies ? static_cast<float>((records.Row(row)[column] - scale.mean) /
                                      scale.deviation)
                 : 0.0f;
    }
    ++at;
  }
  return series;
}

float TargetOf(const v1::DataSource::EngineLife& source, double life) {
  if (source.has_fault_below()) return life < source.fault_below() ? 1.0f : 0;
  return static_cast<float>(std::min(life, source.max_life()) /
                            source.max_life());
}

absl::StatusOr<std::optional<Table>> ReadRemaining(
    const v1::DataSource::EngineLife& source, std::size_t units) {
  if (source.remaining().empty()) return std::nullopt;
  auto table = ReadTable(source.remaining(), 1);
  if (!table.ok()) return table.status();
  if (table->Rows() != units) {
    return absl::InvalidArgumentError(
        absl::StrCat(source.remaining(), ": expected ", units,
                     " rows, one for each unit of ", source.records(),
                     "; found ", table->Rows()));
  }
  return *std::move(table);
}

}  // namespace

absl::StatusOr<Examples> Read(const v1::DataSource::EngineLife& source) {
  const auto records = ReadTable(source.records(), kColumns);
  if (!records.ok()) return records.status();
  const auto units = FindUnits(source.records(), *records);
  if (!units.ok()) return units.status();
  const auto remaining = ReadRemaining(source, units->size());
  if (!remaining.ok()) return remaining.status();
  std::vector<float> series;
  if (source.standardise_by().empty()) {
    series = Standardise(source, *records, *records);
  } else {
    const auto by = ReadTable(source.standardise_by(), kColumns);
    if (!by.ok()) return by.status();
    series = Standardise(source, *records, *by);
  }

  Examples examples;
  Owners owners(examples);
  const auto channels = static_cast<std::size_t>(source.sensors_size());
  const std::size_t length = source.window().length();
  for (std::size_t i = 0; i < units->size(); ++i) {
    const Unit& unit = (*units)[i];
    const auto add = [&](std::size_t first, double life) {
      if (life < source.min_life()) return;
      AppendWindow(series, channels, first, length, examples.data.features);
      examples.data.targets.push_back(TargetOf(source, life));
      examples.owner.push_back(
          owners.IndexOf(absl::StrFormat("engine-%03d", unit.number)));
    };
    const std::size_t end = unit.first + unit.cycles;
    if (*remaining) {
      if (unit.cycles < length) {
        return absl::InvalidArgumentError(absl::StrCat(
            source.records(), ": unit ", unit.number, ": expected at least ",
            length, " cycles, a window; found ", unit.cycles));
      }
      add(end - length, (*remaining)->values[i]);
      continue;
    }
    ForEachWindow(source.window(), unit.first, end, [&](std::size_t first) {
      add(first, static_cast<double>(end - (first + length)));
    });
  }
  if (examples.data.targets.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(source.records(), ": expected a unit of at least ", length,
                     " cycles, a window, with min_life remaining; found "
                     "none"));
  }
  examples.data.example_shape = {static_cast<std::int64_t>(channels),
                                 static_cast<std::int64_t>(length)};
  return examples;
}

}  // namespace tributary::datasets
