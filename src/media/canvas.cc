#include "media/canvas.h"

#include <cairo.h>
#include <pango/pangocairo.h>

#include <algorithm>
#include <array>
#include <numbers>

#include "base/check.h"
#include "base/random.h"

namespace melete {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;

struct SurfaceDeleter {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
struct CairoDeleter {
  void operator()(cairo_t* cairo) const { cairo_destroy(cairo); }
};
struct ObjectDeleter {
  void operator()(void* object) const { g_object_unref(object); }
};
struct DescriptionDeleter {
  void operator()(PangoFontDescription* description) const { pango_font_description_free(description); }
};

// One font map and layout a thread: Pango's objects must not be shared, and making them costs milliseconds.
class TextLayout {
 public:
  TextLayout() {
    map_.reset(pango_cairo_font_map_new());
    pango_cairo_font_map_set_resolution(PANGO_CAIRO_FONT_MAP(map_.get()), 72);  // so that a point is a pixel
    context_.reset(pango_font_map_create_context(map_.get()));
    cairo_font_options_t* options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);  // not the desktop's settings
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(context_.get(), options);
    cairo_font_options_destroy(options);
    layout_.reset(pango_layout_new(context_.get()));
    pango_layout_set_single_paragraph_mode(layout_.get(), TRUE);
  }

  // Sets the text and returns its ink rectangle, relative to the layout's origin.
  Rect set(std::string_view text, const Font& font) {
    const std::unique_ptr<PangoFontDescription, DescriptionDeleter> description(pango_font_description_new());
    pango_font_description_set_family(description.get(), font.family.c_str());
    pango_font_description_set_absolute_size(description.get(), font.size_px * PANGO_SCALE);
    pango_font_description_set_weight(description.get(), font.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_font_description_set_style(description.get(),
                                     font.italic ? PANGO_STYLE_ITALIC : PANGO_STYLE_NORMAL);
    pango_layout_set_font_description(layout_.get(), description.get());
    pango_layout_set_text(layout_.get(), text.data(), static_cast<int>(text.size()));
    PangoRectangle ink;
    pango_layout_get_extents(layout_.get(), &ink, nullptr);
    constexpr double kUnit = 1.0 / PANGO_SCALE;
    return {ink.x * kUnit, ink.y * kUnit, ink.width * kUnit, ink.height * kUnit};
  }

  bool has(const std::string& family) {
    PangoFontFamily** families = nullptr;
    int count = 0;
    pango_font_map_list_families(map_.get(), &families, &count);
    const bool found = std::any_of(families, families + count, [&](PangoFontFamily* f) {
      return family == pango_font_family_get_name(f);
    });
    g_free(families);
    return found;
  }

  PangoLayout* layout() { return layout_.get(); }

 private:
  std::unique_ptr<PangoFontMap, ObjectDeleter> map_;
  std::unique_ptr<PangoContext, ObjectDeleter> context_;
  std::unique_ptr<PangoLayout, ObjectDeleter> layout_;
};

TextLayout& text_layout() {
  thread_local TextLayout layout;
  return layout;
}

}  // namespace

struct Canvas::State {
  int64_t width, height;
  std::unique_ptr<cairo_surface_t, SurfaceDeleter> surface;
  std::unique_ptr<cairo_t, CairoDeleter> cairo;

  cairo_t* use(Color color) const {
    cairo_set_source_rgb(cairo.get(), color.red / 255.0, color.green / 255.0, color.blue / 255.0);
    return cairo.get();
  }
};

Canvas::Canvas(int64_t width, int64_t height, Color background) : state_(std::make_unique<State>()) {
  MELETE_CHECK(width >= 1 && width <= 4096 && height >= 1 && height <= 4096, width, "x", height);
  state_->width = width;
  state_->height = height;
  state_->surface.reset(
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width), static_cast<int>(height)));
  state_->cairo.reset(cairo_create(state_->surface.get()));
  cairo_set_line_cap(state_->cairo.get(), CAIRO_LINE_CAP_ROUND);
  cairo_set_line_join(state_->cairo.get(), CAIRO_LINE_JOIN_ROUND);
  cairo_paint(state_->use(background));
}

Canvas::~Canvas() = default;

int64_t Canvas::width() const { return state_->width; }
int64_t Canvas::height() const { return state_->height; }

void Canvas::fill_polygon(std::span<const Point> outline, Color color) {
  cairo_t* cairo = state_->use(color);
  for (const Point& p : outline) cairo_line_to(cairo, p.x, p.y);
  cairo_close_path(cairo);
  cairo_fill(cairo);
}

void Canvas::fill_circle(Point center, double radius, Color color) {
  cairo_t* cairo = state_->use(color);
  cairo_arc(cairo, center.x, center.y, radius, 0, kTurn);
  cairo_fill(cairo);
}

void Canvas::fill_ring(Point center, double inner_radius, double outer_radius, Color color) {
  cairo_t* cairo = state_->use(color);
  cairo_arc(cairo, center.x, center.y, outer_radius, 0, kTurn);
  cairo_new_sub_path(cairo);
  cairo_arc_negative(cairo, center.x, center.y, inner_radius, kTurn, 0);
  cairo_fill(cairo);
}

void Canvas::fill_rect(const Rect& rect, Color color) {
  cairo_t* cairo = state_->use(color);
  cairo_rectangle(cairo, rect.left, rect.top, rect.width, rect.height);
  cairo_fill(cairo);
}

void Canvas::stroke_line(Point from, Point to, double line_width, Color color) {
  const std::array<Point, 2> points = {from, to};
  stroke_polyline(points, line_width, color);
}

void Canvas::stroke_polyline(std::span<const Point> points, double line_width, Color color) {
  cairo_t* cairo = state_->use(color);
  for (const Point& p : points) cairo_line_to(cairo, p.x, p.y);
  cairo_set_line_width(cairo, line_width);
  cairo_stroke(cairo);
}

void Canvas::stroke_circle(Point center, double radius, double line_width, Color color) {
  cairo_t* cairo = state_->use(color);
  cairo_arc(cairo, center.x, center.y, radius, 0, kTurn);
  cairo_set_line_width(cairo, line_width);
  cairo_stroke(cairo);
}

void Canvas::stroke_rect(const Rect& rect, double line_width, Color color) {
  cairo_t* cairo = state_->use(color);
  cairo_rectangle(cairo, rect.left, rect.top, rect.width, rect.height);
  cairo_set_line_width(cairo, line_width);
  cairo_stroke(cairo);
}

Rect Canvas::draw_text(std::string_view text, const Font& font, Point center, Color color,
                       double angle_radians) {
  const Rect ink = text_layout().set(text, font);
  cairo_t* cairo = state_->use(color);
  cairo_save(cairo);
  cairo_translate(cairo, center.x, center.y);
  cairo_rotate(cairo, angle_radians);
  cairo_move_to(cairo, -ink.left - ink.width / 2, -ink.top - ink.height / 2);
  pango_cairo_show_layout(cairo, text_layout().layout());
  cairo_restore(cairo);
  cairo_new_path(cairo);
  return {center.x - ink.width / 2, center.y - ink.height / 2, ink.width, ink.height};
}

Rect Canvas::draw_text_left(std::string_view text, const Font& font, double left, double middle,
                            Color color) {
  const Rect ink = text_layout().set(text, font);
  return draw_text(text, font, {left + ink.width / 2, middle}, color);
}

void Canvas::add_noise(uint64_t seed, int amplitude) {
  cairo_surface_flush(state_->surface.get());
  uint8_t* bytes = cairo_image_surface_get_data(state_->surface.get());
  const int64_t size = state_->height * cairo_image_surface_get_stride(state_->surface.get());
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  for (int64_t begin = 0; begin < size; begin += 16) {
    const std::array<uint32_t, 4> block = philox({static_cast<uint32_t>(begin / 16), 0, 0, 0}, key);
    for (int64_t i = 0; i < 16 && begin + i < size; ++i) {
      const int draw = block[static_cast<size_t>(i / 4)] >> (8 * (i % 4)) & 255;
      const int value = bytes[begin + i] + draw * (2 * amplitude + 1) / 256 - amplitude;
      bytes[begin + i] = static_cast<uint8_t>(std::clamp(value, 0, 255));
    }
  }
  cairo_surface_mark_dirty(state_->surface.get());
}

Image Canvas::image() const {
  cairo_surface_flush(state_->surface.get());
  const uint8_t* bytes = cairo_image_surface_get_data(state_->surface.get());
  const int64_t stride = cairo_image_surface_get_stride(state_->surface.get());
  Image image{state_->width, state_->height,
              std::vector<uint8_t>(static_cast<size_t>(state_->width * state_->height * 3))};
  uint8_t* out = image.rgb.data();
  for (int64_t y = 0; y < state_->height; ++y) {
    const auto* row = reinterpret_cast<const uint32_t*>(bytes + y * stride);  // native-endian 0x00RRGGBB
    for (int64_t x = 0; x < state_->width; ++x, out += 3) {
      out[0] = static_cast<uint8_t>(row[x] >> 16);
      out[1] = static_cast<uint8_t>(row[x] >> 8);
      out[2] = static_cast<uint8_t>(row[x]);
    }
  }
  return image;
}

Rect measure_text(std::string_view text, const Font& font) {
  const Rect ink = text_layout().set(text, font);
  return {0, 0, ink.width, ink.height};
}

bool has_font(const std::string& family) { return text_layout().has(family); }

}  // namespace melete
