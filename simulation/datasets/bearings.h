// SPDX-License-Identifier: Apache-2.0
// Recordings of the Case Western Reserve University Bearing Data Center in
// windows, as samples or as a log-spectrum:
//
//   P_k = |FFT(hann * (x - mean))_k|^2 / length ,  k = 1 .. length / 2
//   feature_b = log10(mean of P over band b + 1e-12)
#pragma once

#include "absl/status/statusor.h"
#include "simulation/datasets/examples.h"

namespace tributary::datasets {

// `source` has its defaults.
absl::StatusOr<Examples> Read(const v1::DataSource::Bearings& source);

}  // namespace tributary::datasets
