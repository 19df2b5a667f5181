// SPDX-License-Identifier: Apache-2.0
// Which life of an aggregator counts. An *epoch* is one unbroken history of an
// aggregator's disk: a restart goes on in it, a lost disk begins another. Its
// parent gives epochs out and keeps this, durably, for each aggregator.
//
//   hello(session stored last)   -> welcome(a session, its epoch)
//   whatever comes in a session  -> only in the newest; its first use is proof
//                                   that the aggregator has stored it
//
// An aggregator that names the session used last, or the one given out last,
// goes on in that session's epoch. Any other has forgotten something, or
// another process went on in its place: it begins an epoch and drops what it
// held. So of two processes with one name, whichever joined last is heard; and
// as soon as it was heard, the other's epoch is over for good.
// docs/hierarchy.md.
//
// A value; pure.
#pragma once

#include <cstdint>

namespace tributary::coordinator {

// A stream of an aggregator to its parent: sessions are counted from 1, and an
// epoch is named by the session it began with.
struct AggregatorSession {
  std::uint64_t session = 0;
  std::uint64_t epoch = 0;
  // Nothing from before this session is to be used.
  bool IsFresh() const { return session == epoch; }
  friend bool operator==(const AggregatorSession&,
                         const AggregatorSession&) = default;
};

class EpochFence {
 public:
  EpochFence() = default;
  // As it was kept.
  EpochFence(AggregatorSession used, AggregatorSession offered);

  // The answer to a hello; `stored` is the session that the aggregator has on
  // its disk, 0 if none. Kept before it is sent.
  AggregatorSession Join(std::uint64_t stored);
  // Something came in this session. False: a later one was given out, and
  // nothing of this one counts any more. The first true of a session is kept
  // before anything is done about what came.
  bool Use(std::uint64_t session);

  // Epoch of sums that may count; 0 before the first.
  std::uint64_t epoch() const { return used_.epoch; }
  const AggregatorSession& used() const { return used_; }
  const AggregatorSession& offered() const { return offered_; }

  friend bool operator==(const EpochFence&, const EpochFence&) = default;

 private:
  AggregatorSession used_;     // the newest that something came in
  AggregatorSession offered_;  // the newest given out
};

}  // namespace tributary::coordinator
