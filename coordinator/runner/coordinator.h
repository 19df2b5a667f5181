// SPDX-License-Identifier: Apache-2.0
// The engine's body in the coordinator process, without the network: it owns
// every run's engine, journals events, performs effects, folds updates and
// makes models. The gRPC server (and a test, in memory) talks to it through
// this header and nothing else.
//
// Order, for every event: Step -> journal (group commit, synced) -> effects. So
// whatever a client was told survives a kill -9.
//
// Threads: every method may be called from any thread and none of them waits
// for the disk, except Upload's and ModelFile's, which do file I/O on the
// caller's thread, and StoreBlob, Submit, StopRun, TakeTask, SumCounts, EndTask
// and Drain, which return once what they did is durable. No call may be in
// progress when the coordinator is destroyed, and it outlives its uploads.
// Inside, one thread steps the engines and commits the journal, and
// `fold_threads` fold and release.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/round/types.h"
#include "coordinator/runner/parent_task.h"
#include "privacy/crypto/digest.h"
#include "privacy/secagg/identity.h"
#include "tributary/v1/admin.pb.h"
#include "tributary/v1/federation.pb.h"
#include "tributary/v1/ledger.pb.h"

namespace tributary::coordinator {

// Who a connection is: from its certificate, or from its hello on a plaintext
// loopback connection.
struct Identity {
  std::string name;
  v1::Role role = v1::TRAINER;
  // Serial of the certificate, upper-case hex; empty without TLS.
  std::string serial;
};

// One client's open Join stream, as the coordinator sees it. Implemented by the
// server. All calls are thread-safe and never block.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual void Send(const v1::ServerMessage& message) = 0;
  // Ends the stream with this status, after what was sent.
  virtual void Close(const absl::Status& status) = 0;
  // Whether something that was sent still waits to be handed to the network.
  virtual bool IsWriting() const = 0;
};
// Names a stream for as long as it is open.
using StreamId = std::uint64_t;

// One update's bytes on their way to the spool. Used by one thread at a time.
// Destroyed without Finish: the connection broke; what came is kept for a
// resume.
class Upload {
 public:
  virtual ~Upload() = default;
  // The next bytes. Hashes, decodes and checks them and writes them to the
  // spool. An error ends the upload: its Verdict is sent on the Join stream.
  virtual absl::Status Write(std::span<const std::byte> bytes) = 0;
  // The same for consecutive pieces, e.g. the slices of one message, so that
  // an implementation can write them with one call. Default: Write each.
  virtual absl::Status WritePieces(
      std::span<const std::span<const std::byte>> pieces);
  // The client says that all bytes are there. The Verdict follows on the Join
  // stream. With fewer bytes than announced: OutOfRange, no verdict, and what
  // came is kept for a resume, for a broken connection can look like this.
  virtual absl::Status Finish() = 0;
  // Bytes in the spool so far.
  virtual std::uint64_t received() const = 0;
};

// A model or archive being read. Used by one thread at a time.
class ModelFile {
 public:
  virtual ~ModelFile() = default;
  virtual std::uint64_t size() const = 0;
  // Reads up to out.size() bytes from `offset`; 0 at the end.
  virtual absl::StatusOr<std::size_t> Read(std::uint64_t offset,
                                           std::span<std::byte> out) = 0;
};

// Something that happened, for the log: a fixed sentence, and its facts.
struct LogEvent {
  enum class Level { kDebug, kInfo, kWarning, kError };
  Level level = Level::kInfo;
  std::string message;                                      // "round released"
  std::vector<std::pair<std::string, std::string>> fields;  // {"run", "..."}
};

struct Options {
  // Everything the coordinator knows is in this folder; one process at a time.
  std::string state_folder;
  // Uploads in flight at once. More costs memory, fewer costs throughput.
  int upload_credits = 8;
  // Threads that fold updates and make models.
  int fold_threads = 2;
  // Check-in window for clients that no run needs.
  std::chrono::milliseconds idle_earliest{5'000};
  std::chrono::milliseconds idle_latest{15'000};
  // Released rounds whose record of counted updates is kept: each is a row of
  // about 100 bytes for each update. The rounds' own records stay for ever.
  int recorded_rounds = 1'000;
  // The time that rounds, retries and slow uploads are measured in; it never
  // goes back. Whoever moves another clock than this one sends any message
  // then, for the coordinator to look at it.
  std::function<std::chrono::steady_clock::time_point()> clock =
      std::chrono::steady_clock::now;
  // Runs come from a parent, as its tasks, and from nowhere else.
  bool is_aggregator = false;
  // Where events go; called from any thread, returns quickly. Null: nowhere.
  std::function<void(const LogEvent&)> log;
  absl::Status Validate() const;
};

// Counters and gauges for the metrics page, by Prometheus name and labels.
struct Metric {
  enum class Kind { kCounter, kGauge };
  std::string name;
  std::string help;
  Kind kind = Kind::kCounter;
  std::map<std::string, std::string> labels;
  double value = 0;
};

class Coordinator {
 public:
  // Opens (or creates) the state folder and resumes every run in it. Fails with
  // FailedPrecondition if another process has it.
  static absl::StatusOr<std::unique_ptr<Coordinator>> Open(
      const Options& options);
  // Stops taking events, commits what was taken, joins its threads.
  virtual ~Coordinator() = default;

  // ---- Federation ----
  // The stream said hello. On error the server ends it with that status. Sends
  // Welcome first.
  virtual absl::StatusOr<StreamId> Join(const Identity& identity,
                                        const v1::Hello& hello,
                                        std::shared_ptr<Peer> peer) = 0;
  // Anything after the hello. Malformed messages close the stream.
  virtual void Receive(StreamId stream, const v1::ClientMessage& message) = 0;
  virtual void Leave(StreamId stream) = 0;
  // Without TLS a call says nothing about its caller: identity.name is empty
  // and the token alone says whose update it is. PermissionDenied for a token
  // that is not this identity's, FailedPrecondition without a grant, OutOfRange
  // for an offset that is not where the spool ends.
  virtual absl::StatusOr<std::unique_ptr<Upload>> OpenUpload(
      const Identity& identity, const v1::UploadHeader& header) = 0;
  virtual absl::StatusOr<std::unique_ptr<ModelFile>> OpenModel(
      const Digest& digest) = 0;
  // Certificates with these serials are out: their streams close, their
  // uncounted updates are void. Replaces the set before.
  virtual void SetRevoked(std::vector<std::string> serials) = 0;
  virtual bool IsRevoked(const std::string& serial) const = 0;
  // Who vouches for clients in the secure sessions that begin from now on.
  // Until it is called, plans with secure aggregation are refused.
  virtual void SetAuthority(
      std::shared_ptr<const secagg::Authority> authority) = 0;
  // Counts something the server itself refused (e.g. an unknown certificate).
  virtual void CountRefusal(round::Refusal reason) = 0;

  // ---- Admin ----
  // Bytes of a first model or an archive, in the model store; returns its name.
  // The source gives consecutive chunks and an empty one at the end.
  using Source = std::function<absl::StatusOr<std::string>()>;
  virtual absl::StatusOr<Digest> StoreBlob(const Source& source) = 0;
  // All errors of the plan at once, in one InvalidArgument.
  virtual absl::StatusOr<v1::RunSummary> Submit(const v1::Plan& plan,
                                                const Digest& weights,
                                                const Digest* archive) = 0;
  virtual v1::ListRunsReply ListRuns(const v1::ListRunsRequest& request) = 0;
  virtual absl::StatusOr<v1::RunDetail> GetRun(const std::string& run) = 0;
  // Calls back (from the coordinator's thread; return quickly) with the state
  // now and after each change, until the run ends or the watch is destroyed.
  class Watch {
   public:
    virtual ~Watch() = default;
  };
  virtual absl::StatusOr<std::unique_ptr<Watch>> WatchRun(
      const std::string& run,
      std::function<void(const v1::RunDetail&)> callback) = 0;
  virtual absl::StatusOr<v1::RunSummary> StopRun(const std::string& run) = 0;
  virtual absl::StatusOr<Digest> ModelOf(const std::string& run,
                                         int round) = 0;  // 0: latest
  virtual v1::ListClientsReply ListClients(
      const v1::ListClientsRequest& request) = 0;
  // Gives `take` the ledger of privacy, page by page: all entries in order,
  // then who took part. Until it says false. Entries are as they rest in the
  // database, for the caller to verify; DataLoss if one cannot be read at all.
  virtual absl::Status ReadLedger(
      const v1::ReadLedgerRequest& request,
      const std::function<bool(const v1::LedgerPage&)>& take) = 0;

  // ---- Upstream ----
  // The parent asks for the sum of this attempt: begins its run here if it is
  // not known, whose model and archive are stored, and collects. `listener`
  // hears what comes of it, instead of whoever was given with the same task
  // before; leaves in `without` are not in the sum. Safe to repeat. Fails if
  // nothing comes of it: the task is to be given up.
  virtual absl::Status TakeTask(const v1::Task& task,
                                std::vector<std::string> without,
                                std::shared_ptr<TaskListener> listener) = 0;
  // The sum of this task counts at the parent; its updates can go.
  virtual absl::Status SumCounts(const TaskName& task) = 0;
  // Nobody wants this task's sum any more, or it counts.
  virtual absl::Status EndTask(const TaskName& task) = 0;

  // ---- Operations ----
  virtual std::vector<Metric> Metrics() const = 0;
  // OK, or why the coordinator cannot do its work now (e.g. the disk is full).
  virtual absl::Status Health() const = 0;
  // No new tasks; returns once uploads in flight are done or the time is over.
  virtual void Drain(std::chrono::milliseconds limit) = 0;
};

inline absl::Status Upload::WritePieces(
    std::span<const std::span<const std::byte>> pieces) {
  for (const std::span<const std::byte> piece : pieces) {
    if (absl::Status status = Write(piece); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace tributary::coordinator
