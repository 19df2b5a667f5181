// SPDX-License-Identifier: Apache-2.0
// A child process that is measured: its lines, its CPU time, its memory.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace tributary::bench {

// Ends the program with this message: a benchmark that cannot run has no
// result.
[[noreturn]] void Fail(const std::string& message);

class Process {
 public:
  // Which of the child's streams is read by lines; the other is inherited.
  enum class Read { kOutput, kErrors };
  Process(const std::vector<std::string>& command, Read read);
  // Kills it if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Its next line; fails the benchmark if it ends.
  std::string Line();
  // Its next line that holds this text.
  std::string LineWith(const std::string& text);
  // Sends a line to its standard input.
  void Tell(const std::string& line);

  // Until it ends; fails the benchmark unless it ends well.
  void AwaitEnd();

  double CpuSeconds() const;
  double ResidentKib() const { return StatusKib("VmRSS:"); }
  double PeakKib() const { return StatusKib("VmHWM:"); }

 private:
  double StatusKib(const std::string& key) const;

  std::string name_;
  pid_t pid_ = -1;
  FILE* lines_ = nullptr;
  FILE* input_ = nullptr;
};

}  // namespace tributary::bench
