// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/inertial.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/data/files.h"
#include "simulation/datasets/owners.h"
#include "simulation/datasets/table.h"
#include "simulation/datasets/windows.h"

namespace tributary::datasets {
namespace {

constexpr std::size_t kChannels =
    6;  // three of acceleration, three of rotation

// One line of labels.txt.
struct Segment {
  unsigned experiment;
  unsigned person;
  unsigned activity;
  // Samples from 0, the end excluded: those that belong to the segment whether
  // labels.txt counts from 0 or from 1.
  std::size_t first;
  std::size_t end;
};

absl::StatusOr<std::vector<Segment>> ReadSegments(
    const std::filesystem::path& file) {
  const auto table = ReadTable(file, 5);
  if (!table.ok()) return table.status();
  std::vector<Segment> segments;
  for (std::size_t row = 0; row < table->Rows(); ++row) {
    const auto values = table->Row(row);
    // Whole numbers that a float holds exactly.
    const bool is_whole = std::ranges::all_of(values, [](float value) {
      return value >= 0 && value < 16'777'216 && value == std::floor(value);
    });
    if (!is_whole || values[4] < values[3]) {
      return absl::InvalidArgumentError(absl::StrCat(
          file.string(), ", line ", row + 1,
          ": expected experiment, user, activity, first and last sample, whole "
          "numbers from 0, the last not before the first"));
    }
    segments.push_back({.experiment = static_cast<unsigned>(values[0]),
                        .person = static_cast<unsigned>(values[1]),
                        .activity = static_cast<unsigned>(values[2]),
                        .first = static_cast<std::size_t>(values[3]),
                        .end = static_cast<std::size_t>(values[4])});
  }
  return segments;
}

// Both sensors of an experiment side by side: rows of six.
absl::StatusOr<Table> ReadRecording(const std::filesystem::path& folder,
                                    const Segment& segment) {
  const std::string name = absl::StrFormat("_exp%02d_user%02d.txt",
                                           segment.experiment, segment.person);
  const auto file = data::PlainOrGz(folder / ("acc" + name));
  const auto acceleration = ReadTable(file, 3);
  if (!acceleration.ok()) return acceleration.status();
  const auto rotation = ReadTable(data::PlainOrGz(folder / ("gyro" + name)), 3);
  if (!rotation.ok()) return rotation.status();
  if (acceleration->Rows() != rotation->Rows()) {
    return absl::InvalidArgumentError(absl::StrCat(
        file.string(), ": expected ", rotation->Rows(), " samples, as in gyro",
        name, "; found ", acceleration->Rows()));
  }
  Table both{.columns = kChannels, .values = {}};
  both.values.reserve(2 * acceleration->values.size());
  for (std::size_t row = 0; row < acceleration->Rows(); ++row) {
    for (const Table* table : {&*acceleration, &*rotation}) {
      const auto values = table->Row(row);
      both.values.insert(both.values.end(), values.begin(), values.end());
    }
  }
  return both;
}

template <typename List>
bool IsAmong(const List& list, unsigned value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

absl::StatusOr<Examples> Read(const v1::DataSource::Inertial& source) {
  const std::filesystem::path folder = source.folder();
  const auto labels = data::PlainOrGz(folder / "labels.txt");
  auto segments = ReadSegments(labels);
  if (!segments.ok()) return segments.status();
  std::erase_if(*segments, [&](const Segment& segment) {
    return !IsAmong(source.activities(), segment.activity) ||
           (source.persons_size() > 0 &&
            !IsAmong(source.persons(), segment.person));
  });
  // One recording is in memory at a time, whatever the order of the labels.
  std::ranges::stable_sort(*segments, {}, [](const Segment& segment) {
    return std::pair(segment.experiment, segment.person);
  });
  Examples examples;
  Owners owners(examples);
  Table recording;
  const Segment* recorded = nullptr;
  for (const Segment& segment : *segments) {
    if (recorded == nullptr || recorded->experiment != segment.experiment ||
        recorded->person != segment.person) {
      auto read = ReadRecording(folder, segment);
      if (!read.ok()) return read.status();
      recording = *std::move(read);
      recorded = &segment;
    }
    if (segment.end > recording.Rows()) {
      return absl::InvalidArgumentError(
          absl::StrCat(labels.string(), ": experiment ", segment.experiment,
                       ": expected segments within its ", recording.Rows(),
                       " samples, found one that ends at ", segment.end));
    }
    const auto found = std::find(source.activities().begin(),
                                 source.activities().end(), segment.activity);
    const auto target = static_cast<float>(found - source.activities().begin());
    ForEachWindow(
        source.window(), segment.first, segment.end, [&](std::size_t first) {
          AppendWindow(recording.values, kChannels, first,
                       source.window().length(), examples.data.features);
          examples.data.targets.push_back(target);
          examples.owner.push_back(
              owners.IndexOf(absl::StrFormat("person-%02d", segment.person)));
        });
  }
  if (examples.data.targets.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        labels.string(), ": expected a segment of at least ",
        source.window().length(),
        " samples of one of the persons and activities, found none"));
  }
  examples.data.example_shape = {kChannels, source.window().length()};
  return examples;
}

}  // namespace tributary::datasets
