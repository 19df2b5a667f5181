// SPDX-License-Identifier: Apache-2.0
#include "simulation/commands/membership.h"

#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "simulation/ranks/join.h"
#include "simulation/ranks/rank_place.h"

namespace tributary::simulation {

absl::StatusOr<Membership> JoinRanks(const RankOptions& options) {
  auto place = ReadRankPlace(&std::getenv);
  if (!place.ok()) return place.status();
  if (options.local && place->size > 1) {
    return absl::InvalidArgumentError(
        "--ranks starts ranks on this machine, but WORLD_SIZE says that there "
        "are some already; give one of the two");
  }
  Membership membership;
  membership.ranks = std::make_shared<OneRank>();
  JoinOptions join{.timeout = options.timeout,
                   .cuda_device = options.cuda_device};
  if (options.local.value_or(1) > 1) {
    place->size = *options.local;
    place->address = "127.0.0.1";
    join.on_listening = [&](std::uint16_t port) {
      auto children =
          LocalRanks::Start(options.arguments, *options.local, port);
      if (!children.ok()) return children.status();
      membership.children = *std::move(children);
      return absl::OkStatus();
    };
    join.while_waiting = [&] { return membership.children->Check(); };
  }
  if (place->size == 1) return membership;
  if (const char* interface = std::getenv("GLOO_SOCKET_IFNAME")) {
    join.interface = interface;
  }
  auto ranks = Join(*place, join);
  if (!ranks.ok()) return ranks.status();
  membership.ranks = *std::move(ranks);
  return membership;
}

std::vector<std::string> WithoutRanks(std::vector<std::string> arguments) {
  for (auto each = arguments.begin(); each != arguments.end();) {
    if (*each == "--ranks" && each + 1 != arguments.end()) {
      each = arguments.erase(each, each + 2);
    } else if (each->starts_with("--ranks=")) {
      each = arguments.erase(each);
    } else {
      ++each;
    }
  }
  return arguments;
}

}  // namespace tributary::simulation
