// SPDX-License-Identifier: Apache-2.0
#include "simulation/check_ins.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tributary::simulation {

CheckIns::CheckIns(std::size_t clients, const Key& key, round::Duration first)
    : clients_(clients), key_(key), length_(first), order_(key) {
  BeginPass({}, first);
}

CheckIns::CheckIn CheckIns::Next(round::Instant now, round::Duration length) {
  const auto n = static_cast<std::int64_t>(clients_);
  const auto into_pass = std::max((now - began_).count(), std::int64_t{0});
  const auto at_now = static_cast<std::size_t>(
      (into_pass * n + length_.count() - 1) / length_.count());
  position_ = std::max(position_, at_now);
  if (position_ >= clients_) {
    BeginPass(std::max(now, began_ + length_), length);
  }
  const auto into = static_cast<std::int64_t>(position_++) * length_.count();
  return {began_ + round::Duration(into / n), Draw()};
}

void CheckIns::BeginPass(round::Instant when, round::Duration length) {
  ++pass_;
  began_ = when;
  length_ = length;
  position_ = 0;
  drawn_ = 0;
  order_ = KeyedStream(key_, absl::StrCat("check-in/", pass_));
  moved_ = {};
}

std::size_t CheckIns::Draw() {
  const auto at = [this](std::size_t index) {
    const auto found = moved_.find(index);
    return found == moved_.end() ? index : found->second;
  };
  const std::size_t first = drawn_++;
  const std::size_t chosen = first + order_.Below(clients_ - first);
  const std::size_t client = at(chosen);
  moved_[chosen] = at(first);
  moved_.erase(first);
  return client;
}

}  // namespace tributary::simulation
