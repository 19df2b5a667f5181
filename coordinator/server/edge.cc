// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/edge.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coordinator/server/join_stream.h"
#include "coordinator/server/log.h"
#include "grpcpp/server_context.h"

namespace tributary::coordinator {
namespace {

constexpr std::size_t kMaxName = 128;

absl::Status Refused(Edge& edge, round::Refusal reason,
                     const grpc::ServerContextBase& call,
                     const Identity& identity, std::string why) {
  edge.coordinator.CountRefusal(reason);
  LogInfo("caller refused", {{"client", identity.name},
                             {"serial", identity.serial},
                             {"peer", call.peer()},
                             {"why", why}});
  return absl::PermissionDeniedError(std::move(why));
}

}  // namespace

void StreamRegistry::Add(JoinStream* stream) {
  const std::lock_guard lock(mutex_);
  streams_.insert(stream);
}

void StreamRegistry::Remove(JoinStream* stream) {
  const std::lock_guard lock(mutex_);
  streams_.erase(stream);
}

std::size_t StreamRegistry::size() const {
  const std::lock_guard lock(mutex_);
  return streams_.size();
}

void StreamRegistry::CloseAll(const absl::Status& status) {
  // A stream removes itself before it ends, so under the lock all are alive.
  std::vector<std::shared_ptr<JoinStream>> open;
  {
    const std::lock_guard lock(mutex_);
    for (JoinStream* stream : streams_) {
      if (auto alive = stream->weak_from_this().lock()) {
        open.push_back(std::move(alive));
      }
    }
  }
  for (const std::shared_ptr<JoinStream>& stream : open) stream->Close(status);
}

absl::StatusOr<CertificateIdentity> Caller(
    Edge& edge, const grpc::ServerContextBase& call) {
  if (!edge.options.tls.has_value()) return CertificateIdentity{};
  const std::shared_ptr<const grpc::AuthContext> auth = call.auth_context();
  const std::vector<grpc::string_ref> pem =
      auth->FindPropertyValues("x509_pem_cert");
  if (!auth->IsPeerAuthenticated() || pem.empty()) {
    return absl::UnauthenticatedError("a client certificate is required");
  }
  absl::StatusOr<CertificateIdentity> caller =
      ReadCertificate(std::string_view(pem[0].data(), pem[0].size()));
  if (!caller.ok()) return caller.status();
  if (edge.coordinator.IsRevoked(caller->identity.serial)) {
    return Refused(
        edge, round::Refusal::kRevoked, call, caller->identity,
        absl::StrCat("certificate ", caller->identity.serial, " was revoked"));
  }
  return caller;
}

absl::StatusOr<CertificateIdentity> CallingClient(
    Edge& edge, const grpc::ServerContextBase& call) {
  absl::StatusOr<CertificateIdentity> caller = Caller(edge, call);
  if (caller.ok() && caller->identity.role == v1::OPERATOR) {
    return Refused(edge, round::Refusal::kWrongRole, call, caller->identity,
                   "an operator's certificate is not a client's");
  }
  return caller;
}

absl::Status CheckOperator(Edge& edge, const grpc::ServerContextBase& call) {
  edge.admin_calls.fetch_add(1, std::memory_order_relaxed);
  if (!edge.options.tls.has_value()) return absl::OkStatus();
  absl::StatusOr<CertificateIdentity> caller = Caller(edge, call);
  if (!caller.ok()) return caller.status();
  if (caller->identity.role != v1::OPERATOR) {
    return Refused(edge, round::Refusal::kWrongRole, call, caller->identity,
                   "this service needs a certificate with the role operator");
  }
  return absl::OkStatus();
}

absl::StatusOr<Identity> Admit(Edge& edge, const grpc::ServerContextBase& call,
                               const v1::Hello& hello) {
  absl::StatusOr<CertificateIdentity> caller = CallingClient(edge, call);
  if (!caller.ok()) return caller.status();
  if (hello.population().empty() || hello.population().size() > kMaxName ||
      hello.client_name().size() > kMaxName ||
      hello.software().size() > kMaxName) {
    return Refused(edge, round::Refusal::kBadMessage, call, caller->identity,
                   "hello: population, client_name and software hold at most "
                   "128 bytes, and population at least one");
  }
  if (!edge.options.tls.has_value()) {
    Identity identity{
        .name = hello.client_name(), .role = hello.role(), .serial = ""};
    if (identity.role == v1::ROLE_UNSPECIFIED) identity.role = v1::TRAINER;
    if (identity.name.empty()) {
      return Refused(edge, round::Refusal::kIdentityMismatch, call, identity,
                     "hello: without TLS, client_name must say who this is");
    }
    if (identity.role != v1::TRAINER && identity.role != v1::EVALUATOR &&
        identity.role != v1::AGGREGATOR) {
      return Refused(edge, round::Refusal::kWrongRole, call, identity,
                     "hello: a client is a trainer, an evaluator or an "
                     "aggregator");
    }
    return identity;
  }
  if (!hello.client_name().empty() &&
      hello.client_name() != caller->identity.name) {
    return Refused(
        edge, round::Refusal::kIdentityMismatch, call, caller->identity,
        absl::StrCat("hello: client_name is not the certificate's \"",
                     caller->identity.name, "\""));
  }
  if (!caller->populations.empty() &&
      std::find(caller->populations.begin(), caller->populations.end(),
                hello.population()) == caller->populations.end()) {
    return Refused(edge, round::Refusal::kWrongPopulation, call,
                   caller->identity,
                   absl::StrCat("the certificate does not cover population \"",
                                hello.population(), "\""));
  }
  return caller->identity;
}

}  // namespace tributary::coordinator
