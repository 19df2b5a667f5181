// SPDX-License-Identifier: Apache-2.0
// Which stream of each aggregator is heard, and which epoch of it counts
// (coordinator/tree/epoch_fence.h). Changes go into the batch that is given:
// whoever asks acts on an answer once that is committed.
//
// Threads: the engine thread's alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coordinator/runner/coordinator.h"
#include "coordinator/store/records.h"
#include "coordinator/tree/epoch_fence.h"

namespace tributary::coordinator {

class AggregatorBook {
 public:
  // As the database has them.
  explicit AggregatorBook(const std::vector<store::AggregatorRow>& rows);

  // A hello came on this stream; `stored` is the session on the aggregator's
  // disk, 0 if none. From now on no other stream of it is heard.
  AggregatorSession Join(const std::string& aggregator, StreamId stream,
                         std::uint64_t stored, store::Batch& batch);
  // Something came on this stream.
  enum class Heard {
    kYes,
    kFirst,   // of an epoch: the one before is over
    kFenced,  // a later stream was welcomed: nothing of this one counts
  };
  Heard Hear(const std::string& aggregator, StreamId stream,
             store::Batch& batch);
  // Whose sums may count; 0: none.
  std::uint64_t Epoch(const std::string& aggregator) const;

 private:
  struct Entry {
    EpochFence fence;
    StreamId stream = 0;  // of the session given out last, in this process
  };
  static store::SaveAggregator Kept(const std::string& aggregator,
                                    const EpochFence& fence);

  std::map<std::string, Entry> entries_;
};

}  // namespace tributary::coordinator
