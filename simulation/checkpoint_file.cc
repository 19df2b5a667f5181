// SPDX-License-Identifier: Apache-2.0
#include "simulation/checkpoint_file.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/checkpoint/assign.h"
#include "coordinator/checkpoint/fields.h"
#include "coordinator/checkpoint/snapshot.h"
#include "simulation/journal_message.h"
#include "simulation/sealed_file.h"
#include "tributary/v1/simulation_checkpoint.pb.h"

namespace tributary::simulation {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kVersion = 2;
constexpr std::uint32_t kMostClientFiles = 65536;

fs::path FolderOf(const fs::path& results) { return results / "checkpoint"; }
fs::path RunFileOf(const fs::path& results) {
  return FolderOf(results) / "run";
}
std::string ClientPrefix(std::uint64_t events) {
  return absl::StrCat("clients-", events, "-");
}
fs::path ClientsFileOf(const fs::path& results, std::uint64_t events,
                       ClientFile file) {
  return FolderOf(results) /
         absl::StrCat(ClientPrefix(events), file.index, "-of-", file.of);
}

absl::Status InFile(const fs::path& file, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(file.string(), ": ", status.message()));
}

std::span<const std::byte> BytesOf(const std::vector<float>& values) {
  return std::as_bytes(std::span(values));
}

absl::StatusOr<std::vector<float>> ReadFloats(SealedReader& file,
                                              std::uint64_t length) {
  if (length > file.remaining() / sizeof(float)) {
    return Damaged("it ends early");
  }
  std::vector<float> values(length);
  if (auto read = file.Read(std::as_writable_bytes(std::span(values)));
      !read.ok()) {
    return read;
  }
  return values;
}

v1::SimulationCheckpoint MessageOf(const RunIdentity& identity,
                                   const Simulation& simulation,
                                   int client_files) {
  v1::SimulationCheckpoint message;
  message.set_version(kVersion);
  *message.mutable_run() = MessageOf(identity);
  message.set_events(simulation.events());
  *message.mutable_engine() = checkpoint::ToMessage(simulation.state());
  *message.mutable_journal() = ToMessage(simulation.journal().contents());
  for (const auto& model : simulation.models()) {
    v1::StoredModel& stored = *message.add_models();
    stored.set_id(checkpoint::FromModel(model->id));
    stored.set_weights(model->weights.size());
    stored.set_auxiliary(model->auxiliary.size());
  }
  for (const auto& vector : simulation.optimizer_state()) {
    message.add_optimizer_state(vector.size());
  }
  message.set_client_files(static_cast<std::uint32_t>(client_files));
  return message;
}

// Others than those of the checkpoint that counts, and what was never sealed.
void RemoveOldClientFiles(const fs::path& results, std::uint64_t events) {
  std::error_code ignored;
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(FolderOf(results), ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("clients-") &&
        !name.starts_with(ClientPrefix(events))) {
      old.push_back(entry.path());
    }
  }
  for (const fs::path& file : old) fs::remove(file, ignored);
}

absl::Status ReadStates(SealedReader& file, ClientStates& states) {
  std::uint64_t number = 0;
  TRIBUTARY_ASSIGN(number, file.ReadNumber());
  for (std::uint64_t i = 0; i < number; ++i) {
    std::uint64_t client = 0;
    std::uint64_t length = 0;
    std::string bytes;
    TRIBUTARY_ASSIGN(client, file.ReadNumber());
    TRIBUTARY_ASSIGN(length, file.ReadNumber());
    TRIBUTARY_ASSIGN(bytes, file.ReadText(length));
    auto state = ParseClientState(bytes);
    if (!state.ok()) return state.status();
    if (!states.emplace(client, *std::move(state)).second) {
      return Damaged(absl::StrCat("client ", client, " has two states"));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadClientStates(const fs::path& path, Checkpoint& to) {
  auto file = SealedReader::Open(path);
  if (!file.ok()) return file.status();
  for (ClientStates* states : {&to.states, &to.unconfirmed}) {
    if (auto read = ReadStates(*file, *states); !read.ok()) return read;
  }
  return file->remaining() == 0 ? absl::OkStatus()
                                : Damaged("it goes on after its end");
}

// In the clients' order: equal states have equal bytes.
absl::Status WriteStates(SealedWriter& file, const ClientStates& states) {
  std::vector<std::size_t> clients;
  clients.reserve(states.size());
  for (const auto& [client, state] : states) clients.push_back(client);
  std::sort(clients.begin(), clients.end());
  absl::Status written = file.WriteNumber(clients.size());
  for (const std::size_t client : clients) {
    const std::string state = Serialise(states.at(client));
    written.Update(file.WriteNumber(client));
    written.Update(file.WriteNumber(state.size()));
    written.Update(file.Write(state));
    if (!written.ok()) break;
  }
  return written;
}

absl::StatusOr<v1::SimulationCheckpoint> ReadMessage(SealedReader& file) {
  std::uint64_t length = 0;
  std::string text;
  TRIBUTARY_ASSIGN(length, file.ReadNumber());
  TRIBUTARY_ASSIGN(text, file.ReadText(length));
  v1::SimulationCheckpoint message;
  if (!message.ParseFromString(text)) {
    return Damaged("it holds no SimulationCheckpoint");
  }
  if (message.version() != kVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("it is a checkpoint of version ", message.version(),
                     "; this program reads version ", kVersion));
  }
  if (message.client_files() < 1 || message.client_files() > kMostClientFiles) {
    return Damaged("the number of its files of states");
  }
  return message;
}

absl::StatusOr<Checkpoint> ReadParts(SealedReader& file,
                                     const v1::SimulationCheckpoint& message) {
  Checkpoint to;
  to.events = message.events();
  TRIBUTARY_ASSIGN(to.engine, checkpoint::FromMessage(message.engine()));
  TRIBUTARY_ASSIGN(to.journal, FromMessage(message.journal()));
  for (const v1::StoredModel& from : message.models()) {
    StoredModel model;
    TRIBUTARY_ASSIGN(model.id, checkpoint::ToModel(from.id()));
    TRIBUTARY_ASSIGN(model.weights, ReadFloats(file, from.weights()));
    TRIBUTARY_ASSIGN(model.auxiliary, ReadFloats(file, from.auxiliary()));
    to.models.push_back(std::move(model));
  }
  for (const std::uint64_t length : message.optimizer_state()) {
    std::vector<float> vector;
    TRIBUTARY_ASSIGN(vector, ReadFloats(file, length));
    to.optimizer_state.push_back(std::move(vector));
  }
  if (file.remaining() > 0) return Damaged("it goes on after its end");
  return to;
}

// All but the clients' states, which lie in `client_files` files.
absl::StatusOr<Checkpoint> ReadRun(const fs::path& path,
                                   const RunIdentity& identity,
                                   int& client_files) {
  auto file = SealedReader::Open(path);
  if (!file.ok()) return file.status();
  const auto message = ReadMessage(*file);
  if (!message.ok()) return message.status();
  const auto was = IdentityIn(message->run());
  if (!was.ok()) return was.status();
  if (auto same = CheckSame(*was, identity); !same.ok()) return same;
  client_files = static_cast<int>(message->client_files());
  return ReadParts(*file, *message);
}

}  // namespace

bool HasCheckpoint(const fs::path& results) {
  std::error_code ignored;
  return fs::exists(RunFileOf(results), ignored);
}

absl::Status NoCheckpoint(const fs::path& results) {
  return absl::NotFoundError(
      absl::StrCat(RunFileOf(results).string(),
                   ": not found; the run is finished, or ended before its "
                   "first checkpoint"));
}

absl::Status RemoveCheckpoint(const fs::path& results) {
  std::error_code error;
  // First what makes it one.
  fs::remove(RunFileOf(results), error);
  if (!error) fs::remove_all(FolderOf(results), error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      FolderOf(results).string(), ": cannot be removed: ", error.message()));
}

absl::Status SaveClientStates(const fs::path& results,
                              const Simulation& simulation, ClientFile part) {
  std::error_code error;
  fs::create_directories(FolderOf(results), error);
  if (error) {
    return absl::UnavailableError(absl::StrCat(
        FolderOf(results).string(), ": cannot be made: ", error.message()));
  }
  auto file =
      SealedWriter::Create(ClientsFileOf(results, simulation.events(), part));
  if (!file.ok()) return file.status();
  absl::Status written = WriteStates(*file, simulation.client_states());
  if (written.ok()) {
    written = WriteStates(*file, simulation.unconfirmed_states());
  }
  return written.ok() ? file->Seal() : written;
}

absl::Status SaveRun(const fs::path& results, const RunIdentity& identity,
                     const Simulation& simulation, int client_files) {
  const auto message = MessageOf(identity, simulation, client_files);
  if (message.ByteSizeLong() >
      static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return absl::ResourceExhaustedError(absl::StrCat(
        RunFileOf(results).string(), ": the run's journal is over 2 GiB"));
  }
  auto file = SealedWriter::Create(RunFileOf(results));
  if (!file.ok()) return file.status();
  const std::string text = message.SerializeAsString();
  absl::Status written = file->WriteNumber(text.size());
  written.Update(file->Write(text));
  for (const auto& model : simulation.models()) {
    written.Update(file->Write(BytesOf(model->weights)));
    written.Update(file->Write(BytesOf(model->auxiliary)));
  }
  for (const auto& vector : simulation.optimizer_state()) {
    written.Update(file->Write(BytesOf(vector)));
  }
  if (written.ok()) written = file->Seal();
  if (written.ok()) RemoveOldClientFiles(results, simulation.events());
  return written;
}

absl::StatusOr<Checkpoint> LoadCheckpoint(const fs::path& results,
                                          const RunIdentity& identity) {
  const fs::path path = RunFileOf(results);
  if (!HasCheckpoint(results)) return NoCheckpoint(results);
  int files = 0;
  auto loaded = ReadRun(path, identity, files);
  if (!loaded.ok()) return InFile(path, loaded.status());
  for (int i = 0; i < files; ++i) {
    const auto clients = ClientsFileOf(results, loaded->events, {i, files});
    if (auto read = ReadClientStates(clients, *loaded); !read.ok()) {
      return InFile(clients, read);
    }
  }
  return loaded;
}

}  // namespace tributary::simulation
