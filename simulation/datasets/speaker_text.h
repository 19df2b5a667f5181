// SPDX-License-Identifier: Apache-2.0
// A play as characters to predict, speaker by speaker. The task is that of
// McMahan et al. 2017 on the complete works; the characters are those of the
// file at hand.
#pragma once

#include "absl/status/statusor.h"
#include "simulation/datasets/examples.h"

namespace tributary::datasets {

// `source` has its defaults.
absl::StatusOr<Examples> Read(const v1::DataSource::SpeakerText& source);

}  // namespace tributary::datasets
