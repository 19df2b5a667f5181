// SPDX-License-Identifier: Apache-2.0
// Any bytes as a peer's certificate: whoever is taken was named by the
// authority, and the rest is refused with a reason.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "privacy/secagg/certificate_identity.h"

namespace {

// Its key was thrown away after signing the seeds, which are valid until 2126.
constexpr char kAuthority[] = R"(-----BEGIN CERTIFICATE-----
MIIBdjCCARugAwIBAgIUbg9AXhb7gzTUwtrRKo6tQn7hrIswCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEZnV6ejAgFw0yNjExMjExNDQ4NTFaGA8yMTI2MTAyODE0NDg1
MVowDzENMAsGA1UEAwwEZnV6ejBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABM30
7BSlAoWbtPhSrz5Ub8c189zO8hrQbTSKGGaCb1bBY6vGWleFYCwP4b8yY2nJ8QEw
kBicAn/3j2j/8h5jSu6jUzBRMB0GA1UdDgQWBBRn44MGX/3bQXe0BezwqIjptx5l
qzAfBgNVHSMEGDAWgBRn44MGX/3bQXe0BezwqIjptx5lqzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0kAMEYCIQCUrAmkOGb3vbMJ0oXsZkSqgeyTapdL43Qh
t+vH+5JRNgIhAPFTkR2I9iJtuC6KbMXmYoCAhu3yGzx2iLW5yVv06p7r
-----END CERTIFICATE-----
)";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace tributary::secagg;
  static const auto& authority = *new std::unique_ptr<Authority>(
      MakeCertificateAuthority({kAuthority, 1'800'000'000, {}}).value());
  const auto peer =
      authority->Identify({reinterpret_cast<const char*>(data), size});
  if (!peer.ok()) {
    if (peer.status().message().empty()) std::abort();
    return 0;
  }
  if ((*peer)->name().empty()) std::abort();
  if ((*peer)->Verify("statement", "no signature").ok()) std::abort();
  return 0;
}
