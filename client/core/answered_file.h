// SPDX-License-Identifier: Apache-2.0
// What a client does once and never again, whatever process it is: the secure
// sessions it has answered, or the tasks it has drawn its own noise for. A file
// of its state folder: 32 bytes each, one behind the other, synced before
// Remember returns. A part of a record at the end is of a crash, and what it
// was of was never done.
//
// One thread at a time; one process (the state folder's lock). Nothing is read
// or made before the first of them.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <set>

#include "absl/status/status.h"
#include "privacy/crypto/digest.h"
#include "privacy/secagg/client/answered_sessions.h"

namespace tributary {

class AnsweredFile final : public secagg::AnsweredSessions {
 public:
  explicit AnsweredFile(std::filesystem::path file);
  ~AnsweredFile() override;
  AnsweredFile(const AnsweredFile&) = delete;
  AnsweredFile& operator=(const AnsweredFile&) = delete;

  absl::Status Remember(const Digest& session) override;

 private:
  absl::Status Open();

  std::filesystem::path file_;
  int descriptor_ = -1;
  off_t end_ = 0;  // of the whole records
  std::set<Digest> answered_;
};

}  // namespace tributary
