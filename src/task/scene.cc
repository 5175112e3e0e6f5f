#include "task/scene.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include "text/special_tokens.h"

namespace melete {
namespace {

constexpr double kRingHole = 0.55;  // inner over outer radius

// Outline in a box of -1..1, unturned; empty for circle and ring.
std::vector<Point> unit_outline(Shape shape) {
  switch (shape) {
    case Shape::square: return {{-0.88, -0.88}, {0.88, -0.88}, {0.88, 0.88}, {-0.88, 0.88}};
    case Shape::triangle: return {{0, -1}, {1, 0.85}, {-1, 0.85}};
    case Shape::cross: {
      constexpr double a = 0.34;
      return {{-a, -1}, {a, -1}, {a, -a}, {1, -a}, {1, a},   {a, a},
              {a, 1},   {-a, 1}, {-a, a}, {-1, a}, {-1, -a}, {-a, -a}};
    }
    case Shape::star: {
      std::vector<Point> outline;
      for (int i = 0; i < 10; ++i) {
        const double angle = i * std::numbers::pi / 5, radius = i % 2 ? 0.44 : 1.05;
        outline.push_back({radius * std::sin(angle), 0.05 - radius * std::cos(angle)});
      }
      return outline;
    }
    case Shape::heart: {
      std::vector<Point> outline;
      for (int i = 0; i < 32; ++i) {
        const double t = i * std::numbers::pi / 16, s = std::sin(t);
        const double height = 13 * std::cos(t) - 5 * std::cos(2 * t) - 2 * std::cos(3 * t) - std::cos(4 * t);
        outline.push_back({s * s * s, -(height + 2.5) / 14.5});
      }
      return outline;
    }
    case Shape::circle:
    case Shape::ring: break;
  }
  return {};
}

std::vector<Point> outline_of(const Figure& figure) {
  static const auto outlines = [] {
    std::array<std::vector<Point>, kNumShapes> all;
    for (int shape = 0; shape < kNumShapes; ++shape)
      all[static_cast<size_t>(shape)] = unit_outline(static_cast<Shape>(shape));
    return all;
  }();
  std::vector<Point> outline = outlines[static_cast<size_t>(figure.shape)];
  const double turn = figure.turn_degrees * std::numbers::pi / 180, c = std::cos(turn), s = std::sin(turn);
  for (Point& p : outline)
    p = {figure.x + figure.radius * (c * p.x - s * p.y), figure.y + figure.radius * (s * p.x + c * p.y)};
  return outline;
}

constexpr int kPointCell = 5;  // of a hundred: side of a cell on the grid of points

int bin(double value, double extent) {
  return std::clamp(static_cast<int>(std::floor(value / extent * 100)), 0, 99);
}

int point_bin(double value, double extent) {
  return bin(value, extent) / kPointCell * kPointCell + kPointCell / 2;
}

int thousandth(double value, double extent) {
  return std::clamp(static_cast<int>(std::lround(value / extent * 1000)), 0, 1000);
}

}  // namespace

std::string Figure::name() const {
  return std::string(kPalette[static_cast<size_t>(color)].name) + " " +
         kShapeNames[static_cast<size_t>(shape)];
}

Rect Figure::box() const {
  const std::vector<Point> outline = outline_of(*this);
  double left = x - radius, right = x + radius, top = y - radius, bottom = y + radius;
  if (!outline.empty()) {
    left = top = 1e9;
    right = bottom = -1e9;
    for (const Point& p : outline) {
      left = std::min(left, p.x);
      right = std::max(right, p.x);
      top = std::min(top, p.y);
      bottom = std::max(bottom, p.y);
    }
  }
  return {left, top, right - left, bottom - top};
}

void draw(Canvas& canvas, const Figure& figure) {
  const Color color = kPalette[static_cast<size_t>(figure.color)].color;
  switch (static_cast<Shape>(figure.shape)) {
    case Shape::circle: return canvas.fill_circle(figure.center(), figure.radius, color);
    case Shape::ring:
      return canvas.fill_ring(figure.center(), kRingHole * figure.radius, figure.radius, color);
    default: return canvas.fill_polygon(outline_of(figure), color);
  }
}

int Frame::bin_x(double x) const { return point_bin(x, width); }
int Frame::bin_y(double y) const { return point_bin(y, height); }
int Frame::edge_bin_y(double y) const { return bin(y, height); }

std::string Frame::loc(Point at) const { return location_token(bin_x(at.x)) + location_token(bin_y(at.y)); }

std::string Frame::loc(const Rect& box) const {
  return location_token(bin(box.left, width)) + location_token(bin(box.top, height)) +
         location_token(bin(box.right(), width)) + location_token(bin(box.bottom(), height));
}

Mark Frame::point(std::string label, Point at) const {
  return {Mark::Kind::point, std::move(label), {thousandth(at.x, width), thousandth(at.y, height), 0, 0}};
}

Mark Frame::box(std::string label, const Rect& rect) const {
  return {Mark::Kind::box,
          std::move(label),
          {thousandth(rect.left, width), thousandth(rect.top, height), thousandth(rect.right(), width),
           thousandth(rect.bottom(), height)}};
}

std::vector<Figure> in_reading_order(std::vector<Figure> figures, const Frame& frame) {
  std::sort(figures.begin(), figures.end(), [&](const Figure& a, const Figure& b) {
    return std::tuple(frame.bin_y(a.y), a.x, a.y) < std::tuple(frame.bin_y(b.y), b.x, b.y);
  });
  return figures;
}

bool is_held_pair(int color, int shape) {
  constexpr std::array<std::pair<int, Shape>, 3> kHeld = {
      {{5, Shape::star}, {1, Shape::cross}, {3, Shape::heart}}};  // purple star, orange cross, green heart
  return std::any_of(kHeld.begin(), kHeld.end(), [&](const auto& pair) {
    return pair.first == color && static_cast<int>(pair.second) == shape;
  });
}

Random task_random(std::string_view task, uint64_t seed, int level, Stream stream) {
  const uint64_t key = mix_seed(stable_hash(task), static_cast<uint64_t>(level));
  return Random(mix_seed(seed, key), static_cast<uint64_t>(stream));
}

bool add_question(Episode& episode, Question question) {
  int of_kind = 0;
  for (const Question& asked : episode.questions) {
    if (asked.text == question.text) return false;
    if (asked.kind == question.kind && ++of_kind == 2) return false;
    const auto known = [&](const std::string& fact) {
      return std::count(asked.asks.begin(), asked.asks.end(), fact) +
                 std::count(asked.tells.begin(), asked.tells.end(), fact) >
             0;
    };
    if (std::any_of(question.asks.begin(), question.asks.end(), known)) return false;
  }
  episode.questions.push_back(std::move(question));
  return true;
}

int draw_font(Random& random, bool held_out, bool easy) {
  return held_out ? kHeldFont : static_cast<int>(random.integer(0, easy ? 1 : kHeldFont - 1));
}

std::string joined(const std::vector<std::string>& parts, const std::string& separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

}  // namespace melete
