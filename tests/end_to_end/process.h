// SPDX-License-Identifier: Apache-2.0
// A real child process with its output in memory and in a file. Killed and
// reaped when destroyed. One thread at a time, except that output is collected
// by a thread of its own.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tributary::testing {

class Process {
 public:
  // Starts `command` (program and arguments), standard output and error
  // together, copied to `log` as well. Aborts the test if it cannot.
  Process(std::vector<std::string> command, std::filesystem::path log);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Waits for a line that contains `text`, at most `limit`; the line, or
  // nothing when the process ended or the time was over first.
  std::optional<std::string> WaitForLine(const std::string& text,
                                         std::chrono::seconds limit);
  void Signal(int signal);
  // Waits for the end, at most `limit`: the exit code, -signal when a signal
  // ended it, nothing when it still runs.
  std::optional<int> WaitForExit(std::chrono::milliseconds limit);
  // kill -9, and waits.
  void Kill();
  bool IsRunning();

  std::string Output();
  pid_t pid() const { return pid_; }

 private:
  void Collect(int descriptor, std::filesystem::path log);
  void Reap(int status);

  pid_t pid_ = -1;
  std::optional<int> exit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string output_;
  bool closed_ = false;
  std::thread collector_;
};

// Runs a command to its end.
struct Finished {
  int exit = -1;
  std::string output;  // standard output only
  std::string errors;
};
Finished RunCommand(const std::vector<std::string>& command);

}  // namespace tributary::testing
