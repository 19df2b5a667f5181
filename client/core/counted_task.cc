// SPDX-License-Identifier: Apache-2.0
#include "client/core/counted_task.h"

#include "absl/strings/str_cat.h"

namespace tributary::session {

Digest NameOf(const v1::Task& task) {
  return Sha256(absl::StrCat(task.run().size(), ":", task.run(), ":",
                             task.round(), ":", task.attempt(), ":",
                             task.seed()));
}

}  // namespace tributary::session
