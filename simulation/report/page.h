// SPDX-License-Identifier: Apache-2.0
// One self-contained HTML file: its style inside, nothing fetched (its content
// security policy forbids it), light or dark as the reader's system is, and fit
// for paper. Pure.
#pragma once

#include <string>
#include <vector>

#include "simulation/report/table.h"

namespace tributary::simulation {

class Page {
 public:
  // Texts are escaped here; markup comes from the chart writers only.
  Page(const std::string& title, const std::string& subtitle);

  // Figures a reader looks for first: "accuracy", "0.9622", "best 0.97".
  struct Figure {
    std::string name;
    std::string value;
    std::string note;
  };
  void AddFigures(const std::vector<Figure>& figures);
  // What follows belongs to it.
  void AddHeading(const std::string& heading);
  void AddText(const std::string& text);
  void AddList(const std::vector<std::string>& items);
  // SVG elements, side by side where there is room; empty ones are left out.
  void AddCharts(const std::vector<std::string>& charts);
  // An SVG file of any origin: as a picture of its own, in which nothing runs.
  // `description` is read out instead of it.
  void AddPicture(const std::string& svg, const std::string& description);
  // A text as it is, every line of it.
  void AddLiteral(const std::string& text);
  // The first row is the heading; numbers are set to the right.
  void AddTable(const Table& rows);

  std::string Html() const;

 private:
  std::string title_;
  std::string body_;
};

}  // namespace tributary::simulation
