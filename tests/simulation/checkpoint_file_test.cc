// SPDX-License-Identifier: Apache-2.0
// Checkpoints on disk: what is read is what was saved, or refused.
#include "simulation/checkpoint_file.h"

#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>

#include "simulation/checkpoint_keeper.h"
#include "simulation/sealed_file.h"
#include "tests/simulation/virtual_federation.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

namespace fs = std::filesystem;
using enum absl::StatusCode;

FederationPlan Scaffold() {
  FederationPlan plan{.clients = 9, .cohort_size = 4, .rounds = 4};
  plan.change = [](v1::Plan& changed) {
    changed.mutable_strategy()->mutable_scaffold()->set_clients(9);
  };
  return plan;
}

class CheckpointFixture {
 public:
  CheckpointFixture() {
    std::string name =
        (fs::temp_directory_path() / "checkpoint-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    results = name;
  }
  ~CheckpointFixture() {
    std::error_code ignored;
    fs::remove_all(results, ignored);
  }

  // Saves the federation each time it is between rounds, and stops it there
  // for the n-th time; the first is before its first round.
  void RunUntil(int time) {
    VirtualFederation federation(Scaffold());
    REQUIRE(federation.created.ok());
    SaveEach each(*this, time);
    REQUIRE(federation.simulation->Run(each).ok());
  }
  absl::StatusOr<Checkpoint> Load() {
    return LoadCheckpoint(results, identity);
  }
  absl::StatusCode Loaded() { return Load().status().code(); }

  std::string Read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void Write(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
  }
  std::vector<fs::path> Files() {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(results / "checkpoint")) {
      files.push_back(entry.path());
    }
    return files;
  }

  fs::path results;
  RunIdentity identity{.software = "1.2.3",
                       .plan = "seed: 1\nsimulation: {workers: 1}\n",
                       .data = "sixteen bytes it",
                       .first_model = Sha256("first")};
  Checkpoint expected;

 private:
  class SaveEach final : public Intermission {
   public:
    SaveEach(CheckpointFixture& fixture, int until)
        : fixture_(fixture), until_(until) {}
    Wish Ask() override {
      return --until_ == 0 ? Wish::kSaveAndStop : Wish::kSave;
    }
    absl::Status Save(const Simulation& simulation) override {
      const fs::path& results = fixture_.results;
      auto saved = SaveClientStates(results, simulation, ClientFile{});
      saved.Update(SaveRun(results, fixture_.identity, simulation, 1));
      StopAt memory(0);
      saved.Update(memory.Save(simulation));
      fixture_.expected = *std::move(memory.saved);
      return saved;
    }

   private:
    CheckpointFixture& fixture_;
    int until_;
  };
};

TEST_CASE_METHOD(CheckpointFixture, "what is loaded is what was saved last") {
  CHECK(Loaded() == kNotFound);
  CHECK_FALSE(HasCheckpoint(results));
  RunUntil(4);
  CHECK(HasCheckpoint(results));
  CHECK(Files().size() == 2);
  const auto loaded = Load();
  INFO(loaded.status());
  REQUIRE(loaded.ok());
  CHECK(loaded->events == expected.events);
  CHECK(loaded->engine == expected.engine);
  CHECK(loaded->journal.updates == expected.journal.updates);
  CHECK(loaded->journal.releases == expected.journal.releases);
  CHECK(loaded->optimizer_state == expected.optimizer_state);
  CHECK((loaded->states == expected.states));
  CHECK((loaded->unconfirmed == expected.unconfirmed));
  CHECK_FALSE(expected.states.empty());
  CHECK_FALSE(expected.unconfirmed.empty());
  REQUIRE(loaded->models.size() == expected.models.size());
  CHECK(loaded->models.back().weights == expected.models.back().weights);

  VirtualFederation resumed(Scaffold());
  REQUIRE(resumed.simulation->Resume(*std::move(loaded)).ok());
  REQUIRE(resumed.Run().ok());
  VirtualFederation undisturbed(Scaffold());
  REQUIRE(undisturbed.Run().ok());
  CHECK(resumed.simulation->model().id == undisturbed.simulation->model().id);

  CHECK(RemoveCheckpoint(results).ok());
  CHECK_FALSE(fs::exists(results / "checkpoint"));
  CHECK(RemoveCheckpoint(results).ok());
}

TEST_CASE_METHOD(CheckpointFixture, "the states may lie in several files") {
  RunUntil(4);
  const auto whole = Load();
  REQUIRE(whole.ok());
  // As two processes leave them, one of which has nothing to keep.
  VirtualFederation federation(Scaffold());
  REQUIRE(federation.simulation->Resume(*whole).ok());
  REQUIRE(SaveClientStates(results, *federation.simulation, {0, 2}).ok());
  VirtualFederation stateless(Scaffold());
  Checkpoint none = *whole;
  none.states.clear();
  none.unconfirmed.clear();
  REQUIRE(stateless.simulation->Resume(none).ok());
  REQUIRE(SaveClientStates(results, *stateless.simulation, {1, 2}).ok());
  REQUIRE(SaveRun(results, identity, *federation.simulation, 2).ok());
  const auto loaded = Load();
  REQUIRE(loaded.ok());
  CHECK((loaded->states == expected.states));
  CHECK((loaded->unconfirmed == expected.unconfirmed));

  // The same client in both.
  REQUIRE(SaveClientStates(results, *federation.simulation, {1, 2}).ok());
  CHECK(Loaded() == kDataLoss);
}

TEST_CASE_METHOD(CheckpointFixture, "a damaged checkpoint is refused by name") {
  RunUntil(4);
  REQUIRE(Loaded() == kOk);
  for (const fs::path& file : Files()) {
    const std::string good = Read(file);
    REQUIRE(good.size() > 100);
    // Cut, at the ends and in between.
    for (std::size_t size = 0; size < good.size(); size += 1 + size / 3) {
      Write(file, good.substr(0, size));
      CHECK(Loaded() == kDataLoss);
    }
    Write(file, good.substr(0, good.size() - 1));
    CHECK(Loaded() == kDataLoss);
    Write(file, good + "x");
    CHECK(Loaded() == kDataLoss);
    // One bit, anywhere.
    for (std::size_t at = 0; at < good.size(); at += 1 + good.size() / 97) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
      Write(file, bad);
      const auto loaded = Load();
      CHECK(loaded.status().code() == kDataLoss);
      CHECK(loaded.status().message().find(file.string()) != std::string::npos);
    }
    fs::remove(file);
    CHECK(Loaded() == kNotFound);
    Write(file, good);
    CHECK(Loaded() == kOk);
  }
}

// Whoever seals it knows what to write: lengths are not believed either.
TEST_CASE_METHOD(CheckpointFixture, "a sealed file of nonsense is refused") {
  RunUntil(4);
  const auto seal = [](const fs::path& file, const std::string& bytes) {
    auto writer = SealedWriter::Create(file);
    REQUIRE(writer.ok());
    REQUIRE(writer->Write(bytes).ok());
    REQUIRE(writer->Seal().ok());
  };
  const auto number = [](std::uint64_t value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  for (const fs::path& file : Files()) {
    const std::string good = Read(file);
    const std::string unsealed = good.substr(0, good.size() - 32);
    seal(file, "");
    CHECK(Loaded() == kDataLoss);
    seal(file, number(~std::uint64_t{0}));
    CHECK(Loaded() == kDataLoss);
    seal(file, number(1));
    CHECK(Loaded() == kDataLoss);
    seal(file, unsealed + "more");
    CHECK(Loaded() == kDataLoss);
    for (std::size_t at = 0; at < unsealed.size();
         at += 1 + unsealed.size() / 211) {
      std::string other = unsealed;
      other[at] = static_cast<char>(other[at] ^ 0x55);
      seal(file, other);
      // Some changes are to numbers that may be any, the rest is found.
      auto loaded = Load();
      if (!loaded.ok()) continue;
      VirtualFederation federation(Scaffold());
      (void)federation.simulation->Resume(*std::move(loaded));
    }
    seal(file, unsealed);
    CHECK(Loaded() == kOk);
  }
}

TEST_CASE_METHOD(CheckpointFixture,
                 "a checkpoint of another run is refused, and says why") {
  RunUntil(3);
  const RunIdentity good = identity;
  const auto why = [this, &good](void (*change)(RunIdentity&)) {
    identity = good;
    change(identity);
    const auto loaded = Load();
    REQUIRE(loaded.status().code() == kFailedPrecondition);
    return std::string(loaded.status().message());
  };
  const auto says = [](const std::string& text, const std::string& part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  };
  says(why([](RunIdentity& is) { is.software = "1.2.4"; }),
       "the program was version 1.2.3, is 1.2.4");
  says(why([](RunIdentity& is) { is.plan = "seed: 2\n"; }), "seed was 1, is 2");
  says(why([](RunIdentity& is) { is.plan += "name: other\n"; }),
       "name was not there, is other");
  says(why([](RunIdentity& is) { is.data = "sixteen others.."; }),
       "the data are not those");
  says(why([](RunIdentity& is) { is.first_model = {}; }),
       "the first model was");
  says(why([](RunIdentity& is) { is.device = "cuda"; }),
       "--device was cpu, is cuda");
  identity = good;
  identity.plan = "seed: 1\nsimulation: {workers: 7}\n";
  CHECK(Loaded() == kOk);
}

TEST_CASE_METHOD(CheckpointFixture,
                 "a checkpoint remembers the device that clients trained on") {
  identity.device = "cuda";
  RunUntil(3);
  CHECK(Loaded() == kOk);
  identity.device = "cpu";
  CHECK(Load().status().message().find("--device was cuda, is cpu") !=
        std::string::npos);
}

TEST_CASE("an identity from before there was a choice of device is the CPU's") {
  v1::SimulationIdentity message =
      MessageOf({.software = "1", .plan = "", .data = "", .first_model = {}});
  message.clear_device();
  const auto identity = IdentityIn(message);
  REQUIRE(identity.ok());
  CHECK(identity->device == "cpu");
}

TEST_CASE_METHOD(CheckpointFixture, "the keeper saves when it is due") {
  std::atomic<bool> interrupted = false;
  std::ostringstream report;
  using Wish = Intermission::Wish;
  OneRank alone;
  CheckpointKeeper idle(results, identity, std::chrono::seconds(0), interrupted,
                        alone, report);
  CHECK(idle.Ask() == Wish::kGoOn);
  interrupted = true;
  CHECK(idle.Ask() == Wish::kSaveAndStop);
  // Where nothing can be written, that is an error if it was all that was
  // wanted, and a remark if it was not.
  VirtualFederation federation(Scaffold());
  fs::remove_all(results);
  Write(results, "no folder");
  CHECK_FALSE(idle.Save(*federation.simulation).ok());
  CheckpointKeeper busy(results, identity, std::chrono::seconds(3600),
                        interrupted, alone, report);
  CHECK(report.str().empty());
  CHECK(busy.Save(*federation.simulation).ok());
  CHECK(report.str().find("no checkpoint") != std::string::npos);
}

}  // namespace
}  // namespace tributary::simulation
