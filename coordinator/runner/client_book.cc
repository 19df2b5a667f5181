// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/client_book.h"

#include <utility>

namespace tributary::coordinator {

std::int64_t ToMilliseconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             time.time_since_epoch())
      .count();
}

ClientBook::ClientBook(std::vector<store::ClientRow> rows) {
  for (store::ClientRow& row : rows) {
    std::string name = row.client;
    saved_seen_[name] = row.last_seen;
    rows_.emplace(std::move(name), std::move(row));
  }
}

void ClientBook::Saw(const Identity& identity, const std::string& population,
                     WallTime now) {
  const std::lock_guard lock(mutex_);
  store::ClientRow& row = rows_[identity.name];
  const std::int64_t seen = ToMilliseconds(now);
  const int role = static_cast<int>(identity.role);
  if (row.client.empty() || row.population != population || row.role != role ||
      seen - saved_seen_[identity.name] > kLagMilliseconds) {
    changed_.insert(identity.name);
  }
  row.client = identity.name;
  row.population = population;
  row.role = role;
  row.last_seen = seen;
}

void ClientBook::Accepted(const round::ClientId& client) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(client.name);
  if (found == rows_.end()) return;
  ++found->second.accepted;
  changed_.insert(client.name);
}

void ClientBook::Refused(const round::ClientId& client) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(client.name);
  if (found == rows_.end()) return;
  ++found->second.refused;
  changed_.insert(client.name);
}

void ClientBook::AddChanges(store::Batch& batch) {
  const std::lock_guard lock(mutex_);
  for (const std::string& name : changed_) {
    const store::ClientRow& row = rows_.at(name);
    saved_seen_[name] = row.last_seen;
    batch.push_back(store::SaveClient{row});
  }
  changed_.clear();
}

std::vector<store::ClientRow> ClientBook::List(const std::string& after,
                                               const std::string& population,
                                               std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<store::ClientRow> rows;
  for (auto row = rows_.upper_bound(after);
       row != rows_.end() && rows.size() < limit; ++row) {
    if (population.empty() || row->second.population == population) {
      rows.push_back(row->second);
    }
  }
  return rows;
}

}  // namespace tributary::coordinator
