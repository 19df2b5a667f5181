// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/runner/federation.h"

#include <utility>

#include "coordinator/checkpoint/plan_options.h"
#include "coordinator/checkpoint/snapshot.h"
#include "coordinator/round/engine.h"
#include "coordinator/runner/first_model.h"
#include "coordinator/store/store.h"
#include "privacy/crypto/random.h"
#include "proto/codec/yaml.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

constexpr std::chrono::seconds kPatience{30};

// Keeps the mailroom, for a coordinator may outlive what the test looks at.
class MailPeer final : public coordinator::Peer {
 public:
  MailPeer(std::string client, std::shared_ptr<Mailroom> mail)
      : client_(std::move(client)), mail_(std::move(mail)) {}
  void Send(const v1::ServerMessage& message) override {
    mail_->Put({client_, message, absl::OkStatus()});
  }
  void Close(const absl::Status& status) override {
    mail_->Put({client_, {}, status});
  }
  bool IsWriting() const override { return false; }

 private:
  std::string client_;
  std::shared_ptr<Mailroom> mail_;
};

}  // namespace

void Mailroom::Put(Letter letter) {
  if (overhear) overhear(letter);
  {
    const std::lock_guard lock(mutex_);
    letters_.push_back(std::move(letter));
  }
  changed_.notify_all();
}

std::optional<Letter> Mailroom::Take(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, limit, [this] { return !letters_.empty(); })) {
    return std::nullopt;
  }
  Letter letter = std::move(letters_.front());
  letters_.pop_front();
  return letter;
}

Letter Mailroom::Await(const std::function<bool(const Letter&)>& wanted) {
  while (true) {
    std::optional<Letter> letter = Take(kPatience);
    if (!letter) FAIL("a letter that should come did not");
    if (wanted(*letter)) return *std::move(letter);
  }
}

std::vector<std::string> ClientNames(int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) {
    names.push_back("client-" + std::to_string(i));
  }
  return names;
}

Federation::Federation(int fold_threads) : mail_(std::make_shared<Mailroom>()) {
  options_.state_folder = (folder_.path() / "state").string();
  options_.fold_threads = fold_threads;
  options_.idle_earliest = std::chrono::milliseconds(1);
  options_.idle_latest = std::chrono::milliseconds(2);
  Open();
}

Federation::~Federation() = default;

void Federation::Open() {
  auto opened = coordinator::Coordinator::Open(options_);
  INFO(opened.status().ToString());
  REQUIRE(opened.ok());
  coordinator_ = *std::move(opened);
}

void Federation::Close() {
  coordinator_.reset();
  streams_.clear();
  mail_ = std::make_shared<Mailroom>();
}

void Federation::SetClock(
    std::function<std::chrono::steady_clock::time_point()> clock) {
  Close();
  options_.clock = std::move(clock);
  Open();
}

Digest Federation::StoreFirstModel() {
  bool is_given = false;
  const auto model = coordinator_->StoreBlob([&]() -> std::string {
    return std::exchange(is_given, true) ? "" : FirstModel();
  });
  REQUIRE(model.ok());
  return *model;
}

std::string Federation::Submit(const v1::Plan& plan) {
  const auto run = coordinator_->Submit(plan, StoreFirstModel(), nullptr);
  INFO(run.status().ToString());
  REQUIRE(run.ok());
  return run->run();
}

std::string Federation::Begin(const v1::Plan& plan) {
  const v1::Plan effective = codec::WithDefaults(plan);
  const auto options = checkpoint::ToOptions(effective);
  INFO(options.status().ToString());
  REQUIRE(options.ok());
  const Key key = KeyFromSeed(effective.seed());
  store::RunRow row;
  row.run = "begun-1";
  row.number = 1;
  row.plan = effective.SerializeAsString();
  row.key = std::string(key.begin(), key.end());
  row.state = v1::RUNNING;
  const Digest given = StoreFirstModel();
  Close();
  {
    const auto blobs = store::Blobs::Open(
        std::filesystem::path(options_.state_folder) / "blobs");
    REQUIRE(blobs.ok());
    const auto first = coordinator::MakeFirstModel(*blobs, given, effective);
    REQUIRE(first.ok());
    row.first_model = *first;
    const round::Engine engine(*options, key, row.first_model);
    auto store = store::Store::Open(options_.state_folder);
    REQUIRE(store.ok());
    REQUIRE((*store)
                ->Commit({store::AddRun{row},
                          store::KeepModel{row.run, 0, row.first_model},
                          store::SaveSnapshot{row.run,
                                              {.seq = 0,
                                               .state = checkpoint::EncodeState(
                                                   engine.state())}}})
                .ok());
  }
  Open();
  return row.run;
}

void Federation::Settle() {
  // The engines' thread answers once the effects of a batch of events are
  // performed. These may be events in their turn: one step of a secure session
  // that is closed, and what comes of it.
  constexpr int kMostInARow = 4;
  for (int i = 0; i < kMostInARow; ++i) {
    REQUIRE(absl::IsNotFound(coordinator_->StopRun("no such run").status()));
  }
}

v1::RunDetail Federation::Show(const std::string& run) {
  const auto detail = coordinator_->GetRun(run);
  REQUIRE(detail.ok());
  return *detail;
}

std::string Federation::ModelBytes(const Digest& digest) {
  auto file = coordinator_->OpenModel(digest);
  REQUIRE(file.ok());
  std::string bytes((*file)->size(), '\0');
  const auto count =
      (*file)->Read(0, std::as_writable_bytes(std::span<char>(bytes)));
  REQUIRE(count.ok());
  REQUIRE(*count == bytes.size());
  return bytes;
}

std::string Federation::ModelBytes(const std::string& run, int round) {
  const auto digest = coordinator_->ModelOf(run, round);
  INFO(digest.status().ToString());
  REQUIRE(digest.ok());
  return ModelBytes(*digest);
}

double Federation::MetricOf(const std::string& name,
                            const std::map<std::string, std::string>& labels) {
  for (const coordinator::Metric& metric : coordinator_->Metrics()) {
    if (metric.name == name && metric.labels == labels) return metric.value;
  }
  return 0;
}

void Federation::Join(const std::string& client, const std::string& population,
                      v1::Role role, const std::string& serial) {
  v1::Hello hello;
  hello.set_population(population);
  Join({.name = client, .role = role, .serial = serial}, hello);
}

void Federation::JoinAggregator(const std::string& aggregator,
                                std::uint64_t session,
                                const std::string& population) {
  v1::Hello hello;
  hello.set_population(population);
  hello.set_session(session);
  Join({.name = aggregator, .role = v1::AGGREGATOR, .serial = ""}, hello);
}

void Federation::Join(const coordinator::Identity& identity,
                      const v1::Hello& hello) {
  v1::Hello complete = hello;
  complete.set_min_wire_version(1);
  complete.set_max_wire_version(1);
  const auto stream = coordinator_->Join(
      identity, complete, std::make_shared<MailPeer>(identity.name, mail_));
  REQUIRE(stream.ok());
  identities_[identity.name] = identity;
  streams_[identity.name] = *stream;
}

void Federation::Leave(const std::string& client) {
  coordinator_->Leave(streams_.at(client));
}

void Federation::Say(const std::string& client,
                     const v1::ClientMessage& message) {
  coordinator_->Receive(streams_.at(client), message);
}

void Federation::CheckIn(const std::string& client) {
  v1::ClientMessage message;
  message.mutable_check_in();
  Say(client, message);
}

void Federation::Announce(const std::string& client,
                          const v1::UpdateHeader& header) {
  v1::ClientMessage message;
  *message.mutable_update_ready()->mutable_header() = header;
  Say(client, message);
}

absl::Status Federation::Upload(const std::string& client,
                                const TestUpdate& update,
                                std::uint64_t offset) {
  v1::UploadHeader header;
  header.set_task_token(update.header.task_token());
  header.set_offset(offset);
  auto upload = coordinator_->OpenUpload(identities_.at(client), header);
  if (!upload.ok()) return upload.status();
  // An odd size, so that values are cut.
  constexpr std::size_t kPiece = 100'003;
  const auto bytes = std::as_bytes(std::span<const char>(update.bytes));
  for (std::size_t at = offset; at < bytes.size(); at += kPiece) {
    const absl::Status written = (*upload)->Write(
        bytes.subspan(at, std::min(kPiece, bytes.size() - at)));
    if (!written.ok()) return written;
  }
  return (*upload)->Finish();
}

v1::Task Federation::AwaitTask(const std::string& client) {
  return mail_
      ->Await([&](const Letter& letter) {
        return letter.to == client && letter.message.has_task();
      })
      .message.task();
}

v1::UploadGrant Federation::AwaitGrant(const std::string& client) {
  return mail_
      ->Await([&](const Letter& letter) {
        return letter.to == client && letter.message.has_upload_grant();
      })
      .message.upload_grant();
}

v1::Verdict Federation::AwaitVerdict(const std::string& client) {
  return mail_
      ->Await([&](const Letter& letter) {
        return letter.to == client && letter.message.has_verdict();
      })
      .message.verdict();
}

v1::Verdict Federation::Return(const std::string& client,
                               const TestUpdate& update) {
  Announce(client, update.header);
  const Letter answer = mail_->Await([&](const Letter& letter) {
    return letter.to == client &&
           (letter.message.has_upload_grant() || letter.message.has_verdict());
  });
  if (answer.message.has_verdict()) return answer.message.verdict();
  (void)Upload(client, update, answer.message.upload_grant().offset());
  return AwaitVerdict(client);
}

void Federation::React(const Letter& letter) {
  const std::string& client = letter.to;
  switch (letter.message.kind_case()) {
    case v1::ServerMessage::kTask: {
      const v1::Task& task = letter.message.task();
      at_work_[client] = MakeUpdate(task);
      made_[static_cast<int>(task.round())][client] = at_work_[client];
      by_token_[task.task_token()] = at_work_[client];
      Announce(client, at_work_[client].header);
      break;
    }
    case v1::ServerMessage::kUploadGrant: {
      const absl::Status uploaded = Upload(
          client, at_work_.at(client), letter.message.upload_grant().offset());
      // Wherever it broke off, announcing again is right.
      if (!uploaded.ok()) Announce(client, at_work_.at(client).header);
      break;
    }
    case v1::ServerMessage::kVerdict:
    case v1::ServerMessage::kCancel:
    case v1::ServerMessage::kComeBack:
      CheckIn(client);
      break;
    default:
      break;
  }
}

void Federation::ComeBack(const std::vector<std::string>& clients) {
  for (const std::string& client : clients) {
    Join(client);
    CheckIn(client);
  }
}

std::optional<Letter> Federation::NextLetter(const std::string& run) {
  constexpr std::chrono::milliseconds kGlance{100};
  for (auto waited = kGlance; waited <= kPatience; waited += kGlance) {
    const v1::RunState state = Show(run).summary().state();
    if (state != v1::RUNNING && state != v1::PAUSED) return std::nullopt;
    if (auto letter = mail_->Take(kGlance)) return letter;
  }
  FAIL("the run stands still");
  return std::nullopt;
}

void Federation::Drive(const std::string& run,
                       const std::vector<std::string>& clients,
                       const std::function<void(int)>& before) {
  ComeBack(clients);
  for (int number = 0;; ++number) {
    if (before) before(number);
    const std::optional<Letter> letter = NextLetter(run);
    if (!letter) return;
    React(*letter);
  }
}

std::vector<std::vector<TestUpdate>> Federation::Updates() const {
  std::vector<std::vector<TestUpdate>> rounds;
  for (const auto& [round, updates] : made_) {
    rounds.emplace_back();
    for (const auto& [client, update] : updates) {
      rounds.back().push_back(update);
    }
  }
  return rounds;
}

}  // namespace tributary::testing
