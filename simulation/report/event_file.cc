// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/event_file.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "simulation/report/crc32c.h"
#include "tensorboard/event.pb.h"

namespace tributary::simulation {
namespace {

constexpr std::string_view kMetricPrefix = "metrics.";

template <typename Number>
void AppendLittleEndian(Number number, std::string& out) {
  for (std::size_t i = 0; i < sizeof number; ++i) {
    out.push_back(static_cast<char>(number >> (8 * i)));
  }
}

std::string TagOf(const std::string& name) {
  return name.starts_with(kMetricPrefix)
             ? absl::StrCat("evaluation/", name.substr(kMetricPrefix.size()))
             : absl::StrCat("round/", name);
}

}  // namespace

std::string FrameRecord(std::string_view bytes) {
  std::string length;
  AppendLittleEndian<std::uint64_t>(bytes.size(), length);
  std::string record = length;
  AppendLittleEndian(MaskedCrc32c(length), record);
  record += bytes;
  AppendLittleEndian(MaskedCrc32c(bytes), record);
  return record;
}

std::string EventFileHeader() {
  tensorboard::Event event;
  event.set_file_version("brain.Event:2");
  return FrameRecord(event.SerializeAsString());
}

std::string ScalarsRecord(int round, double seconds,
                          const std::map<std::string, double>& numbers) {
  tensorboard::Event event;
  event.set_wall_time(seconds);
  event.set_step(round);
  for (const auto& [name, number] : numbers) {
    // The step says it.
    if (name == "round") continue;
    auto& value = *event.mutable_summary()->add_value();
    value.set_tag(TagOf(name));
    value.set_simple_value(static_cast<float>(number));
  }
  return FrameRecord(event.SerializeAsString());
}

}  // namespace tributary::simulation
