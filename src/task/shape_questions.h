// Questions about a still picture of figures, with their traces: the asking half of the task `shapes`.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "task/scene.h"

namespace melete {

struct ShapeScene {
  Frame frame;
  std::vector<Figure> figures;       // reading order
  bool may_name_held_pairs = false;  // only pictures of the hold-out name its pairs
  bool alone = false;                // every picture of the level holds one figure, so none has to be named
};

// "red circle<|loc_12|><|loc_40|>"
std::string label_of(const Figure& figure, const Frame& frame);

// The kinds of question, easiest first; each needs some facts to be unique, so asking may fail.
inline constexpr std::array<std::string_view, 13> kShapeKinds = {
    "colour", "shape", "exist",   "side", "count_colour", "count_shape", "count",
    "point",  "box",   "extreme", "more", "bigger",       "relation"};

// One question of this kind, or nothing if the scene holds none that is clear. Yes/no answers are evenly
// likely.
// Its facts: "colour of I", "shape of I", "place of I", "size of I" of one figure, each colour and shape
// word, and of the whole scene "figures", "colours", "shapes" (where knowing some tells of a count) and
// "number".
std::optional<Question> ask_about_shapes(const ShapeScene& scene, std::string_view kind, Random& random);

}  // namespace melete
