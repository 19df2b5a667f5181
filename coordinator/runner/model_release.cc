// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/model_release.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "aggregation/mixing.h"

namespace tributary::coordinator {
namespace {

constexpr std::size_t kBlock = OptimizerState::kBlock;

// Values of a block from `offset` that lie in the trainable part.
std::size_t TrainableIn(const aggregation::Layout& layout, std::size_t offset,
                        std::size_t count) {
  return offset >= layout.trainable
             ? 0
             : std::min(count, layout.trainable - offset);
}

}  // namespace

ModelRelease::ModelRelease(const store::Blobs& blobs, WorkPool& pool,
                           Inputs inputs, aggregation::ExactSum&& sum)
    : blobs_(blobs),
      pool_(pool),
      inputs_(std::move(inputs)),
      release_(std::move(sum), inputs_.format->optimizer,
               inputs_.format->strategy) {}

absl::StatusOr<std::shared_ptr<ModelRelease::Attempt>> ModelRelease::Prepare()
    const {
  const ModelFormat& format = *inputs_.format;
  const OptimizerState::Shape shape{.trainable = format.layout.trainable,
                                    .vectors = format.StateVectors()};
  absl::StatusOr<store::File> previous = blobs_.Get(inputs_.model);
  if (!previous.ok()) return previous.status();
  std::optional<store::File> base;
  if (inputs_.mixture) {
    absl::StatusOr<store::File> file = blobs_.Get(inputs_.mixture->base);
    if (!file.ok()) return file.status();
    base = *std::move(file);
  }
  absl::StatusOr<store::Blobs::Draft> draft = blobs_.NewDraft();
  if (!draft.ok()) return draft.status();
  absl::StatusOr<OptimizerState> before =
      OptimizerState::Read(inputs_.state_folder, inputs_.round - 1, shape);
  if (!before.ok()) return before.status();
  absl::StatusOr<OptimizerState> after =
      OptimizerState::Create(inputs_.state_folder, inputs_.round, shape);
  if (!after.ok()) return after.status();
  absl::Status written = draft->file().Write(
      0, std::as_bytes(std::span<const char>(format.header)));
  if (!written.ok()) return written;
  return std::shared_ptr<Attempt>(new Attempt{
      .previous = *std::move(previous),
      .base = std::move(base),
      .draft = *std::move(draft),
      .state_before = *std::move(before),
      .state_after = *std::move(after),
      .mutex = {},
      .status = {},
      .done = nullptr,
  });
}

void ModelRelease::Start(Done done) {
  pool_.Post([self = shared_from_this(), done = std::move(done)] {
    absl::StatusOr<std::shared_ptr<Attempt>> attempt = self->Prepare();
    if (!attempt.ok()) {
      done(attempt.status());
      return;
    }
    (*attempt)->done = done;
    (*attempt)->working = self->pool_.size();
    for (int i = 0; i < self->pool_.size(); ++i) {
      self->pool_.Post([self, shared = *attempt] { self->Work(*shared); });
    }
  });
}

void ModelRelease::Work(Attempt& attempt) const {
  const std::size_t length = inputs_.format->layout.length;
  std::vector<float> weights;
  std::vector<std::vector<float>> state(
      static_cast<std::size_t>(inputs_.format->StateVectors()));
  while (true) {
    const std::size_t offset = attempt.next_block.fetch_add(1) * kBlock;
    if (offset >= length) break;
    weights.resize(std::min(kBlock, length - offset));
    absl::Status status = MakeBlock(attempt, offset, weights, state);
    if (!status.ok()) {
      const std::lock_guard lock(attempt.mutex);
      attempt.status.Update(status);
      break;
    }
  }
  if (attempt.working.fetch_sub(1) > 1) return;
  attempt.done(Conclude(attempt));
}

absl::Status ModelRelease::MakeBlock(
    Attempt& attempt, std::size_t offset, std::span<float> weights,
    std::span<std::vector<float>> state) const {
  const ModelFormat& format = *inputs_.format;
  const std::uint64_t place =
      format.header.size() + std::uint64_t{offset} * sizeof(float);
  const store::File& from = attempt.base ? *attempt.base : attempt.previous;
  absl::Status status = from.ReadFully(place, std::as_writable_bytes(weights));
  if (!status.ok()) return status;
  const std::size_t trainable =
      TrainableIn(format.layout, offset, weights.size());
  std::vector<std::span<float>> spans;
  for (std::size_t k = 0; k < state.size(); ++k) {
    state[k].resize(trainable);
    spans.emplace_back(state[k]);
    if (trainable == 0) continue;
    status =
        attempt.state_before.ReadBlock(static_cast<int>(k), offset, state[k]);
    if (!status.ok()) return status;
  }
  release_.Block(offset, weights, spans);
  for (std::size_t k = 0; k < state.size() && trainable > 0; ++k) {
    status =
        attempt.state_after.WriteBlock(static_cast<int>(k), offset, state[k]);
    if (!status.ok()) return status;
  }
  if (attempt.base) {
    std::vector<float> mixed(weights.size());
    status = attempt.previous.ReadFully(
        place, std::as_writable_bytes(std::span(mixed)));
    if (!status.ok()) return status;
    aggregation::Mix(inputs_.mixture->share, mixed, weights);
    std::ranges::copy(mixed, weights.begin());
  }
  return attempt.draft.file().Write(place, std::as_bytes(weights));
}

absl::StatusOr<Digest> ModelRelease::Conclude(Attempt& attempt) const {
  const std::lock_guard lock(attempt.mutex);
  if (!attempt.status.ok()) return attempt.status;
  if (absl::Status kept = attempt.state_after.Keep(); !kept.ok()) return kept;
  return blobs_.Keep(std::move(attempt.draft));
}

}  // namespace tributary::coordinator
