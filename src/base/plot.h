// Line plots as SVG text, for training and evaluation reports: no JavaScript, no fonts beyond the browser's
// own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace melete {

struct PlotSeries {
  std::string label;
  std::vector<double> x, y;  // equally long; points with a value that isn't finite are left out
};

struct PlotSpec {
  std::string title, x_label, y_label;
  std::vector<PlotSeries> series;
  bool log_y = false;      // values <= 0 are left out
  bool from_zero = false;  // the y axis starts at 0
  int width_px = 560, height_px = 320;
};

// One <svg> element. At most 600 points a series are drawn (means of neighbours), so a long run stays a small
// file. Labels are escaped. A plot without points says so instead of drawing axes.
std::string svg_plot(const PlotSpec& spec);

// `text` with &, <, > and quotes as entities.
std::string escape_html(std::string_view text);

// About `count` round numbers (1, 2 or 5 times a power of ten apart) from low to high; CHECKs low <= high,
// count >= 2.
std::vector<double> round_ticks(double low, double high, int count);

}  // namespace melete
