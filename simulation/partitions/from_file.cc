// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/data/byte_source.h"
#include "simulation/partitions/partitioners.h"

namespace tributary::simulation {
namespace {

constexpr std::size_t kLongestLine = 4096;
constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();

// The lines of a source, without their ends, one after the other.
class LineReader {
 public:
  explicit LineReader(data::ByteSource& source) : source_(source) {}

  int number() const { return number_; }

  // False at the end. InvalidArgument if a line is too long to be one.
  absl::StatusOr<bool> Next(std::string& line) {
    line.clear();
    while (true) {
      if (next_ == filled_) {
        const auto count = source_.Read(buffer_);
        if (!count.ok()) return count.status();
        next_ = 0;
        filled_ = *count;
        if (filled_ == 0) break;
      }
      const char c = static_cast<char>(buffer_[next_++]);
      if (c == '\n') {
        ++number_;
        if (line.ends_with('\r')) line.pop_back();
        return true;
      }
      if (line.size() == kLongestLine) {
        return absl::InvalidArgumentError(
            absl::StrCat(source_.Name(), ":", number_ + 1, ": is longer than ",
                         kLongestLine, " bytes"));
      }
      line += c;
    }
    if (line.empty()) return false;
    ++number_;
    return true;
  }

 private:
  data::ByteSource& source_;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(1 << 16);
  std::size_t next_ = 0;
  std::size_t filled_ = 0;
  int number_ = 0;
};

// A whole number less than `bound`, or kNobody.
std::uint32_t NumberIn(std::string_view text, std::uint64_t bound) {
  std::uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() ||
      text.empty() || number >= bound) {
    return kNobody;
  }
  return static_cast<std::uint32_t>(number);
}

// What the file gives to clients: examples by index, or owners by name.
class Table {
 public:
  Table(const datasets::Examples& examples, std::size_t most_clients)
      : examples_(examples), most_clients_(most_clients) {}

  absl::Status Read(data::ByteSource& source);
  // The clients named, of which none is passed over.
  absl::StatusOr<std::size_t> CountClients(const std::string& file) const;
  Assignment ClientOfExamples() const;

 private:
  absl::Status ReadHeading(const std::string& line);
  absl::Status ReadRow(const std::string& line);
  // What is the row about; kNobody if there is no such thing.
  std::uint32_t FindItem(const std::string& text) const;
  std::string ItemName(std::size_t item) const {
    return is_by_owner_ ? absl::StrCat("owner \"", examples_.owners[item], "\"")
                        : absl::StrCat("example ", item);
  }

  const datasets::Examples& examples_;
  const std::size_t most_clients_;
  bool is_by_owner_ = false;
  std::unordered_map<std::string, std::uint32_t> owners_;
  std::vector<std::uint32_t> client_of_item_;
};

absl::Status Table::Read(data::ByteSource& source) {
  LineReader lines(source);
  std::string line;
  while (true) {
    const auto has_line = lines.Next(line);
    if (!has_line.ok()) return has_line.status();
    if (!*has_line) break;
    if (lines.number() == 1 && line.starts_with("\xef\xbb\xbf")) {
      line.erase(0, 3);
    }
    if (line.empty()) continue;
    const absl::Status status =
        client_of_item_.empty() ? ReadHeading(line) : ReadRow(line);
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          source.Name(), ":", lines.number(), ": ", status.message()));
    }
  }
  if (client_of_item_.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(source.Name(), ": is empty"));
  }
  const auto forgotten =
      std::find(client_of_item_.begin(), client_of_item_.end(), kNobody);
  if (forgotten == client_of_item_.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      source.Name(), ": has no line for ",
      ItemName(static_cast<std::size_t>(forgotten - client_of_item_.begin())),
      "; each of the ", client_of_item_.size(),
      is_by_owner_ ? " owners" : " examples", " needs one"));
}

absl::Status Table::ReadHeading(const std::string& line) {
  if (line == "owner,client") {
    is_by_owner_ = true;
    if (examples_.owners.empty()) {
      return absl::InvalidArgumentError(
          "simulation.train does not say whom its examples belong to; use "
          "\"example,client\" and the examples' indexes");
    }
    for (std::uint32_t i = 0; i < examples_.owners.size(); ++i) {
      owners_.emplace(examples_.owners[i], i);
    }
    client_of_item_.assign(examples_.owners.size(), kNobody);
    return absl::OkStatus();
  }
  if (line == "example,client") {
    client_of_item_.assign(examples_.data.Size(), kNobody);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "expected \"example,client\" or \"owner,client\" as the first line");
}

std::uint32_t Table::FindItem(const std::string& text) const {
  if (!is_by_owner_) return NumberIn(text, client_of_item_.size());
  const auto found = owners_.find(text);
  return found == owners_.end() ? kNobody : found->second;
}

absl::Status Table::ReadRow(const std::string& line) {
  // An owner's name may hold commas.
  const std::size_t comma = line.rfind(',');
  if (comma == std::string::npos) {
    return absl::InvalidArgumentError(
        is_by_owner_ ? "expected an owner, a comma and a client"
                     : "expected an example, a comma and a client");
  }
  const std::uint32_t item = FindItem(line.substr(0, comma));
  if (item == kNobody) {
    return absl::InvalidArgumentError(
        is_by_owner_
            ? std::string("no example belongs to this owner")
            : absl::StrCat("expected an example, a whole number less than ",
                           client_of_item_.size()));
  }
  const std::uint32_t client =
      NumberIn(std::string_view(line).substr(comma + 1), most_clients_);
  if (client == kNobody) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected a client, a whole number less than ", most_clients_));
  }
  if (client_of_item_[item] != kNobody) {
    return absl::InvalidArgumentError(absl::StrCat(
        ItemName(item), " has a client already, ", client_of_item_[item]));
  }
  client_of_item_[item] = client;
  return absl::OkStatus();
}

absl::StatusOr<std::size_t> Table::CountClients(const std::string& file) const {
  // Fewer clients than items: a larger number leaves one out.
  std::vector<bool> is_named(client_of_item_.size(), false);
  std::size_t count = 0;
  for (const std::uint32_t client : client_of_item_) {
    if (client < is_named.size()) is_named[client] = true;
    count = std::max<std::size_t>(count, client + std::size_t{1});
  }
  const auto missing = std::find(is_named.begin(), is_named.end(), false);
  const auto first = static_cast<std::size_t>(missing - is_named.begin());
  if (first >= count) return count;
  return absl::InvalidArgumentError(
      absl::StrCat(file, ": nothing goes to client ", first,
                   ", but there is a client ", count - 1,
                   "; number the clients from 0 without gaps, or set "
                   "simulation.clients"));
}

Assignment Table::ClientOfExamples() const {
  if (!is_by_owner_) return client_of_item_;
  Assignment client_of(examples_.owner.size());
  for (std::size_t i = 0; i < client_of.size(); ++i) {
    client_of[i] = client_of_item_[examples_.owner[i]];
  }
  return client_of;
}

}  // namespace

absl::StatusOr<FileAssignment> AssignFromFile(
    const v1::Partition::File& plan, const datasets::Examples& examples,
    std::optional<std::size_t> clients) {
  const auto in_plan = [](const absl::Status& status) {
    return absl::Status(
        status.code(),
        absl::StrCat("simulation.partition.file: ", status.message()));
  };
  auto source = data::OpenFile(plan.path());
  if (!source.ok()) return in_plan(source.status());
  Table table(examples, clients.value_or(kNobody));
  if (auto read = table.Read(**source); !read.ok()) return in_plan(read);
  const auto count = clients ? absl::StatusOr<std::size_t>(*clients)
                             : table.CountClients(plan.path());
  if (!count.ok()) return in_plan(count.status());
  return FileAssignment{.client_of = table.ClientOfExamples(),
                        .clients = *count};
}

}  // namespace tributary::simulation
