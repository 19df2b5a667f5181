// SPDX-License-Identifier: Apache-2.0
// Metrics as Prometheus text, and what the process itself has to say. Pure but
// for /proc.
#pragma once

#include <string>
#include <vector>

#include "coordinator/runner/coordinator.h"

namespace tributary::coordinator {

// process_resident_memory_bytes, process_cpu_seconds_total,
// process_open_fds, process_start_time_seconds.
std::vector<Metric> ProcessMetrics();

// Families in the order in which their names first come.
std::string FormatMetrics(const std::vector<Metric>& metrics);

}  // namespace tributary::coordinator
