// SPDX-License-Identifier: Apache-2.0
// Announcements of partial sums, and the lists of their leaves, as wire
// messages (tree.proto) and back. Messages are within the limits of their
// fields.
//
// Pure. A reader is one list's, one thread at a time.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/round/leaf_set.h"
#include "coordinator/round/subtree.h"
#include "coordinator/round/types.h"
#include "tributary/v1/tree.pb.h"

namespace tributary::coordinator {

v1::PartialSum ToMessage(const round::Subtree& subtree);
// InvalidArgument if there is no epoch or no leaf, or the leaves are not named
// by a digest.
absl::StatusOr<round::Subtree> ToSubtree(const v1::PartialSum& message);

// At least one page, none larger than 1 MiB; only the last says that it is.
std::vector<v1::LeafPage> ToPages(const round::LeafSet& leaves);

// Puts the pages of one list together; holds no more names than were announced.
class LeafPages {
 public:
  explicit LeafPages(const round::Subtree& announced) : announced_(announced) {}

  // The next page. InvalidArgument if one came after the last, if it makes more
  // names than were announced, or if it is empty and not the last.
  absl::Status Add(const v1::LeafPage& page);
  bool IsComplete() const { return is_complete_; }
  // Once. InvalidArgument if the list is not complete, no set, or not the one
  // that was announced.
  absl::StatusOr<round::LeafSet> Take() &&;

 private:
  const round::Subtree announced_;
  std::vector<round::ClientId> leaves_;
  bool is_complete_ = false;
};

}  // namespace tributary::coordinator
