// SPDX-License-Identifier: Apache-2.0
// tributary-bench-robust: one thing that is measured of robust rules over a
// spool, in a process of its own.
//
//   FOLDER UPDATES LENGTH WHAT [RULE [JOIN]]
//
// WHAT is "write" (the spool), "read" (it once, each file from its beginning to
// its end), or "select" or "whole" of RULE, "median" or "trimmed_mean": its
// selection over blocks in memory, or all of it over the spool. JOIN is a file
// to write 0 to before anything else. Prints the seconds it took, and the most
// memory of its own in KiB.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "aggregation/robust/aggregate.h"
#include "coordinator/runner/spooled_updates.h"
#include "coordinator/runner/work_pool.h"
#include "coordinator/store/spool.h"

namespace tributary {
namespace {

using coordinator::SpooledUpdates;

[[noreturn]] void Fail(const std::string& message) {
  std::fprintf(stderr, "bench: %s\n", message.c_str());
  std::exit(1);
}

struct Job {
  std::filesystem::path folder;
  std::size_t updates = 0;
  std::size_t length = 0;
  std::string what;
  std::string rule;
};

// Slots 1, 2, ...: the order in which a new spool gives them.
std::filesystem::path FileOf(const Job& job, std::size_t update) {
  return job.folder / std::to_string(update + 1);
}

std::filesystem::path ChecksumsOf(const Job& job) {
  return job.folder / "checksums";
}

// Bell-shaped, a spread of its own for each coordinate, as updates are.
void FillUpdate(std::uint64_t seed, std::vector<float>& values) {
  std::uint64_t state = (seed + 1) * 0x9E3779B97F4A7C15;
  for (std::size_t i = 0; i < values.size(); ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const auto part = [&](int shift) {
      return static_cast<float>(state >> shift & 0xFFFF);
    };
    const float sum = part(0) + part(16) + part(32) + part(48);
    const float spread = 1e-8f * static_cast<float>(1 + i * 7'919 % 97);
    values[i] = (sum - 131'070) * spread;
  }
}

void WriteSpool(const Job& job) {
  auto spool = store::Spool::Open(job.folder, {}).value();
  std::ofstream checksums(ChecksumsOf(job));
  std::vector<float> values(job.length);
  // Held, or a slot would be used again.
  std::vector<std::shared_ptr<store::Spool::Slot>> slots;
  for (std::size_t i = 0; i < job.updates; ++i) {
    FillUpdate(i, values);
    const auto bytes = std::as_bytes(std::span<const float>(values));
    coordinator::Checksum checksum;
    checksum.Update(bytes);
    slots.push_back(spool->Take().value());
    auto& slot = *slots.back();
    if (!slot.file().Write(0, bytes).ok() || !slot.Sync().ok()) {
      Fail("cannot write the spool");
    }
    slot.file().DropPages(0, 0);
    slot.Close();
    checksums << checksum.Value() << "\n";
  }
  checksums.close();
  // Given back slots beyond a few are removed; these are to stay.
  std::fflush(nullptr);
  std::_Exit(checksums ? 0 : 1);
}

void DropPages(const Job& job) {
  for (std::size_t i = 0; i < job.updates; ++i) {
    auto file = store::File::Open(FileOf(job, i), store::File::Mode::kRead);
    if (!file.ok()) Fail(std::string(file.status().message()));
    file->DropPages(0, 0);
  }
}

// As fast as it can be read: on every core, long pieces, the system asked to
// read ahead.
void ReadSpool(const Job& job, int threads) {
  constexpr std::size_t kPiece = 1 << 20;
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    std::vector<std::byte> piece(kPiece);
    for (std::size_t i = next++; i < job.updates; i = next++) {
      auto file =
          store::File::Open(FileOf(job, i), store::File::Mode::kRead).value();
      file.WillRead(0, 2 * kPiece);
      for (std::uint64_t offset = 0;;) {
        file.WillRead(offset + 2 * kPiece, kPiece);
        const auto count = file.Read(offset, piece);
        if (!count.ok()) Fail(std::string(count.status().message()));
        if (*count == 0) break;
        offset += *count;
      }
      file.DropPages(0, 0);
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
}

// Updates whose every block is the same, and there already after the first.
class OneBlock final : public robust::Updates {
 public:
  OneBlock(std::size_t updates, std::size_t length)
      : updates_(updates), length_(length) {}
  std::size_t count() const override { return updates_; }
  std::size_t length() const override { return length_; }
  absl::Status Read(std::span<const std::size_t>, std::size_t offset,
                    const robust::ForEach&, robust::Block& block) override {
    if (offset > 0) return absl::OkStatus();
    std::vector<float> values(block.columns());
    for (std::size_t row = 0; row < block.rows(); ++row) {
      FillUpdate(row, values);
      std::ranges::copy(values, block.Row(row).begin());
    }
    return absl::OkStatus();
  }

 private:
  std::size_t updates_;
  std::size_t length_;
};

robust::Recipe RecipeOf(const Job& job) {
  if (job.rule == "median")
    return {.pre_steps = {}, .rule = robust::CoordinateMedian{}};
  if (job.rule == "trimmed_mean") {
    return {.pre_steps = {},
            .rule = robust::TrimmedMean{
                .adversaries = static_cast<std::uint32_t>(job.updates / 5)}};
  }
  Fail("no rule " + job.rule);
}

void Apply(const Job& job, robust::Updates& updates,
           const robust::Execution& execution) {
  std::vector<float> result(updates.length());
  const auto done =
      robust::Aggregate(RecipeOf(job), {updates}, execution, result);
  if (!done.ok()) Fail(std::string(done.status().message()));
}

void ApplyToSpool(const Job& job, const robust::Execution& execution) {
  std::ifstream checksums(ChecksumsOf(job));
  std::set<std::int64_t> used;
  for (std::size_t i = 1; i <= job.updates; ++i) {
    used.insert(static_cast<std::int64_t>(i));
  }
  // The process ends without giving anything back: the files stay.
  auto* spool = store::Spool::Open(job.folder, used).value().release();
  auto* rows = new std::vector<SpooledUpdates::Row>;
  for (const std::int64_t number : used) {
    coordinator::SpooledUpdate update{.slot = spool->Retake(number).value(),
                                      .size = job.length * sizeof(float)};
    update.slot->Close();
    if (!(checksums >> update.checksum)) Fail("no checksums");
    std::string client = std::to_string(number);
    client.insert(0, 10 - client.size(), '0');
    rows->push_back({.client = std::move(client), .update = update});
  }
  SpooledUpdates updates(*rows, job.length);
  Apply(job, updates, execution);
  if (const auto verified = updates.Verify(execution.for_each);
      !verified.ok()) {
    Fail(std::string(verified.message()));
  }
}

void Perform(const Job& job, int threads) {
  coordinator::WorkPool pool(threads);
  robust::Execution execution{
      .for_each = [&](auto count, const auto& task) {
        pool.Together(count, task);
      }};
  if (job.what == "read") {
    ReadSpool(job, threads);
  } else if (job.what == "select") {
    OneBlock updates(job.updates, job.length);
    Apply(job, updates, execution);
  } else if (job.what == "whole") {
    execution.block_bytes = SpooledUpdates::kBlockBytes;
    ApplyToSpool(job, execution);
  } else {
    Fail("nothing is called " + job.what);
  }
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
  using namespace tributary;
  if (argc < 5) Fail("FOLDER UPDATES LENGTH WHAT [RULE [JOIN]]");
  Job job{.folder = argv[1],
          .updates = std::stoul(argv[2]),
          .length = std::stoul(argv[3]),
          .what = argv[4],
          .rule = {}};
  if (argc > 5) job.rule = argv[5];
  if (argc > 6) {
    std::ofstream join(argv[6]);
    join << 0 << std::flush;
    if (!join) Fail(std::string("cannot join ") + argv[6]);
  }
  if (job.what == "write") WriteSpool(job);
  if (job.what != "select") DropPages(job);
  const auto start = std::chrono::steady_clock::now();
  Perform(job, static_cast<int>(std::thread::hardware_concurrency()));
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%.3f %ld\n", seconds.count(), usage.ru_maxrss);
  std::fflush(nullptr);
  // Slots that were given back would be removed, but for a few.
  std::_Exit(0);
}
