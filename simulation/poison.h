// SPDX-License-Identifier: Apache-2.0
// What adversaries do to the examples they train on. C: the classes of the
// training data, 0 .. C - 1.
//
//   label flip  y <- C - 1 - y                     Tolpegin et al. 2020,
//                                                  arXiv 2007.08432
//   backdoor    of a part of the examples: a bright square in the lower right
//               corner of each channel, and y <- target      Gu et al. 2017,
//                                                  "BadNets", arXiv 1708.06733
//
// A value; Apply may run on any thread and gives the same bits for the same
// key, client and rows, however often it is asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "privacy/crypto/random.h"
#include "tributary/dataset.h"
#include "tributary/v1/attack.pb.h"

namespace tributary::simulation {

class Poison {
 public:
  // Changes nothing.
  Poison() = default;
  // Of a plan with its defaults; changes nothing unless its attack is one of
  // these. InvalidArgument, naming the key, if targets are no classes, or a
  // backdoor's examples are no images (height x width, or channels x height x
  // width) that its trigger and target fit.
  static absl::StatusOr<Poison> Make(const v1::AttackPlan& plan,
                                     const Dataset& train, const Key& run_key);

  bool ChangesNothing() const {
    return std::holds_alternative<std::monostate>(kind_);
  }
  // Poisons the rows of one adversary in place: all of them, or round(poisoned
  // x rows) drawn by KeyedStream(run_key, "backdoor/<client>").
  void Apply(std::size_t client, Dataset& rows) const;

  bool IsBackdoor() const { return std::holds_alternative<Backdoor>(kind_); }
  // For a backdoor: the examples of other classes than the target, with the
  // trigger and as the target. A model's accuracy on them is the backdoor's
  // success.
  Dataset Triggered(const Dataset& test) const;

 private:
  struct LabelFlip {
    int classes = 0;
  };
  struct Backdoor {
    float target = 0;
    std::size_t width = 0;  // of the square
    float value = 0;        // of its pixels: the largest of the training data
    double poisoned = 0;
  };
  static void PutTrigger(const Backdoor& backdoor, std::span<float> image,
                         const std::vector<std::int64_t>& shape);

  std::variant<std::monostate, LabelFlip, Backdoor> kind_;
  Key run_key_{};
};

}  // namespace tributary::simulation
