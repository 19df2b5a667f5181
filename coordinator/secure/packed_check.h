// SPDX-License-Identifier: Apache-2.0
// What is wrong with a packed update, found as its bytes come in, in one pass
// and without a copy of it. Of a masked update only its size and its last bits
// can be known: its words are uniform to whoever has no keys.
//
// Pure. One update each, one thread at a time. Less than 10 KiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "aggregation/integer_update.h"
#include "coordinator/round/types.h"
#include "coordinator/secure/integer_round.h"
#include "privacy/secagg/packed_reader.h"

namespace tributary::coordinator {

// How the updates of a round go up.
enum class Masks { kOn, kOff };

class PackedCheck {
 public:
  struct Defect {
    round::Refusal refusal = round::Refusal::kNone;
    std::string detail;
  };

  PackedCheck(std::shared_ptr<const IntegerRound> round, Masks masks);

  // Bytes of an update of this round.
  static std::uint64_t Size(const IntegerRound& round);

  // The next bytes, cut anywhere. kWrongSize: more than the update has.
  // kOverBound: a word of an unmasked update is larger than one can be, or its
  // clip word is neither 1 nor -1. Nothing more is fed after a defect.
  Defect Feed(std::span<const std::byte> bytes);
  // All bytes are there. kWrongSize: they are fewer. kBadEncoding: a bit behind
  // the last word is set. kOverBound: the coordinates' L2 norm is over the
  // round's bound.
  Defect Finish();

 private:
  Defect CheckWords(std::size_t first, std::span<const std::int64_t> words);

  const std::shared_ptr<const IntegerRound> round_;
  const Masks masks_;
  secagg::PackedReader reader_;
  aggregation::WideInteger squared_ = 0;  // of an unmasked update
};

}  // namespace tributary::coordinator
