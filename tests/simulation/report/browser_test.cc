// SPDX-License-Identifier: Apache-2.0
// report.html in a browser that has no network: what it shows is compared with
// metrics.jsonl, in the page's own tree and in the pixels of a screenshot.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "nlohmann/json.hpp"
#include "simulation/report/colour.h"
#include "simulation/report/report.h"
#include "simulation/report/run_record.h"
#include "tests/proto/files.h"
#include "tests/simulation/report/drawing.h"
#include "tests/simulation/report/picture.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

constexpr int kWidth = 1240;
constexpr int kHeight = 2400;

nlohmann::ordered_json Object(const char* key, nlohmann::ordered_json value) {
  nlohmann::ordered_json object;
  object[key] = std::move(value);
  return object;
}

// As a simulation writes them: losses that fall, evaluated every round.
std::string MetricsLines() {
  std::string lines;
  for (int round = 1; round <= 20; ++round) {
    const nlohmann::ordered_json line = {
        {"round", round},
        {"asked", 12},
        {"accepted", round % 3 == 0 ? 9 : 11},
        {"train_loss", 2.0 / (round + 1)},
        {"metrics",
         {{"accuracy", 1 - 0.6 / round}, {"loss", 0.5 + 2.0 / (round + 1)}}},
        {"opened_seconds", 3.0 * (round - 1)},
        {"virtual_seconds", 3.0 * round},
        {"effort", Object("spent", Object("bytes_up", 70000 + 1000 * round))}};
    lines += line.dump() + "\n";
  }
  return lines;
}

class BrowserFixture {
 public:
  BrowserFixture() {
    folder.Write("plan.yaml", "name: waves\nstop: {rounds: 20}\n");
    folder.Write("metrics.jsonl", MetricsLines());
    auto read = ReadRun(folder.path());
    REQUIRE(read.ok());
    run = *std::move(read);
    page = MakeReport(run);
    folder.Write("report.html", page);
  }

  // What the browser prints. It resolves no name and talks to no proxy.
  std::string Browse(const std::string& options, const std::string& file) {
    const std::string at = folder.path().string();
    const std::string command =
        "HOME='" + at + "' timeout 240 chromium --headless --no-sandbox " +
        "--disable-gpu --hide-scrollbars --force-device-scale-factor=1 " +
        "--host-resolver-rules='MAP * ~NOTFOUND' --proxy-server=127.0.0.1:9 " +
        "--user-data-dir='" + at +
        "/profile' --window-size=" + std::to_string(kWidth) + "," +
        std::to_string(kHeight) + " " + options + " 'file://" + at + "/" +
        file + "' >'" + at + "/out' 2>'" + at + "/err'";
    const int status = std::system(command.c_str());
    INFO("chromium (deploy/setup.sh --test installs it): " +
         BytesOf(folder.path() / "err"));
    REQUIRE(status == 0);
    return BytesOf(folder.path() / "out");
  }

  // Where the drawings stand on the page: left, top and width in pixels, by
  // title. A copy of the page says it, for the page itself runs no script.
  std::map<std::string, std::vector<double>> Boxes() {
    std::string copy = page;
    const std::size_t policy = copy.find("<meta http-equiv=");
    copy.erase(policy, copy.find('>', policy) + 1 - policy);
    copy.insert(copy.rfind("</body>"), R"(<script>
      for (const chart of document.querySelectorAll('svg.chart')) {
        const box = chart.getBoundingClientRect();
        chart.setAttribute('data-box', `${box.left} ${box.top} ${box.width}`);
      }</script>)");
    folder.Write("measured.html", copy);
    const std::string tree = Browse("--dump-dom", "measured.html");
    std::map<std::string, std::vector<double>> boxes;
    for (const std::string& drawing : Drawings(tree)) {
      boxes[AttributeOf(drawing, "data-chart")] =
          NumbersIn(AttributeOf(drawing, "data-box"));
    }
    return boxes;
  }

  const TemporaryFolder folder;
  RunRecord run;
  std::string page;
};

struct Shown {
  std::string chart;
  std::string curve;
  std::size_t index;  // of its colour
  std::string x;
  std::string y;
};

const std::vector<Shown>& ShownCurves() {
  static const auto& shown = *new std::vector<Shown>{
      {"accuracy over rounds", "accuracy", 0, "round", "metrics.accuracy"},
      {"accuracy over virtual time", "accuracy", 0, "virtual_seconds",
       "metrics.accuracy"},
      {"loss over rounds", "evaluation", 0, "round", "metrics.loss"},
      {"loss over rounds", "training", 1, "round", "train_loss"},
      {"bytes up of a round", "spent", 0, "round", "effort.spent.bytes_up"},
      {"Clients of a round", "asked", 0, "round", "asked"},
      {"Clients of a round", "accepted", 1, "round", "accepted"}};
  return shown;
}

TEST_CASE_METHOD(BrowserFixture,
                 "the browser's tree holds every curve of metrics.jsonl") {
  const std::string tree = Browse("--dump-dom", "report.html");
  for (const Shown& shown : ShownCurves()) {
    INFO(shown.chart << ": " << shown.curve);
    const std::string drawing = DrawingOf(tree, shown.chart);
    const auto drawn = CurveOf(drawing, shown.curve);
    const auto expected = run.Over(shown.x, shown.y);
    const auto ends = NumbersIn(AttributeOf(drawing, "data-y"));
    REQUIRE(drawn.size() == expected.size());
    REQUIRE(drawn.size() == 20);
    // Coordinates are hundredths of 200 pixels.
    const double margin = (ends.at(1) - ends.at(0)) * 1e-4;
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      CHECK(drawn[i].y == Approx(expected[i].y).margin(margin));
    }
  }
}

TEST_CASE_METHOD(BrowserFixture,
                 "a screenshot shows every point in its curve's colour") {
  Browse("--screenshot='" + (folder.path() / "page.png").string() + "'",
         "report.html");
  const auto picture = Picture::FromPng(BytesOf(folder.path() / "page.png"));
  REQUIRE(picture.ok());
  REQUIRE(picture->width() == kWidth);
  const auto boxes = Boxes();
  for (const Shown& shown : ShownCurves()) {
    INFO(shown.chart << ": " << shown.curve);
    REQUIRE(boxes.contains(shown.chart));
    const auto& box = boxes.at(shown.chart);
    REQUIRE(box.size() == 3);
    const std::string drawing = DrawingOf(page, shown.chart);
    const auto view = NumbersIn(AttributeOf(drawing, "viewBox"));
    const double scale = box[2] / view.at(2);
    const Colour colour = ColourFromHex(std::string(ColourOf(shown.index)));
    const auto path = PathOf(drawing, shown.curve);
    REQUIRE(path.size() == 20);
    for (const Point& point : path) {
      const double x = box[0] + point.x * scale;
      const double y = box[1] + point.y * scale;
      REQUIRE(y < picture->height());
      CHECK(picture->NearestAround(x, y, 1, colour) < 24);
      // The curve is a line, not a flood.
      CHECK(picture->NearestAround(x, y - 25 * scale, 1, colour) > 24);
    }
  }
}

TEST_CASE_METHOD(BrowserFixture, "the page names no address to fetch") {
  std::string text = page;
  const std::string name_space = "xmlns=\"http://www.w3.org/2000/svg\"";
  for (std::size_t at = text.find(name_space); at != std::string::npos;
       at = text.find(name_space)) {
    text.erase(at, name_space.size());
  }
  CHECK(text.find("//") == std::string::npos);
  CHECK(text.find("url(") == std::string::npos);
  CHECK(text.find("@import") == std::string::npos);
}

}  // namespace
}  // namespace tributary::simulation
