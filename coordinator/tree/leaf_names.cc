// SPDX-License-Identifier: Apache-2.0
#include "coordinator/tree/leaf_names.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregation/invariant.h"

namespace tributary::coordinator {
namespace {

using round::ClientId;
using round::LeafSet;
using round::Refusal;

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kLongestName = 128;
constexpr std::size_t kWriteBytes = 64u << 10;

void AppendName(const std::string& name, std::string& out) {
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    out += static_cast<char>(name.size() >> (8 * i));
  }
  out += name;
}

std::uint32_t LengthOf(const std::string& bytes) {
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return length;
}

}  // namespace

std::uint64_t LeastNameBytes(std::uint64_t leaves) {
  return leaves * (kLengthBytes + 1);
}

std::uint64_t MostNameBytes(std::uint64_t leaves) {
  return leaves * (kLengthBytes + kLongestName);
}

std::uint64_t NameBytes(const LeafSet& leaves) {
  std::uint64_t bytes = 0;
  for (const ClientId& leaf : leaves.leaves()) {
    bytes += kLengthBytes + leaf.name.size();
  }
  return bytes;
}

absl::Status WriteLeafNames(
    const LeafSet& leaves,
    const std::function<absl::Status(std::span<const std::byte>)>& sink) {
  std::string block;
  const auto pass = [&] {
    absl::Status status = sink(std::as_bytes(std::span(block)));
    block.clear();
    return status;
  };
  for (const ClientId& leaf : leaves.leaves()) {
    if (block.size() + kLengthBytes + leaf.name.size() > kWriteBytes) {
      if (absl::Status status = pass(); !status.ok()) return status;
    }
    AppendName(leaf.name, block);
  }
  return block.empty() ? absl::OkStatus() : pass();
}

LeafNamesReader::Defect LeafNamesReader::Feed(
    std::span<const std::byte>& bytes) {
  while (!is_complete_ && !bytes.empty()) {
    std::size_t whole = kLengthBytes;
    if (pending_.size() >= kLengthBytes) whole += LengthOf(pending_);
    const std::size_t count = std::min(whole - pending_.size(), bytes.size());
    pending_.append(reinterpret_cast<const char*>(bytes.data()), count);
    bytes = bytes.subspan(count);
    received_ += count;
    if (pending_.size() < whole) break;
    if (whole > kLengthBytes) {
      Defect defect = Add(pending_.substr(kLengthBytes));
      if (defect.refusal != Refusal::kNone) return defect;
      pending_.clear();
    } else if (const std::uint32_t length = LengthOf(pending_);
               length == 0 || length > kLongestName) {
      return {Refusal::kBadEncoding,
              absl::StrCat("leaf ", names_.size(), ": a name of ", length,
                           " bytes, not 1 to ", kLongestName)};
    }
  }
  return {};
}

LeafNamesReader::Defect LeafNamesReader::Add(std::string name) {
  // At once, and not when all are there: a list need not be heard to its end.
  if (!names_.empty() && name <= names_.back().name) {
    return {Refusal::kBadEncoding,
            absl::StrCat("leaf ", names_.size(),
                         ": names are sorted, each once, and this one does "
                         "not come after the one before it")};
  }
  names_.push_back({std::move(name)});
  return names_.size() == announced_.leaves ? Close() : Defect{};
}

LeafNamesReader::Defect LeafNamesReader::Close() {
  leaves_ = LeafSet::Make(std::move(names_)).value();
  names_.clear();
  if (leaves_.Name() != announced_.names) {
    return {Refusal::kBadChecksum,
            absl::StrCat("the names of the ", announced_.leaves,
                         " leaves are not those announced")};
  }
  is_complete_ = true;
  return {};
}

LeafSet LeafNamesReader::Take() && {
  TRIBUTARY_INVARIANT(is_complete_, ==, true);
  return std::move(leaves_);
}

}  // namespace tributary::coordinator
