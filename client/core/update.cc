// SPDX-License-Identifier: Apache-2.0
#include "client/core/update.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "aggregation/encoding.h"
#include "client/core/bounds.h"
#include "client/core/integer_update.h"
#include "client/core/momentum.h"
#include "client/core/strategy.h"
#include "privacy/crypto/random.h"
#include "proto/codec/plan.h"

namespace tributary {
namespace {

using aggregation::Encoding;

bool IsPacked(const v1::UpdatePlan& update) {
  return update.encoding() == v1::UpdatePlan::PACKED;
}

bool HasErrorFeedback(Encoding encoding) {
  return encoding == Encoding::kInt8 || encoding == Encoding::kTopK;
}

// Without a checksum.
v1::UpdateHeader HeaderOf(const v1::Task& task, const TrainResult& result,
                          std::uint64_t size) {
  v1::UpdateHeader header;
  header.set_task_token(task.task_token());
  header.set_encoding(task.update().encoding() ==
                              v1::UpdatePlan::ENCODING_UNSPECIFIED
                          ? v1::UpdatePlan::FLOAT32
                          : task.update().encoding());
  header.set_size(size);
  header.set_weight(result.examples);
  header.set_base_model(task.model());
  header.set_train_loss(result.loss);
  return header;
}

absl::StatusOr<Key> SeedOf(const v1::Task& task) {
  Key seed;
  if (task.seed().size() != seed.size()) {
    return absl::InvalidArgumentError("the task's seed is not 32 bytes");
  }
  std::copy(task.seed().begin(), task.seed().end(), seed.begin());
  return seed;
}

// What is left of `values` when the coordinator has decoded `bytes`.
absl::Status SubtractDecoded(Encoding encoding,
                             std::span<const std::byte> bytes,
                             std::vector<float>& values) {
  aggregation::UpdateDecoder decoder(encoding, values.size());
  const absl::Status fed = decoder.Feed(
      bytes, [&values](std::size_t offset, std::span<const float> decoded) {
        for (std::size_t i = 0; i < decoded.size(); ++i) {
          values[offset + i] -= decoded[i];
        }
        return absl::OkStatus();
      });
  return fed.ok() ? decoder.Finish() : fed;
}

}  // namespace

absl::Status CheckResult(const TrainResult& result) {
  if (result.examples == 0) {
    return absl::InvalidArgumentError("trained on no examples");
  }
  if (!std::isfinite(result.loss)) {
    return absl::InvalidArgumentError("the training loss is not finite");
  }
  return absl::OkStatus();
}

absl::StatusOr<PreparedUpdate> PrepareUpdate(const v1::Task& task,
                                             const Manifest& manifest,
                                             const TrainResult& result,
                                             std::vector<float> update,
                                             const ClientState& state) {
  if (absl::Status status = CheckResult(result); !status.ok()) return status;
  if (IsPacked(task.update())) {
    return absl::InvalidArgumentError(
        "update.encoding: integers are no floats");
  }
  const absl::StatusOr<Key> seed = SeedOf(task);
  if (!seed.ok()) return seed.status();
  const aggregation::EncodingOptions encoding =
      codec::ToEncoding(task.update());
  if (absl::Status status = encoding.Validate(); !status.ok()) return status;
  const auto layout = codec::ToLayout(task.update(), manifest, task.strategy());
  if (!layout.ok()) return layout.status();
  const std::span<const float> residual = state.residual;
  if (update.size() != layout->length ||
      (!residual.empty() && residual.size() != update.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("an update of ", update.size(), " floats where ",
                     layout->length, " are expected"));
  }

  const bool error_feedback = HasErrorFeedback(encoding.encoding);
  if (error_feedback && !residual.empty()) {
    for (std::size_t i = 0; i < update.size(); ++i) update[i] += residual[i];
  }
  if (HasMomentum(task) && error_feedback) {
    return absl::InvalidArgumentError(
        "update.momentum: cannot stand beside the error feedback of int8 and "
        "top_k");
  }
  AddMomentum(task, manifest, state, update);
  PreparedUpdate prepared;
  Clamped clamped;
  ClampAll(update, 0, BoundsOf(encoding.encoding, *layout), clamped);
  if (!clamped.is_finite) return NotFinite(manifest, 0, update);
  prepared.saturated = clamped.saturated;
  prepared.state.control = NextControl(task, manifest, update, state.control);
  KeepMomentum(task, manifest, update, prepared.state);

  std::shared_ptr<const UpdateBytes> bytes;
  if (encoding.encoding == Encoding::kFloat32) {
    bytes = std::make_shared<const UpdateBytes>(std::move(update));
  } else {
    KeyedStream rounding(*seed, "rounding");
    bytes = std::make_shared<const UpdateBytes>(aggregation::Encode(
        encoding, update, [&rounding] { return rounding.Word(); }));
  }
  if (error_feedback) {
    if (absl::Status status =
            SubtractDecoded(encoding.encoding, *bytes, update);
        !status.ok()) {
      return status;
    }
    prepared.state.residual = std::move(update);
  }

  prepared.header = HeaderOf(task, result, bytes->size());
  prepared.bytes = std::move(bytes);
  return prepared;
}

bool IsDeltaAlone(const v1::UpdatePlan& update,
                  const v1::StrategyPlan& strategy) {
  return codec::ToEncoding(update).encoding == Encoding::kFloat32 &&
         !IsPacked(update) && update.momentum() == 0 &&
         strategy.kind_case() == v1::StrategyPlan::KIND_NOT_SET;
}

absl::StatusOr<PreparedUpdate> StreamUpdate(const v1::Task& wire,
                                            const Model& model,
                                            Trainer& trainer,
                                            const UpdateSink& sink,
                                            const TaskContext& context) {
  const absl::StatusOr<TrainTask> task = ToTrainTask(wire);
  if (!task.ok()) return task.status();
  const auto layout =
      codec::ToLayout(wire.update(), model.manifest, wire.strategy());
  if (!layout.ok()) return layout.status();
  const Bounds bounds = BoundsOf(Encoding::kFloat32, *layout);
  const float smallest = SmallestOf(bounds);
  PreparedUpdate prepared;
  absl::Status status;
  Clamped clamped;
  const auto result = trainer.TrainInto(
      *task, model,
      [&](const DeltaBlock& block) {
        if (block.offset == 0) status = CheckResult(block.result);
        if (!status.ok()) return;
        if (block.largest && *block.largest <= smallest) {
          clamped.largest = *block.largest;
        } else {
          clamped.largest = 0;
          ClampAll(block.values, block.offset, bounds, clamped);
        }
        if (clamped.is_finite) {
          sink({block.result.examples, block.offset, block.values,
                clamped.largest});
        } else {
          status = NotFinite(model.manifest, block.offset, block.values);
        }
      },
      context);
  if (!result.ok()) return result.status();
  if (!status.ok()) return status;
  prepared.saturated = clamped.saturated;
  prepared.header = HeaderOf(wire, *result, layout->length * sizeof(float));
  return prepared;
}

std::uint64_t Checksum(const UpdateBytes& bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

absl::StatusOr<PreparedUpdate> TrainUpdate(const v1::Task& wire,
                                           const Model& model, Trainer& trainer,
                                           const ClientState& state,
                                           RandomSource& random,
                                           const TaskContext& context) {
  const absl::StatusOr<TrainTask> task = ToTrainTask(wire);
  if (!task.ok()) return task.status();
  if (IsPacked(wire.update())) {
    if (absl::Status status = CheckIntegers(wire, model.manifest);
        !status.ok()) {
      return status;
    }
    if (HasMomentum(wire)) {
      return absl::InvalidArgumentError(
          "update.momentum: cannot stand beside update.encoding packed");
    }
  }
  const ClientState fitting = Fitting(wire, model, state);
  absl::StatusOr<StrategyOutcome> outcome =
      RunStrategy(wire, *task, model, trainer, fitting, context);
  if (!outcome.ok()) return outcome.status();
  absl::StatusOr<PreparedUpdate> prepared =
      IsPacked(wire.update())
          ? PrepareIntegers(wire, model.manifest, outcome->result,
                            std::move(outcome->update), fitting, random)
          : PrepareUpdate(wire, model.manifest, outcome->result,
                          std::move(outcome->update), fitting);
  if (prepared.ok()) {
    prepared->state.local = std::move(outcome->local);
    prepared->state.places = std::move(outcome->places);
  }
  return prepared;
}

}  // namespace tributary
