// SPDX-License-Identifier: Apache-2.0
// A control group that a process is put into, so that all of its memory, pages
// of files included, is limited and counted by the kernel.
//
// Needs the right to make one: as root nearly everywhere with version 1, and
// with version 2 where the group at hand hands on its memory controller.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace tributary::bench {

class MemoryCap {
 public:
  // Null where it cannot be made.
  static std::unique_ptr<MemoryCap> Make(std::uint64_t bytes);
  // Nobody may be in it any more.
  ~MemoryCap();
  MemoryCap(const MemoryCap&) = delete;
  MemoryCap& operator=(const MemoryCap&) = delete;

  // A process that writes 0 to this file is in it.
  std::string JoinFile() const { return (folder_ / "cgroup.procs").string(); }
  // The most that was in use at a time.
  double PeakMib() const;
  // "cgroup v1", "cgroup v2"
  const std::string& kind() const { return kind_; }

 private:
  MemoryCap(std::filesystem::path folder, std::string kind,
            std::string peak_file)
      : folder_(std::move(folder)),
        kind_(std::move(kind)),
        peak_file_(std::move(peak_file)) {}

  std::filesystem::path folder_;
  std::string kind_;
  std::string peak_file_;
};

}  // namespace tributary::bench
