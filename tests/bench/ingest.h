// SPDX-License-Identifier: Apache-2.0
// Ingest: what one update costs the coordinator, beside a server that receives
// and drops it; and what many at once cost in memory.
#pragma once

#include <vector>

#include "tests/bench/report.h"
#include "tests/bench/subjects.h"

namespace tributary::bench {

std::vector<Figure> MeasureIngestCpu(const Bench& bench, int repetitions);
std::vector<Figure> MeasureIngestMemory(const Bench& bench);

// 2,000 connections that wait, then a round over 200 of them.
std::vector<Figure> MeasureIdle(const Bench& bench);

}  // namespace tributary::bench
