// SPDX-License-Identifier: Apache-2.0
// The LibTorch trainer: any built-in or TorchScript architecture over an
// in-memory data set. This header needs no LibTorch header.
//
// All parameters and buffers are views of one flat tensor: loading weights is
// one copy, the delta one subtraction.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "tributary/dataset.h"
#include "tributary/trainer.h"

namespace tributary {

// Trains on `train`, evaluates on `test` (may be empty if never asked). One
// intra-op thread, so that the same task gives the same bits on every machine of
// a kind. Metrics: "loss", and "accuracy" for classes.
std::unique_ptr<Trainer> MakeTorchTrainer(std::shared_ptr<const Dataset> train,
                                          std::shared_ptr<const Dataset> test);

}  // namespace tributary
