// SPDX-License-Identifier: Apache-2.0
// The LibTorch trainer over some rows of a data set that many clients share, as
// virtual clients do. It gives the bits of MakeTorchTrainer over a copy of
// those rows.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tributary/torch_trainer.h"

namespace tributary {

// Trains on these rows of `data`; has nothing to evaluate on.
std::unique_ptr<Trainer> MakeSubsetTrainer(
    std::shared_ptr<const Dataset> data, std::vector<std::uint32_t> rows,
    std::shared_ptr<TorchNetworks> networks);

// Evaluates on these rows of `data`; has nothing to train on.
std::unique_ptr<Trainer> MakeSubsetEvaluator(
    std::shared_ptr<const Dataset> data, std::vector<std::uint32_t> rows,
    std::shared_ptr<TorchNetworks> networks);

}  // namespace tributary
