// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/hourly_load.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/data/byte_source.h"
#include "client/data/field.h"
#include "client/data/files.h"
#include "client/data/lines.h"
#include "simulation/datasets/owners.h"
#include "simulation/datasets/windows.h"

namespace tributary::datasets {
namespace {

constexpr std::string_view kSuffix = "_hourly.csv";

struct Hour {
  std::int64_t time;  // hours since 1970
  float load;
};

std::optional<int> Digits(std::string_view text, std::size_t at,
                          std::size_t count) {
  int value = 0;
  const char* const first = text.data() + at;
  const auto [rest, error] = std::from_chars(first, first + count, value);
  if (error != std::errc() || rest != first + count || value < 0) return {};
  return value;
}

// "2004-12-31 01:00:00" as hours since 1970; minutes and seconds must be 0.
std::optional<std::int64_t> ParseHour(std::string_view text) {
  if (text.size() != 19 || text[4] != '-' || text[7] != '-' ||
      text.substr(10, 1) != " " || text.substr(13) != ":00:00") {
    return std::nullopt;
  }
  const auto year = Digits(text, 0, 4);
  const auto month = Digits(text, 5, 2);
  const auto day = Digits(text, 8, 2);
  const auto hour = Digits(text, 11, 2);
  if (!year || !month || !day || !hour || *hour > 23) return std::nullopt;
  const std::chrono::year_month_day date(
      std::chrono::year(*year),
      std::chrono::month(static_cast<unsigned>(*month)),
      std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * 24 + *hour;
}

// Sorted, each hour once.
absl::StatusOr<std::vector<Hour>> ReadSeries(
    const std::filesystem::path& file) {
  auto source = data::OpenFile(file);
  if (!source.ok()) return source.status();
  std::vector<Hour> series;
  const absl::Status read = data::ForEachLine(
      **source, [&](std::string_view line, std::uint64_t number) {
        if (number == 1) return absl::OkStatus();  // names
        const auto refuse = [&](std::string_view reason) {
          return absl::InvalidArgumentError(absl::StrCat(
              file.string(), ", line ", number, ": ", std::string(reason)));
        };
        const std::size_t comma = line.find(',');
        const auto time = ParseHour(line.substr(0, comma));
        if (comma == std::string_view::npos || !time) {
          return refuse(absl::StrCat(
              "expected a time and a load such as 2004-12-31 01:00:00,13478, "
              "found ",
              data::Quote(line)));
        }
        const auto load = data::ParseFloat(line.substr(comma + 1), 1);
        if (!load.ok()) return refuse(std::string(load.status().message()));
        series.push_back({*time, *load});
        return absl::OkStatus();
      });
  if (!read.ok()) return read;
  if (series.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.string(), ": expected hours, found none"));
  }
  std::ranges::stable_sort(series, {}, &Hour::time);
  std::vector<Hour> unique;
  for (std::size_t i = 0; i < series.size();) {
    std::size_t end = i;
    double sum = 0;
    for (; end < series.size() && series[end].time == series[i].time; ++end) {
      sum += series[end].load;
    }
    unique.push_back({series[i].time,
                      static_cast<float>(sum / static_cast<double>(end - i))});
    i = end;
  }
  return unique;
}

// Standardises by the hours before `cut`.
void Standardise(std::vector<Hour>& series, std::size_t cut) {
  double sum = 0;
  for (std::size_t i = 0; i < cut; ++i) sum += series[i].load;
  const double mean = sum / static_cast<double>(cut);
  double squares = 0;
  for (std::size_t i = 0; i < cut; ++i) {
    squares += (series[i].load - mean) * (series[i].load - mean);
  }
  const double deviation = std::sqrt(squares / static_cast<double>(cut));
  for (Hour& hour : series) {
    hour.load = deviation > 0
                    ? static_cast<float>((hour.load - mean) / deviation)
                    : 0.0f;
  }
}

absl::StatusOr<std::vector<std::filesystem::path>> FilesOf(
    const v1::DataSource::HourlyLoad& source) {
  if (source.zones_size() == 0) return data::FilesIn(source.folder(), kSuffix);
  std::vector<std::filesystem::path> files;
  for (const std::string& zone : source.zones()) {
    files.push_back(data::PlainOrGz(std::filesystem::path(source.folder()) /
                                    (zone + std::string(kSuffix))));
  }
  return files;
}

}  // namespace

absl::StatusOr<Examples> Read(const v1::DataSource::HourlyLoad& source) {
  const auto files = FilesOf(source);
  if (!files.ok()) return files.status();
  const std::size_t length = source.window().length();
  Examples examples;
  Owners owners(examples);
  for (const std::filesystem::path& file : *files) {
    auto series = ReadSeries(file);
    if (!series.ok()) return series.status();
    if (series->size() <= source.test_hours()) {
      return absl::InvalidArgumentError(absl::StrCat(
          file.string(), ": expected more than the ", source.test_hours(),
          " hours of its test part, found ", series->size()));
    }
    const std::size_t cut = series->size() - source.test_hours();
    Standardise(*series, cut);
    const std::string zone = data::StemOf(file, kSuffix);
    const auto client = source.clients().find(zone);
    const std::string& name =
        client == source.clients().end() ? zone : client->second;
    // The target may be the first hour of the part, the window before it.
    const Range part = RangeOf(source.part(), cut, series->size());
    for (std::size_t target = std::max(part.first, length); target < part.end;
         target += source.window().stride()) {
      const std::size_t first = target - length;
      if ((*series)[target].time - (*series)[first].time !=
          static_cast<std::int64_t>(length)) {
        continue;
      }
      for (std::size_t i = first; i < target; ++i) {
        examples.data.features.push_back((*series)[i].load);
      }
      examples.data.targets.push_back((*series)[target].load);
      examples.owner.push_back(owners.IndexOf(name));
    }
  }
  if (examples.data.targets.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(source.folder(), ": expected ", length + 1,
                     " consecutive hours somewhere, found none"));
  }
  examples.data.example_shape = {1, static_cast<std::int64_t>(length)};
  return examples;
}

}  // namespace tributary::datasets
