// What makes two answers the same: shared by every task's verifier.
//
// Normalised form: lower case, single spaces, no quotes or emphasis around it, no final full stop or
// exclamation mark, numbers as digits ("Twenty-five" -> "25", "1,234" -> "1234", "3.50" -> "3.5"), clock
// times as H:MM, no leading article. A unit after a bare number counts only if the gold answer has it too.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace melete {

// Linear in the answer's length; anything longer than 4096 bytes comes back empty.
std::string normalize_answer(std::string_view answer);

// Equal once normalised, or a number in both with a known unit (kcal, g, cm, degrees, ...) on one side only.
// An empty answer equals nothing.
bool same_answer(std::string_view gold, std::string_view answer);

// A box in thousandths of the picture: x1, y1, x2, y2, or a point: x, y.
struct Place {
  bool is_box = false;
  std::array<double, 4> at{};
};

// Reads "<|loc_12|><|loc_40|>" (point) or four such tokens (box), each the middle of its hundredth; or Muse's
// JSON,
// [{"x_min":0,"y_min":390,"x_max":520,"y_max":603}] (an object or a list of one) or {"x":..,"y":..}, in
// 0..1000. Nothing else may follow. Empty if it isn't one place, or if a box's corners are in the wrong
// order.
std::optional<Place> parse_place(std::string_view answer);

// Intersection over union of two boxes; 0 if they don't meet.
double intersection_over_union(const std::array<double, 4>& a, const std::array<double, 4>& b);

// Whether an answer names the place `box` (thousandths): a box with IoU >= 0.5, or a point inside it, as
// asked.
bool finds_place(std::string_view answer, const std::array<double, 4>& box, bool asked_for_box);

}  // namespace melete
