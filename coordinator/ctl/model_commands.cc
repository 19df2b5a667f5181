// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"
#include "coordinator/ctl/commands.h"
#include "privacy/crypto/digest.h"
#include "proto/codec/safetensors.h"
#include "proto/durable/replacement.h"

namespace tributary::ctl {
namespace {

// The round that is meant and what its model is called, if the run still shows
// it.
struct Wanted {
  std::uint32_t round = 0;
  std::optional<Digest> digest;
};

absl::StatusOr<Wanted> FindRound(v1::Admin::Stub& stub, const Session& session,
                                 const std::string& run, std::uint32_t round) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::GetRunRequest request;
  request.set_run(run);
  v1::RunDetail detail;
  if (auto status =
          Explain(stub.GetRun(&context, request, &detail), session.connection);
      !status.ok()) {
    return status;
  }
  Wanted wanted{round, std::nullopt};
  // Named now, so that a round released meanwhile does not change it.
  if (round == 0 && detail.rounds_size() > 0) {
    wanted.round = detail.rounds(detail.rounds_size() - 1).round();
  }
  for (const v1::RoundRecord& record : detail.rounds()) {
    if (record.round() != wanted.round) continue;
    const auto digest = Digest::FromBytes(record.model());
    if (digest.ok()) wanted.digest = *digest;
  }
  return wanted;
}

absl::StatusOr<Digest> Receive(v1::Admin::Stub& stub, const Session& session,
                               const v1::GetModelRequest& request,
                               durable::Replacement& file) {
  grpc::ClientContext context;
  const auto reader = stub.GetModel(&context, request);
  Sha256Stream hash;
  v1::ModelChunk chunk;
  std::uint64_t total = 0;
  std::uint64_t received = 0;
  absl::Status wrote;
  while (wrote.ok() && reader->Read(&chunk)) {
    if (received == 0) total = chunk.total_size();
    received += chunk.data().size();
    hash.Update(std::as_bytes(std::span(chunk.data())));
    wrote = file.Write(chunk.data());
  }
  if (!wrote.ok()) context.TryCancel();
  const auto finished = reader->Finish();
  if (!wrote.ok()) return wrote;
  if (auto status = Explain(finished, session.connection); !status.ok()) {
    return status;
  }
  if (received != total) {
    return absl::DataLossError(absl::StrCat("the model ended after ", received,
                                            " of ", total,
                                            " bytes; try again"));
  }
  return hash.Finish();
}

}  // namespace

ExitCode ModelGet(Session& session, const std::string& run, std::uint32_t round,
                  const std::string& out) {
  const auto stub = Connect(session.connection);
  if (!stub.ok()) return stub.status();
  const auto wanted = FindRound(**stub, session, run, round);
  if (!wanted.ok()) return wanted.status();
  auto file = durable::Replacement::Begin(out, {});
  if (!file.ok()) return file.status();
  v1::GetModelRequest request;
  request.set_run(run);
  request.set_round(wanted->round);
  const auto digest = Receive(**stub, session, request, *file);
  if (!digest.ok()) return digest.status();
  if (wanted->digest && *wanted->digest != *digest) {
    return absl::DataLossError(absl::StrCat(
        "the model's SHA-256 is ", digest->Hex(), ", the run says ",
        wanted->digest->Hex(), "; nothing was written"));
  }
  const auto model = codec::ReadSafetensors(file->temporary());
  if (!model.ok()) return model.status();
  if (auto status = file->Commit(); !status.ok()) return status;
  if (session.IsJson()) {
    session.Print({{"run", run},
                   {"round", wanted->round},
                   {"sha256", digest->Hex()},
                   {"file", out}});
  } else {
    session.out << out << "  round " << wanted->round << " of " << Shown(run)
                << ", " << model->weights.size() << " values in "
                << model->header.manifest.tensors().size()
                << " tensors, sha256 " << digest->Hex() << "\n";
  }
  return 0;
}

}  // namespace tributary::ctl
