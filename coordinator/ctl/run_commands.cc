// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/message_json.h"
#include "coordinator/ctl/run_view.h"
#include "coordinator/ctl/submission.h"

namespace tributary::ctl {
namespace {

constexpr std::size_t kChunkBytes = 1u << 20;
constexpr std::uint32_t kPage = 1'000;

using Writer = grpc::ClientWriter<v1::SubmitRunMessage>;

// False once the server has ended the call; its status says why.
absl::StatusOr<bool> Stream(
    const std::string& file, Writer& writer,
    const std::function<void(v1::SubmitRunMessage&, std::string)>& set) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream.is_open()) {
    return absl::NotFoundError(absl::StrCat(file, ": cannot be read"));
  }
  std::string chunk;
  while (stream) {
    chunk.resize(kChunkBytes);
    stream.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    chunk.resize(static_cast<std::size_t>(stream.gcount()));
    if (chunk.empty()) break;
    v1::SubmitRunMessage message;
    set(message, std::move(chunk));
    if (!writer.Write(message)) return false;
    chunk.clear();
  }
  if (stream.bad()) return absl::DataLossError(file + ": cannot be read");
  return true;
}

v1::GetRunRequest RequestFor(const std::string& run) {
  v1::GetRunRequest request;
  request.set_run(run);
  return request;
}

}  // namespace

ExitCode RunSubmit(Session& session, const std::string& plan,
                   const std::string& weights) {
  const auto submission = Prepare(plan, weights);
  if (!submission.ok()) return submission.status();
  const auto stub = Connect(session.connection);
  if (!stub.ok()) return stub.status();

  grpc::ClientContext context;
  v1::RunSummary summary;
  const auto writer = (*stub)->SubmitRun(&context, &summary);
  v1::SubmitRunMessage first;
  *first.mutable_plan() = submission->plan;
  absl::StatusOr<bool> open = writer->Write(first);
  if (*open) {
    open = Stream(submission->weights, *writer,
                  [](v1::SubmitRunMessage& message, std::string bytes) {
                    message.set_weights(std::move(bytes));
                  });
  }
  if (open.ok() && *open && !submission->archive.empty()) {
    open = Stream(submission->archive, *writer,
                  [](v1::SubmitRunMessage& message, std::string bytes) {
                    message.set_archive(std::move(bytes));
                  });
  }
  if (!open.ok()) {
    context.TryCancel();
    (void)writer->Finish();
    return open.status();
  }
  writer->WritesDone();
  if (auto status = Explain(writer->Finish(), session.connection);
      !status.ok()) {
    return status;
  }
  if (session.IsJson()) {
    session.Print(ToJson(summary));
  } else {
    session.out << Shown(summary.run()) << std::endl;
    if (session.style == Style::kTerminal) {
      session.err << "submitted; watch it with \"tributaryctl run watch "
                  << Shown(summary.run()) << "\"\n";
    }
  }
  return 0;
}

ExitCode RunList(Session& session) {
  const auto stub = Connect(session.connection);
  if (!stub.ok()) return stub.status();
  v1::ListRunsReply all;
  v1::ListRunsRequest request;
  request.set_limit(kPage);
  while (true) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ListRunsReply reply;
    if (auto status = Explain((*stub)->ListRuns(&context, request, &reply),
                              session.connection);
        !status.ok()) {
      return status;
    }
    all.mutable_runs()->MergeFrom(reply.runs());
    if (reply.runs_size() < static_cast<int>(kPage)) break;
    request.set_after(reply.runs(reply.runs_size() - 1).run());
  }
  if (session.IsJson()) {
    session.Print(ToJson(all));
    return 0;
  }
  Table table({{"RUN"},
               {"PLAN"},
               {"POPULATION"},
               {"STATE"},
               {"ROUNDS", Align::kRight},
               {"SUBMITTED"},
               {"MESSAGE"}});
  for (const v1::RunSummary& run : all.runs()) {
    table.Add({run.run(), run.plan_name(), run.population(),
               StateText(run.state()),
               absl::StrCat(run.released_rounds(), "/", run.total_rounds()),
               TimeText(run.submitted().seconds()), run.message()});
  }
  table.Print(session.out, session.style);
  return 0;
}

ExitCode RunShow(Session& session, const std::string& run) {
  const auto stub = Connect(session.connection);
  if (!stub.ok()) return stub.status();
  grpc::ClientContext context;
  SetDeadline(context);
  v1::RunDetail detail;
  if (auto status = Explain((*stub)->GetRun(&context, RequestFor(run), &detail),
                            session.connection);
      !status.ok()) {
    return status;
  }
  if (session.IsJson()) {
    session.Print(ToJson(detail));
    return 0;
  }
  for (const std::string& line : RunLines(detail, session.style, 20)) {
    session.out << line << "\n";
  }
  for (const std::string& line : RefusalLines(detail)) {
    session.out << line << "\n";
  }
  return 0;
}

ExitCode RunStop(Session& session, const std::string& run) {
  const auto stub = Connect(session.connection);
  if (!stub.ok()) return stub.status();
  grpc::ClientContext context;
  SetDeadline(context);
  v1::RunSummary summary;
  if (auto status =
          Explain((*stub)->StopRun(&context, RequestFor(run), &summary),
                  session.connection);
      !status.ok()) {
    return status;
  }
  if (session.IsJson()) {
    session.Print(ToJson(summary));
  } else {
    session.out << "run " << Shown(summary.run()) << " is "
                << StateText(summary.state()) << " after "
                << summary.released_rounds() << " of " << summary.total_rounds()
                << " rounds\n";
  }
  return 0;
}

ExitCode ClientsList(Session& session, const std::string& population) {
  const auto stub = Connect(session.connection);
  if (!stub.ok()) return stub.status();
  v1::ListClientsReply all;
  v1::ListClientsRequest request;
  request.set_limit(kPage);
  request.set_population(population);
  while (true) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ListClientsReply reply;
    if (auto status = Explain((*stub)->ListClients(&context, request, &reply),
                              session.connection);
        !status.ok()) {
      return status;
    }
    all.mutable_clients()->MergeFrom(reply.clients());
    if (reply.clients_size() < static_cast<int>(kPage)) break;
    request.set_after(reply.clients(reply.clients_size() - 1).name());
  }
  if (session.IsJson()) {
    session.Print(ToJson(all));
    return 0;
  }
  Table table({{"CLIENT"},
               {"POPULATION"},
               {"ROLE"},
               {"CONNECTED"},
               {"LAST SEEN"},
               {"ACCEPTED", Align::kRight},
               {"REFUSED", Align::kRight}});
  for (const v1::ClientRecord& client : all.clients()) {
    table.Add({client.name(), client.population(),
               absl::AsciiStrToLower(v1::Role_Name(client.role())),
               client.connected() ? "yes" : "no",
               TimeText(client.last_seen().seconds()),
               absl::StrCat(client.accepted()),
               absl::StrCat(client.refused())});
  }
  table.Print(session.out, session.style);
  return 0;
}

}  // namespace tributary::ctl
