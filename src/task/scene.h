// What the drawn tasks share: palette, figures, location tokens and marks.
//
// A location token <|loc_NN|> is a hundredth of the picture's width or height, numbered from the left or top
// edge; a point is written x y, a box x1 y1 x2 y2, right behind the label it belongs to. Points lie on a grid
// of twentieths and are written as the middle token of their cell (2, 7, .. 97): a picture token covers 28 of
// 168 pixels, and digits finer than what the model can see are noise to learn. Boxes keep to hundredths.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/random.h"
#include "media/canvas.h"
#include "task/task.h"

namespace melete {

struct NamedColor {
  const char* name;
  Color color;
};
inline constexpr std::array<NamedColor, 8> kPalette = {{{"red", {222, 30, 36}},
                                                        {"orange", {255, 140, 0}},
                                                        {"yellow", {250, 220, 20}},
                                                        {"green", {30, 160, 60}},
                                                        {"blue", {30, 80, 225}},
                                                        {"purple", {125, 40, 165}},
                                                        {"pink", {255, 130, 190}},
                                                        {"black", {20, 20, 20}}}};
inline constexpr int kNumColors = static_cast<int>(kPalette.size());

enum class Shape { circle, square, triangle, star, cross, heart, ring };
inline constexpr int kNumShapes = 7;
inline constexpr std::array<const char*, kNumShapes> kShapeNames = {"circle", "square", "triangle", "star",
                                                                    "cross",  "heart",  "ring"};

inline constexpr Color kWhite = {255, 255, 255}, kInk = {25, 25, 30};

// Light colours that every palette colour stands out from.
inline constexpr std::array<Color, 6> kTints = {
    {{255, 255, 255}, {236, 240, 246}, {240, 236, 228}, {228, 238, 230}, {238, 230, 240}, {222, 222, 222}}};

// A coloured shape: centre and half side of its box in pixels, turned clockwise by whole degrees.
struct Figure {
  int color = 0, shape = 0;
  int x = 0, y = 0, radius = 0, turn_degrees = 0;

  std::string name() const;  // "red circle"
  Rect box() const;          // of the drawn outline
  Point center() const { return {static_cast<double>(x), static_cast<double>(y)}; }
  bool operator==(const Figure&) const = default;
};

void draw(Canvas& canvas, const Figure& figure);

// The picture's size, for turning pixels into location tokens and thousandths.
struct Frame {
  double width = 0, height = 0;

  std::string loc(Point at) const;         // two tokens, on the grid of points
  std::string loc(const Rect& box) const;  // four tokens
  int bin_x(double x) const;               // a point's token: 2, 7, .. 97
  int bin_y(double y) const;
  int edge_bin_y(double y) const;  // a box edge's token: 0..99
  Mark point(std::string label, Point at) const;
  Mark box(std::string label, const Rect& rect) const;
};

// Figures in reading order: by the row's token, then by x.
std::vector<Figure> in_reading_order(std::vector<Figure> figures, const Frame& frame);

// The hold-out "colour-shape": these pairs appear in no picture of the other splits.
bool is_held_pair(int color, int shape);

// Every task's random streams: what is drawn and what is asked are independent of each other.
enum class Stream : uint64_t { spec = 1, questions = 2 };
Random task_random(std::string_view task, uint64_t seed, int level, Stream stream);

// Adds `question` unless it asks for a fact that an earlier one asked or told, or its text or two questions
// of its kind were asked already.
bool add_question(Episode& episode, Question question);

// Part of the specs that are drawn from what their task holds out, so that both splits fill up.
inline constexpr double kHoldOutShare = 0.03;

// Families for text in pictures; the last is the hold-out "font". Easy levels use the two plain sans-serifs.
inline constexpr std::array<const char*, 6> kFontFamilies = {"DejaVu Sans",      "Liberation Sans",
                                                             "Liberation Serif", "DejaVu Sans Mono",
                                                             "Liberation Mono",  "DejaVu Serif"};
inline constexpr int kHeldFont = 5;
int draw_font(Random& random, bool held_out, bool easy);

std::string joined(const std::vector<std::string>& parts, const std::string& separator);
inline std::string yes_or_no(bool yes) { return yes ? "yes" : "no"; }

}  // namespace melete
