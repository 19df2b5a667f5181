// SPDX-License-Identifier: Apache-2.0
#include "simulation/skew_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "simulation/svg.h"

namespace tributary::simulation {
namespace {

constexpr std::size_t kMostBars = 50;
constexpr std::size_t kMostBins = 24;
constexpr std::size_t kMostLegends = 20;

constexpr std::string_view kInk = "#333333";
constexpr std::string_view kGrid = "#dddddd";
constexpr std::string_view kPlain = "#4477aa";

// Paul Tol's muted scheme and grey: told apart by colour-blind readers too.
constexpr std::array<std::string_view, 10> kTenColours = {
    "#332288", "#88ccee", "#44aa99", "#117733", "#999933",
    "#ddcc77", "#cc6677", "#882255", "#aa4499", "#888888"};

// A hue round the circle for class c of many, light and dark in turn so that
// neighbours differ.
std::string ColourOf(std::size_t c, std::size_t classes) {
  if (classes <= kTenColours.size()) return std::string(kTenColours[c]);
  const double hue = 360.0 * static_cast<double>(c) / classes;
  return absl::StrFormat("hsl(%.0f,60%%,%d%%)", hue, c % 2 == 0 ? 42 : 64);
}

// Where a panel's values lie: y from 0 at the bottom to `top`.
struct Panel {
  double left;
  double upper;
  double width;
  double height;
  double top;

  double bottom() const { return upper + height; }
  double Scale(double value) const { return value / top * height; }
};

// 1, 2 or 5 times a power of ten: about five steps up to `most`.
double TickStep(double most) {
  const double rough = std::max(most, 1.0) / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return std::max(1.0, factor * power);
  }
  return std::max(1.0, 10 * power);
}

Panel MakePanel(double upper, double most) {
  const double step = TickStep(most);
  return {.left = 80,
          .upper = upper,
          .width = 740,
          .height = 200,
          .top = std::max(1.0, std::ceil(most / step)) * step};
}

void DrawAxis(Svg& svg, const Panel& panel, double most,
              std::string_view heading) {
  svg.Text(panel.left, panel.upper - 12, heading, {.size = 14});
  const double step = TickStep(most);
  for (double value = 0; value <= panel.top; value += step) {
    const double y = panel.bottom() - panel.Scale(value);
    svg.Line(panel.left, y, panel.left + panel.width, y,
             value == 0 ? kInk : kGrid);
    svg.Text(panel.left - 8, y + 4, absl::StrFormat("%.0f", value),
             {.anchor = Svg::Anchor::kEnd});
  }
}

std::string TooltipOf(const Skew& skew, std::size_t k,
                      const Skew::Client& client) {
  std::string text =
      absl::StrFormat("%s: %d examples", ClientName(k), client.examples);
  const std::string owner = skew.OwnerOf(k);
  if (!owner.empty()) absl::StrAppend(&text, " of ", owner);
  if (!skew.classes().empty()) {
    absl::StrAppendFormat(&text, ", %.2f effective classes, distance %.3f",
                          client.effective_classes, client.distance);
  }
  if (skew.shift().HasNoise()) {
    absl::StrAppendFormat(&text, ", noise %.4g", skew.shift().NoiseOf(k));
  }
  if (skew.shift().HasRotation()) {
    absl::StrAppendFormat(&text, ", %.1f degrees", skew.shift().DegreesOf(k));
  }
  return text;
}

void DrawClients(Svg& svg, const Skew& skew, double upper) {
  const std::size_t clients = skew.partition().honest();
  const auto sample = SampleEvenly(clients, kMostBars);
  std::size_t most = 0;
  for (const std::size_t k : sample) {
    most = std::max(most, skew.partition().Of(k).size());
  }
  const Panel panel = MakePanel(upper, static_cast<double>(most));
  std::string heading = "Examples of each client";
  if (sample.size() < clients) {
    heading = absl::StrCat("Examples of ", sample.size(), " of the ", clients,
                           " clients");
  }
  if (!skew.classes().empty()) heading += ", by label";
  DrawAxis(svg, panel, static_cast<double>(most), heading);
  const double slot = panel.width / static_cast<double>(sample.size());
  for (std::size_t bar = 0; bar < sample.size(); ++bar) {
    const Skew::Client client = skew.Of(sample[bar]);
    const double x = panel.left + slot * (static_cast<double>(bar) + 0.1);
    svg.BeginGroup(TooltipOf(skew, sample[bar], client));
    double y = panel.bottom();
    const auto draw = [&](std::size_t count, std::string_view fill) {
      if (count == 0) return;
      const double height = panel.Scale(static_cast<double>(count));
      y -= height;
      svg.Rect(x, y, slot * 0.8, height, fill);
    };
    if (skew.classes().empty()) draw(client.examples, kPlain);
    for (std::size_t c = 0; c < client.histogram.size(); ++c) {
      draw(client.histogram[c], ColourOf(c, skew.classes().size()));
    }
    svg.EndGroup();
  }
  const double y = panel.bottom() + 18;
  svg.Text(panel.left, y, ClientName(sample.front()), {});
  svg.Text(panel.left + panel.width, y, ClientName(sample.back()),
           {.anchor = Svg::Anchor::kEnd});
}

void DrawLegend(Svg& svg, const Skew& skew, double upper) {
  const std::size_t classes = skew.classes().size();
  const auto shown = SampleEvenly(classes, kMostLegends);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const double y = upper + 15.0 * static_cast<double>(i);
    svg.Rect(840, y, 11, 11, ColourOf(shown[i], classes));
    svg.Text(857, y + 10, absl::StrCat(skew.classes()[shown[i]]), {});
  }
  if (shown.size() < classes) {
    svg.Text(840, upper + 15.0 * kMostLegends + 10,
             absl::StrCat("of ", classes, " labels"), {});
  }
}

void DrawSizes(Svg& svg, const Partition& partition, double upper) {
  const auto bins = BinSizes(partition);
  std::size_t most = 0;
  for (const SizeBin& bin : bins) most = std::max(most, bin.clients);
  const Panel panel = MakePanel(upper, static_cast<double>(most));
  DrawAxis(svg, panel, static_cast<double>(most),
           "Clients by how many examples they hold");
  const double slot = panel.width / static_cast<double>(bins.size());
  // About eight labels, whatever the bins.
  const std::size_t every = (bins.size() + 7) / 8;
  for (std::size_t i = 0; i < bins.size(); ++i) {
    const SizeBin& bin = bins[i];
    const std::string range = bin.least == bin.most
                                  ? absl::StrCat(bin.least)
                                  : absl::StrCat(bin.least, "-", bin.most);
    const double x = panel.left + slot * static_cast<double>(i);
    const double height = panel.Scale(static_cast<double>(bin.clients));
    svg.BeginGroup(absl::StrCat(range, " examples: ", bin.clients,
                                bin.clients == 1 ? " client" : " clients"));
    svg.Rect(x + slot * 0.05, panel.bottom() - height, slot * 0.9, height,
             kPlain);
    svg.EndGroup();
    if (i % every == 0) {
      svg.Text(x + slot / 2, panel.bottom() + 18, range,
               {.anchor = Svg::Anchor::kMiddle, .size = 11});
    }
  }
}

}  // namespace

std::vector<std::size_t> SampleEvenly(std::size_t count, std::size_t most) {
  std::vector<std::size_t> sample(std::min(count, most));
  for (std::size_t i = 0; i < sample.size(); ++i) {
    sample[i] = count <= most
                    ? i
                    : i * (count - 1) / (static_cast<std::size_t>(most) - 1);
  }
  return sample;
}

std::vector<SizeBin> BinSizes(const Partition& partition) {
  std::vector<std::size_t> sizes(partition.parts());
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    sizes[k] = partition.Of(k).size();
  }
  const auto [low, high] = std::minmax_element(sizes.begin(), sizes.end());
  const std::size_t smallest = *low;
  const std::size_t largest = *high;
  const std::size_t count = std::min(kMostBins, largest - smallest + 1);
  const bool is_wide = largest > 100 * std::max<std::size_t>(smallest, 1);
  // Bin i begins at edge i; sizes are whole numbers, so edges are too.
  const auto edge = [&](std::size_t i) -> std::size_t {
    const double part = static_cast<double>(i) / static_cast<double>(count);
    const double from = static_cast<double>(smallest);
    const double width = static_cast<double>(largest - smallest + 1);
    if (!is_wide) return smallest + static_cast<std::size_t>(part * width);
    const double grown = std::pow(width + 1, part) - 1;
    return static_cast<std::size_t>(std::ceil(from + grown));
  };
  std::vector<SizeBin> bins;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t least = i == 0 ? smallest : bins.back().most + 1;
    const std::size_t next = i + 1 == count ? largest + 1 : edge(i + 1);
    if (next > least) bins.push_back({.least = least, .most = next - 1});
  }
  for (const std::size_t size : sizes) {
    const auto bin = std::lower_bound(
        bins.begin(), bins.end(), size,
        [](const SizeBin& a, std::size_t value) { return a.most < value; });
    bin->clients += partition.holders();
  }
  return bins;
}

std::string DrawSkew(const Skew& skew) {
  const std::string summary = FormatSummary(skew);
  const std::vector<std::string> lines =
      absl::StrSplit(summary, '\n', absl::SkipEmpty());
  const double upper = 60 + 17 * static_cast<double>(lines.size());
  Svg svg(920, upper + 530, summary);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    svg.Text(80, 24 + 17 * static_cast<double>(i), lines[i], {});
  }
  DrawClients(svg, skew, upper);
  DrawLegend(svg, skew, upper);
  DrawSizes(svg, skew.partition(), upper + 290);
  return std::move(svg).Finish();
}

}  // namespace tributary::simulation
