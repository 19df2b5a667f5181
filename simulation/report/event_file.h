// SPDX-License-Identifier: Apache-2.0
// The curves of a run as TensorBoard reads them: a TFRecord file of Event
// messages (proto/tensorboard/event.proto). Each record is
//
//   length (uint64) | masked CRC-32C of it | bytes | masked CRC-32C of them
//
// with everything little endian (tensorflow/core/lib/io/record_writer.h). Pure:
// text out; who writes it to disk appends.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace tributary::simulation {

// TensorBoard reads every file whose name holds "tfevents".
inline constexpr const char* kEventFileName = "events.out.tfevents.0.tributary";

// One record of a TFRecord file.
std::string FrameRecord(std::string_view bytes);

// What the file begins with.
std::string EventFileHeader();

// The numbers of one round by their names in metrics.jsonl. TensorBoard groups
// by tags: "metrics.x" is "evaluation/x", everything else "round/...".
// `seconds` is the event's time: virtual time, so that TensorBoard's relative
// axis shows it and the same seed gives the same bytes.
std::string ScalarsRecord(int round, double seconds,
                          const std::map<std::string, double>& numbers);

}  // namespace tributary::simulation
