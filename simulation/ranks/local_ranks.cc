// SPDX-License-Identifier: Apache-2.0
#include "simulation/ranks/local_ranks.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>

#include "absl/strings/str_cat.h"

namespace tributary::simulation {
namespace {

// How long those may take to notice that rank 0 is gone.
constexpr std::chrono::seconds kLeave{10};
constexpr std::chrono::milliseconds kPause{20};

// This process's variables, with the place of a rank instead of its own.
std::vector<std::string> EnvironmentOf(int rank, int size, std::uint16_t port) {
  std::vector<std::string> variables = {
      absl::StrCat("RANK=", rank), absl::StrCat("WORLD_SIZE=", size),
      "MASTER_ADDR=127.0.0.1", absl::StrCat("MASTER_PORT=", port),
      absl::StrCat("LOCAL_RANK=", rank)};
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view variable = *each;
    const auto name = variable.substr(0, variable.find('='));
    if (name != "RANK" && name != "WORLD_SIZE" && name != "MASTER_ADDR" &&
        name != "MASTER_PORT" && name != "LOCAL_RANK") {
      variables.emplace_back(variable);
    }
  }
  return variables;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::string Ending(int status) {
  if (WIFSIGNALED(status)) {
    return absl::StrCat("was ended by signal ", WTERMSIG(status), " (",
                        strsignal(WTERMSIG(status)), ")");
  }
  return absl::StrCat("ended with exit code ", WEXITSTATUS(status));
}

}  // namespace

absl::StatusOr<std::unique_ptr<LocalRanks>> LocalRanks::Start(
    const std::vector<std::string>& arguments, int size, std::uint16_t port) {
  std::unique_ptr<LocalRanks> ranks(new LocalRanks);
  std::vector<std::string> command = {"tributary-simulate"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  for (int rank = 1; rank < size; ++rank) {
    std::vector<std::string> variables = EnvironmentOf(rank, size, port);
    pid_t child = 0;
    const int error =
        posix_spawn(&child, "/proc/self/exe", nullptr, nullptr,
                    Pointers(command).data(), Pointers(variables).data());
    if (error != 0) {
      return absl::InternalError(absl::StrCat("--ranks: cannot start rank ",
                                              rank, ": ", strerror(error)));
    }
    ranks->children_.push_back(child);
  }
  return ranks;
}

bool LocalRanks::Reap(std::size_t index, int options) {
  pid_t& child = children_[index];
  int status = 0;
  pid_t ended = 0;
  do {
    ended = waitpid(child, &status, options);
  } while (ended < 0 && errno == EINTR);
  if (ended == 0) return false;
  child = 0;
  if (ended > 0 && status != 0 && failure_.ok()) {
    failure_ = absl::UnavailableError(
        absl::StrCat("rank ", index + 1, " ", Ending(status)));
  }
  return true;
}

absl::Status LocalRanks::Check() {
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if (children_[i] != 0) Reap(i, WNOHANG);
  }
  return failure_;
}

absl::Status LocalRanks::Wait() {
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if (children_[i] != 0) Reap(i, 0);
  }
  return failure_;
}

LocalRanks::~LocalRanks() {
  const auto until = std::chrono::steady_clock::now() + kLeave;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    while (children_[i] != 0 && !Reap(i, WNOHANG)) {
      if (std::chrono::steady_clock::now() >= until) {
        kill(children_[i], SIGKILL);
        Reap(i, 0);
      } else {
        std::this_thread::sleep_for(kPause);
      }
    }
  }
}

}  // namespace tributary::simulation
