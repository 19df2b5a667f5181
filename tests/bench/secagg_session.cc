// SPDX-License-Identifier: Apache-2.0
// tributary-bench-secagg: one secure session of 1,000,000 words in memory, with
// the certificates of an authority. Prints one line: CPU seconds of the server,
// CPU milliseconds of a client, both over what generating their masks takes at
// the rate that `openssl speed` measures, the most vectors of memory that the
// server held, that rate in GB/s, and how much sooner two threads are done than
// one: with taking masks off a sum, by CPU time, and with adding up inputs,
// too, by the wall's clock.
//
//   tributary-bench-secagg n50     50 clients, complete graph, 5 leave after
//                                  sharing their keys; all of it is done
//   tributary-bench-secagg n1000   1,000 clients, 100 leave; only one makes a
//                                  masked input, the server adds it up for all
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "privacy/secagg/certificate_identity.h"
#include "privacy/secagg/client/client.h"
#include "privacy/secagg/graph.h"
#include "privacy/secagg/messages.h"
#include "privacy/secagg/packing.h"
#include "privacy/secagg/server/masked_sum.h"
#include "privacy/secagg/server/server.h"
#include "tests/coordinator/server/certificates.h"

namespace {

// Bytes that C++ and OpenSSL hold: the first thread's, counted as they come and
// go. Others give back all they take.
thread_local std::size_t allocated = 0;

void* Allocate(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory != nullptr) allocated += malloc_usable_size(memory);
  return memory;
}
void Release(void* memory) {
  allocated -= malloc_usable_size(memory);
  std::free(memory);
}
void* AllocateForOpenSsl(std::size_t size, const char*, int) {
  return size == 0 ? nullptr : Allocate(size);
}
void* ReallocateForOpenSsl(void* memory, std::size_t size, const char*, int) {
  allocated -= malloc_usable_size(memory);
  void* moved = std::realloc(memory, size);
  allocated += malloc_usable_size(moved);
  return moved;
}
void ReleaseForOpenSsl(void* memory, const char*, int) { Release(memory); }

}  // namespace

void* operator new(std::size_t size) {
  void* memory = Allocate(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { Release(memory); }
void operator delete(void* memory, std::size_t) noexcept { Release(memory); }

namespace tributary::bench {
namespace {

using secagg::Index;

constexpr std::uint32_t kWords = 1'000'000;
constexpr double kVectorBytes = 4.0 * kWords;
// Masks that take about a second.
constexpr std::size_t kSome = 2'000;
// Of a client that makes no masked input of its own.
constexpr std::uint32_t kShort = 16;

[[noreturn]] void Give(const std::string& reason) {
  std::fprintf(stderr, "tributary-bench-secagg: %s\n", reason.c_str());
  std::exit(1);
}

template <typename T>
T Taken(absl::StatusOr<T> result) {
  if (!result.ok()) Give(std::string(result.status().message()));
  return *std::move(result);
}
void Taken(secagg::Refusal refusal) {
  if (refusal != secagg::Refusal::kNone) {
    Give(std::string("refused: ") + std::string(Name(refusal)));
  }
}
void Taken(const std::optional<secagg::Abandoned>& abandoned) {
  if (abandoned.has_value()) {
    Give(std::string("abandoned: ") + std::string(Name(abandoned->reason)));
  }
}

// CPU time of this thread: the machine may be busy with other things.
double Seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

double Allocated() { return static_cast<double>(allocated); }

// Time of what is run under it, and memory that stays.
class Meter {
 public:
  template <typename Work>
  auto operator()(Work work) {
    const Stop stop{*this, Allocated(), Seconds()};
    return work();
  }
  // What is given back is gone soon: time only.
  template <typename Work>
  auto Timed(Work work) {
    const double start = Seconds();
    auto result = work();
    seconds_ += Seconds() - start;
    return result;
  }
  double seconds() const { return seconds_; }
  double peak_bytes() const { return peak_; }

 private:
  struct Stop {
    Meter& meter;
    double bytes;
    double seconds;
    ~Stop() {
      meter.seconds_ += Seconds() - seconds;
      meter.held_ += Allocated() - bytes;
      meter.peak_ = std::max(meter.peak_, meter.held_);
    }
  };
  double seconds_ = 0;
  double held_ = 0;
  double peak_ = 0;
};

// Bytes a second, as `openssl speed -evp aes-256-ctr` measures it: 16 KiB in
// place, again and again.
double StreamRate() {
  std::vector<unsigned char> block(16'384);
  const std::vector<unsigned char> key(32, 1);
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  if (EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), nullptr, key.data(),
                         key.data()) != 1) {
    Give("no AES-256-CTR");
  }
  int written = 0;
  double bytes = 0;
  const double start = Seconds();
  while (Seconds() - start < 0.3) {
    for (int i = 0; i < 100; ++i) {
      EVP_EncryptUpdate(context, block.data(), &written, block.data(),
                        static_cast<int>(block.size()));
      bytes += static_cast<double>(block.size());
    }
  }
  const double rate = bytes / (Seconds() - start);
  EVP_CIPHER_CTX_free(context);
  return rate;
}

class NoMemory final : public secagg::AnsweredSessions {
 public:
  absl::Status Remember(const Digest&) override { return absl::OkStatus(); }
};

struct Member {
  std::unique_ptr<secagg::Signer> signer;
  std::optional<secagg::Client> client;
  double seconds = 0;

  // A step of this client.
  template <typename Work>
  auto Timed(Work work) {
    const double start = Seconds();
    auto result = work();
    seconds += Seconds() - start;
    return Taken(std::move(result));
  }
};

class Session {
 public:
  Session(std::uint32_t clients, std::uint32_t dropped, std::uint32_t length)
      : dropped_(dropped), source_("authority") {
    terms_.run = "bench";
    terms_.length = length;
    terms_.min_cohort = clients / 2;
    terms_.min_survivors = clients / 3;
    terms_.max_cohort = clients;
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    authority_ = Taken(
        secagg::MakeCertificateAuthority({source_.certificate(), now, {}}));
    members_.resize(clients);
    for (std::uint32_t i = 0; i < clients; ++i) {
      // In the order of their names.
      const auto issued =
          source_.Issue("client-" + std::to_string(100'000 + i), {});
      members_[i].signer =
          Taken(secagg::MakeCertificateSigner(issued.certificate, issued.key));
      members_[i].client = Taken(secagg::Client::Make(
          terms_, {}, *members_[i].signer, *authority_, no_memory_));
    }
  }

  // Keys fixed, choices opened.
  void Meet() {
    server_.emplace(meter_(
        [&] { return Taken(secagg::Server::Make(terms_, *authority_)); }));
    for (Member& member : members_) {
      const auto message =
          member.Timed([&] { return member.client->Advertise(); });
      Taken(meter_([&] { return server_->Accept(message); }));
    }
    Taken(meter_([&] { return server_->CloseAdvertising(); }));
    ForAll([&](Index i, Member& member) {
      const auto roster = meter_.Timed([&] { return server_->RosterFor(i); });
      const auto message =
          member.Timed([&] { return member.client->Receive(roster); });
      Taken(meter_([&] { return server_->Accept(i, message); }));
    });
    Taken(meter_([&] { return server_->CloseOpening(); }));
  }

  void ShareKeys() {
    ForAll([&](Index i, Member& member) {
      const auto neighbours =
          meter_.Timed([&] { return server_->NeighboursOf(i); });
      const auto message =
          member.Timed([&] { return member.client->Receive(neighbours); });
      Taken(meter_([&] { return server_->Accept(i, message); }));
    });
    Taken(meter_([&] { return server_->CloseSharing(); }));
  }

  // Those who stay send inputs of ones; `take` is given each.
  template <typename Take>
  void SendInputs(Take take) {
    const std::vector<std::int64_t> input(terms_.length, 1);
    ForStaying([&](Index i, Member& member) {
      const auto routed = meter_.Timed([&] { return server_->SharesFor(i); });
      const auto header =
          member.Timed([&] { return member.client->Receive(routed); });
      const auto packed =
          member.Timed([&] { return member.client->MaskInput(input); });
      Taken(meter_([&] { return server_->Accept(i, header); }));
      take(packed);
    });
    Taken(meter_([&] { return server_->CloseMasking(); }));
  }

  secagg::Recovery Unmask() {
    ForStaying([&](Index i, Member& member) {
      const auto survivors = meter_.Timed([&] { return server_->AgreeOn(); });
      const auto message =
          member.Timed([&] { return member.client->Receive(survivors); });
      Taken(meter_([&] { return server_->Accept(i, message); }));
    });
    Taken(meter_([&] { return server_->CloseAgreeing(); }));
    ForStaying([&](Index i, Member& member) {
      const auto agreements =
          meter_.Timed([&] { return server_->AgreementsFor(i); });
      const auto message =
          member.Timed([&] { return member.client->Receive(agreements); });
      Taken(meter_([&] { return server_->Accept(i, message); }));
    });
    auto outcome = meter_([&] { return server_->CloseUnmasking(); });
    if (auto* recovery = std::get_if<secagg::Recovery>(&outcome)) {
      return std::move(*recovery);
    }
    Give("abandoned at the end");
  }

  // The CPU time of one that took part in all of it, in the middle.
  double ClientSeconds() const {
    std::vector<double> seconds;
    for (std::size_t i = 0; i + dropped_ < members_.size(); ++i) {
      seconds.push_back(members_[i].seconds);
    }
    std::ranges::nth_element(seconds, seconds.begin() + seconds.size() / 2);
    return seconds[seconds.size() / 2];
  }
  Meter& meter() { return meter_; }
  const secagg::Terms& terms() const { return terms_; }
  std::uint32_t staying() const {
    return static_cast<std::uint32_t>(members_.size()) - dropped_;
  }
  secagg::Server& server() { return *server_; }
  std::vector<Member>& members() { return members_; }

 private:
  template <typename Each>
  void ForAll(Each each) {
    for (Index i = 0; i < members_.size(); ++i) each(i, members_[i]);
  }
  template <typename Each>
  void ForStaying(Each each) {
    for (Index i = 0; i < staying(); ++i) each(i, members_[i]);
  }

  std::uint32_t dropped_;
  testing::Authority source_;
  std::unique_ptr<secagg::Authority> authority_;
  NoMemory no_memory_;
  secagg::Terms terms_;
  std::vector<Member> members_;
  std::optional<secagg::Server> server_;
  Meter meter_;
};

// How much sooner two threads are done than one.
struct TwoThreads {
  // Masks taken off a sum, by each thread's CPU time, the slower one's: the
  // machine may be busy.
  double unmasking = 0;
  // Inputs added up and masks taken off, by the clock on the wall: below the
  // other as far as the machine is busy, or has too little memory bandwidth.
  double wall = 0;
};

double WallSeconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

TwoThreads SpeedOfTwoThreads(secagg::StreamCipher cipher,
                             std::span<const secagg::Mask> masks) {
  secagg::MaskedSum sum(kWords, 32);
  const std::vector<std::byte> packed(secagg::PackedSize(kWords, 32));
  // As many inputs to masks as of 1,000 clients of whom 100 leave.
  const std::size_t inputs = masks.size() / 8;
  const auto seconds = [&](std::size_t first, std::size_t count) {
    for (std::size_t i = 0; i < inputs; ++i) {
      sum.Add(first, count, std::span(packed).subspan(first * 4, count * 4));
    }
    const double start = Seconds();
    sum.Apply(cipher, masks, first, count);
    return Seconds() - start;
  };
  const double start = WallSeconds();
  const double alone = seconds(0, kWords);
  const double middle = WallSeconds();
  constexpr std::uint32_t kHalf = kWords / 2;
  static_assert(kHalf % secagg::kMaskAlignment == 0);
  double other = 0;
  std::thread thread([&] { other = seconds(kHalf, kHalf); });
  const double own = seconds(0, kHalf);
  thread.join();
  return {alone / std::max(own, other),
          (middle - start) / (WallSeconds() - middle)};
}

void Print(Meter& meter, double client_seconds, double server_masks,
           double client_masks, double rate, TwoThreads two_threads) {
  std::printf("%.4f %.3f %.4f %.4f %.4f %.4f %.3f %.3f\n", meter.seconds(),
              1e3 * client_seconds,
              meter.seconds() / (server_masks * kVectorBytes / rate),
              client_seconds / (client_masks * kVectorBytes / rate),
              meter.peak_bytes() / kVectorBytes, rate * 1e-9,
              two_threads.unmasking, two_threads.wall);
}

// The faster of two, before and after what is held against it: something else
// may have been running.
double StreamRateWith(double before) { return std::max(before, StreamRate()); }

void RunSmall() {
  const double before = StreamRate();
  Session session(50, 5, kWords);
  session.Meet();
  session.ShareKeys();
  Meter& meter = session.meter();
  auto sum = meter([&] { return secagg::MaskedSum(kWords, 32); });
  session.SendInputs([&](const std::vector<std::byte>& packed) {
    meter([&] { sum.Add(0, kWords, packed); });
  });
  const auto recovery = session.Unmask();
  const auto masks = meter([&] { return recovery.AllMasks(); });
  meter([&] { sum.Apply(session.terms().cipher, masks, 0, kWords); });
  for (std::size_t i = 0; i < kWords; ++i) {
    if (sum.At(i) != session.staying()) Give("the sum is wrong");
  }
  const double server_masks = static_cast<double>(masks.size());
  Print(meter, session.ClientSeconds(), server_masks, 50,
        StreamRateWith(before),
        SpeedOfTwoThreads(session.terms().cipher, masks));
}

struct ClientCosts {
  double seconds = 0;
  double masks = 0;
};

// The first of 1,000 clients, from its keys to its answer. The others do no
// more than it takes for that: those whose shares it holds share their keys,
// and its holders sign that nobody left.
ClientCosts LargeClient() {
  Session session(1'000, 0, kWords);
  session.Meet();
  secagg::Server& server = session.server();
  std::vector<Member>& members = session.members();
  Member& first = members[0];
  const auto neighbours = server.NeighboursOf(0);
  const secagg::Graph graph(server.graph(), server.clients(),
                            server.RosterFor(0).root);
  secagg::RoutedShares routed{secagg::Members(server.clients()), {}};
  for (Index i = 0; i < server.clients(); ++i) routed.sharers.Insert(i);
  for (const secagg::Neighbour& neighbour : neighbours) {
    const Index index = neighbour.index;
    if (!std::ranges::binary_search(graph.Holders(index, *neighbour.choice),
                                    Index{0})) {
      continue;
    }
    const auto shares =
        Taken(members[index].client->Receive(server.NeighboursOf(index)));
    const auto mine =
        std::ranges::find(shares.shares, Index{0}, &secagg::SealedShares::peer);
    routed.shares.push_back(*mine);
    routed.shares.back().peer = index;
  }
  const auto shares =
      first.Timed([&] { return first.client->Receive(neighbours); });
  const std::string agreed =
      secagg::AgreedPart(server.session(), routed.sharers, routed.sharers);
  std::vector<secagg::SignedAgreement> agreements;
  for (std::size_t i = 0; i < server.graph().threshold; ++i) {
    const Index holder = shares.shares[i].peer;
    agreements.push_back({holder, Taken(members[holder].signer->Sign(agreed))});
  }
  const std::vector<std::int64_t> input(kWords, 1);
  first.Timed([&] { return first.client->Receive(routed); });
  first.Timed([&] { return first.client->MaskInput(input); });
  first.Timed(
      [&] { return first.client->Receive(secagg::Survivors{routed.sharers}); });
  first.Timed([&] { return first.client->Receive(agreements); });
  return {first.seconds, static_cast<double>(1 + neighbours.size())};
}

void RunLarge() {
  const double before = StreamRate();
  Session session(1'000, 100, kShort);
  session.Meet();
  session.ShareKeys();
  Meter& meter = session.meter();
  session.SendInputs([](const std::vector<std::byte>&) {});
  // The server's work on the vectors, added up from the spool once they are all
  // there, as a coordinator does: what is in them makes no difference.
  const std::vector<std::byte> packed(secagg::PackedSize(kWords, 32));
  auto sum = meter([&] { return secagg::MaskedSum(kWords, 32); });
  for (std::uint32_t i = 0; i < session.staying(); ++i) {
    meter([&] { sum.Add(0, kWords, packed); });
  }
  const auto recovery = session.Unmask();
  const auto masks = meter([&] { return recovery.AllMasks(); });
  meter([&] { sum.Apply(session.terms().cipher, masks, 0, kWords); });
  const ClientCosts client = LargeClient();
  Print(
      meter, client.seconds, static_cast<double>(masks.size()), client.masks,
      StreamRateWith(before),
      SpeedOfTwoThreads(session.terms().cipher, std::span(masks).first(kSome)));
}

}  // namespace
}  // namespace tributary::bench

int main(int argc, char** argv) {
  // Before OpenSSL allocates anything.
  if (CRYPTO_set_mem_functions(AllocateForOpenSsl, ReallocateForOpenSsl,
                               ReleaseForOpenSsl) != 1) {
    return 1;
  }
  const std::string session = argc == 2 ? argv[1] : "";
  if (session == "n50") {
    tributary::bench::RunSmall();
  } else if (session == "n1000") {
    tributary::bench::RunLarge();
  } else {
    std::fprintf(stderr, "usage: tributary-bench-secagg n50 | n1000\n");
    return 2;
  }
}
