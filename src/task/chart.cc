// A bar or line chart: values by name, highest and lowest, comparison, difference and sum.
//
// The first levels write each value above its bar; later ones leave it to the axis. A trace points at the top
// of the bars it reads. Hold-out "font": labels in a family that no other split shows.
#include <algorithm>
#include <cmath>

#include "task/scene_task.h"

namespace melete {
namespace {

struct Rules {
  const char* name;
  int min_bars, max_bars;
  int max_value, step;  // values are multiples of step
  bool words, written;  // names are words, not letters; values stand above the bars
  double line_share;    // of charts drawn as a line
  int side, text_px, noise;
};
constexpr std::array<Rules, 5> kLevels = {
    {{"2-3 bars with written values to 9", 2, 3, 9, 1, false, true, 0, 168, 18, 0},
     {"3-4 named bars with written values to 20", 3, 4, 20, 1, true, true, 0, 168, 14, 0},
     {"3-4 bars, values to 10 read from the axis", 3, 4, 10, 1, false, false, 0, 168, 15, 0},
     {"4-5 bars or a line, values to 10 from the axis", 4, 5, 10, 1, true, false, 0.5, 224, 14, 0},
     {"5-7 bars or a line, values to 100 from the axis, noise", 5, 7, 100, 10, true, false, 0.5, 224, 12,
      16}}};

constexpr std::array<const char*, 8> kLetters = {"A", "B", "C", "D", "E", "F", "G", "H"};
constexpr std::array<const char*, 14> kWords = {"tea", "oil", "fig", "jam", "rye", "pie", "nut",
                                                "egg", "ham", "cod", "pea", "ice", "bun", "soy"};

// The fact that a question for the highest bar asks: any bar's value, or its being named, tells of it.
constexpr const char* kOrder = "order";

struct Bar {
  std::string name;
  int value = 0, color = 0;
};

struct Spec {
  int level = 0, font = 0;
  bool line = false;
  std::vector<Bar> bars;
  Color ground = kWhite;
  uint64_t noise_seed = 0;
  std::string hold_out;

  const Rules& rules() const { return kLevels[static_cast<size_t>(level)]; }
  std::string canonical() const {
    std::string text = cat(level, " ", font, " ", line, " ", int{ground.red});
    for (const Bar& bar : bars) text += cat("|", bar.name, " ", bar.value, " ", bar.color);
    return text;
  }

  // The plot area, in pixels, and where a bar's top is in it.
  Frame frame() const { return {static_cast<double>(rules().side), static_cast<double>(rules().side)}; }
  Rect plot() const {
    const double side = rules().side, text = rules().text_px;
    const double left = rules().written ? 8 : 10 + text * (rules().max_value >= 100 ? 2.2 : 1.5),
                 top = rules().written ? text + 6 : 10;
    return {left, top, side - left - 6, side - top - text - 10};
  }
  double middle(size_t i) const {
    return plot().left + plot().width * (static_cast<double>(i) + 0.5) / static_cast<double>(bars.size());
  }
  Point top(size_t i) const {
    return {middle(i), plot().bottom() - plot().height * bars[i].value / rules().max_value};
  }
};

class Chart final : public SceneTask<Spec> {
 public:
  TaskInfo info() const override {
    return with_levels({"chart", "read bar and line charts", "vision"}, kLevels);
  }

 protected:
  Spec draw_spec(uint64_t seed, int level) const override {
    Random random = task_random("chart", seed, level, Stream::spec);
    Spec spec;
    spec.level = level;
    const Rules& rules = spec.rules();
    const bool held_out = random.chance(kHoldOutShare);
    if (held_out) spec.hold_out = "font";
    spec.font = draw_font(random, held_out, level <= 1);
    spec.line = random.chance(rules.line_share);
    if (level > 1) spec.ground = random.pick(kTints);
    if (rules.noise) spec.noise_seed = random.next_u64() | 1;
    std::vector<std::string> names(kLetters.begin(), kLetters.end());
    if (rules.words) {
      names.assign(kWords.begin(), kWords.end());
      random.shuffle(names);
    }
    std::vector<int> values;
    for (int value = rules.step; value <= rules.max_value; value += rules.step) values.push_back(value);
    random.shuffle(values);  // no two alike, so highest and lowest are clear
    const int color = static_cast<int>(random.integer(0, kNumColors - 1));
    const bool one_color = spec.line || random.chance(0.5);
    const auto count = static_cast<size_t>(random.integer(rules.min_bars, rules.max_bars));
    for (size_t i = 0; i < count; ++i)
      spec.bars.push_back(
          {names[i], values[i],
           one_color ? color : static_cast<int>((static_cast<size_t>(color) + i) % kNumColors)});
    return spec;
  }

  Part draw(const Spec& spec) const override {
    const Rules& rules = spec.rules();
    Canvas canvas(rules.side, rules.side, spec.ground);
    const Rect plot = spec.plot();
    const Font font{kFontFamilies[static_cast<size_t>(spec.font)], static_cast<double>(rules.text_px),
                    spec.level == 0, false};
    if (!rules.written) draw_axis(canvas, spec, font);
    std::vector<Point> tops;
    for (size_t i = 0; i < spec.bars.size(); ++i) {
      const Point top = spec.top(i);
      const double width = plot.width / static_cast<double>(spec.bars.size()) * 0.62;
      tops.push_back(top);
      const Color color = kPalette[static_cast<size_t>(spec.bars[i].color)].color;
      if (!spec.line) canvas.fill_rect({top.x - width / 2, top.y, width, plot.bottom() - top.y}, color);
      if (rules.written)
        canvas.draw_text(std::to_string(spec.bars[i].value), font, {top.x, top.y - rules.text_px * 0.6},
                         kInk);
      canvas.draw_text(spec.bars[i].name, font, {top.x, plot.bottom() + rules.text_px * 0.5 + 5}, kInk);
    }
    if (spec.line) {
      const Color color = kPalette[static_cast<size_t>(spec.bars[0].color)].color;
      canvas.stroke_polyline(tops, 2.5, color);
      for (const Point& top : tops) canvas.fill_circle(top, 4.5, color);
    }
    canvas.stroke_line({plot.left, plot.bottom()}, {plot.right(), plot.bottom()}, 2, kInk);
    if (spec.noise_seed) canvas.add_noise(spec.noise_seed, rules.noise);
    return canvas.image();
  }

  std::string transcribe(const Spec& spec) const override { return readings(spec); }

  std::optional<Question> ask(const Spec& spec, int level, Random& random) const override {
    const auto last = static_cast<int64_t>(spec.bars.size()) - 1;
    const auto i = static_cast<size_t>(random.integer(0, last)),
               j = static_cast<size_t>(random.integer(0, last));
    const int64_t kind = random.integer(0, 9);
    if (kind < 4) return value(spec, i, random);
    if (kind < 6) return extreme(spec, kind == 4);
    if (i == j) return std::nullopt;
    if (kind < 8) return higher(spec, i, j);
    return level == 0 && kind == 9 ? value(spec, i, random) : pair_sum(spec, i, j, kind == 9);
  }

 private:
  static void draw_axis(Canvas& canvas, const Spec& spec, const Font& font) {
    const Rect plot = spec.plot();
    const int max_value = spec.rules().max_value;
    for (int tick = 0; tick <= 10; ++tick) {
      const double y = plot.bottom() - plot.height * tick / 10;
      const bool labelled = tick % 2 == 0;
      canvas.stroke_line({plot.left, y}, {plot.right(), y}, labelled ? 1 : 0.5,
                         labelled ? Color{150, 150, 155} : Color{195, 195, 200});
      Font small = font;
      small.size_px = std::min(font.size_px, 13.0);
      const std::string text = std::to_string(tick * max_value / 10);
      if (labelled)
        canvas.draw_text(text, small, {plot.left - 4 - measure_text(text, small).width / 2, y}, kInk);
    }
  }

  static std::string label(const Spec& spec, size_t i) {
    return spec.bars[i].name + spec.frame().loc(spec.top(i));
  }
  static std::string reading(const Spec& spec, size_t i) {
    return cat(label(spec, i), " ", spec.bars[i].value);
  }

  static std::string readings(const Spec& spec) {
    std::vector<std::string> all;
    for (size_t i = 0; i < spec.bars.size(); ++i) all.push_back(reading(spec, i));
    return joined(all, " ");
  }

  static Question start(const Spec& spec, std::string kind, std::string text, std::string gold,
                        const std::vector<size_t>& seen) {
    Question q;
    q.kind = std::move(kind);
    q.text = std::move(text);
    q.gold = std::move(gold);
    for (const size_t i : seen) {
      q.marks.push_back(spec.frame().point(spec.bars[i].name, spec.top(i)));
      q.asks.push_back("bar " + spec.bars[i].name);
    }
    q.tells = {kOrder};
    return q;
  }

  static Question value(const Spec& spec, size_t i, Random& random) {
    const std::string name = spec.bars[i].name;
    const std::vector<std::string> texts = {cat("What is the value of ", name, "?"),
                                            cat("How much is ", name, "?")};
    Question q = start(spec, "value", random.pick(texts), std::to_string(spec.bars[i].value), {i});
    const std::string place = spec.rules().written ? "The number above it is " : "Its top is level with ";
    const std::string full = cat(label(spec, i), ". ", place, q.gold, ". So ", q.gold, ".");
    q.traces = {"", reading(spec, i), full, cat(full, " Check: ", readings(spec), ".")};
    return q;
  }

  static Question extreme(const Spec& spec, bool highest) {
    const auto less = [](const Bar& a, const Bar& b) { return a.value < b.value; };
    const auto found = highest ? std::max_element(spec.bars.begin(), spec.bars.end(), less)
                               : std::min_element(spec.bars.begin(), spec.bars.end(), less);
    std::vector<size_t> all(spec.bars.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    Question q = start(spec, "extreme", highest ? "Which one is the highest?" : "Which one is the lowest?",
                       found->name, all);
    q.asks = {kOrder};
    q.tells = {"bar " + found->name};
    const std::string full = cat(readings(spec), ". The ", highest ? "highest" : "lowest", " is ",
                                 found->value, ". So ", q.gold, ".");
    std::vector<int> sorted;
    for (const Bar& bar : spec.bars) sorted.push_back(bar.value);
    std::sort(sorted.begin(), sorted.end());
    std::string order;
    for (const int number : sorted) order += cat(order.empty() ? "" : " < ", number);
    q.traces = {"", readings(spec) + " = " + q.gold, full, full + " Check: " + order + "."};
    return q;
  }

  static Question higher(const Spec& spec, size_t i, size_t j) {
    const int a = spec.bars[i].value, b = spec.bars[j].value;
    Question q = start(spec, "higher", cat("Is ", spec.bars[i].name, " higher than ", spec.bars[j].name, "?"),
                       yes_or_no(a > b), {i, j});
    const std::string both = reading(spec, i) + " " + reading(spec, j);
    const std::string full = cat(both, ". ", a, a > b ? " > " : " < ", b, ". So ", q.gold, ".");
    q.traces = {"", both + " = " + q.gold, full, cat(full, " Check: ", b, a > b ? " < " : " > ", a, ".")};
    return q;
  }

  static std::optional<Question> pair_sum(const Spec& spec, size_t i, size_t j, bool sum) {
    const int a = spec.bars[i].value, b = spec.bars[j].value, result = sum ? a + b : a - b;
    if (result <= 0) return std::nullopt;
    const std::string text =
        sum ? cat("How much are ", spec.bars[i].name, " and ", spec.bars[j].name, " together?")
            : cat("How much more is ", spec.bars[i].name, " than ", spec.bars[j].name, "?");
    Question q = start(spec, sum ? "sum" : "difference", text, std::to_string(result), {i, j});
    const std::string both = reading(spec, i) + " " + reading(spec, j);
    const std::string step = cat(a, sum ? " + " : " - ", b, " = ", result);
    const std::string full = cat(both, ". ", step, ". So ", q.gold, ".");
    q.traces = {"", cat(both, " ", step), full,
                cat(full, " Check: ", result, sum ? " - " : " + ", b, " = ", a, ".")};
    return q;
  }
};

MELETE_REGISTER_TASK("chart", Chart);

}  // namespace
}  // namespace melete
