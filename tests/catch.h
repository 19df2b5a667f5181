// SPDX-License-Identifier: Apache-2.0
// Catch2 2.13 (Debian 12) or 3 (Debian 13). Include it last: LibTorch pulls in
// glog, whose CHECK would replace Catch2's and abort.
#pragma once

#undef CHECK
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
