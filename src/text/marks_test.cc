#include "text/marks.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

MarkParser::Output parse(std::string_view text, size_t first, size_t second) {
  MarkParser parser;
  MarkParser::Output all;
  const auto add = [&](MarkParser::Output out) {
    all.text += out.text;
    all.marks.insert(all.marks.end(), out.marks.begin(), out.marks.end());
  };
  add(parser.put(text.substr(0, first)));
  add(parser.put(text.substr(first, second - first)));
  add(parser.put(text.substr(second)));
  add(parser.finish());
  return all;
}

TEST(Marks, PointsAndBoxesWithLabelsHoweverCut) {
  const std::string text =
      "I see: red circle<|loc_12|><|loc_40|>, blue square "
      "<|loc_99|><|loc_50|><|loc_00|><|loc_20|>\nx<|loc_1<|loc_05|> <|loc_3";
  for (size_t first = 0; first <= text.size(); ++first) {
    for (size_t second = first; second <= text.size(); ++second) {
      const auto out = parse(text, first, second);
      EXPECT_EQ(out.text, "I see: red circle, blue square \nx<|loc_1 <|loc_3");
      ASSERT_EQ(out.marks.size(), 2u);
      EXPECT_EQ(out.marks[0].kind, TextMark::Kind::point);
      EXPECT_EQ(out.marks[0].label, "red circle");
      EXPECT_EQ(out.marks[0].at, (std::array<int, 4>{125, 405, 0, 0}));
      EXPECT_EQ(out.marks[0].text_bytes, 17);
      EXPECT_EQ(out.marks[1].kind, TextMark::Kind::box);
      EXPECT_EQ(out.marks[1].label, "blue square");
      EXPECT_EQ(out.marks[1].at, (std::array<int, 4>{5, 205, 995, 505}));
    }
  }
}

TEST(Marks, AreOnTheFileThatWasNamedLastHoweverCut) {
  const std::string mark = "<|loc_01|><|loc_02|>";
  const std::string text = "a" + mark + "; Picture 2: b" + mark + ", c" + mark + "; in the first image d" +
                           mark + " picture, 3 e" + mark + " on photo #12" + mark + " clip 1" + mark +
                           " picture" + mark + " 7" + mark;
  for (size_t first = 0; first <= text.size(); ++first) {
    std::vector<std::string> named;
    for (const TextMark& each : parse(text, first, text.size()).marks) named.push_back(each.on);
    EXPECT_EQ(named, (std::vector<std::string>{"", "picture 2", "picture 2", "picture 1", "picture 1",
                                               "picture 12", "clip 1", "clip 1", "clip 1"}))
        << first;
  }
}

TEST(Marks, RunsOfOtherLengthsAreDropped) {
  EXPECT_TRUE(parse("a<|loc_01|>b<|loc_01|><|loc_02|><|loc_03|>c", 0, 0).marks.empty());
}

TEST(Marks, LongLabelsAreEmptyHoweverCut) {
  const std::string text = std::string(450, 'x') + "<|loc_01|><|loc_02|>";
  for (size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(parse(text, cut, cut).marks.at(0).label, "") << cut;
}

TEST(Marks, TokensOfACoordinateContainIt) {
  for (int v = 0; v <= 1000; ++v) EXPECT_LE(std::abs(location_of_bin(bin_of_location(v)) - v), 5) << v;
  EXPECT_EQ(box_tokens(0, 390, 520, 1000), "<|loc_00|><|loc_39|><|loc_52|><|loc_99|>");
}

TEST(Marks, AnswersOfBoxesAreMuseJson) {
  EXPECT_EQ(marks_as_json("<|loc_00|><|loc_39|><|loc_52|><|loc_60|>"),
            R"([{"x_min":5,"y_min":395,"x_max":525,"y_max":605}])");
  EXPECT_EQ(marks_as_json("red circle: <|loc_01|><|loc_02|>, square <|loc_03|><|loc_04|>."),
            R"([{"x":15,"y":25},{"x":35,"y":45}])");
  EXPECT_EQ(marks_as_json("There are 3."), std::nullopt);
  EXPECT_EQ(marks_as_json("3, since a<|loc_01|><|loc_02|> is red"), std::nullopt);
}

}  // namespace
}  // namespace melete
