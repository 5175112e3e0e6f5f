// The drawn tasks tell the truth: answers are worked out again from the transcript and from the pixels.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "task/scene.h"
#include "task/verify.h"

namespace melete {
namespace {

struct Seen {
  std::string color, shape;
  double x, y;  // of the picture, 0..1
};

// "red circle<|loc_12|><|loc_40|> blue star..." -> objects.
std::vector<Seen> parse_transcript(const std::string& transcript) {
  std::vector<Seen> objects;
  std::istringstream in(transcript);
  for (std::string color, rest; in >> color >> rest;) {
    const size_t mark = rest.find('<');
    const auto place = parse_place(rest.substr(mark, 20));
    objects.push_back({color, rest.substr(0, mark), place->at[0] / 1000, place->at[1] / 1000});
  }
  return objects;
}

std::unique_ptr<Task> task(const char* name) { return Registry<Task>::instance().make(name); }

TEST(Shapes, AnswersFollowFromTheTranscript) {
  const auto shapes = task("shapes");
  std::set<std::string> kinds;
  for (int level = 0; level < 6; ++level)
    for (uint64_t seed = 0; seed < 60; ++seed) {
      const Episode episode = shapes->make(seed, level, 8);
      const std::vector<Seen> objects = parse_transcript(episode.transcript);
      for (const Question& q : episode.questions) {
        SCOPED_TRACE(episode.transcript + " " + q.text);
        kinds.insert(q.kind);
        const auto count = [&](auto wanted) { return std::count_if(objects.begin(), objects.end(), wanted); };
        const auto names = [&](const std::string& word) { return q.text.find(word) != std::string::npos; };
        if (q.kind == "count") EXPECT_EQ(std::stoul(q.gold), objects.size());
        if (q.kind == "count_colour")
          EXPECT_EQ(std::stol(q.gold), count([&](const Seen& o) { return names(o.color); }));
        if (q.kind == "count_shape")
          EXPECT_EQ(std::stol(q.gold), count([&](const Seen& o) { return names(o.shape); }));
        if (q.kind == "exist")
          EXPECT_EQ(q.gold == "yes",
                    count([&](const Seen& o) { return names(o.color + " " + o.shape); }) > 0);
        if (q.kind == "colour" && objects.size() > 1)
          EXPECT_EQ(count([&](const Seen& o) { return names(o.shape) && o.color == q.gold; }), 1);
        if (q.kind == "extreme") {
          const bool across = names("left-most") || names("right-most"),
                     first = names("left-most") || names("top-most");
          const auto best =
              std::min_element(objects.begin(), objects.end(), [&](const Seen& a, const Seen& b) {
                return (across ? a.x - b.x : a.y - b.y) * (first ? 1 : -1) < 0;
              });
          EXPECT_EQ(q.gold, names("colour") ? best->color : best->shape);
        }
      }
    }
  EXPECT_EQ(kinds.size(), 13u);
}

// The transcript's points lie on a grid of twentieths, so the figure is within half a cell of them.
bool has_color_near(const Image& image, double x, double y, const Color& color) {
  constexpr int kReach = 5;
  for (int64_t row = std::lround(y * 168) - kReach; row <= std::lround(y * 168) + kReach; ++row)
    for (int64_t column = std::lround(x * 168) - kReach; column <= std::lround(x * 168) + kReach; ++column) {
      const auto at = static_cast<size_t>((row * 168 + column) * 3);
      if (Color{image.rgb[at], image.rgb[at + 1], image.rgb[at + 2]} == color) return true;
    }
  return false;
}

TEST(Shapes, EachObjectHasItsColourWhereTheTranscriptPoints) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Episode episode = task("shapes")->make(seed, 3, 1);
    const Image& image = std::get<Image>(episode.context.at(0));
    for (const Seen& object : parse_transcript(episode.transcript)) {
      if (object.shape == "ring") continue;  // nothing in the middle
      const auto named = std::find_if(kPalette.begin(), kPalette.end(),
                                      [&](const NamedColor& c) { return object.color == c.name; });
      ASSERT_NE(named, kPalette.end());
      EXPECT_TRUE(has_color_near(image, object.x, object.y, named->color)) << episode.transcript;
    }
  }
}

TEST(Shapes, HeldPairsAppearInTheHoldOutAlone) {
  const auto has_held = [](const std::string& text) {
    return text.find("purple star") != std::string::npos || text.find("orange cross") != std::string::npos ||
           text.find("green heart") != std::string::npos;
  };
  int held = 0;
  for (uint64_t seed = 0; seed < 600; ++seed) {
    const Episode episode = task("shapes")->make(seed, static_cast<int>(seed % 6), 8);
    const bool is_held = episode.hold_out == "colour-shape";
    held += is_held;
    EXPECT_EQ(has_held(episode.transcript), is_held) << episode.transcript;
    for (const Question& q : episode.questions) EXPECT_TRUE(is_held || !has_held(q.text)) << q.text;
  }
  EXPECT_GT(held, 5);
  EXPECT_LT(held, 40);
}

TEST(Shapes, VerifierTakesBoxesByOverlapAndPointsInside) {
  int boxes = 0, points = 0;
  for (uint64_t seed = 0; seed < 200; ++seed)
    for (const Question& q : task("shapes")->make(seed, 0, 8).questions) {
      if (q.kind != "box" && q.kind != "point") continue;
      (q.kind == "box" ? boxes : points) += 1;
      const auto& at = q.marks.at(0).at;
      const std::string box =
          cat("[{\"x_min\":", at[0], ",\"y_min\":", at[1], ",\"x_max\":", at[2], ",\"y_max\":", at[3], "}]");
      const std::string point = cat("{\"x\":", (at[0] + at[2]) / 2, ",\"y\":", (at[1] + at[3]) / 2, "}");
      EXPECT_EQ(task("shapes")->verify(q, box), q.kind == "box" ? 1.0 : 0.0);
      EXPECT_EQ(task("shapes")->verify(q, point), q.kind == "point" ? 1.0 : 0.0);
      EXPECT_EQ(task("shapes")->verify(q, cat("{\"x\":", at[0] > 500 ? 5 : 995, ",\"y\":", at[1], "}")), 0.0);
    }
  EXPECT_GT(boxes, 50);
  EXPECT_GT(points, 50);
}

TEST(Shapes, PointsOnTheGridVerifyAtEveryLevel) {
  int points = 0;
  for (int level = 0; level < 6; ++level)
    for (uint64_t seed = 0; seed < 300; ++seed)
      for (const Question& q : task("shapes")->make(seed, level, 4).questions) {
        if (q.kind != "point") continue;
        const auto place = parse_place(q.gold);
        ASSERT_TRUE(place && !place->is_box) << q.gold;
        for (const int i : {0, 1}) {
          const int token = static_cast<int>(place->at[static_cast<size_t>(i)]) / 10;
          EXPECT_EQ(token % 5, 2) << q.gold;
        }
        EXPECT_EQ(task("shapes")->verify(q, q.gold), 1.0) << q.gold;
        ++points;
      }
  EXPECT_GT(points, 100);
}

// The mean place of what isn't background.
Point centroid(const Image& frame) {
  double x = 0, y = 0, count = 0;
  for (int64_t i = 0; i < frame.width * frame.height; ++i) {
    const uint8_t* pixel = &frame.rgb[static_cast<size_t>(3 * i)];
    if (pixel[0] > 250 && pixel[1] > 250 && pixel[2] > 250) continue;
    x += static_cast<double>(i % frame.width);
    y += static_cast<double>(i / frame.width);
    ++count;
  }
  return {x / count, y / count};
}

TEST(MovingShapes, TheShapeMovesAsTheAnswerSays) {
  for (uint64_t seed = 0; seed < 80; ++seed) {
    const Episode episode = task("moving_shapes")->make(seed, 0, 6);
    const Video& clip = std::get<Video>(episode.context.at(0));
    const Point from = centroid(clip.frames.front()), to = centroid(clip.frames.back());
    const double dx = to.x - from.x, dy = to.y - from.y;
    const std::string way =
        std::abs(dx) > std::abs(dy) ? (dx > 0 ? "right" : "left") : (dy > 0 ? "down" : "up");
    for (const Question& q : episode.questions) {
      if (q.kind == "direction") EXPECT_EQ(q.gold, way);
      if (q.kind == "is_direction")
        EXPECT_EQ(q.gold == "yes", q.text.find(way) != std::string::npos) << q.text;
    }
  }
}

TEST(Clock, TimesAddUp) {
  for (int level = 0; level < 5; ++level)
    for (uint64_t seed = 0; seed < 60; ++seed) {
      const Episode episode = task("clock")->make(seed, level, 8);
      int hour = 0, minute = 0;
      const size_t second = episode.transcript.find(" long hand");
      sscanf(episode.transcript.c_str() + std::string("short hand<|loc_00|><|loc_00|>").size(), "%d", &hour);
      sscanf(episode.transcript.c_str() + second + std::string(" long hand<|loc_00|><|loc_00|>").size(), "%d",
             &minute);
      EXPECT_EQ(episode.hold_out == "times", (hour == 5 && minute >= 30) || (hour == 9 && minute < 30));
      for (const Question& q : episode.questions) {
        int h = 0, m = 0, added = 0;
        if (sscanf(q.gold.c_str(), "%d:%d", &h, &m) != 2) continue;
        if (q.kind == "later" && sscanf(q.text.c_str(), "What time will it be in %d minutes?", &added) != 1)
          added = 60;
        EXPECT_EQ((h % 12) * 60 + m, ((hour % 12) * 60 + minute + added) % 720) << q.text << " " << q.gold;
        EXPECT_GE(h, 1);
        EXPECT_LE(h, 12);
      }
    }
}

// Last number in a text.
int64_t last_number(const std::string& text) {
  const size_t end = text.find_last_of("0123456789");
  const size_t begin = text.find_last_not_of("0123456789", end);
  return std::stoll(text.substr(begin + 1, end - begin));
}

TEST(TableChartNutrition, LookedUpValuesStandInTheTranscript) {
  for (const char* name : {"table_image", "chart", "nutrition"})
    for (int level = 0; level < 5; ++level)
      for (uint64_t seed = 0; seed < 40; ++seed) {
        const Episode episode = task(name)->make(seed, level, 8);
        for (const Question& q : episode.questions) {
          const bool value = q.kind == "value" || q.kind == "energy" ||
                             (q.kind == "lookup" && std::string(name) == "nutrition");
          if (!value) continue;
          const std::string reading = q.traces[1];
          EXPECT_NE(episode.transcript.find(reading), std::string::npos) << reading;
          EXPECT_EQ(last_number(reading), std::stoll(q.gold));
        }
      }
}

TEST(Nutrition, ServingsMultiplyTheEnergy) {
  int seen = 0;
  for (uint64_t seed = 0; seed < 100; ++seed)
    for (const Question& q : task("nutrition")->make(seed, 2, 8).questions) {
      int servings = 0, kcal = 0;
      if (sscanf(q.text.c_str(), "How many kcal are in %d servings?", &servings) != 1) continue;
      sscanf(q.traces[1].c_str(), "Energy<|loc_%*d|><|loc_%*d|> %d", &kcal);
      EXPECT_EQ(std::stoi(q.gold), kcal * servings) << q.text << q.traces[1];
      ++seen;
    }
  EXPECT_GT(seen, 50);
}

TEST(Ocr, VerifierKeepsCaseOnlyWhereTheLineMixesIt) {
  const auto ocr = task("ocr");
  Question q;
  q.kind = "read";
  q.gold = "K7X";
  EXPECT_EQ(ocr->verify(q, "\"k7x\"."), 1.0);
  EXPECT_EQ(ocr->verify(q, "K7"), 0.0);
  q.gold = "aKb";
  EXPECT_EQ(ocr->verify(q, "akb"), 0.0);
  q.gold = "7";
  EXPECT_EQ(ocr->verify(q, "seven"), 0.0);
}

}  // namespace
}  // namespace melete
