#include "task/shape_questions.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "task/sought_figures.h"

namespace melete {
namespace {

using Figures = std::vector<Figure>;
using Asked = std::optional<Question>;

constexpr double kClearGap = 0.06;    // of the picture: nearer places are not asked to be compared
constexpr double kClearRatio = 1.35;  // of two sizes

std::string plural(int shape) {
  return std::string(shape_name(shape)) + (shape_name(shape) == std::string("cross") ? "es" : "s");
}

// Asks about one scene; the members of a question are written in the order text, answer, traces, marks.
class Asker {
 public:
  Asker(const ShapeScene& scene, Random& random) : scene_(scene), all_(scene.figures), random_(random) {}

  Asked color() { return scene_.alone ? sole_attribute(true) : attribute(true); }
  Asked shape() { return scene_.alone ? sole_attribute(false) : attribute(false); }

  Asked exist() {
    const bool yes = random_.chance(0.5);
    for (int attempt = 0; attempt < 8; ++attempt) {
      const Figure figure = random_.pick(all_);
      Figure wanted = figure;
      if (!yes) {  // one attribute stays, so that telling needs both
        if (random_.chance(0.5))
          wanted.color = static_cast<int>(random_.integer(0, kNumColors - 1));
        else
          wanted.shape = static_cast<int>(random_.integer(0, kNumShapes - 1));
        if (!may_name(wanted)) continue;
      }
      const Sought sought = Sought::like(wanted);
      if (sought.among(all_).empty() == yes) continue;
      const std::string name = with_article(wanted.name());
      Question q =
          judged(one_of({"Is there " + name + "?", "Do you see " + name + "?"}), yes_or_no(yes), sought);
      // Of the figure it was made from as well, lest "no" be asked where "yes" may not.
      q.asks = {color_name(figure.color), shape_name(figure.shape),   color_name(wanted.color),
                shape_name(wanted.shape), fact("colour of ", figure), fact("shape of ", figure)};
      q.tells = {"colours", "shapes"};
      return q;
    }
    return std::nullopt;
  }

  Asked side() {
    const Figure figure = random_.pick(all_);
    if (!is_unique(figure)) return std::nullopt;
    const bool across = random_.chance(0.5);
    const double at = across ? figure.x / scene_.frame.width : figure.y / scene_.frame.height;
    if (std::abs(at - 0.5) < kClearGap) return std::nullopt;
    const std::string name = noun(figure);
    Question q =
        start("Is the " + name + (across ? " on the left or on the right?" : " at the top or at the bottom?"),
              across ? (at < 0.5 ? "left" : "right") : (at < 0.5 ? "top" : "bottom"), {figure});
    const int bin = across ? scene_.frame.bin_x(figure.x) : scene_.frame.bin_y(figure.y);
    const std::string compared = cat(bin, at < 0.5 ? " < " : " > ", "50");
    ask_place(q, figure);
    q.traces = {"", label(figure) + " = " + q.gold, cat(label(figure), ". ", compared, ", so ", q.gold, "."),
                cat(label(figure), ". ", compared, ", so ", q.gold, ". Check: not ", opposite(q.gold), ".")};
    return q;
  }

  Asked count() {
    Question q =
        judged(one_of({"How many shapes are there?", "How many shapes do you see?", "Count the shapes."}), "",
               Sought{});
    q.asks.push_back("figures");
    return q;
  }

  Asked count_color() {
    const int color = with_spread_count(kNumColors, [](const Figure& f) { return f.color; });
    const std::string name = color_name(color);
    Question q = judged(one_of({"How many " + name + " shapes are there?",
                                "How many shapes are " + name + "?", "Count the " + name + " shapes."}),
                        "", Sought{color, Sought::kAny});
    q.asks.push_back("colours");
    q.tells = {name};
    return q;
  }

  Asked count_shape() {
    const int shape = with_spread_count(kNumShapes, [](const Figure& f) { return f.shape; });
    Question q =
        judged(one_of({"How many " + plural(shape) + " are there?",
                       "How many " + plural(shape) + " do you see?", "Count the " + plural(shape) + "."}),
               "", Sought{Sought::kAny, shape});
    q.asks.push_back("shapes");
    q.tells = {shape_name(shape)};
    return q;
  }

  Asked point() { return located(false); }
  Asked box() { return located(true); }

  Asked extreme() {
    if (all_.size() < 2) return std::nullopt;
    const bool across = random_.chance(0.5), first = random_.chance(0.5);
    Figures sorted = all_;
    const auto at = [&](const Figure& f) {
      return (first ? 1.0 : -1.0) * (across ? f.x / scene_.frame.width : f.y / scene_.frame.height);
    };
    std::sort(sorted.begin(), sorted.end(), [&](const Figure& a, const Figure& b) { return at(a) < at(b); });
    if (at(sorted[1]) - at(sorted[0]) < kClearGap) return std::nullopt;
    const bool ask_color = random_.chance(0.5);
    const char* place = across ? (first ? "left-most" : "right-most") : (first ? "top-most" : "bottom-most");
    const char* side = across ? (first ? "left" : "right") : (first ? "top" : "bottom");
    const std::string text =
        ask_color ? cat("What colour is the ", place, " shape?") : cat("What is the ", place, " shape?");
    Question q =
        start(text, ask_color ? color_name(sorted[0].color) : shape_name(sorted[0].shape), {sorted[0]});
    ask_value(q, sorted[0], ask_color);
    q.tells.push_back(fact("place of ", sorted[0]));
    const std::string ordered = cat("From the ", side, ": ", labels(sorted), ". So ", q.gold, ".");
    q.traces = {
        "", label(sorted[0]) + " = " + q.gold, ordered,
        cat(ordered, " Check: ", bin(sorted[0], across), first ? " < " : " > ", bin(sorted[1], across), ".")};
    return q;
  }

  Asked more() {
    std::array<int, kNumColors> counts{};
    for (const Figure& f : all_) ++counts[static_cast<size_t>(f.color)];
    const int a = random_.pick(all_).color, b = random_.pick(all_).color;
    const int num_a = counts[static_cast<size_t>(a)], num_b = counts[static_cast<size_t>(b)];
    if (num_a == num_b) return std::nullopt;
    const Figures as = Sought{a, Sought::kAny}.among(all_);
    const Figures bs = Sought{b, Sought::kAny}.among(all_);
    const std::string name_a = color_name(a), name_b = color_name(b);
    const bool as_yes_no = random_.chance(0.5);
    Figures seen = as;
    seen.insert(seen.end(), bs.begin(), bs.end());
    Question q = as_yes_no ? start("Are there more " + name_a + " shapes than " + name_b + " shapes?",
                                   yes_or_no(num_a > num_b), seen)
                           : start("Are there more " + name_a + " or more " + name_b + " shapes?",
                                   num_a > num_b ? name_a : name_b, seen);
    q.asks = {"number", "colours"};
    q.tells = {name_a, name_b, "figures"};
    const std::string terse = cat(labels(as), " = ", num_a, " ", labels(bs), " = ", num_b);
    const std::string full =
        cat(name_a, ": ", labels(as), " = ", num_a, ". ", name_b, ": ", labels(bs), " = ", num_b, ". ", num_a,
            num_a > num_b ? " > " : " < ", num_b, ", so ", q.gold, ".");
    q.traces = {"", terse, full,
                cat(full, " Check: ", names(as), ": ", num_a, "; ", names(bs), ": ", num_b, ".")};
    return q;
  }

  Asked bigger() {
    Figure a, b;
    if (!draw_pair(a, b)) return std::nullopt;
    const double size_a = a.radius, size_b = b.radius;
    if (std::max(size_a, size_b) < kClearRatio * std::min(size_a, size_b)) return std::nullopt;
    Question q =
        start("Is the " + a.name() + " bigger than the " + b.name() + "?", yes_or_no(size_a > size_b), {});
    const Frame& frame = scene_.frame;
    std::string boxes;
    std::array<int, 2> heights;
    for (const auto& [figure, i] : {std::pair(a, 0), std::pair(b, 1)}) {
      const Rect rect = figure.box();
      boxes += (i ? " " : "") + figure.name() + frame.loc(rect);
      heights[static_cast<size_t>(i)] = frame.edge_bin_y(rect.bottom()) - frame.edge_bin_y(rect.top);
      q.marks.push_back(frame.box(figure.name(), rect));
      q.asks.push_back(fact("size of ", figure));
      describe(q, figure);
    }
    const std::string full = cat(boxes, ". Heights ", heights[0], " and ", heights[1], ", so ", q.gold, ".");
    q.traces = {"", boxes + " = " + q.gold, full,
                cat(full, " Check: the ", (size_a > size_b ? b : a).name(), " is smaller.")};
    return q;
  }

  Asked relation() {
    Figure a, b;
    if (!draw_pair(a, b)) return std::nullopt;
    const bool across = random_.chance(0.5), forward = random_.chance(0.5);
    const Frame& frame = scene_.frame;
    const double gap = across ? (b.x - a.x) / frame.width : (b.y - a.y) / frame.height;
    if (std::abs(gap) < kClearGap) return std::nullopt;
    const char* const word = across ? (forward ? "left of" : "right of") : (forward ? "above" : "below");
    const char* const truth = across ? (gap > 0 ? "left of" : "right of") : (gap > 0 ? "above" : "below");
    const char* const mirrored = across ? (gap > 0 ? "right of" : "left of") : (gap > 0 ? "below" : "above");
    Question q = start(cat("Is the ", a.name(), " ", word, " the ", b.name(), "?"),
                       yes_or_no((gap > 0) == forward), {a, b});
    ask_place(q, a);
    ask_place(q, b);
    const std::string full = cat(label(a), " ", label(b), ". ", bin(a, across), gap > 0 ? " < " : " > ",
                                 bin(b, across), ": ", truth, ". So ", q.gold, ".");
    q.traces = {"", label(a) + " " + label(b) + " = " + q.gold, full,
                cat(full, " Check: the ", b.name(), " is ", mirrored, " the ", a.name(), ".")};
    return q;
  }

 private:
  static std::string opposite(const std::string& side) {
    return side == "left" ? "right" : side == "right" ? "left" : side == "top" ? "bottom" : "top";
  }
  static std::string with_article(const std::string& name) {
    return (name.starts_with("orange") ? "an " : "a ") + name;
  }
  std::string one_of(std::vector<std::string> texts) { return random_.pick(texts); }
  std::string label(const Figure& f) const { return label_of(f, scene_.frame); }
  int bin(const Figure& f, bool across) const {
    return across ? scene_.frame.bin_x(f.x) : scene_.frame.bin_y(f.y);
  }
  bool may_name(const Figure& f) const {
    return scene_.may_name_held_pairs || !is_held_pair(f.color, f.shape);
  }

  std::string labels(const Figures& figures) const {
    std::string text;
    for (const Figure& f : figures) text += (text.empty() ? "" : " ") + label(f);
    return figures.empty() ? "none" : text;
  }

  static std::string names(const Figures& figures) {
    std::string text;
    for (const Figure& f : figures) text += (text.empty() ? "" : ", ") + f.name();
    return figures.empty() ? "none" : text;
  }

  bool is_unique(const Figure& f) const {
    return std::count_if(all_.begin(), all_.end(),
                         [&](const Figure& o) { return o.color == f.color && o.shape == f.shape; }) == 1;
  }

  bool draw_pair(Figure& a, Figure& b) {
    a = random_.pick(all_);
    b = random_.pick(all_);
    return !(a == b) && is_unique(a) && is_unique(b);
  }

  // A value of an attribute, such that large and small counts (none included) come up about as often.
  int with_spread_count(int num_values, const std::function<int(const Figure&)>& value_of) {
    std::array<double, 11> weight = {0.4, 1, 2.2, 4.5, 8, 12, 16, 20, 24, 28, 32};
    std::vector<int> counts(static_cast<size_t>(num_values), 0), of_count(weight.size(), 0);
    for (const Figure& f : all_) ++counts[static_cast<size_t>(value_of(f))];
    for (const int count : counts) ++of_count[static_cast<size_t>(count)];
    std::vector<double> weights;
    double total = 0;
    if (all_.size() == 1) weight[0] = 1;
    for (const int count : counts)
      total +=
          weights.emplace_back(weight[static_cast<size_t>(count)] / of_count[static_cast<size_t>(count)]);
    double draw = random_.uniform() * total;
    int value = 0;
    while (value + 1 < num_values && (draw -= weights[static_cast<size_t>(value)]) >= 0) ++value;
    return value;
  }

  Question start(std::string text, std::string gold, const Figures& pointed_at) const {
    Question q;
    q.text = std::move(text);
    q.gold = std::move(gold);
    for (const Figure& f : pointed_at) q.marks.push_back(scene_.frame.point(f.name(), f.center()));
    return q;
  }

  std::string fact(const char* of, const Figure& figure) const {
    return of + std::to_string(std::find(all_.begin(), all_.end(), figure) - all_.begin());
  }

  // The wording names this figure.
  void describe(Question& q, const Figure& figure) const {
    for (const std::string& told :
         {fact("colour of ", figure), fact("shape of ", figure), std::string(color_name(figure.color)),
          std::string(shape_name(figure.shape)), std::string("figures"), std::string("colours"),
          std::string("shapes")})
      q.tells.push_back(told);
  }

  void ask_place(Question& q, const Figure& figure) const {
    q.asks.push_back(fact("place of ", figure));
    if (!scene_.alone) describe(q, figure);
  }

  // The gold is this figure's colour or shape; a word that was told before would be a good guess.
  void ask_value(Question& q, const Figure& figure, bool color) const {
    q.asks = {fact(color ? "colour of " : "shape of ", figure),
              color ? color_name(figure.color) : shape_name(figure.shape)};
    q.tells = {"figures", color ? "colours" : "shapes"};
  }

  std::string noun(const Figure& figure) const { return scene_.alone ? "shape" : figure.name(); }

  // Traces that look for figures; an empty answer stands for their number. The two words
  // to compare stand side by side: a small model learns that, but stays at chance if it has to fetch them.
  Question judged(std::string text, std::string answer, const Sought& sought) const {
    const Figures found = sought.among(all_);
    const bool counting = answer.empty();
    Question q = start(std::move(text), counting ? std::to_string(found.size()) : std::move(answer), found);
    if (counting) q.asks = {"number"};  // often one number is that of all, of a colour and of a shape
    std::string each;
    int running = 0;
    for (const Figure& f : all_) {
      const std::string words = sought.compared(f);
      each += cat(each.empty() ? "" : ", ", label(f), " ", words, words.empty() ? "" : " ",
                  !sought.matches(f) ? "no"
                  : counting         ? std::to_string(++running)
                                     : "yes");
    }
    const std::string full = each + ". So " + q.gold + ".";
    q.traces = {"", labels(found) + " = " + q.gold, full,
                full + " Check: " + names(found) + ": " + q.gold + "."};
    return q;
  }

  Asked attribute(bool ask_color) {
    const Figure figure = random_.pick(all_);
    const Sought sought = ask_color ? Sought{Sought::kAny, figure.shape} : Sought{figure.color, Sought::kAny};
    if (sought.among(all_).size() != 1) return std::nullopt;
    const std::string shape = shape_name(figure.shape), color = color_name(figure.color);
    Question q = judged(
        ask_color ? one_of({"What colour is the " + shape + "?", "What color is the " + shape + "?",
                            "Which colour does the " + shape + " have?"})
                  : one_of({"What shape is " + color + "?", "What is the shape of the " + color + " one?"}),
        ask_color ? color : shape, sought);
    ask_value(q, figure, ask_color);
    q.tells.push_back(fact(ask_color ? "shape of " : "colour of ", figure));
    q.tells.push_back(ask_color ? shape : color);
    q.tells.push_back(ask_color ? "shapes" : "colours");
    return q;
  }

  // Of the only figure, which the question doesn't describe.
  Asked sole_attribute(bool ask_color) {
    const Figure& figure = all_.front();
    const std::string answer = ask_color ? color_name(figure.color) : shape_name(figure.shape);
    const std::string text =
        ask_color ? one_of({"What colour is it?", "What color is the shape?", "Which colour does it have?"})
                  : one_of({"What shape is it?", "What shape do you see?", "Which shape is this?"});
    Question q = judged(text, answer, Sought{});
    ask_value(q, figure, ask_color);
    return q;
  }

  Asked located(bool as_box) {
    const Figure figure = random_.pick(all_);
    if (!is_unique(figure)) return std::nullopt;
    const Frame& frame = scene_.frame;
    const std::string name = figure.name();
    const std::string text =
        as_box ? one_of({"Draw a box around the " + noun(figure) + ".",
                         "Give the box of the " + noun(figure) + "."})
               : one_of({"Point at the " + noun(figure) + ".", "Where is the " + noun(figure) + "?"});
    Question q = judged(text, as_box ? frame.loc(figure.box()) : frame.loc(figure.center()),
                        scene_.alone ? Sought{} : Sought::like(figure));
    q.traces[1] = label(figure);  // the point itself says the rest
    q.marks = {frame.box(name, figure.box())};
    ask_place(q, figure);
    q.tells.push_back(fact("size of ", figure));
    return q;
  }

  const ShapeScene& scene_;
  const Figures& all_;
  Random& random_;
};

using Ask = Asked (Asker::*)();
constexpr std::array<Ask, kShapeKinds.size()> kAsks = {
    &Asker::color,       &Asker::shape,  &Asker::exist,   &Asker::side, &Asker::count_color,
    &Asker::count_shape, &Asker::count,  &Asker::point,   &Asker::box,  &Asker::extreme,
    &Asker::more,        &Asker::bigger, &Asker::relation};

}  // namespace

std::string label_of(const Figure& figure, const Frame& frame) {
  return figure.name() + frame.loc(figure.center());
}

std::optional<Question> ask_about_shapes(const ShapeScene& scene, std::string_view kind, Random& random) {
  const auto found = std::find(kShapeKinds.begin(), kShapeKinds.end(), kind);
  MELETE_CHECK(found != kShapeKinds.end() && !scene.figures.empty(), kind);
  Asker asker(scene, random);
  Asked question = (asker.*kAsks[static_cast<size_t>(found - kShapeKinds.begin())])();
  if (question) question->kind = kind;
  return question;
}

}  // namespace melete
