// SPDX-License-Identifier: Apache-2.0
// The client: takes part in a population's runs with a trainer of yours.
//
//   int TakePart(tributary::Trainer& trainer) {
//     tributary::ClientOptions options;
//     options.coordinator = "fl.example.org:8470";
//     options.population = "pumps";
//     options.credentials = {"ca.pem", "pump-17.pem", "pump-17.key"};
//     options.state_folder = "/var/lib/pump/tributary";
//     options.on_progress = [](const tributary::ClientProgress& progress) {
//       std::cout << "round " << progress.round << " " << progress.detail;
//     };
//     auto client = tributary::Client::Create(options, trainer);
//     if (!client.ok()) return 1;
//     return (*client)->Run().ok() ? 0 : 1;  // until Stop()
//   }
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tributary/model.h"
#include "tributary/trainer.h"

namespace tributary {

// PEM files. The client makes its own key (`tributaryctl pki request`).
struct Credentials {
  std::filesystem::path authority;    // the authority's certificate
  std::filesystem::path certificate;  // this client's, signed by it
  std::filesystem::path key;          // this client's private key
};

// What a client is doing, for the app's own display or log.
struct ClientProgress {
  enum class Stage {
    kConnecting,
    kWaiting,
    kDownloading,
    kTraining,
    kEvaluating,
    kUploading,
    kAccepted,
    kRefused,
    kDisconnected
  };
  Stage stage = Stage::kConnecting;
  std::string run;
  int round = 0;
  // Why refused; of training, what protects the update.
  std::string detail;
  // Coordinates clamped to update.max_abs; all of them if differential privacy
  // clipped the update to its norm.
  std::uint64_t saturated = 0;
  // The norm to which it was clipped; 0 if it was not.
  double clip_norm = 0;
};

// What this client demands of tasks with secure aggregation, where the
// coordinator sees nothing of an update but what it adds to the sum
// (docs/secagg.md). A coordinator may offer more, never less: such a task is
// refused, and the progress says which floor, what was offered and what is
// demanded. Of each floor: raising it is safe, lowering it is not.
//
// Its peers are those whose certificates credentials.authority signed; it takes
// part with its own certificate and key, read again for each session.
struct SecureAggregationOptions {
  // kRequired: every task without it is refused, evaluations included.
  enum class Use { kAllowed, kRequired };
  Use use = Use::kAllowed;
  // Fewest clients in a session, at least 3: among fewer, each hides less.
  std::uint32_t min_cohort = 20;
  // Fewest updates in a sum, at least 2 and fewer than min_cohort.
  std::uint32_t min_survivors = 10;
  // Shortest update, in words: a sum of few words says much of each update.
  std::uint32_t min_length = 1;
  // Narrowest modulus, 8 to 62 bits: a sum that wraps is garbage.
  int min_word_bits = 8;
  // Clients that may work for the coordinator, in thousandths of the cohort, 0
  // to 900: with more of them than the session withstands, updates can be seen.
  std::uint32_t min_corrupt_per_mille = 50;
  // Holders of a client's secrets that it takes to recover one, in thousandths
  // of its holders, 0 to 1000: with a low threshold few need to collude.
  std::uint32_t min_threshold_per_mille = 500;
  // What the coordinator itself may do. kSemiHonest: it follows the protocol
  // and looks at everything; demand no more only of one you trust to.
  // kSemiMalicious: it may lie to clients once their keys are advertised.
  enum class Adversary { kSemiHonest, kSemiMalicious };
  Adversary adversary = Adversary::kSemiMalicious;
  // Least noise that clients add themselves, its standard deviation in largest
  // norms of an update (docs/privacy.md: the noise multiplier): the honest ones
  // of the smallest sum together, or this one alone where updates are not
  // masked. Over 0, only tasks with distributed or local noise are taken, so no
  // evaluations: the coordinator's own noise is on its word. A clip norm that
  // adapts is released too and counts: both together have the multiplier
  // (z_update^-2 + z_clip^-2)^(-1/2). 0: none is demanded.
  double min_noise_multiplier = 0;
};

struct ClientOptions {
  // host:port of the coordinator or aggregator.
  std::string coordinator;
  // Where to go, in this order, once it cannot be reached for `patience`: other
  // aggregators of the same tree, then their coordinator. From there the client
  // looks every few minutes, when it has nothing to do, whether `coordinator`
  // answers again.
  std::vector<std::string> fallbacks;
  std::chrono::milliseconds patience{30'000};
  std::string population;
  Credentials credentials;
  // Plaintext, for loopback addresses only; then `name` says who this is, and
  // credentials, all three or none, serve secure aggregation alone.
  bool insecure = false;
  std::string name;
  // Plaintext only: take evaluation tasks (else the certificate's role says).
  bool evaluator = false;
  SecureAggregationOptions secure_aggregation;
  // Model cache and persisted client state. Created if missing. One client at a
  // time uses it.
  std::filesystem::path state_folder;
  // Bytes of cached models kept, beyond the newest.
  std::uint64_t cache_limit = 256u << 20;
  // First and longest pause before connecting again; doubled with full jitter.
  std::chrono::milliseconds backoff_min{500};
  std::chrono::milliseconds backoff_max{60'000};
  // Return from Run after this many accepted updates; 0: never.
  int max_updates = 0;
  // Called from the thread in Run; return quickly, and do not destroy the
  // client.
  std::function<void(const ClientProgress&)> on_progress;

  // Names the option that is wrong.
  absl::Status Validate() const;
};

// Thread-safe.
class Client {
 public:
  // `trainer` outlives the client. Fails, and names what is wrong, if an option
  // or a credentials file is; files may be renewed later.
  static absl::StatusOr<std::unique_ptr<Client>> Create(
      const ClientOptions& options, Trainer& trainer);
  virtual ~Client() = default;

  // Takes part until Stop() (OK) or until the coordinator says something that
  // waiting cannot mend: revoked, wrong population, no wire version in common.
  virtual absl::Status Run() = 0;
  // From any thread or a signal handler's helper thread; Run returns soon.
  virtual void Stop() = 0;
  // The newest verified model, from memory or the state folder; null if none
  // was ever seen.
  virtual std::shared_ptr<const Model> LatestModel() const = 0;
  // The model this client would use itself: LatestModel(), with what a strategy
  // keeps on this client (FedPer, FedRep, Ditto: docs/strategies.md) in its
  // place. Read from the state folder at each call.
  virtual std::shared_ptr<const Model> PersonalModel() const = 0;
};

}  // namespace tributary
