#include "base/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "base/check.h"

namespace melete {
namespace {

constexpr size_t kMaxPoints = 600;
// Okabe and Ito's palette: told apart by colour-blind readers too.
constexpr std::array<const char*, 8> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                 "#e69f00", "#56b4e9", "#000000", "#999999"};

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  bool empty() const { return low > high; }
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  void widen_if_flat() {
    if (high > low) return;
    const double margin = low == 0 ? 1 : std::abs(low) * 0.1;
    low -= margin;
    high += margin;
  }
};

using Points = std::vector<std::pair<double, double>>;

Points drawable(const PlotSeries& series, bool log_y) {
  Points points;
  for (size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
    if (!std::isfinite(series.x[i]) || !std::isfinite(series.y[i]) || (log_y && series.y[i] <= 0)) continue;
    points.emplace_back(series.x[i], log_y ? std::log10(series.y[i]) : series.y[i]);
  }
  if (points.size() <= kMaxPoints) return points;
  Points means;
  const size_t group = (points.size() + kMaxPoints - 1) / kMaxPoints;
  for (size_t begin = 0; begin < points.size(); begin += group) {
    const size_t end = std::min(points.size(), begin + group);
    double x = 0, y = 0;
    for (size_t i = begin; i < end; ++i) x += points[i].first, y += points[i].second;
    means.emplace_back(x / static_cast<double>(end - begin), y / static_cast<double>(end - begin));
  }
  return means;
}

// Maps data to pixels inside the axes.
struct Frame {
  Range x, y;
  double left = 56, right = 0, top = 28, bottom = 0;
  double px(double value) const { return left + (value - x.low) / (x.high - x.low) * (right - left); }
  double py(double value) const { return bottom - (value - y.low) / (y.high - y.low) * (bottom - top); }
};

std::string axes(const Frame& f, const PlotSpec& spec) {
  std::string out;
  for (const double tick : round_ticks(f.y.low, f.y.high, 5)) {
    out += fmt::format("<line x1='{:.1f}' x2='{:.1f}' y1='{:.1f}' y2='{:.1f}' stroke='#ddd'/>", f.left,
                       f.right, f.py(tick), f.py(tick));
    out += fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='end'>{:.3g}</text>", f.left - 5,
                       f.py(tick) + 4, spec.log_y ? std::pow(10.0, tick) : tick);
  }
  for (const double tick : round_ticks(f.x.low, f.x.high, 6))
    out += fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='middle'>{:g}</text>", f.px(tick),
                       f.bottom + 15, tick);
  out += fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='middle'>{}</text>", (f.left + f.right) / 2,
                     f.bottom + 31, escape_html(spec.x_label));
  out += fmt::format("<text transform='translate(13 {:.1f}) rotate(-90)' text-anchor='middle'>{}</text>",
                     (f.top + f.bottom) / 2, escape_html(spec.y_label));
  return out;
}

std::string legend(const Frame& f, const PlotSpec& spec) {
  std::string out;
  for (size_t i = 0; i < spec.series.size(); ++i) {
    const double y = f.top + 8 + 15 * static_cast<double>(i);
    out += fmt::format(
        "<line x1='{0:.1f}' x2='{1:.1f}' y1='{2:.1f}' y2='{2:.1f}' stroke='{3}' stroke-width='3'/>",
        f.right + 8, f.right + 22, y, kColours[i % kColours.size()]);
    out += fmt::format("<text x='{:.1f}' y='{:.1f}'>{}</text>", f.right + 27, y + 4,
                       escape_html(spec.series[i].label));
  }
  return out;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::vector<double> round_ticks(double low, double high, int count) {
  MELETE_CHECK(low <= high && count >= 2, "low=", low, " high=", high, " count=", count);
  if (low == high) return {low};
  const double raw = (high - low) / (count - 1), power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * (1 - 1e-9)) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  const auto first = static_cast<int64_t>(std::ceil(low / step - 1e-9));
  const auto last = static_cast<int64_t>(std::floor(high / step + 1e-9));
  for (int64_t i = first; i <= last; ++i) ticks.push_back(static_cast<double>(i) * step);
  return ticks;
}

std::string svg_plot(const PlotSpec& spec) {
  Frame f;
  std::vector<Points> drawn;
  for (const auto& series : spec.series) {
    drawn.push_back(drawable(series, spec.log_y));
    for (const auto& [x, y] : drawn.back()) f.x.add(x), f.y.add(y);
  }
  const int height = std::max(spec.height_px, 60 + 15 * static_cast<int>(spec.series.size()));
  std::string out = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}' "
      "font-family='sans-serif' font-size='11' fill='#222'><text x='{2}' y='16' font-size='13' "
      "font-weight='bold' text-anchor='middle'>{3}</text>",
      spec.width_px, height, spec.width_px / 2, escape_html(spec.title));
  if (f.x.empty()) return out + "<text x='20' y='60'>no data yet</text></svg>";
  if (spec.from_zero && !spec.log_y) f.y.add(0);
  f.x.widen_if_flat();
  f.y.widen_if_flat();
  f.right = spec.width_px - 150;
  f.bottom = height - 42;
  out += axes(f, spec);
  for (size_t i = 0; i < drawn.size(); ++i) {
    std::string path;
    for (const auto& [x, y] : drawn[i]) path += fmt::format("{:.1f},{:.1f} ", f.px(x), f.py(y));
    out += fmt::format("<polyline fill='none' stroke='{}' stroke-width='1.5' points='{}'/>",
                       kColours[i % kColours.size()], path);
  }
  return out + legend(f, spec) + "</svg>";
}

}  // namespace melete
