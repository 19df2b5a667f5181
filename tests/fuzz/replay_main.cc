// SPDX-License-Identifier: Apache-2.0
// Drives a fuzz entry point without libFuzzer: every seed of a folder as it is,
// then mutations of them, each a function of its number alone. It does not look
// for new paths through the code; it keeps known ground safe in every build.
//
//   fuzz_<what> CORPUS_FOLDER
//
//   TRIBUTARY_FUZZ_RUNS=N  mutations to try (default 2000)
//   TRIBUTARY_FUZZ_ONLY=I  only mutation I: the number a crash prints
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "privacy/crypto/random.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t kLongestInput = std::size_t{1} << 16;
// Lengths, counts and digits on the edge of what decoders accept.
constexpr std::array<std::uint8_t, 12> kEdges = {
    0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, 0x20, '\n', ',', '"', '-', '9'};

volatile std::sig_atomic_t current_run = -1;

// Only async-signal-safe calls.
void PrintRunAndDie(int signal) {
  std::array<char, 48> text{};
  std::size_t end = text.size();
  text[--end] = '\n';
  int run = current_run;
  if (run < 0) {
    text[--end] = '?';
  } else {
    do {
      text[--end] = static_cast<char>('0' + run % 10);
      run /= 10;
    } while (run > 0);
  }
  constexpr char kBefore[] = "crashed in mutation ";
  [[maybe_unused]] ssize_t written =
      write(STDERR_FILENO, kBefore, sizeof(kBefore) - 1);
  written = write(STDERR_FILENO, text.data() + end, text.size() - end);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// Each input gets memory of its own exact size, so that a sanitizer sees a read
// beyond it.
void Run(const Input& input) {
  const Input exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void MutateOnce(tributary::KeyedStream& random, const std::vector<Input>& seeds,
                Input& input) {
  const std::size_t size = input.size();
  const auto at = [&](std::size_t position) {
    return input.begin() + static_cast<std::ptrdiff_t>(position);
  };
  switch (random.Below(8)) {
    case 0:  // flip a bit
      if (size > 0) input[random.Below(size)] ^= 1 << random.Below(8);
      break;
    case 1:  // any byte
      if (size > 0) {
        input[random.Below(size)] = static_cast<std::uint8_t>(random.Word());
      }
      break;
    case 2:  // an edge, up to four bytes long
      if (size > 0) {
        const std::uint8_t edge = kEdges[random.Below(kEdges.size())];
        const std::size_t first = random.Below(size);
        const std::size_t count =
            std::min<std::size_t>(size - first, 1 + random.Below(4));
        std::fill_n(at(first), count, edge);
      }
      break;
    case 3:  // insert
      input.insert(at(random.Below(size + 1)),
                   kEdges[random.Below(kEdges.size())]);
      break;
    case 4:  // erase a range
      if (size > 0) {
        const std::size_t first = random.Below(size);
        const std::size_t count =
            1 + random.Below(std::min<std::size_t>(size - first, 16));
        input.erase(at(first), at(first + count));
      }
      break;
    case 5:  // truncate
      input.resize(random.Below(size + 1));
      break;
    case 6: {  // repeat a range
      if (size == 0) break;
      const std::size_t first = random.Below(size);
      const Input range(at(first), at(first + 1 + random.Below(size - first)));
      input.insert(at(random.Below(size + 1)), range.begin(), range.end());
      break;
    }
    case 7: {  // go on as another seed does
      const Input& other = seeds[random.Below(seeds.size())];
      const std::size_t cut = random.Below(other.size() + 1);
      input.resize(random.Below(size + 1));
      input.insert(input.end(),
                   other.begin() + static_cast<std::ptrdiff_t>(cut),
                   other.end());
      break;
    }
  }
  input.resize(std::min(input.size(), kLongestInput));
}

Input Mutation(int run, const std::vector<Input>& seeds) {
  tributary::KeyedStream random(tributary::KeyFromSeed(1),
                                "fuzz/" + std::to_string(run));
  Input input = seeds[random.Below(seeds.size())];
  const std::uint64_t changes = 1 + random.Below(8);
  for (std::uint64_t i = 0; i < changes; ++i) {
    MutateOnce(random, seeds, input);
  }
  return input;
}

std::vector<Input> ReadSeeds(const char* folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    files.push_back(entry.path());
  }
  // Mutations are the same in every checkout.
  std::ranges::sort(files);
  std::vector<Input> seeds;
  for (const auto& file : files) {
    std::ifstream stream(file, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(stream),
                       std::istreambuf_iterator<char>());
  }
  return seeds;
}

int NumberFromEnvironment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
    return 2;
  }
  const std::vector<Input> seeds = ReadSeeds(argv[1]);
  if (seeds.empty()) {
    std::fprintf(stderr, "no seeds in %s\n", argv[1]);
    return 1;
  }
  for (const int signal : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS}) {
    std::signal(signal, PrintRunAndDie);
  }
  const int only = NumberFromEnvironment("TRIBUTARY_FUZZ_ONLY", -1);
  const int runs = NumberFromEnvironment("TRIBUTARY_FUZZ_RUNS", 2000);
  if (only >= 0) {
    current_run = only;
    Run(Mutation(only, seeds));
    return 0;
  }
  for (const Input& seed : seeds) Run(seed);
  for (int run = 0; run < runs; ++run) {
    current_run = run;
    Run(Mutation(run, seeds));
  }
  std::printf("%zu seeds and %d mutations of them\n", seeds.size(), runs);
  return 0;
}
