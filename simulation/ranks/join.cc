// SPDX-License-Identifier: Apache-2.0
#include "simulation/ranks/join.h"

#include <signal.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <exception>
#include <numeric>
#include <string>
#include <string_view>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "simulation/ranks/reducer.h"
#include "simulation/ranks/transport.h"

namespace tributary::simulation {
namespace {

using Clock = std::chrono::steady_clock;
using StorePointer = c10::intrusive_ptr<c10d::TCPStore>;

// How long those who lost somebody wait to hear why.
constexpr std::chrono::seconds kLastWords{2};
constexpr std::chrono::milliseconds kPause{20};

constexpr std::size_t kLengthBytes = sizeof(std::uint64_t);
constexpr std::size_t kFirstRoom = std::size_t{16} << 10;

// LibTorch's exceptions carry a stack below their first line.
std::string FirstLine(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

std::vector<std::uint8_t> BytesOf(const std::string& text) {
  return {text.begin(), text.end()};
}

std::string AddressOf(int rank) { return absl::StrCat("address/", rank); }
std::string CudaDeviceOf(int rank) { return absl::StrCat("cuda/", rank); }
std::string SeatOf(int rank) { return absl::StrCat("seat/", rank); }
std::string LastWordsOf(int rank) { return absl::StrCat("last_words/", rank); }

// "rank 3", "ranks 1, 2".
std::string Naming(const std::vector<int>& ranks) {
  return absl::StrCat(ranks.size() == 1 ? "rank " : "ranks ",
                      absl::StrJoin(ranks, ", "));
}

std::vector<int> AllOf(int size) {
  std::vector<int> ranks(static_cast<std::size_t>(size));
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

// Strikes out those whose key is there. Asking is all that is ever done: a
// store whose wait timed out cannot be used any more.
template <typename KeyOf>
void StrikeOut(c10d::Store& store, KeyOf key_of, std::vector<int>& missing) {
  std::erase_if(missing, [&](int rank) { return store.check({key_of(rank)}); });
}

class ConnectedRanks final : public Ranks {
 public:
  ConnectedRanks(const RankPlace& place, StorePointer store,
                 c10::intrusive_ptr<c10d::ProcessGroupGloo> group,
                 Reducer reducer)
      : place_(place),
        store_(std::move(store)),
        group_(std::move(group)),
        reducer_(std::move(reducer)) {}

  int rank() const override { return place_.rank; }
  int size() const override { return place_.size; }

  absl::StatusOr<std::vector<std::string>> Gather(
      const std::string& own) override try {
    auto letters = AllGather(Letter(own));
    std::size_t longest = 0;
    for (const at::Tensor& letter : letters) {
      longest = std::max(longest, LengthOf(letter));
    }
    if (longest > room_) {
      room_ = std::bit_ceil(longest);
      letters = AllGather(Letter(own));
    }
    std::vector<std::string> texts;
    for (const at::Tensor& letter : letters) {
      texts.emplace_back(
          static_cast<const char*>(letter.data_ptr()) + kLengthBytes,
          LengthOf(letter));
    }
    return texts;
  } catch (const std::exception& error) {
    return WhoIsLost(error);
  }

  absl::Status Sum(std::span<std::int64_t> values) override try {
    const at::Tensor own = at::from_blob(
        values.data(), {static_cast<std::int64_t>(values.size())}, at::kLong);
    std::vector<at::Tensor> tensors = {own.to(reducer_.device)};
    reducer_.all_reduce(tensors);
    if (!tensors[0].is_same(own)) own.copy_(tensors[0]);
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return WhoIsLost(error);
  }

  void Leave(const absl::Status& why) override try {
    store_->set(LastWordsOf(place_.rank), BytesOf(std::string(why.message())));
  } catch (const std::exception&) {
    // Then nobody is there to hear it.
  }

 private:
  // A text, or as much of it as there is room for, behind its length.
  at::Tensor Letter(const std::string& text) const {
    at::Tensor letter =
        at::zeros({static_cast<std::int64_t>(kLengthBytes + room_)}, at::kByte);
    auto* bytes = static_cast<char*>(letter.data_ptr());
    const std::uint64_t length = text.size();
    std::memcpy(bytes, &length, kLengthBytes);
    std::memcpy(bytes + kLengthBytes, text.data(),
                std::min(text.size(), room_));
    return letter;
  }
  static std::size_t LengthOf(const at::Tensor& letter) {
    std::uint64_t length = 0;
    std::memcpy(&length, letter.data_ptr(), kLengthBytes);
    return length;
  }

  std::vector<at::Tensor> AllGather(at::Tensor own) {
    std::vector<std::vector<at::Tensor>> outputs(1);
    for (int i = 0; i < place_.size; ++i) {
      outputs[0].push_back(at::empty_like(own));
    }
    std::vector<at::Tensor> inputs = {std::move(own)};
    group_->allgather(outputs, inputs)->wait();
    return std::move(outputs[0]);
  }

  // Whoever finds that somebody is gone says so to the store, and those who
  // leave say why: who is silent then is who is gone.
  absl::Status WhoIsLost(const std::exception& error) {
    const std::string cause = FirstLine(error.what());
    try {
      store_->set(LastWordsOf(place_.rank), {});
      std::vector<int> silent = AllOf(place_.size);
      const auto until = Clock::now() + kLastWords;
      while (true) {
        StrikeOut(*store_, LastWordsOf, silent);
        if (silent.empty() || Clock::now() >= until) break;
        std::this_thread::sleep_for(kPause);
      }
      for (int rank = 0; rank < place_.size; ++rank) {
        if (std::ranges::find(silent, rank) != silent.end()) continue;
        const auto words = store_->get(LastWordsOf(rank));
        if (words.empty()) continue;
        return absl::UnavailableError(
            absl::StrCat("rank ", rank,
                         " ended: ", std::string(words.begin(), words.end())));
      }
      if (!silent.empty()) {
        return absl::UnavailableError(absl::StrCat(
            silent.size() == 1 ? "" : "one of ", Naming(silent),
            " is gone, or does not answer any more; its own output or its "
            "machine's log may say why (",
            cause, ")"));
      }
    } catch (const std::exception&) {
      return absl::UnavailableError(absl::StrCat(
          "rank 0 is gone, or cannot be reached any more (", cause, ")"));
    }
    return absl::UnavailableError(
        absl::StrCat("the ranks lost touch: ", cause));
  }

  const RankPlace place_;
  const StorePointer store_;
  const c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
  Reducer reducer_;  // of sums
  // For each rank's text, the same on all of them: as large as the longest so
  // far, so that one exchange is enough.
  std::size_t room_ = kFirstRoom;
};

// Of LibTorch 2.x: its other kind of server is not in every build.
template <typename Options>
void ChooseServer(Options& options) {
  if constexpr (requires { options.useLibUV; }) options.useLibUV = false;
}

absl::StatusOr<StorePointer> OpenStore(const RankPlace& place,
                                       std::chrono::milliseconds timeout) try {
  c10d::TCPStoreOptions options;
  options.port = place.port;
  options.isServer = place.rank == 0;
  options.waitWorkers = false;
  options.timeout = timeout;
  ChooseServer(options);
  return c10::make_intrusive<c10d::TCPStore>(place.address, options);
} catch (const std::exception& error) {
  const std::string where = absl::StrCat(place.address, ":", place.port);
  const std::string cause = FirstLine(error.what());
  if (place.rank == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "MASTER_PORT: cannot listen on ", place.port, ": ", cause));
  }
  return absl::UnavailableError(absl::StrCat(
      "rank 0 is not at ", where, " (MASTER_ADDR:MASTER_PORT): ", cause));
}

absl::Status TakeSeat(const RankPlace& place, const JoinOptions& options,
                      c10d::Store& store) {
  store.set(AddressOf(place.rank), BytesOf(place.address));
  // No value may be empty.
  store.set(CudaDeviceOf(place.rank),
            BytesOf("=" + NameOfDevice(options.cuda_device)));
  if (store.add(SeatOf(place.rank), 1) > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("RANK: another process is rank ", place.rank, " already"));
  }
  std::vector<int> missing = AllOf(place.size);
  const auto until = Clock::now() + options.timeout;
  while (true) {
    StrikeOut(store, SeatOf, missing);
    if (missing.empty()) return absl::OkStatus();
    if (options.while_waiting) {
      if (auto told = options.while_waiting(); !told.ok()) return told;
    }
    if (Clock::now() >= until) break;
    std::this_thread::sleep_for(kPause);
  }
  return absl::UnavailableError(
      absl::StrCat(Naming(missing), " of ", place.size, " did not come within ",
                   options.timeout.count(), " s"));
}

bool IsLoopback(const std::string& address) {
  return address == "localhost" || address == "::1" ||
         address.starts_with("127.");
}

// Whether all ranks know rank 0 by a loopback address, and so are on its
// machine. What rank 0 itself knows does not say it: Kubeflow tells it
// "localhost".
bool AreOnOneMachine(int size, c10d::Store& store) {
  for (int rank = 0; rank < size; ++rank) {
    const auto address = store.get(AddressOf(rank));
    if (!IsLoopback({address.begin(), address.end()})) return false;
  }
  return true;
}

Transport TransportFor(int size, c10d::Store& store) {
  std::vector<std::string> devices;
  for (int rank = 0; rank < size; ++rank) {
    const auto name = store.get(CudaDeviceOf(rank));
    devices.emplace_back(name.begin() + 1, name.end());
  }
  return ChooseTransport(NcclHere(), devices);
}

std::shared_ptr<gloo::transport::Device> DeviceFor(
    int size, c10d::Store& store, const std::string& interface) {
  using Group = c10d::ProcessGroupGloo;
  if (!interface.empty()) return Group::createDeviceForInterface(interface);
  if (AreOnOneMachine(size, store)) {
    return Group::createDeviceForHostname("127.0.0.1");
  }
  return Group::createDefaultDevice();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Ranks>> Join(const RankPlace& place,
                                            const JoinOptions& options) try {
  // Gloo writes to those who may be gone, and expects an error code for it.
  ::signal(SIGPIPE, SIG_IGN);
  auto opened = OpenStore(place, options.timeout);
  if (!opened.ok()) return opened.status();
  const StorePointer store = *std::move(opened);
  if (place.rank == 0 && options.on_listening) {
    if (auto told = options.on_listening(store->getPort()); !told.ok()) {
      return told;
    }
  }
  if (auto seated = TakeSeat(place, options, *store); !seated.ok()) {
    return seated;
  }
  // What the store knows is read before the group is made: then all have read
  // it before one of them can be done.
  const Transport transport = TransportFor(place.size, *store);
  auto gloo = c10d::ProcessGroupGloo::Options::create(options.timeout);
  gloo->devices.push_back(DeviceFor(place.size, *store, options.interface));
  gloo->threads = 1;
  auto group = c10::make_intrusive<c10d::ProcessGroupGloo>(
      c10::make_intrusive<c10d::PrefixStore>("gloo", store), place.rank,
      place.size, std::move(gloo));
  Reducer reducer{at::kCPU, [group](std::vector<at::Tensor>& tensors) {
                    group->allreduce(tensors)->wait();
                  }};
  if (transport == Transport::kNccl) {
    reducer =
        MakeNcclReducer(store, place, *options.cuda_device, options.timeout);
  }
  return std::make_unique<ConnectedRanks>(place, store, std::move(group),
                                          std::move(reducer));
} catch (const std::exception& error) {
  return absl::UnavailableError(
      absl::StrCat("the ranks could not meet: ", FirstLine(error.what())));
}

}  // namespace tributary::simulation
