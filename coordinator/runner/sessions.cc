// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/sessions.h"

#include <utility>

namespace tributary::coordinator {

Sessions::Added Sessions::Add(Session session) {
  std::lock_guard lock(mutex_);
  Added added{.id = next_++, .replaced = std::nullopt};
  session.id = added.id;
  auto& current = by_name_[session.identity.name];
  if (const auto old = by_id_.find(current); old != by_id_.end()) {
    added.replaced = std::move(old->second.session);
    by_id_.erase(old);
  }
  current = added.id;
  const bool is_welcome = !session.IsAggregator();
  by_id_.emplace(added.id, Entry{.session = std::move(session),
                                 .pending = 0,
                                 .is_welcome = is_welcome});
  return added;
}

void Sessions::Welcome(StreamId id, const v1::ServerMessage& message) {
  std::shared_ptr<Peer> peer;
  {
    std::lock_guard lock(mutex_);
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    peer = found->second.session.peer;
  }
  // Others may speak to it as soon as it is welcome.
  peer->Send(message);
  std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  if (found != by_id_.end()) found->second.is_welcome = true;
}

std::optional<Session> Sessions::Remove(StreamId id) {
  std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  Session session = std::move(found->second.session);
  by_id_.erase(found);
  by_name_.erase(session.identity.name);
  return session;
}

std::optional<Session> Sessions::BeginMessage(StreamId id) {
  std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  Session session = found->second.session;
  if (found->second.pending >= kMaxPending) {
    session.peer = nullptr;
  } else {
    ++found->second.pending;
  }
  return session;
}

void Sessions::EndMessage(StreamId id) {
  std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  if (found != by_id_.end()) --found->second.pending;
}

std::shared_ptr<Peer> Sessions::PeerOf(const round::ClientId& client) const {
  std::lock_guard lock(mutex_);
  const auto name = by_name_.find(client.name);
  if (name == by_name_.end()) return nullptr;
  const Entry& entry = by_id_.at(name->second);
  return entry.is_welcome ? entry.session.peer : nullptr;
}

bool Sessions::Send(const round::ClientId& client,
                    const v1::ServerMessage& message) const {
  const std::shared_ptr<Peer> peer = PeerOf(client);
  if (peer == nullptr) return false;
  peer->Send(message);
  return true;
}

bool Sessions::IsWriting(const round::ClientId& client) const {
  const std::shared_ptr<Peer> peer = PeerOf(client);
  return peer != nullptr && peer->IsWriting();
}

bool Sessions::IsConnected(const round::ClientId& client) const {
  std::lock_guard lock(mutex_);
  return by_name_.contains(client.name);
}

bool Sessions::IsOpen(StreamId id) const {
  std::lock_guard lock(mutex_);
  return by_id_.contains(id);
}

bool Sessions::IsIn(const round::ClientId& client,
                    const std::string& population) const {
  std::lock_guard lock(mutex_);
  const auto name = by_name_.find(client.name);
  return name != by_name_.end() &&
         by_id_.at(name->second).session.population == population;
}

std::vector<Session> Sessions::All() const {
  std::lock_guard lock(mutex_);
  std::vector<Session> all;
  all.reserve(by_id_.size());
  for (const auto& [id, entry] : by_id_) all.push_back(entry.session);
  return all;
}

std::size_t Sessions::size() const {
  std::lock_guard lock(mutex_);
  return by_id_.size();
}

}  // namespace tributary::coordinator
