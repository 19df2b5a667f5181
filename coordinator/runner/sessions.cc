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
  by_id_.emplace(added.id, Entry{std::move(session), 0});
  return added;
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
  return name == by_name_.end() ? nullptr
                                : by_id_.at(name->second).session.peer;
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
