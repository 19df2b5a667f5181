// SPDX-License-Identifier: Apache-2.0
#include "simulation/dropout.h"

namespace tributary::simulation {
namespace {

round::Instant Within(const Span& span, double fraction) {
  return span.begin +
         round::Duration(static_cast<round::Duration::rep>(
             fraction * static_cast<double>((span.end - span.begin).count())));
}

}  // namespace

Dropout::Dropout(const v1::Dropout& plan, const Key& run_key)
    : plan_(plan), key_(DeriveKey(run_key, "dropout")) {}

std::optional<Loss> Dropout::Draw(std::string_view token,
                                  const TaskTimeline& timeline) const {
  if (plan_.before_training() == 0 && plan_.while_training() == 0 &&
      plan_.while_uploading() == 0) {
    return std::nullopt;
  }
  KeyedStream random(key_, token);
  // All are drawn, used or not: a plan that changes one probability leaves what
  // follows from the others as it was.
  const double before = random.Uniform();
  const double training = random.Uniform();
  const double uploading = random.Uniform();
  const double moment = random.Uniform();
  if (before < plan_.before_training()) {
    return Loss{timeline.training.begin, Outcome::kLostBefore};
  }
  if (training < plan_.while_training()) {
    return Loss{Within(timeline.training, moment), Outcome::kLostTraining};
  }
  if (uploading < plan_.while_uploading()) {
    return Loss{Within(timeline.upload, moment), Outcome::kLostUploading};
  }
  return std::nullopt;
}

std::optional<double> Dropout::DrawUnmasking(std::string_view token) const {
  if (plan_.while_unmasking() == 0) return std::nullopt;
  KeyedStream random(DeriveKey(key_, "unmasking"), token);
  const double unmasking = random.Uniform();
  const double moment = random.Uniform();
  if (unmasking < plan_.while_unmasking()) return moment;
  return std::nullopt;
}

}  // namespace tributary::simulation
