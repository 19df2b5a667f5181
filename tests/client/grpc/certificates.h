// SPDX-License-Identifier: Apache-2.0
// An authority and two certificates of a day, made for one test.
#pragma once

#include <string>

namespace tributary {

struct KeyPair {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

struct TestCertificates {
  KeyPair authority;
  KeyPair coordinator;  // for localhost and 127.0.0.1
  KeyPair client;       // common name pump-17
};

TestCertificates MakeCertificates();

}  // namespace tributary
