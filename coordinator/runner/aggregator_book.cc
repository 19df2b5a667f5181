// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/aggregator_book.h"

namespace tributary::coordinator {

AggregatorBook::AggregatorBook(const std::vector<store::AggregatorRow>& rows) {
  for (const store::AggregatorRow& row : rows) {
    entries_[row.aggregator].fence = EpochFence(
        {.session = row.used_session, .epoch = row.used_epoch},
        {.session = row.offered_session, .epoch = row.offered_epoch});
  }
}

store::SaveAggregator AggregatorBook::Kept(const std::string& aggregator,
                                           const EpochFence& fence) {
  return {{.aggregator = aggregator,
           .used_session = fence.used().session,
           .used_epoch = fence.used().epoch,
           .offered_session = fence.offered().session,
           .offered_epoch = fence.offered().epoch}};
}

AggregatorSession AggregatorBook::Join(const std::string& aggregator,
                                       StreamId stream, std::uint64_t stored,
                                       store::Batch& batch) {
  Entry& entry = entries_[aggregator];
  entry.stream = stream;
  const AggregatorSession session = entry.fence.Join(stored);
  batch.push_back(Kept(aggregator, entry.fence));
  return session;
}

AggregatorBook::Heard AggregatorBook::Hear(const std::string& aggregator,
                                           StreamId stream,
                                           store::Batch& batch) {
  const auto found = entries_.find(aggregator);
  if (found == entries_.end() || found->second.stream != stream) {
    return Heard::kFenced;
  }
  EpochFence& fence = found->second.fence;
  const std::uint64_t before = fence.epoch();
  const std::uint64_t session = fence.offered().session;
  if (fence.used().session == session) return Heard::kYes;
  (void)fence.Use(session);
  batch.push_back(Kept(aggregator, fence));
  return fence.epoch() == before ? Heard::kYes : Heard::kFirst;
}

std::uint64_t AggregatorBook::Epoch(const std::string& aggregator) const {
  const auto found = entries_.find(aggregator);
  return found == entries_.end() ? 0 : found->second.fence.epoch();
}

}  // namespace tributary::coordinator
