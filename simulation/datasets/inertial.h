// SPDX-License-Identifier: Apache-2.0
// Recordings of accelerometer and gyroscope in windows, as those of HAPT
// (Reyes-Ortiz, Oneto, Sama, Parra, Anguita 2016, "Transition-Aware Human
// Activity Recognition Using Smartphones").
//
// The authors do not say whether the samples of labels.txt count from 0 or 1: a
// segment is taken to be the samples that belong to it either way.
#pragma once

#include "absl/status/statusor.h"
#include "simulation/datasets/examples.h"

namespace tributary::datasets {

// `source` has its defaults.
absl::StatusOr<Examples> Read(const v1::DataSource::Inertial& source);

}  // namespace tributary::datasets
