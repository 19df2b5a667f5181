// SPDX-License-Identifier: Apache-2.0
// The Coordinator's one implementation. Entry points run on the caller's
// thread, check what can be checked there, and post the rest to the engine
// thread, which turns it into events, commits batches of them, and performs
// their effects.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/runner/aggregator_book.h"
#include "coordinator/runner/client_book.h"
#include "coordinator/runner/coordinator.h"
#include "coordinator/runner/health.h"
#include "coordinator/runner/ledger_book.h"
#include "coordinator/runner/metric_book.h"
#include "coordinator/runner/run.h"
#include "coordinator/runner/run_board.h"
#include "coordinator/runner/sessions.h"
#include "coordinator/runner/upload_desk.h"
#include "coordinator/runner/work_pool.h"
#include "coordinator/store/blobs.h"
#include "coordinator/store/folder_lock.h"
#include "coordinator/store/spool.h"
#include "coordinator/store/store.h"

namespace tributary::coordinator {

class Runner final : public Coordinator, private UploadListener {
 public:
  // What Open has opened.
  struct Disk {
    store::FolderLock lock;
    std::unique_ptr<store::Store> store;
    store::Blobs blobs;
    std::unique_ptr<store::Spool> spool;
    std::vector<store::ClientRow> clients;
    std::vector<store::AggregatorRow> aggregators;
  };
  Runner(const Options& options, Disk disk);
  ~Runner() override;

  // Brings back every run of the database. Before Start.
  absl::Status Resume();
  void Start();

  absl::StatusOr<StreamId> Join(const Identity& identity,
                                const v1::Hello& hello,
                                std::shared_ptr<Peer> peer) override;
  void Receive(StreamId stream, const v1::ClientMessage& message) override;
  void Leave(StreamId stream) override;
  absl::StatusOr<std::unique_ptr<Upload>> OpenUpload(
      const Identity& identity, const v1::UploadHeader& header) override;
  absl::StatusOr<std::unique_ptr<ModelFile>> OpenModel(
      const Digest& digest) override;
  void SetRevoked(std::vector<std::string> serials) override;
  bool IsRevoked(const std::string& serial) const override;
  void SetAuthority(
      std::shared_ptr<const secagg::Authority> authority) override;
  void CountRefusal(round::Refusal reason) override;

  absl::StatusOr<Digest> StoreBlob(const Source& source) override;
  absl::StatusOr<v1::RunSummary> Submit(const v1::Plan& plan,
                                        const Digest& weights,
                                        const Digest* archive) override;
  v1::ListRunsReply ListRuns(const v1::ListRunsRequest& request) override;
  absl::StatusOr<v1::RunDetail> GetRun(const std::string& run) override;
  absl::StatusOr<std::unique_ptr<Watch>> WatchRun(
      const std::string& run,
      std::function<void(const v1::RunDetail&)> callback) override;
  absl::StatusOr<v1::RunSummary> StopRun(const std::string& run) override;
  absl::StatusOr<Digest> ModelOf(const std::string& run, int round) override;
  v1::ListClientsReply ListClients(
      const v1::ListClientsRequest& request) override;
  absl::Status ReadLedger(
      const v1::ReadLedgerRequest& request,
      const std::function<bool(const v1::LedgerPage&)>& take) override;

  absl::Status TakeTask(const v1::Task& task, std::vector<std::string> without,
                        std::shared_ptr<TaskListener> listener) override;
  absl::Status SumCounts(const TaskName& task) override;
  absl::Status EndTask(const TaskName& task) override;

  std::vector<Metric> Metrics() const override;
  absl::Status Health() const override;
  void Drain(std::chrono::milliseconds limit) override;

 private:
  using Job = std::function<void()>;
  using Fields = std::vector<std::pair<std::string, std::string>>;
  using Level = LogEvent::Level;

  // UploadListener
  bool SendGrant(const UploadKey& key, std::uint64_t offset) override;
  void UploadEnded(UploadResult result) override;
  void UploadReceived(std::size_t bytes) override;
  void SpoolFailed(const absl::Status& status) override;

  void Log(Level level, const std::string& message, Fields fields) const;
  void Post(Job job);
  // Waits for the answer of a job on the engine thread, and for what it changed
  // to be durable.
  absl::StatusOr<std::string> Await(
      std::function<absl::StatusOr<std::string>()> job);
  // The same of a job that answers with the name of a run.
  absl::StatusOr<v1::RunSummary> Ask(
      std::function<absl::StatusOr<std::string>()> job);
  // Pages of the ledger, serialised: on the engine thread, the database's.
  absl::StatusOr<std::string> EntriesAfter(std::int64_t number);
  absl::StatusOr<std::string> ParticipationAfter(const v1::Participation& last);
  v1::ServerMessage IdleWindow() const;
  // Null until the first SetAuthority.
  std::shared_ptr<const secagg::Authority> authority() const;
  absl::Status CheckPromises(const v1::Plan& plan) const;
  // Calibrates the noise of a private plan; the releases that its budgets pay
  // for, none without privacy.
  absl::StatusOr<std::optional<int>> Afford(v1::Plan& plan,
                                            const Manifest& manifest) const;
  // What follows from a session that is removed: the engine hears of it.
  void NoteGone(Session closed);

  // ---- the engine thread: engine_thread.cc ----
  void Loop();
  std::deque<Job> TakeJobs();
  SteadyTime NextWake() const;
  void Tick();
  bool Commit();
  void ShowHealth();
  void At(SteadyTime when, Job job);
  void Happen(Run& run, const round::Event& event);
  // If the update that has arrived is to count in the model after the one that
  // is being made.
  void KeepForNext(Run& run, const UploadKey& key);
  // note_sums.cc: what a step says of partial sums, for the log and for those
  // that are refused.
  void NoteSums(Run& run, const round::Event& event,
                const round::Effect& effect);

  // ---- events: handle.cc ----
  Run* RunOf(const std::string& population);
  // The hello of an aggregator: it is welcome once that is durable.
  void WelcomeLater(StreamId stream, const std::string& aggregator,
                    std::uint64_t stored);
  // False: another stream of the aggregator is heard, and this one closed.
  bool Hear(const Session& session);
  bool IsEpochOver(const round::ClientId& aggregator,
                   const round::Contribution& contribution) const;
  void Handle(const Session& session, const v1::ClientMessage& message);
  void HandleCheckIn(const Session& session);
  void HandleUpdateReady(const Session& session,
                         const v1::UpdateHeader& header);
  void HandleEvaluation(const Session& session,
                        const v1::EvaluationResult& result);
  void HandleTaskFailed(const Session& session, const v1::TaskFailed& failed);
  void RefuseMessage(const Session& session, const std::string& why);
  void Arrived(UploadResult result);
  void ProbeSpool();
  void SyncFailed(const UploadKey& key, const absl::Status& status);
  absl::StatusOr<std::string> Begin(const store::RunRow& row,
                                    std::shared_ptr<const ModelFormat> format,
                                    std::int64_t earlier_debits);
  // A run that begins, as its row says.
  absl::Status Enter(std::unique_ptr<Run> run, const store::RunRow& row,
                     std::shared_ptr<const ModelFormat> format);
  void FailRun(Run& run, const std::string& why);
  void CountRuns();

  // ---- effects: perform.cc ----
  void Perform(Run& run, const round::Effect& effect);
  void Do(Run& run, const round::OfferTask& effect);
  void Do(Run& run, const round::ComeBack& effect);
  void Do(Run& run, const round::GrantUpload& effect);
  void Do(Run& run, const round::AcceptUpdate& effect);
  void Do(Run& run, const round::AcknowledgeAgain& effect);
  void Do(Run& run, const round::Refuse& effect);
  void Do(Run& run, const round::CancelTask& effect);
  void Do(Run& run, const round::AcceptEvaluation& effect);
  void Do(Run& run, const round::OpenRound& effect);
  void Do(Run& run, const round::CloseSecureStep& effect);
  void Do(Run& run, const round::ReleaseRound& effect);
  void ShowPrivacy(Run& run);
  // Whether the attempt is in the ledger; the run fails if it is not.
  bool IsPaid(Run& run, int round);
  void Do(Run& run, const round::CommitRound& effect);
  void Do(Run& run, const round::AbandonRound& effect);
  void Do(Run& run, const round::QuarantineClient& effect);
  void CountQuarantined(const Run& run);
  void Do(Run& run, const round::EndRun& effect);
  void Do(Run& run, const round::WakeAt& effect);
  void Fold(Run& run, SpooledUpdate update, std::uint64_t weight);
  void StartFold(Run& run, std::shared_ptr<UpdateFold> fold);
  void FoldDone(Run& run, const std::shared_ptr<UpdateFold>& fold,
                const absl::Status& status);
  void ReleaseIfFolded(Run& run);
  void MakeModel(Run& run, aggregation::ExactSum&& sum);
  void StartRelease(Run& run);
  void ReleaseDone(Run& run, int round, const absl::StatusOr<Digest>& model);
  void ForgetRound(Run& run);
  void RemoveUnkeptBlobs(const std::set<Digest>& candidates);
  std::filesystem::path StateFolder(const Run& run) const;

  // ---- runs of an aggregator: child_run.cc ----
  struct GivenTask {
    v1::Task task;
    Digest model;
    std::shared_ptr<const ModelFormat> format;
    std::set<round::ClientId> without;
    std::shared_ptr<TaskListener> listener;
  };
  absl::StatusOr<std::string> Take(const GivenTask& given);
  absl::Status BeginChild(const GivenTask& given);
  void KeepTaskModel(Run& run, int round, const Digest& model);
  // Of those that are to be in it.
  void SumAgain(Run& run);
  static bool IsWithout(const Run& run, const round::ClientId& client,
                        const round::Participant& participant);
  // Once all is folded: writes the sum, or says again where it is.
  void HandUp(Run& run);
  void WriteSumFile(Run& run, round::LeafSet leaves, double loss);
  void SumWritten(Run& run, const round::LeafSet& leaves, double loss,
                  const absl::StatusOr<SumFile>& made);
  static void DropSumFile(Run& run);
  void NoteHandedUp(const Run& run, const round::CommitRound& effect) const;
  // If somebody waits for the sum of this attempt.
  static void GiveUp(Run& run, const std::string& reason);

  // ---- packed updates and their secure sessions: secure.cc ----
  absl::Status MakePackedRound(Run& run);
  absl::Status BeginSession(Run& run, const round::OpenRound& effect);
  void OpenPacked(Run& run, const round::OpenRound& effect);
  void HandleSecure(const Session& session,
                    const v1::SecureClientMessage& message);
  void FoldInputs(Run& run);
  // Those of the present step; how many bytes.
  std::size_t SendSessionMessages(Run& run, const round::ClientId& client);
  // Some of those that a step begins with, and the rest in turn with whatever
  // else there is to do.
  void SendStepMessages(Run& run,
                        const std::shared_ptr<StepMessages>& messages);
  // `kind` is counted, the reason is for people.
  void AbandonSession(Run& run, const std::string& kind, int count,
                      const std::string& reason);
  void CountAbandonedSession(const Run& run);
  void FinishPacked(Run& run);
  void FinishDone(Run& run, absl::StatusOr<FinishedSum>& finished);

  // ---- rounds under a robust rule: robust.cc ----
  void ApplyRule(Run& run);
  void StartRule(Run& run);
  void RuleDone(Run& run, absl::StatusOr<RobustResult>& result);

  // ---- after a restart: resume.cc ----
  // A run as the state folder has it, before it goes on.
  struct Past {
    store::RunRow row;
    std::unique_ptr<Run> run;
    std::vector<store::RoundRow> rounds;
    absl::Status status;  // why it cannot
  };
  absl::StatusOr<Past> Recall(const store::RunRow& row);
  static std::int64_t DebitsOf(const Past& past);
  absl::Status ResumeRun(Past past);
  absl::Status Replay(Run& run, const store::RunRow& row, const Key& key);
  absl::Status FoldAgain(Run& run);
  absl::Status GiveSpoolBack(const Run& run);
  void Publish(const Run& run);
  void ShowNew(const Run& run, const store::RunRow& row);

  const Options options_;
  const SteadyClock clock_;
  Disk disk_;
  HealthBook health_;
  MetricBook metrics_;
  ClientBook clients_;
  AggregatorBook aggregators_;  // the engine thread's own
  LedgerBook ledger_;
  RunBoard board_;
  Sessions sessions_;
  std::atomic<bool> is_draining_ = false;

  mutable std::mutex revoked_mutex_;
  std::set<std::string> revoked_;
  std::map<std::string, std::set<std::string>> names_by_serial_;
  std::map<std::string, std::string> newest_serial_;  // by name

  mutable std::mutex authority_mutex_;
  std::shared_ptr<const secagg::Authority> authority_;

  // The engine thread's own.
  std::map<std::string, std::unique_ptr<Run>> runs_;
  std::map<std::string, Run*> latest_;  // by population
  std::int64_t runs_submitted_ = 0;
  int sums_written_ = 0;
  store::Batch batch_;
  std::vector<Job> outbox_;   // after the commit, in order
  std::set<Run*> changed_;    // to be published
  std::vector<Job> replies_;  // after that
  std::multimap<SteadyTime, Job> timers_;
  SteadyTime last_expiry_{};
  bool is_probing_ = false;

  std::mutex queue_mutex_;
  std::condition_variable queue_changed_;
  std::deque<Job> queue_;
  bool is_stopping_ = false;

  UploadDesk desk_;
  WorkPool pool_;
  std::thread thread_;
};

}  // namespace tributary::coordinator
