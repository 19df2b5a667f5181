// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace tributary::bench {

void Fail(const std::string& message) {
  std::fprintf(stderr, "bench: %s\n", message.c_str());
  std::exit(1);
}

Process::Process(const std::vector<std::string>& command, Read read)
    : name_(command[0]) {
  int to_child[2];
  int from_child[2];
  if (pipe2(to_child, O_CLOEXEC) != 0 || pipe2(from_child, O_CLOEXEC) != 0)
    Fail("no pipe");
  pid_ = fork();
  if (pid_ < 0) Fail("cannot fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(to_child[0], STDIN_FILENO);
    dup2(from_child[1], read == Read::kOutput ? STDOUT_FILENO : STDERR_FILENO);
    std::vector<char*> arguments;
    for (const std::string& argument : command) {
      arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(to_child[0]);
  close(from_child[1]);
  input_ = fdopen(to_child[1], "w");
  lines_ = fdopen(from_child[0], "r");
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  fclose(input_);
  fclose(lines_);
}

std::string Process::Line() {
  char* text = nullptr;
  std::size_t capacity = 0;
  const ssize_t size = getline(&text, &capacity, lines_);
  if (size <= 0) Fail(name_ + " ended");
  std::string line(text, static_cast<std::size_t>(size));
  free(text);
  if (line.back() == '\n') line.pop_back();
  return line;
}

std::string Process::LineWith(const std::string& text) {
  while (true) {
    std::string line = Line();
    if (line.find(text) != std::string::npos) return line;
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

void Process::Tell(const std::string& line) {
  std::fprintf(input_, "%s\n", line.c_str());
  std::fflush(input_);
}

void Process::AwaitEnd() {
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_ || !WIFEXITED(status) ||
      WEXITSTATUS(status) != 0) {
    Fail(name_ + " failed");
  }
  // Its number may be another process's now.
  pid_ = -1;
}

double Process::CpuSeconds() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  if (!(fields >> user >> system)) Fail(name_ + " ended");
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double Process::StatusKib(const std::string& key) const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
  std::string word;
  while (file >> word) {
    double value = 0;
    if (word == key && file >> value) return value;
  }
  Fail(name_ + " ended");
}

}  // namespace tributary::bench
