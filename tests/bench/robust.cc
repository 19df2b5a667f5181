// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/robust.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "coordinator/store/file.h"
#include "tests/bench/memory_cap.h"
#include "tests/bench/process.h"
#include "tests/coordinator/store/temp_folder.h"

namespace tributary::bench {
namespace {

// The CNN of McMahan et al. 2017.
constexpr std::size_t kLength = 1'663'370;
constexpr std::uint64_t kCap = std::uint64_t{512} << 20;
constexpr double kMostMib = 512;

struct Measured {
  double seconds = 0;
  double peak_mib = 0;  // pages of the spool's files included
};

class Spool {
 public:
  Spool(const std::filesystem::path& programs, std::size_t updates)
      : program_((programs / "tributary-bench-robust").string()),
        updates_(updates) {
    Process write(Command("write", ""), Process::Read::kOutput);
    write.AwaitEnd();
  }

  Measured Measure(const std::string& what, const std::string& rule) const {
    std::vector<std::string> command = Command(what, rule);
    const auto cap = MemoryCap::Make(kCap);
    if (cap) command.push_back(cap->JoinFile());
    Measured measured;
    double own_kib = 0;
    {
      std::atomic<bool> is_over = false;
      std::atomic<std::size_t> pages = 0;
      // Where nobody counts them for us.
      std::thread watch;
      if (!cap) {
        watch = std::thread([&] {
          while (!is_over) {
            pages = std::max<std::size_t>(pages, CachedPages());
            std::this_thread::sleep_for(std::chrono::milliseconds(500));
          }
        });
      }
      Process process(command, Process::Read::kOutput);
      std::istringstream(process.Line()) >> measured.seconds >> own_kib;
      process.AwaitEnd();
      is_over = true;
      if (watch.joinable()) watch.join();
      const double page = static_cast<double>(::sysconf(_SC_PAGESIZE));
      measured.peak_mib =
          cap ? cap->PeakMib()
              : own_kib / 1024 + static_cast<double>(pages) * page / (1 << 20);
    }
    std::fprintf(stderr,
                 "robust: %s %s: %.1f s, %.0f MiB, %.0f of them its own\n",
                 what.c_str(), rule.c_str(), measured.seconds,
                 measured.peak_mib, own_kib / 1024);
    return measured;
  }

 private:
  std::vector<std::string> Command(const std::string& what,
                                   const std::string& rule) const {
    return {program_,
            folder_.path().string(),
            std::to_string(updates_),
            std::to_string(kLength),
            what,
            rule};
  }
  // Of the spool's files, in the system's cache.
  std::size_t CachedPages() const {
    std::size_t cached = 0;
    for (std::size_t i = 1; i <= updates_; ++i) {
      const auto file = store::File::Open(folder_.path() / std::to_string(i),
                                          store::File::Mode::kRead);
      if (!file.ok()) continue;
      constexpr std::size_t kSize = kLength * sizeof(float);
      void* const map =
          ::mmap(nullptr, kSize, PROT_READ, MAP_SHARED, file->descriptor(), 0);
      if (map == MAP_FAILED) continue;
      const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
      std::vector<unsigned char> pages((kSize + page - 1) / page);
      if (::mincore(map, kSize, pages.data()) == 0) {
        cached += static_cast<std::size_t>(std::ranges::count_if(
            pages, [](unsigned char each) { return (each & 1) != 0; }));
      }
      ::munmap(map, kSize);
    }
    return cached;
  }

  testing::TempFolder folder_;
  std::string program_;
  std::size_t updates_;
};

std::string HowCapped() {
  const auto cap = MemoryCap::Make(kCap);
  if (cap) return "capped at 512 MiB by " + cap->kind();
  return "not capped: no control group can be made here; peak RSS and the "
         "spool's pages in the cache, seen twice a second";
}

}  // namespace

std::vector<Figure> MeasureRobust(const std::filesystem::path& programs,
                                  std::size_t updates) {
  const Spool spool(programs, updates);
  const std::string how = HowCapped();
  std::vector<Figure> figures;
  for (const std::string rule : {"median", "trimmed_mean"}) {
    const Measured select = spool.Measure("select", rule);
    const Measured before = spool.Measure("read", "");
    const Measured whole = spool.Measure("whole", rule);
    const Measured after = spool.Measure("read", "");
    const double read = (before.seconds + after.seconds) / 2;
    char note[160];
    std::snprintf(note, sizeof note,
                  "%zu updates: %.1f s; to read them once %.1f s, to select "
                  "%.1f s",
                  updates, whole.seconds, read, select.seconds);
    const std::string name = "robust." + rule;
    figures.push_back({name + ".peak_rss_mib_" + std::to_string(updates),
                       whole.peak_mib, "MiB", kMostMib,
                       "pages of the spool's files included; " + how});
    figures.push_back({name + ".over_limit",
                       whole.seconds / (read + select.seconds), "x", 1.5,
                       note});
  }
  return figures;
}

}  // namespace tributary::bench
