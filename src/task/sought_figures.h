// What a question about shapes looks for: figures of a colour, of a shape, of both, or all.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "task/scene.h"

namespace melete {

inline const char* color_name(int color) { return kPalette[static_cast<size_t>(color)].name; }
inline const char* shape_name(int shape) { return kShapeNames[static_cast<size_t>(shape)]; }

struct Sought {
  static constexpr int kAny = -1;
  int color = kAny, shape = kAny;

  static Sought like(const Figure& figure) { return {figure.color, figure.shape}; }

  bool matches(const Figure& f) const {
    return (color == kAny || f.color == color) && (shape == kAny || f.shape == shape);
  }

  // What a trace writes behind a figure before it says yes or no: "red blue" compares its colour with blue.
  // Shapes are compared only where the colours agree. Empty if all are sought.
  std::string compared(const Figure& f) const {
    std::string words;
    if (color != kAny) words = cat(color_name(f.color), ' ', color_name(color));
    if (shape != kAny && (color == kAny || f.color == color))
      words += cat(words.empty() ? "" : " ", shape_name(f.shape), ' ', shape_name(shape));
    return words;
  }

  std::vector<Figure> among(const std::vector<Figure>& figures) const {
    std::vector<Figure> found;
    std::copy_if(figures.begin(), figures.end(), std::back_inserter(found),
                 [this](const Figure& f) { return matches(f); });
    return found;
  }
};

}  // namespace melete
