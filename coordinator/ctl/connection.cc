// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/connection.h"

#include <chrono>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "coordinator/ctl/pki_files.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "privacy/crypto/openssl_objects.h"

namespace tributary::ctl {
namespace {

constexpr std::chrono::seconds kCallDeadline{30};
constexpr std::chrono::seconds kConnecting{1};
constexpr int kBetweenAttemptsMs = 100;

bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

absl::Status ExplainUnreachable(const std::string& detail,
                                const ConnectionOptions& options) {
  std::string hint;
  if (Contains(detail, "Ssl") || Contains(detail, "SSL") ||
      Contains(detail, "TLS") || Contains(detail, "andshake") ||
      Contains(detail, "Peer name")) {
    hint =
        "TLS failed: the coordinator's certificate must be of the authority "
        "in --ca and name this host (pki request --san or --ip), and --cert "
        "must be of its authority, not revoked and not expired";
  } else if (Contains(detail, "refused")) {
    hint =
        "nothing listens there: is the coordinator running, and is this its "
        "admin_listen address?";
  } else if (Contains(detail, "resolution") || Contains(detail, "resolve")) {
    hint = "the host name is not known";
  } else if (options.insecure) {
    hint =
        "does it want TLS? Then leave out --insecure and give --ca, --cert "
        "and --key";
  } else {
    hint =
        "the connection was closed: does the coordinator speak TLS there, "
        "and does it trust the authority of --cert?";
  }
  return absl::UnavailableError(absl::StrCat("cannot reach the coordinator at ",
                                             options.admin, ": ", hint, " (",
                                             detail, ")"));
}

// What gRPC would tell its own log alone.
absl::Status CheckPem(const grpc::SslCredentialsOptions& tls,
                      const ConnectionOptions& options) {
  const absl::Cleanup clear = [] { ERR_clear_error(); };
  if (FirstCertificate(tls.pem_root_certs) == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("--ca: ", options.ca, " holds no PEM certificate"));
  }
  const CertificatePtr certificate = FirstCertificate(tls.pem_cert_chain);
  if (certificate == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("--cert: ", options.cert, " holds no PEM certificate"));
  }
  const KeyPtr key = FirstPrivateKey(tls.pem_private_key);
  if (key == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("--key: ", options.key,
                     " holds no PEM private key without a pass phrase"));
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--key: ", options.key,
                     " is not the key of the certificate ", options.cert));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ConnectionOptions::Validate() const {
  if (insecure) {
    if (ca.empty() && cert.empty() && key.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "--insecure cannot stand beside --ca, --cert and --key");
  }
  if (ca.empty() || cert.empty() || key.empty()) {
    return absl::InvalidArgumentError(
        "--ca, --cert and --key are required (or TRIBUTARY_CA, TRIBUTARY_CERT "
        "and TRIBUTARY_KEY); make the operator's with \"tributaryctl pki "
        "request\" and \"pki sign --role operator\"");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<v1::Admin::Stub>> Connect(
    const ConnectionOptions& options) {
  if (auto status = options.Validate(); !status.ok()) return status;
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (options.insecure) {
    credentials = grpc::InsecureChannelCredentials();
  } else {
    auto ca = ReadSmallFile(options.ca);
    if (!ca.ok()) return ca.status();
    auto cert = ReadSmallFile(options.cert);
    if (!cert.ok()) return cert.status();
    auto key = ReadSmallFile(options.key);
    if (!key.ok()) return key.status();
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = *std::move(ca);
    tls.pem_cert_chain = *std::move(cert);
    tls.pem_private_key = *std::move(key);
    if (auto status = CheckPem(tls, options); !status.ok()) return status;
    credentials = grpc::SslCredentials(tls);
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kBetweenAttemptsMs);
  const auto channel =
      grpc::CreateCustomChannel(options.admin, credentials, arguments);
  // gRPC 1.51 may take a first attempt that is under way for failed (errno is
  // overwritten in tcp_client_posix.cc): a call made at once would fail with
  // it. What fails again fails the call, which says why.
  channel->WaitForConnected(std::chrono::system_clock::now() + kConnecting);
  return v1::Admin::NewStub(channel);
}

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + kCallDeadline);
}

absl::Status Explain(const grpc::Status& status,
                     const ConnectionOptions& options) {
  const std::string& detail = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return absl::OkStatus();
    case grpc::StatusCode::UNAVAILABLE:
      return ExplainUnreachable(detail, options);
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::DeadlineExceededError(
          absl::StrCat("the coordinator at ", options.admin,
                       " did not answer in ", kCallDeadline.count(), " s"));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(absl::StrCat(
          options.admin,
          " is no Admin service; is it the address that clients connect to? "
          "Give the admin_listen address"));
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
      return absl::PermissionDeniedError(absl::StrCat(
          "the coordinator does not let this certificate do it: ", detail,
          Contains(detail, "role") ? "; make an operator's with \"tributaryctl "
                                     "pki sign --role operator\""
                                   : ""));
    default:
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                          detail.empty() ? "the call failed" : detail);
  }
}

}  // namespace tributary::ctl
