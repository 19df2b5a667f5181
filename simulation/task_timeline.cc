// SPDX-License-Identifier: Apache-2.0
#include "simulation/task_timeline.h"

#include <algorithm>
#include <chrono>

namespace tributary::simulation {

double Span::Seconds(round::Instant until) const {
  const round::Instant last = std::min(until, end);
  return last <= begin ? 0.0
                       : std::chrono::duration<double>(last - begin).count();
}

double Span::Fraction(round::Instant until) const {
  if (until >= end) return 1;
  if (until <= begin) return 0;
  return Seconds(until) / Seconds(end);
}

void TaskTimeline::Plan(round::Instant begin, round::Duration training_time,
                        std::uint64_t update_bytes, const Device& device) {
  training = {begin, begin + training_time};
  upload.begin = training.end + 2 * device.latency;
  upload.end = upload.begin + device.UploadTime(update_bytes);
  bytes_up = update_bytes;
}

Spending TaskTimeline::SpentBy(round::Instant until,
                               const Device& device) const {
  const auto part = [until](std::uint64_t bytes, const Span& span) {
    return static_cast<std::uint64_t>(static_cast<double>(bytes) *
                                      span.Fraction(until));
  };
  Spending spent;
  spent.bytes_down = part(bytes_down, download);
  spent.bytes_up = part(bytes_up, upload);
  spent.training_seconds = training.Seconds(until);
  spent.network_seconds = download.Seconds(until) + upload.Seconds(until);
  spent.joules = device.training_watts * spent.training_seconds +
                 device.network_watts * spent.network_seconds;
  return spent;
}

}  // namespace tributary::simulation
