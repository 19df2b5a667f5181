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
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

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
  std::string detail;           // e.g. why refused
  std::uint64_t saturated = 0;  // coordinates clamped to update.max_abs
};

struct ClientOptions {
  // host:port of the coordinator or aggregator.
  std::string coordinator;
  std::string population;
  Credentials credentials;
  // Plaintext, for loopback addresses only; then `name` says who this is.
  bool insecure = false;
  std::string name;
  // Plaintext only: take evaluation tasks (else the certificate's role says).
  bool evaluator = false;
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
