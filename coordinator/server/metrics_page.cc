// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/metrics_page.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <unordered_map>
#include <utility>

#include "prometheus/text_serializer.h"

namespace tributary::coordinator {
namespace {

prometheus::ClientMetric ToClientMetric(const Metric& metric) {
  prometheus::ClientMetric converted;
  for (const auto& [name, value] : metric.labels) {
    converted.label.push_back({name, value});
  }
  if (metric.kind == Metric::Kind::kCounter) {
    converted.counter.value = metric.value;
  } else {
    converted.gauge.value = metric.value;
  }
  return converted;
}

double StartTime() {
  static const double start =
      std::chrono::duration<double>(
          std::chrono::system_clock::now().time_since_epoch())
          .count();
  return start;
}

// Forces the start time to be taken when the program starts.
[[maybe_unused]] const double kStartTime = StartTime();

double CpuSeconds() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  // The second field, in parentheses, may hold anything.
  const std::size_t end = line.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream fields(line.substr(end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  double resident = 0;
  file >> pages >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double OpenFiles() {
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc/self/fd", error);
  double count = 0;
  for (; !error && entries != std::filesystem::directory_iterator();
       entries.increment(error)) {
    ++count;
  }
  return count;
}

}  // namespace

std::vector<Metric> ProcessMetrics() {
  using Kind = Metric::Kind;
  return {
      {"process_resident_memory_bytes",
       "Resident memory.",
       Kind::kGauge,
       {},
       ResidentBytes()},
      {"process_cpu_seconds_total",
       "User and system CPU time.",
       Kind::kCounter,
       {},
       CpuSeconds()},
      {"process_open_fds",
       "Open file descriptors.",
       Kind::kGauge,
       {},
       OpenFiles()},
      {"process_start_time_seconds",
       "Start of the process since the epoch.",
       Kind::kGauge,
       {},
       StartTime()},
  };
}

std::string FormatMetrics(const std::vector<Metric>& metrics) {
  std::vector<prometheus::MetricFamily> families;
  std::unordered_map<std::string, std::size_t> places;
  for (const Metric& metric : metrics) {
    const auto [place, is_new] = places.emplace(metric.name, families.size());
    if (is_new) {
      families.push_back({metric.name,
                          metric.help,
                          metric.kind == Metric::Kind::kCounter
                              ? prometheus::MetricType::Counter
                              : prometheus::MetricType::Gauge,
                          {}});
    }
    families[place->second].metric.push_back(ToClientMetric(metric));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace tributary::coordinator
