// SPDX-License-Identifier: Apache-2.0
#include "simulation/availability.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/data/byte_source.h"

namespace tributary::simulation {
namespace {

using round::Duration;
using round::Instant;

constexpr Duration kDay = std::chrono::hours(24);
constexpr std::size_t kLargestTraceFile = 256u << 20;

Duration ToDuration(const google::protobuf::Duration& duration) {
  return std::chrono::duration_cast<Duration>(
      std::chrono::seconds(duration.seconds()) +
      std::chrono::nanoseconds(duration.nanos()));
}

absl::StatusOr<std::string> ReadTraceFile(const std::string& file) {
  const auto source = data::OpenFile(file);
  if (!source.ok()) return source.status();
  std::string text;
  std::array<std::uint8_t, 65536> block;
  while (true) {
    const auto read = (*source)->Read(block);
    if (!read.ok()) return read.status();
    if (*read == 0) return text;
    text.append(block.begin(), block.begin() + *read);
    if (text.size() > kLargestTraceFile) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, ": holds more than 256 MiB"));
    }
  }
}

// Knuth's multiplication method; the mean is 1.
int PoissonOfMeanOne(RandomSource& random) {
  const double limit = std::exp(-1.0);
  int count = 0;
  for (double product = random.Uniform(); product > limit;
       product *= random.Uniform()) {
    ++count;
  }
  return count;
}

}  // namespace

absl::StatusOr<std::vector<Trace>> ParseTraces(std::string_view text,
                                               const std::string& file) {
  std::map<std::string, std::size_t> numbers;
  std::vector<Trace> traces;
  int row = 0;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line) || row == 0;) {
    ++row;
    const auto fail = [&](const std::string& what) {
      return absl::InvalidArgumentError(absl::StrCat(
          file, ":", row, ": ", what,
          "; expected trace,from,to with whole seconds, from before to"));
    };
    absl::StripAsciiWhitespace(&line);
    if (row == 1) {
      if (line != "trace,from,to") return fail("not the header");
      continue;
    }
    if (line.empty()) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, ',');
    if (cells.size() != 3) {
      return fail(absl::StrCat(cells.size(), " columns"));
    }
    std::int64_t from = 0, to = 0;
    constexpr std::int64_t kLongest = 366 * 86400;
    if (!absl::SimpleAtoi(cells[1], &from) ||
        !absl::SimpleAtoi(cells[2], &to) || from < 0 || to <= from ||
        to > kLongest) {
      return fail("no spell of time within a year");
    }
    const auto [found, is_new] = numbers.try_emplace(cells[0], traces.size());
    if (is_new) traces.emplace_back();
    traces[found->second].emplace_back(std::chrono::seconds(from),
                                       std::chrono::seconds(to));
  }
  if (traces.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": holds no spells; expected lines trace,from,to"));
  }
  for (const auto& [name, number] : numbers) {
    Trace& trace = traces[number];
    std::sort(trace.begin(), trace.end());
    for (std::size_t i = 1; i < trace.size(); ++i) {
      if (trace[i].first <= trace[i - 1].second) {
        return absl::InvalidArgumentError(
            absl::StrCat(file, ": trace ", name, ": the spell from ",
                         trace[i].first / std::chrono::seconds(1),
                         " meets the one before it; join them"));
      }
    }
  }
  return traces;
}

absl::StatusOr<Availability> Availability::Make(const v1::Availability& plan,
                                                const Key& run_key) {
  std::vector<Trace> traces;
  Duration period{};
  if (plan.has_trace()) {
    const std::string& file = plan.trace().path();
    const auto text = ReadTraceFile(file);
    if (!text.ok()) {
      return absl::Status(text.status().code(),
                          absl::StrCat("simulation.availability.trace.path: ",
                                       text.status().message()));
    }
    auto parsed = ParseTraces(*text, file);
    if (!parsed.ok()) return parsed.status();
    traces = *std::move(parsed);
    for (const Trace& trace : traces) {
      period = std::max(period, trace.back().second);
    }
    if (plan.trace().has_period()) {
      const Duration given = ToDuration(plan.trace().period());
      if (given < period) {
        return absl::InvalidArgumentError(absl::StrCat(
            "simulation.availability.trace.period: ",
            given / std::chrono::seconds(1), " s is less than the last `to` ",
            period / std::chrono::seconds(1), " s of ", file));
      }
      period = given;
    }
  }
  return Availability(plan, run_key, std::move(traces), period);
}

Availability::Availability(const v1::Availability& plan, const Key& run_key,
                           std::vector<Trace> traces, Duration period)
    : plan_(plan),
      key_(DeriveKey(run_key, "availability")),
      traces_(std::move(traces)),
      period_(period) {
  if (plan.has_markov()) {
    on_ = ToDuration(plan.markov().mean_on());
    off_ = ToDuration(plan.markov().mean_off());
    // As long as it is from one point to the next in the mean.
    const auto on = static_cast<double>(on_.count());
    const auto off = static_cast<double>(off_.count());
    cell_ = Duration(
        std::max<Duration::rep>(1, std::llround(on * off / (on + off))));
  } else if (plan.has_daily()) {
    on_ = ToDuration(plan.daily().on());
    off_ = kDay - on_;
  }
}

std::vector<Availability::Draw> Availability::DrawsIn(std::size_t client,
                                                      std::int64_t cell) const {
  KeyedStream random(key_, absl::StrCat(client, "/", cell));
  std::vector<Draw> draws(PoissonOfMeanOne(random));
  const double part_on = static_cast<double>(on_.count()) /
                         static_cast<double>((on_ + off_).count());
  for (Draw& draw : draws) {
    draw.when = Instant(cell * cell_ + Duration(static_cast<Duration::rep>(
                                           random.Below(cell_.count()))));
    draw.is_on = random.Uniform() < part_on;
  }
  std::stable_sort(
      draws.begin(), draws.end(),
      [](const Draw& a, const Draw& b) { return a.when < b.when; });
  return draws;
}

std::int64_t Availability::CellOf(Instant when) const {
  return when.time_since_epoch() / cell_;
}

Duration Availability::IntoDay(std::size_t client, Instant when) const {
  KeyedStream random(key_, absl::StrCat(client));
  const Duration spread = ToDuration(plan_.daily().spread());
  const Duration phase(
      static_cast<Duration::rep>(random.Uniform() * spread.count()));
  return (when.time_since_epoch() + kDay - phase) % kDay;
}

const Trace& Availability::TraceOf(std::size_t client) const {
  return traces_[client % traces_.size()];
}

bool Availability::IsOn(std::size_t client, Instant when) const {
  switch (plan_.kind_case()) {
    case v1::Availability::kMarkov:
      // Cell -1 begins the process: what is drawn there, or further back if
      // there is nothing, is stationary.
      for (std::int64_t cell = CellOf(when);; --cell) {
        const auto draws = DrawsIn(client, cell);
        for (auto draw = draws.rbegin(); draw != draws.rend(); ++draw) {
          if (draw->when <= when) return draw->is_on;
        }
      }
    case v1::Availability::kDaily:
      return IntoDay(client, when) < on_;
    case v1::Availability::kTrace: {
      const Duration into = when.time_since_epoch() % period_;
      for (const auto& [from, to] : TraceOf(client)) {
        if (into < from) return false;
        if (into < to) return true;
      }
      return false;
    }
    case v1::Availability::kAlways:
    case v1::Availability::KIND_NOT_SET:
      return true;
  }
  return true;
}

std::optional<Instant> Availability::OffAt(std::size_t client,
                                           Instant when) const {
  switch (plan_.kind_case()) {
    case v1::Availability::kMarkov:
      for (std::int64_t cell = CellOf(when);; ++cell) {
        for (const Draw& draw : DrawsIn(client, cell)) {
          if (draw.when > when && !draw.is_on) return draw.when;
        }
      }
    case v1::Availability::kDaily:
      if (off_ == Duration(0)) return std::nullopt;
      return when + (on_ - IntoDay(client, when));
    case v1::Availability::kTrace: {
      const Duration into = when.time_since_epoch() % period_;
      const Trace& trace = TraceOf(client);
      const Duration whole = trace.back().second - trace.front().first;
      if (trace.size() == 1 && whole == period_) return std::nullopt;
      for (const auto& [from, to] : trace) {
        if (into >= to) continue;
        // A spell to the end of the period may go on in the next.
        const bool goes_on = to == period_ && trace.front().first.count() == 0;
        return when + (to - into) +
               (goes_on ? trace.front().second : Duration(0));
      }
      return when + Duration(1);
    }
    case v1::Availability::kAlways:
    case v1::Availability::KIND_NOT_SET:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace tributary::simulation
