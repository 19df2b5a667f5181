// SPDX-License-Identifier: Apache-2.0
#include "tests/end_to_end/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

namespace tributary::testing {
namespace {

[[noreturn]] void Fail(const std::string& what) {
  std::perror(what.c_str());
  std::abort();
}

// Starts the command with these descriptors as its output and error. The child
// dies with the test, so that a failed test leaves nothing behind.
pid_t Start(const std::vector<std::string>& command, int output, int error) {
  std::vector<char*> arguments;
  for (const auto& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t pid = fork();
  if (pid < 0) Fail("fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(output, STDOUT_FILENO);
    dup2(error, STDERR_FILENO);
    execv(arguments[0], arguments.data());
    std::perror(arguments[0]);
    _exit(127);
  }
  return pid;
}

std::array<int, 2> Pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) Fail("pipe");
  return ends;
}

int ExitOf(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

Process::Process(std::vector<std::string> command, std::filesystem::path log) {
  const auto ends = Pipe();
  pid_ = Start(command, ends[1], ends[1]);
  close(ends[1]);
  collector_ = std::thread([this, descriptor = ends[0], file = std::move(log)] {
    Collect(descriptor, file);
  });
}

Process::~Process() {
  Kill();
  collector_.join();
}

void Process::Collect(int descriptor, std::filesystem::path log) {
  std::ofstream copy(log, std::ios::app);
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    copy.write(buffer.data(), count);
    copy.flush();
    const std::lock_guard lock(mutex_);
    output_.append(buffer.data(), static_cast<std::size_t>(count));
    changed_.notify_all();
  }
  close(descriptor);
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

std::optional<std::string> Process::WaitForLine(const std::string& text,
                                                std::chrono::seconds limit) {
  std::unique_lock lock(mutex_);
  std::optional<std::string> line;
  changed_.wait_for(lock, limit, [&] {
    const auto found = output_.find(text);
    if (found == std::string::npos) return closed_;
    const auto end = output_.find('\n', found);
    if (end == std::string::npos) return closed_;
    const auto start = output_.rfind('\n', found);
    const auto first = start == std::string::npos ? 0 : start + 1;
    line = output_.substr(first, end - first);
    return true;
  });
  return line;
}

void Process::Signal(int signal) {
  if (!exit_) kill(pid_, signal);
}

void Process::Reap(int status) { exit_ = ExitOf(status); }

std::optional<int> Process::WaitForExit(std::chrono::milliseconds limit) {
  if (exit_) return exit_;
  // A pidfd becomes readable when the process ends.
  const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (descriptor < 0) Fail("pidfd_open");
  pollfd waiting{descriptor, POLLIN, 0};
  const int ready = poll(&waiting, 1, static_cast<int>(limit.count()));
  close(descriptor);
  if (ready <= 0) return std::nullopt;
  int status = 0;
  if (waitpid(pid_, &status, 0) == pid_) Reap(status);
  return exit_;
}

void Process::Kill() {
  if (exit_) return;
  kill(pid_, SIGKILL);
  int status = 0;
  if (waitpid(pid_, &status, 0) == pid_) Reap(status);
}

bool Process::IsRunning() {
  return !WaitForExit(std::chrono::milliseconds(0)).has_value();
}

std::string Process::Output() {
  const std::lock_guard lock(mutex_);
  return output_;
}

Finished RunCommand(const std::vector<std::string>& command) {
  const auto output = Pipe();
  const auto error = Pipe();
  const pid_t pid = Start(command, output[1], error[1]);
  close(output[1]);
  close(error[1]);
  Finished finished;
  std::array<pollfd, 2> ends{{{output[0], POLLIN, 0}, {error[0], POLLIN, 0}}};
  std::array<std::string*, 2> texts{&finished.output, &finished.errors};
  for (int open = 2; open > 0;) {
    if (poll(ends.data(), ends.size(), -1) < 0) continue;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      std::array<char, 4096> buffer{};
      const ssize_t count = read(ends[i].fd, buffer.data(), buffer.size());
      if (count > 0) {
        texts[i]->append(buffer.data(), static_cast<std::size_t>(count));
      } else {
        close(ends[i].fd);
        ends[i].fd = -1;
        --open;
      }
    }
  }
  int status = 0;
  waitpid(pid, &status, 0);
  finished.exit = ExitOf(status);
  return finished;
}

}  // namespace tributary::testing
