// SPDX-License-Identifier: Apache-2.0
// What callers' threads do.
#include "coordinator/runner/runner.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "proto/codec/secagg.h"

namespace tributary::coordinator {
namespace {

constexpr std::size_t kMaxName = 128;
constexpr std::chrono::milliseconds kAskPoll{100};
// How long an operator's request may still wait for the journal at the end.
constexpr std::chrono::milliseconds kAskWhileDraining{1'000};

// With what stands around them in a page, both stay under 1 MiB.
constexpr std::size_t kLedgerPageBytes = 768 << 10;
constexpr int kLedgerPageClients = 3'000;

class BlobFile final : public ModelFile {
 public:
  BlobFile(store::File file, std::uint64_t size)
      : file_(std::move(file)), size_(size) {}
  std::uint64_t size() const override { return size_; }
  absl::StatusOr<std::size_t> Read(std::uint64_t offset,
                                   std::span<std::byte> out) override {
    return file_.Read(offset, out);
  }

 private:
  store::File file_;
  std::uint64_t size_;
};

// Gives an answer even if the job it stands for is dropped.
class Answer {
 public:
  using Value = absl::StatusOr<std::string>;
  ~Answer() {
    if (!is_set_) Set(absl::UnavailableError("the coordinator is stopping"));
  }
  void Set(Value value) {
    is_set_ = true;
    promise_.set_value(std::move(value));
  }
  std::future<Value> future() { return promise_.get_future(); }

 private:
  bool is_set_ = false;
  std::promise<Value> promise_;
};

}  // namespace

Runner::Runner(const Options& options, Disk disk)
    : options_(options),
      clock_(options.clock),
      disk_(std::move(disk)),
      clients_(std::move(disk_.clients)),
      aggregators_(disk_.aggregators),
      desk_(*disk_.spool, options.upload_credits, clock_, *this),
      pool_(options.fold_threads) {}

Runner::~Runner() {
  {
    const std::lock_guard lock(queue_mutex_);
    is_stopping_ = true;
  }
  queue_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  // The pool waits for what is in progress; a rule over many updates is long.
  for (const auto& [name, run] : runs_) {
    if (run->rule != nullptr) run->rule->Cancel();
  }
  const std::lock_guard lock(queue_mutex_);
  queue_.clear();
  replies_.clear();
}

void Runner::Start() {
  // What Resume has found out is to be committed.
  Post([] {});
  CountRuns();
  thread_ = std::thread([this] { Loop(); });
}

void Runner::Log(Level level, const std::string& message, Fields fields) const {
  if (options_.log) options_.log({level, message, std::move(fields)});
}

void Runner::Post(Job job) {
  {
    const std::lock_guard lock(queue_mutex_);
    if (is_stopping_) return;
    queue_.push_back(std::move(job));
  }
  queue_changed_.notify_one();
}

v1::ServerMessage Runner::IdleWindow() const {
  return ComeBackMessage(options_.idle_earliest, options_.idle_latest);
}

// ---- Federation ----

absl::StatusOr<StreamId> Runner::Join(const Identity& identity,
                                      const v1::Hello& hello,
                                      std::shared_ptr<Peer> peer) {
  if (hello.min_wire_version() > kWireVersion ||
      hello.max_wire_version() < kWireVersion) {
    CountRefusal(round::Refusal::kUnsupportedVersion);
    return absl::FailedPreconditionError(
        absl::StrCat("unsupported_version: this coordinator speaks version ",
                     kWireVersion, ", the client ", hello.min_wire_version(),
                     " to ", hello.max_wire_version()));
  }
  const bool is_named =
      !identity.name.empty() && identity.name.size() <= kMaxName;
  if (!is_named ||
      (!hello.client_name().empty() && hello.client_name() != identity.name)) {
    CountRefusal(round::Refusal::kIdentityMismatch);
    return absl::PermissionDeniedError(
        "identity_mismatch: the hello names another than the certificate, or "
        "the name is empty or longer than 128 bytes");
  }
  if (IsRevoked(identity.serial)) {
    CountRefusal(round::Refusal::kRevoked);
    return absl::PermissionDeniedError("revoked: the certificate was revoked");
  }
  Identity known = identity;
  if (known.role == v1::ROLE_UNSPECIFIED) known.role = v1::TRAINER;
  const bool is_aggregator = known.role == v1::AGGREGATOR;
  if (known.role != v1::TRAINER && known.role != v1::EVALUATOR &&
      !is_aggregator) {
    CountRefusal(round::Refusal::kWrongRole);
    return absl::PermissionDeniedError(
        "wrong_role: only trainers, evaluators and aggregators take part");
  }
  if (hello.population().empty() || hello.population().size() > kMaxName) {
    CountRefusal(round::Refusal::kBadMessage);
    return absl::InvalidArgumentError(
        "bad_message: a population has 1 to 128 bytes");
  }

  if (!is_aggregator) peer->Send(WelcomeMessage(known.name, known.role));
  if (!known.serial.empty()) {
    const std::lock_guard lock(revoked_mutex_);
    names_by_serial_[known.serial].insert(known.name);
    newest_serial_[known.name] = known.serial;
  }
  clients_.Saw(known, hello.population(), std::chrono::system_clock::now());
  Sessions::Added added = sessions_.Add({.id = 0,
                                         .identity = known,
                                         .population = hello.population(),
                                         .peer = std::move(peer)});
  if (added.replaced) {
    added.replaced->peer->Close(
        absl::AbortedError("replaced by a newer stream of the same client"));
    Post([this, old = *added.replaced] {
      if (Run* run = RunOf(old.population); run != nullptr) {
        Happen(*run, round::Left{old.client()});
      }
    });
  }
  // Revoked between the check and the entry: SetRevoked has not seen it.
  if (IsRevoked(known.serial)) {
    (void)sessions_.Remove(added.id);
    CountRefusal(round::Refusal::kRevoked);
    return absl::PermissionDeniedError("revoked: the certificate was revoked");
  }
  if (is_aggregator) {
    Post([this, stream = added.id, name = known.name,
          stored = hello.session()] { WelcomeLater(stream, name, stored); });
  }
  return added.id;
}

void Runner::Receive(StreamId stream, const v1::ClientMessage& message) {
  std::optional<Session> session = sessions_.BeginMessage(stream);
  if (!session) return;
  if (session->peer == nullptr) {
    if (std::optional<Session> removed = sessions_.Remove(stream)) {
      CountRefusal(round::Refusal::kBadMessage);
      removed->peer->Close(
          absl::ResourceExhaustedError("too many messages at once"));
      NoteGone(*std::move(removed));
    }
    return;
  }
  const bool is_shut = is_draining_ || !health_.IsFine();
  if (message.has_check_in() && is_shut) {
    session->peer->Send(IdleWindow());
    sessions_.EndMessage(stream);
    return;
  }
  Post([this, session = *std::move(session),
        message = v1::ClientMessage(message)]() mutable {
    Handle(session, message);
    if (message.has_secure()) codec::EraseShares(*message.mutable_secure());
    sessions_.EndMessage(session.id);
  });
}

void Runner::Leave(StreamId stream) {
  std::optional<Session> session = sessions_.Remove(stream);
  if (session) NoteGone(*std::move(session));
}

void Runner::NoteGone(Session closed) {
  clients_.Saw(closed.identity, closed.population,
               std::chrono::system_clock::now());
  Post([this, session = std::move(closed)] {
    Run* run = RunOf(session.population);
    // It may have come back on another stream meanwhile, and still wait.
    if (run == nullptr ||
        sessions_.IsIn(session.client(), session.population)) {
      return;
    }
    Happen(*run, round::Left{session.client()});
  });
}

absl::StatusOr<std::unique_ptr<Upload>> Runner::OpenUpload(
    const Identity& identity, const v1::UploadHeader& header) {
  if (IsRevoked(identity.serial)) {
    CountRefusal(round::Refusal::kRevoked);
    return absl::PermissionDeniedError("revoked: the certificate was revoked");
  }
  if (absl::Status health = Health(); !health.ok()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("paused: ", std::string(health.message())));
  }
  auto upload = desk_.Open({identity.name}, header);
  if (absl::IsPermissionDenied(upload.status())) {
    CountRefusal(round::Refusal::kUnknownTask);
  }
  return upload;
}

absl::StatusOr<std::unique_ptr<ModelFile>> Runner::OpenModel(
    const Digest& digest) {
  absl::StatusOr<store::File> file = disk_.blobs.Get(digest);
  if (!file.ok()) return file.status();
  absl::StatusOr<std::uint64_t> size = file->Size();
  if (!size.ok()) return size.status();
  return std::make_unique<BlobFile>(*std::move(file), *size);
}

void Runner::SetRevoked(std::vector<std::string> serials) {
  std::set<std::string> names;
  {
    const std::lock_guard lock(revoked_mutex_);
    revoked_ = {serials.begin(), serials.end()};
    for (const std::string& serial : revoked_) {
      const auto found = names_by_serial_.find(serial);
      if (found == names_by_serial_.end()) continue;
      // Whoever came with a newer certificate since keeps that one's work.
      for (const std::string& name : found->second) {
        if (revoked_.contains(newest_serial_.at(name))) names.insert(name);
      }
      names_by_serial_.erase(found);
    }
  }
  for (const Session& session : sessions_.All()) {
    if (!IsRevoked(session.identity.serial)) {
      names.erase(session.identity.name);
      continue;
    }
    names.insert(session.identity.name);
    if (sessions_.Remove(session.id)) {
      CountRefusal(round::Refusal::kRevoked);
      Log(Level::kWarning, "client revoked",
          {{"client", session.identity.name},
           {"serial", session.identity.serial}});
      session.peer->Close(
          absl::PermissionDeniedError("revoked: the certificate was revoked"));
    }
  }
  if (names.empty()) return;
  Post([this, names = std::move(names)] {
    for (const auto& [population, run] : latest_) {
      for (const std::string& name : names) {
        if (!run->IsOver()) Happen(*run, round::ClientRevoked{{name}});
      }
    }
  });
}

bool Runner::IsRevoked(const std::string& serial) const {
  if (serial.empty()) return false;
  const std::lock_guard lock(revoked_mutex_);
  return revoked_.contains(serial);
}

void Runner::SetAuthority(std::shared_ptr<const secagg::Authority> authority) {
  const std::lock_guard lock(authority_mutex_);
  authority_ = std::move(authority);
}

std::shared_ptr<const secagg::Authority> Runner::authority() const {
  const std::lock_guard lock(authority_mutex_);
  return authority_;
}

void Runner::CountRefusal(round::Refusal reason) {
  metrics_.Count("tributary_refusals_total",
                 {{"reason", std::string(round::Name(reason))}});
}

// ---- Admin ----

absl::StatusOr<Digest> Runner::StoreBlob(const Source& source) {
  return disk_.blobs.Put(source);
}

absl::StatusOr<std::string> Runner::Await(
    std::function<absl::StatusOr<std::string>()> job) {
  if (absl::Status health = Health(); !health.ok()) {
    return absl::UnavailableError(
        absl::StrCat("paused: ", std::string(health.message())));
  }
  auto answer = std::make_shared<Answer>();
  std::future<Answer::Value> future = answer->future();
  Post([this, job = std::move(job), answer = std::move(answer)] {
    absl::StatusOr<std::string> value = job();
    replies_.push_back(
        [answer, value = std::move(value)] { answer->Set(value); });
  });
  // A disk that stays full must not hold the end of the process.
  std::chrono::milliseconds drained{0};
  while (future.wait_for(kAskPoll) != std::future_status::ready) {
    if (is_draining_ && (drained += kAskPoll) >= kAskWhileDraining) {
      return absl::UnavailableError(
          "the coordinator is stopping, and its disk does not answer");
    }
  }
  return future.get();
}

absl::StatusOr<v1::RunSummary> Runner::Ask(
    std::function<absl::StatusOr<std::string>()> job) {
  const absl::StatusOr<std::string> run = Await(std::move(job));
  if (!run.ok()) return run.status();
  absl::StatusOr<v1::RunDetail> detail = board_.Get(*run);
  if (!detail.ok()) return detail.status();
  return detail->summary();
}

v1::ListRunsReply Runner::ListRuns(const v1::ListRunsRequest& request) {
  return board_.List(request);
}

absl::StatusOr<v1::RunDetail> Runner::GetRun(const std::string& run) {
  return board_.Get(run);
}

absl::StatusOr<std::unique_ptr<Coordinator::Watch>> Runner::WatchRun(
    const std::string& run,
    std::function<void(const v1::RunDetail&)> callback) {
  auto watch = board_.Watch(run, std::move(callback));
  // Its first call comes from the engine thread, also while that retries.
  if (watch.ok()) {
    Post([this] { board_.Greet(); });
    queue_changed_.notify_one();
  }
  return watch;
}

absl::StatusOr<v1::RunSummary> Runner::StopRun(const std::string& run) {
  return Ask([this, run]() -> absl::StatusOr<std::string> {
    const auto found = runs_.find(run);
    if (found == runs_.end()) {
      if (board_.Get(run).ok()) {
        return absl::FailedPreconditionError(
            absl::StrCat("run \"", run, "\" is over already"));
      }
      return absl::NotFoundError(absl::StrCat("no run \"", run, "\""));
    }
    if (found->second->IsOver()) {
      return absl::FailedPreconditionError(
          absl::StrCat("run \"", run, "\" is over already"));
    }
    Happen(*found->second, round::StopRequested{});
    return run;
  });
}

absl::StatusOr<Digest> Runner::ModelOf(const std::string& run, int round) {
  return board_.Model(run, round);
}

v1::ListClientsReply Runner::ListClients(
    const v1::ListClientsRequest& request) {
  constexpr std::size_t kLargestLimit = 1000;
  const std::size_t limit =
      request.limit() == 0
          ? kLargestLimit
          : std::min<std::size_t>(request.limit(), kLargestLimit);
  v1::ListClientsReply reply;
  for (const store::ClientRow& row :
       clients_.List(request.after(), request.population(), limit)) {
    v1::ClientRecord& record = *reply.add_clients();
    record.set_name(row.client);
    record.set_population(row.population);
    record.set_role(static_cast<v1::Role>(row.role));
    record.set_connected(sessions_.IsConnected({row.client}));
    *record.mutable_last_seen() =
        google::protobuf::util::TimeUtil::MillisecondsToTimestamp(
            row.last_seen);
    record.set_accepted(row.accepted);
    record.set_refused(row.refused);
  }
  return reply;
}

absl::Status Runner::ReadLedger(
    const v1::ReadLedgerRequest& request,
    const std::function<bool(const v1::LedgerPage&)>& take) {
  if (request.after() > std::numeric_limits<std::int64_t>::max()) {
    return absl::InvalidArgumentError("after: no ledger is so long");
  }
  auto number = static_cast<std::int64_t>(request.after());
  v1::LedgerPage page;
  while (true) {
    const absl::StatusOr<std::string> entries =
        Await([this, number] { return EntriesAfter(number); });
    if (!entries.ok()) return entries.status();
    page.ParseFromString(*entries);
    if (page.entries().empty()) break;
    if (!take(page)) return absl::OkStatus();
    number += page.entries_size();
  }
  v1::Participation last;
  while (true) {
    const absl::StatusOr<std::string> clients =
        Await([this, last] { return ParticipationAfter(last); });
    if (!clients.ok()) return clients.status();
    page.ParseFromString(*clients);
    // An end that was cut off shows in what else the database holds, not here.
    if (page.participation().empty()) return ledger_.damage();
    if (!take(page)) return absl::OkStatus();
    last = *page.participation().rbegin();
  }
}

absl::StatusOr<std::string> Runner::EntriesAfter(std::int64_t number) {
  const auto rows = disk_.store->LedgerAfter(number, kLedgerPageBytes);
  if (!rows.ok()) return rows.status();
  v1::LedgerPage page;
  for (const store::LedgerRow& row : *rows) {
    if (!page.add_entries()->ParseFromString(row.entry)) {
      return absl::DataLossError(absl::StrCat(
          "entry ", row.seq, " of the ledger of privacy cannot be read"));
    }
  }
  return page.SerializeAsString();
}

absl::StatusOr<std::string> Runner::ParticipationAfter(
    const v1::Participation& last) {
  const auto rows = disk_.store->ParticipationAfter(
      last.population(), last.client(), kLedgerPageClients);
  if (!rows.ok()) return rows.status();
  v1::LedgerPage page;
  for (const store::ParticipationRow& row : *rows) {
    v1::Participation& one = *page.add_participation();
    one.set_population(row.population);
    one.set_client(row.client);
    one.set_rounds(static_cast<std::uint64_t>(row.rounds));
  }
  return page.SerializeAsString();
}

// ---- Operations ----

std::vector<Metric> Runner::Metrics() const {
  std::vector<Metric> metrics = metrics_.All();
  const auto add = [&](const std::string& name, double value) {
    metrics.push_back(MetricBook::Describe(name, {}, value));
  };
  add("tributary_connected_clients", static_cast<double>(sessions_.size()));
  add("tributary_uploads_in_flight", desk_.in_flight());
  add("tributary_uploads_queued", desk_.queued());
  add("tributary_privacy_ledger_intact", ledger_.damage().ok() ? 1 : 0);
  add("tributary_healthy", health_.IsFine() ? 1 : 0);
  return metrics;
}

absl::Status Runner::Health() const { return health_.Get(); }

void Runner::Drain(std::chrono::milliseconds limit) {
  is_draining_ = true;
  auto drained = std::make_shared<std::promise<void>>();
  std::future<void> done = drained->get_future();
  // Whoever waits is not asked any more; what is out may come in.
  Post([this, drained] {
    for (const auto& [name, run] : runs_) {
      if (!run->IsOver()) Happen(*run, round::Restarted{});
    }
    replies_.push_back([drained] { drained->set_value(); });
  });
  const auto until = std::chrono::steady_clock::now() + limit;
  if (done.wait_until(until) != std::future_status::ready) return;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      until - std::chrono::steady_clock::now());
  (void)desk_.WaitIdle(std::max(left, std::chrono::milliseconds(0)));
}

}  // namespace tributary::coordinator
