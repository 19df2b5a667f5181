// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/memory_cap.h"

#include <unistd.h>

#include <fstream>
#include <system_error>

namespace tributary::bench {
namespace {

// Where this process is among the groups: of the line that begins "N:names:",
// what follows. Empty if there is none.
std::string GroupOf(const std::string& names) {
  std::ifstream lines("/proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    if (line.substr(first + 1, second - first - 1) == names) {
      return line.substr(second + 1);
    }
  }
  return "";
}

bool Write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  return out.good();
}

}  // namespace

std::unique_ptr<MemoryCap> MemoryCap::Make(std::uint64_t bytes) {
  struct Kind {
    std::string name;
    std::string root;
    std::string limit;
    std::string peak;
  };
  const std::string leaf = "/tributary-bench-" + std::to_string(::getpid());
  for (const Kind& kind :
       {Kind{"cgroup v2", "/sys/fs/cgroup" + GroupOf(""), "memory.max",
             "memory.peak"},
        Kind{"cgroup v1", "/sys/fs/cgroup/memory" + GroupOf("memory"),
             "memory.limit_in_bytes", "memory.max_usage_in_bytes"}}) {
    const std::filesystem::path folder = kind.root + leaf;
    std::error_code error;
    if (!std::filesystem::create_directory(folder, error) || error) continue;
    std::unique_ptr<MemoryCap> cap(new MemoryCap(folder, kind.name, kind.peak));
    // Where the files are not there a folder is no group.
    if (std::filesystem::exists(folder / kind.peak, error) &&
        Write(folder / kind.limit, std::to_string(bytes))) {
      return cap;
    }
  }
  return nullptr;
}

MemoryCap::~MemoryCap() { ::rmdir(folder_.c_str()); }

double MemoryCap::PeakMib() const {
  double bytes = 0;
  std::ifstream(folder_ / peak_file_) >> bytes;
  return bytes / (1 << 20);
}

}  // namespace tributary::bench
