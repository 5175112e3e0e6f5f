// Pointing in text: location tokens after a label are a mark on the user's picture.
//   red circle<|loc_12|><|loc_40|>                     a point: x y
//   red circle<|loc_10|><|loc_30|><|loc_20|><|loc_50|> a box: x1 y1 x2 y2
// <|loc_NN|> is the centre of bin NN of 100, that is NN * 10 + 5 thousandths of the width or height.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/named_file.h"

namespace melete {

struct TextMark {
  enum class Kind { point, box };
  Kind kind = Kind::point;
  std::string label;  // the words before the tokens (and before " : ("), from the last , ; : . ( ) line break
                      // or mark on; empty if longer than 200 bytes
  std::array<int, 4> at{};  // thousandths: x, y, and for a box the far corner, x1 <= x2 and y1 <= y2
  int64_t text_bytes = 0;   // bytes of plain text before the mark
  std::string on = {};      // the file that the text named last, as "picture 2" (named_file.h); empty: none
};

// The centre of a bin, and the bin that holds a coordinate (clamped to the picture), in thousandths.
int location_of_bin(int bin);
int bin_of_location(int thousandths);

// The tokens of a point or box in thousandths, as trusted text.
std::string point_tokens(int x, int y);
std::string box_tokens(int x1, int y1, int x2, int y2);

// Takes text in any pieces and gives the text without location tokens, and the marks. A run of tokens that is
// neither two nor four long is dropped.
class MarkParser {
 public:
  struct Output {
    std::string text;
    std::vector<TextMark> marks;
  };

  Output put(std::string_view text);
  Output finish();

 private:
  void take_plain(std::string_view plain, Output& out);
  void close_run(Output& out);

  std::string held_;   // the start of what may be a location token
  std::string label_;  // the end of the plain text since the last mark
  NamedFile named_;
  std::vector<int> bins_;
  int64_t text_bytes_ = 0;
};

// An answer that is nothing but marks with labels and separators, in Muse's form, one object a mark:
// [{"x_min":0,"y_min":390,"x_max":520,"y_max":603}], points as {"x":..,"y":..}. Nothing if the answer has no
// mark or has words besides labels.
std::optional<std::string> marks_as_json(std::string_view answer);

}  // namespace melete
