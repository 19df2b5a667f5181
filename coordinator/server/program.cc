// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/program.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "coordinator/server/credentials.h"
#include "coordinator/server/log.h"
#include "coordinator/server/server.h"
#include "coordinator/server/state_folder.h"
#include "coordinator/upstream/parent_link.h"
#include "coordinator/upstream/upstream.h"
#include "google/protobuf/util/time_util.h"
#include "proto/codec/yaml.h"

namespace tributary::coordinator {
namespace {

using google::protobuf::util::TimeUtil;
using std::chrono::milliseconds;

constexpr int kKilledBySecondSignal = 130;

// gRPC 1.51 has no call that refuses TLS 1.2. These suites need a pre-shared
// key, which this server never has, so no TLS 1.2 handshake succeeds; those of
// TLS 1.3 are chosen elsewhere.
constexpr char kNoTls12Suites[] = "PSK-AES256-GCM-SHA384";

Options ToCoordinatorOptions(const v1::CoordinatorConfig& config,
                             const std::filesystem::path& folder) {
  Options options;
  options.state_folder = (folder / config.state()).string();
  if (config.has_upload_credits()) {
    options.upload_credits = static_cast<int>(config.upload_credits());
  }
  options.fold_threads =
      config.has_fold_threads()
          ? static_cast<int>(config.fold_threads())
          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (config.has_idle_earliest()) {
    options.idle_earliest =
        milliseconds(TimeUtil::DurationToMilliseconds(config.idle_earliest()));
  }
  if (config.has_idle_latest()) {
    options.idle_latest =
        milliseconds(TimeUtil::DurationToMilliseconds(config.idle_latest()));
  }
  options.is_aggregator = config.has_parent();
  options.log = [](const LogEvent& event) { Log(event); };
  return options;
}

UpstreamOptions ToUpstreamOptions(const v1::ParentConfig& parent,
                                  const std::filesystem::path& folder,
                                  const std::filesystem::path& state) {
  UpstreamOptions options;
  options.addresses = {parent.addresses().begin(), parent.addresses().end()};
  options.population = parent.population();
  options.name = parent.name();
  if (parent.has_tls()) {
    options.credentials = {.authority = folder / parent.tls().authority(),
                           .certificate = folder / parent.tls().certificate(),
                           .key = folder / parent.tls().key()};
  }
  options.folder = state / "upstream";
  options.log = [](const LogEvent& event) { Log(event); };
  return options;
}

sigset_t EndingSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

int WaitForSignal(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  return signal;
}

std::string CountRunning(Coordinator& coordinator) {
  v1::ListRunsRequest request;
  request.set_limit(1000);
  int running = 0;
  const v1::ListRunsReply reply = coordinator.ListRuns(request);
  for (const v1::RunSummary& run : reply.runs()) {
    if (run.state() == v1::RUNNING || run.state() == v1::PAUSED) ++running;
  }
  return std::to_string(running);
}

}  // namespace

absl::StatusOr<Program> ReadProgram(const std::filesystem::path& config) {
  absl::StatusOr<v1::CoordinatorConfig> read =
      codec::ReadCoordinatorConfig(config);
  if (!read.ok()) return read.status();
  const std::filesystem::path folder =
      std::filesystem::absolute(config).parent_path();
  Program program;
  program.coordinator = ToCoordinatorOptions(*read, folder);
  program.log_level = read->log_level();
  if (read->has_drain()) {
    program.drain =
        milliseconds(TimeUtil::DurationToMilliseconds(read->drain()));
  }
  if (read->has_parent()) {
    program.parent = ToUpstreamOptions(read->parent(), folder,
                                       program.coordinator.state_folder);
  }
  absl::StatusOr<ServerOptions> server = ToServerOptions(*read, folder);
  if (!server.ok()) return server.status();
  program.server = *std::move(server);
  if (absl::Status status = SetLogLevel(program.log_level); !status.ok()) {
    return status;
  }
  if (absl::Status status = program.coordinator.Validate(); !status.ok()) {
    return status;
  }
  if (absl::Status status = CheckStateFolder(program.coordinator.state_folder);
      !status.ok()) {
    return status;
  }
  if (program.server.tls.has_value()) {
    if (absl::Status status = CheckTlsFiles(*program.server.tls);
        !status.ok()) {
      return status;
    }
    absl::StatusOr<bool> is_of_authority =
        IsOfClientsAuthority(*program.server.tls);
    if (!is_of_authority.ok()) return is_of_authority.status();
    // Not an error: a public authority may vouch for the coordinator.
    if (!*is_of_authority) {
      LogWarning("tls.certificate is not signed by tls.authority",
                 {{"certificate", program.server.tls->certificate.string()},
                  {"authority", program.server.tls->authority.string()}});
    }
  }
  if (program.parent) {
    absl::Status status = CheckParentFiles(*program.parent);
    if (!status.ok()) return status;
  }
  if (program.server.plaintext_authority.has_value()) {
    absl::Status status =
        CheckAuthorityFiles(*program.server.plaintext_authority);
    if (!status.ok()) return status;
  }
  return program;
}

absl::Status Run(const Program& program) {
  // 4 to 6 KiB a connection: Debian's abseil tracks every mutex by default.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  setenv("GRPC_SSL_CIPHER_SUITES", kNoTls12Suites, 1);
  // Blocked before there are threads, so that only sigwait sees them.
  const sigset_t signals = EndingSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  absl::StatusOr<std::unique_ptr<Coordinator>> coordinator =
      Coordinator::Open(program.coordinator);
  if (!coordinator.ok()) return coordinator.status();
  LogInfo("state opened", {{"folder", program.coordinator.state_folder},
                           {"runs_resumed", CountRunning(**coordinator)}});
  if (program.server.tls.has_value()) {
    absl::StatusOr<std::string> fingerprint =
        AuthorityFingerprint(*program.server.tls);
    if (!fingerprint.ok()) return fingerprint.status();
    LogInfo("mutual TLS", {{"authority_sha256", *fingerprint}});
  } else {
    LogWarning("plaintext without TLS, on loopback only");
  }
  absl::StatusOr<std::unique_ptr<Server>> server =
      Server::Start(program.server, **coordinator);
  if (!server.ok()) return server.status();
  LogInfo("listening", {{"federation", (*server)->federation_address()},
                        {"admin", (*server)->admin_address()},
                        {"http", (*server)->http_address()}});

  std::unique_ptr<Upstream> upstream;
  if (program.parent) {
    auto started = Upstream::Start(
        *program.parent, MakeParentLink(*program.parent), **coordinator);
    if (!started.ok()) return started.status();
    upstream = *std::move(started);
  }

  const int signal = WaitForSignal(signals);
  LogInfo("draining", {{"signal", strsignal(signal)},
                       {"streams", std::to_string((*server)->connections())}});
  std::thread([signals] {
    WaitForSignal(signals);
    _exit(kKilledBySecondSignal);
  }).detach();
  (*server)->RefuseNewStreams();
  (*coordinator)->Drain(program.drain);
  upstream.reset();
  (*server)->Shutdown();
  server->reset();
  coordinator->reset();
  LogInfo("stopped");
  return absl::OkStatus();
}

}  // namespace tributary::coordinator
