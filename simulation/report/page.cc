// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/page.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "simulation/report/markup.h"

namespace tributary::simulation {
namespace {

constexpr const char* kStyle = R"css(
:root { color-scheme: light dark; --page: #ffffff; --ink: #1b1f24;
  --soft: #57606a; --line: #d0d7de; --card: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14181d; --ink: #e6e9ec; --soft: #9aa4af; --line: #363d45;
    --card: #1d232a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1240px; color: var(--ink);
  background: var(--page); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 26px; margin: 0; }
h2 { font-size: 19px; margin: 36px 0 8px; padding-top: 12px;
  border-top: 1px solid var(--line); }
p { margin: 6px 0 12px; max-width: 90ch; }
.subtitle { color: var(--soft); }
.figures { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0; }
.figures div { background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; padding: 10px 16px; min-width: 130px; }
.figures dt, .figures small { color: var(--soft); font-size: 13px; }
.figures dd { margin: 0; font-size: 21px; font-weight: 600; }
.figures small { display: block; font-weight: 400; }
.charts { display: grid; gap: 20px;
  grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr)); }
figure { margin: 0; max-width: 720px; }
svg.chart, img { display: block; width: 100%; height: auto; }
figure.picture { max-width: 920px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 12px; border-bottom: 1px solid var(--line);
  text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
td.number { text-align: right; white-space: nowrap; }
pre { background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; padding: 12px 16px; overflow-x: auto;
  font: 13px/1.45 ui-monospace, monospace; }
@media print {
  :root { --page: #ffffff; --ink: #000000; --soft: #444444; --line: #bbbbbb;
    --card: #ffffff; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  svg.chart { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .charts { grid-template-columns: 1fr 1fr; }
  figure, tr, .figures div { break-inside: avoid; }
  h2 { break-after: avoid; }
  pre { white-space: pre-wrap; }
}
)css";

}  // namespace

Page::Page(const std::string& title, const std::string& subtitle)
    : title_(title),
      body_(absl::StrCat("<h1>", Escape(title), "</h1>\n<p class=\"subtitle\">",
                         Escape(subtitle), "</p>\n")) {}

void Page::AddFigures(const std::vector<Figure>& figures) {
  absl::StrAppend(&body_, "<dl class=\"figures\">\n");
  for (const Figure& figure : figures) {
    absl::StrAppend(&body_, "<div><dt>", Escape(figure.name), "</dt><dd>",
                    Escape(figure.value), "<small>", Escape(figure.note),
                    "</small></dd></div>\n");
  }
  absl::StrAppend(&body_, "</dl>\n");
}

void Page::AddHeading(const std::string& heading) {
  absl::StrAppend(&body_, "<h2>", Escape(heading), "</h2>\n");
}

void Page::AddText(const std::string& text) {
  absl::StrAppend(&body_, "<p>", Escape(text), "</p>\n");
}

void Page::AddList(const std::vector<std::string>& items) {
  absl::StrAppend(&body_, "<ul>\n");
  for (const std::string& item : items) {
    absl::StrAppend(&body_, "<li>", Escape(item), "</li>\n");
  }
  absl::StrAppend(&body_, "</ul>\n");
}

void Page::AddCharts(const std::vector<std::string>& charts) {
  absl::StrAppend(&body_, "<div class=\"charts\">\n");
  for (const std::string& chart : charts) {
    if (chart.empty()) continue;
    absl::StrAppend(&body_, "<figure>", chart, "</figure>\n");
  }
  absl::StrAppend(&body_, "</div>\n");
}

void Page::AddPicture(const std::string& svg, const std::string& description) {
  absl::StrAppend(&body_, "<figure class=\"picture\"><img alt=\"",
                  Escape(description), "\" src=\"data:image/svg+xml;base64,",
                  absl::Base64Escape(svg), "\"></figure>\n");
}

void Page::AddLiteral(const std::string& text) {
  absl::StrAppend(&body_, "<pre>", Escape(text), "</pre>\n");
}

void Page::AddTable(const Table& rows) {
  absl::StrAppend(&body_, "<div class=\"scroll\"><table>\n");
  for (std::size_t r = 0; r < rows.size(); ++r) {
    absl::StrAppend(&body_, "<tr>");
    for (const std::string& cell : rows[r]) {
      if (r == 0) {
        absl::StrAppend(&body_, "<th scope=\"col\">", Escape(cell), "</th>");
      } else {
        absl::StrAppend(&body_,
                        IsNumberCell(cell) ? "<td class=\"number\">" : "<td>",
                        Escape(cell), "</td>");
      }
    }
    absl::StrAppend(&body_, "</tr>\n");
  }
  absl::StrAppend(&body_, "</table></div>\n");
}

std::string Page::Html() const {
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
      "'none'; img-src data:; style-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
      Escape(title_), "</title>\n<style>", kStyle,
      "</style>\n</head>\n<body>\n", body_, "</body>\n</html>\n");
}

}  // namespace tributary::simulation
