// SPDX-License-Identifier: Apache-2.0
// Every client that ever came, and what came of its updates. In memory; changes
// go to the database with the next batch of events.
//
// Threads: any.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "coordinator/round/types.h"
#include "coordinator/runner/coordinator.h"
#include "coordinator/store/records.h"

namespace tributary::coordinator {

using WallTime = std::chrono::system_clock::time_point;

class ClientBook {
 public:
  explicit ClientBook(std::vector<store::ClientRow> rows);

  // `population` is where the client takes part now.
  void Saw(const Identity& identity, const std::string& population,
           WallTime now);
  void Accepted(const round::ClientId& client);
  void Refused(const round::ClientId& client);
  // Appends what has changed since the last call.
  void AddChanges(store::Batch& batch);

  std::vector<store::ClientRow> List(const std::string& after,
                                     const std::string& population,
                                     std::size_t limit) const;

 private:
  // What an unchanged client's last_seen may lag behind in the database: after
  // a kill it may be this much older than it was, and the time until the next
  // batch of events.
  static constexpr std::int64_t kLagMilliseconds = 60'000;

  mutable std::mutex mutex_;
  std::map<std::string, store::ClientRow> rows_;
  std::set<std::string> changed_;
  // The last_seen that the database has, or gets with changed_.
  std::map<std::string, std::int64_t> saved_seen_;
};

std::int64_t ToMilliseconds(WallTime time);

}  // namespace tributary::coordinator
