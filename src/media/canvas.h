// Drawing into an Image: antialiased shapes, lines and text, for tasks, marks and examples.
//
// Cairo's image surface (fixed-point coverage) and Pango with hinting off, so the same calls give the same
// bytes on every thread and in every run. Units are pixels, (0, 0) is the top left corner, pixel centres lie
// at halves. Each Canvas belongs to one thread at a time; different threads may draw at once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "media/media.h"

namespace melete {

struct Color {
  uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Color&) const = default;
};

struct Point {
  double x = 0, y = 0;
};

struct Rect {
  double left = 0, top = 0, width = 0, height = 0;
  double right() const { return left + width; }
  double bottom() const { return top + height; }
  Point center() const { return {left + width / 2, top + height / 2}; }
};

// A font by its fontconfig family; size_px is the em, so capitals are about 0.7 of it high.
struct Font {
  std::string family = "DejaVu Sans";
  double size_px = 16;
  bool bold = false, italic = false;
};

class Canvas {
 public:
  // CHECKs sides in 1..4096.
  Canvas(int64_t width, int64_t height, Color background);
  ~Canvas();
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  int64_t width() const;
  int64_t height() const;

  void fill_polygon(std::span<const Point> outline, Color color);
  void fill_circle(Point center, double radius, Color color);
  // The area between two circles, so what lies under the hole stays visible.
  void fill_ring(Point center, double inner_radius, double outer_radius, Color color);
  void fill_rect(const Rect& rect, Color color);

  void stroke_line(Point from, Point to, double line_width, Color color);  // round ends
  void stroke_polyline(std::span<const Point> points, double line_width, Color color);
  void stroke_circle(Point center, double radius, double line_width, Color color);
  void stroke_rect(const Rect& rect, double line_width, Color color);

  // Draws one line of UTF-8 text with the middle of its ink at `center`, turned clockwise by `angle_radians`.
  // Returns the ink's rectangle before the turn.
  Rect draw_text(std::string_view text, const Font& font, Point center, Color color,
                 double angle_radians = 0);
  // The same with the ink's left edge at x = left and its middle height at y = middle.
  Rect draw_text_left(std::string_view text, const Font& font, double left, double middle, Color color);

  // Adds to every channel a uniform draw from [-amplitude, amplitude] (clamped to 0..255); the same seed
  // gives the same noise.
  void add_noise(uint64_t seed, int amplitude);

  Image image() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The ink's width and height in pixels, without drawing.
Rect measure_text(std::string_view text, const Font& font);

// Whether the family is installed; if not, drawing falls back to another font and other machines' bytes
// differ.
bool has_font(const std::string& family);

}  // namespace melete
