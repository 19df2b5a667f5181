// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/server/fake_coordinator.h"

namespace tributary::testing {

class FakeCoordinator::FakeUpload final : public Upload {
 public:
  FakeUpload(FakeCoordinator& fake, std::string token)
      : fake_(fake), token_(std::move(token)) {}
  ~FakeUpload() override {
    fake_.With([](State& state) { --state.open_uploads; });
  }
  absl::Status Write(std::span<const std::byte> bytes) override {
    fake_.With([&](State& state) {
      state.uploads[token_].append(reinterpret_cast<const char*>(bytes.data()),
                                   bytes.size());
    });
    return absl::OkStatus();
  }
  absl::Status Finish() override {
    return fake_.With([&](State& state) -> absl::Status {
      if (state.uploads[token_].size() < state.upload_size) {
        return absl::OutOfRangeError("not complete");
      }
      ++state.finished[token_];
      return absl::OkStatus();
    });
  }
  std::uint64_t received() const override {
    return fake_.With(
        [&](State& state) { return state.uploads[token_].size(); });
  }

 private:
  FakeCoordinator& fake_;
  std::string token_;
};

class FakeCoordinator::FakeFile final : public ModelFile {
 public:
  explicit FakeFile(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  absl::StatusOr<std::size_t> Read(std::uint64_t offset,
                                   std::span<std::byte> out) override {
    const std::size_t size =
        std::min<std::size_t>(out.size(), bytes_.size() - offset);
    std::memcpy(out.data(), bytes_.data() + offset, size);
    return size;
  }

 private:
  std::string bytes_;
};

class FakeCoordinator::FakeWatch final : public Watch {
 public:
  FakeWatch(FakeCoordinator& fake, int id) : fake_(fake), id_(id) {}
  ~FakeWatch() override {
    fake_.With([&](State& state) {
      std::erase_if(state.watchers,
                    [&](const auto& watcher) { return watcher.first == id_; });
    });
  }

 private:
  FakeCoordinator& fake_;
  int id_;
};

absl::StatusOr<std::unique_ptr<coordinator::Upload>>
FakeCoordinator::OpenUpload(const Identity& identity,
                            const v1::UploadHeader& header) {
  const std::string& token = header.task_token();
  const Holder lock(*this);
  if (token == std::string(16, 'x')) {
    return absl::PermissionDeniedError("another client's token");
  }
  if (header.offset() != state_.uploads[token].size()) {
    return absl::OutOfRangeError("offset is not where the spool ends");
  }
  ++state_.open_uploads;
  state_.uploaders[token] = identity.name;
  return std::make_unique<FakeUpload>(*this, token);
}

absl::StatusOr<std::unique_ptr<coordinator::ModelFile>>
FakeCoordinator::OpenModel(const Digest& digest) {
  const Holder lock(*this);
  const auto model = state_.models.find(digest);
  if (model == state_.models.end()) {
    return absl::NotFoundError("no model " + digest.Hex());
  }
  ++state_.opened_models;
  return std::make_unique<FakeFile>(model->second);
}

absl::StatusOr<Digest> FakeCoordinator::StoreBlob(const Source& source) {
  Sha256Stream hash;
  while (true) {
    absl::StatusOr<std::string> chunk = source();
    if (!chunk.ok()) return chunk.status();
    if (chunk->empty()) return hash.Finish();
    hash.Update(std::as_bytes(std::span(*chunk)));
    With([&](State& state) { state.blob_chunks.push_back(chunk->size()); });
  }
}

absl::StatusOr<v1::RunSummary> FakeCoordinator::Submit(const v1::Plan& plan,
                                                       const Digest& weights,
                                                       const Digest* archive) {
  With([&](State& state) { state.plans.push_back(plan); });
  v1::RunSummary summary;
  summary.set_run("run-1");
  summary.set_plan_name(plan.name());
  summary.set_message(weights.Hex() +
                      (archive == nullptr ? "" : " " + archive->Hex()));
  return summary;
}

absl::StatusOr<std::unique_ptr<coordinator::Coordinator::Watch>>
FakeCoordinator::WatchRun(const std::string& run,
                          std::function<void(const v1::RunDetail&)> callback) {
  if (run != "run-1") return absl::NotFoundError("no run " + run);
  const Holder lock(*this);
  callback(state_.detail);
  const int id = static_cast<int>(state_.next++);
  state_.watchers.emplace_back(id, std::move(callback));
  return std::make_unique<FakeWatch>(*this, id);
}

void FakeCoordinator::Report(const v1::RunDetail& detail) {
  const Holder lock(*this);
  state_.detail = detail;
  for (const auto& [id, callback] : state_.watchers) callback(detail);
}

}  // namespace tributary::testing
