// SPDX-License-Identifier: Apache-2.0
// Effects as sentences, for expectations and transcripts. Models are called
// model-0, model-1, ...: ModelNamed(n) is the digest of that text.
#pragma once

#include <string>
#include <vector>

#include "coordinator/round/effect.h"

namespace tributary::round {

ModelId ModelNamed(int number);
// "model-3", or the first 8 hex digits of any other.
std::string Text(const ModelId& model);
std::string Text(Instant instant);    // "61.5s"
std::string Text(Duration duration);  // "61.5s"
std::string Text(double value);       // shortest that reads the same
std::string Text(const Effect& effect);
// Joined by "; ", without the wake-up.
std::string Text(const std::vector<Effect>& effects);

}  // namespace tributary::round
