// A clip of coloured shapes on the move: direction, speed, who moves, order of appearance.
//
// Six frames of 112 x 112 at two a second: three temporal groups of 16 tokens. A trace points at where a
// shape starts and ends. Hold-out "colour-shape", as in `shapes`.
#include <algorithm>
#include <cmath>

#include "task/scene_task.h"

namespace melete {
namespace {

constexpr int kSide = 112, kNumFrames = 6;
constexpr Frame kFrame{kSide, kSide};

struct Rules {
  const char* name;
  int min_count, max_count, radius;
  bool appears;  // each shape from a frame of its own
  bool varied;   // different speeds, tints, noise
};
constexpr std::array<Rules, 5> kLevels = {
    {{"one moving shape", 1, 1, 15, false, false},
     {"two shapes, some stand still", 2, 2, 13, false, false},
     {"two shapes, one after the other", 2, 2, 13, true, false},
     {"two or three shapes, one after the other", 2, 3, 11, true, false},
     {"three or four shapes, any speed, noise", 3, 4, 10, true, true}}};

enum class Way { left, right, up, down, still };
constexpr std::array<const char*, 5> kWays = {"left", "right", "up", "down", "still"};

struct Mover {
  Figure figure;  // at its first frame
  Way way = Way::still;
  int step = 0;  // pixels a frame
  int first_frame = 0;

  Figure at(int frame) const {
    Figure moved = figure;
    const int along = step * (frame - first_frame);
    moved.x += way == Way::right ? along : way == Way::left ? -along : 0;
    moved.y += way == Way::down ? along : way == Way::up ? -along : 0;
    return moved;
  }
};

struct Spec {
  std::vector<Mover> movers;
  Color ground = kWhite;
  uint64_t noise_seed = 0;
  std::string hold_out;

  std::string canonical() const {
    std::string text = cat(int{ground.red});
    for (const Mover& m : movers)
      text += cat("|", m.figure.name(), " ", m.figure.x, " ", m.figure.y, " ",
                  kWays[static_cast<size_t>(m.way)], " ", m.step, " ", m.first_frame);
    return text;
  }
};

// Whether the two keep clear of each other while both are shown.
bool meet(const Mover& a, const Mover& b) {
  for (int frame = std::max(a.first_frame, b.first_frame); frame < kNumFrames; ++frame) {
    const Figure p = a.at(frame), q = b.at(frame);
    if (std::hypot(p.x - q.x, p.y - q.y) < 1.05 * (p.radius + q.radius)) return true;
  }
  return false;
}

class MovingShapes final : public SceneTask<Spec> {
 public:
  TaskInfo info() const override {
    return with_levels({"moving_shapes", "follow shapes through a clip", "video"}, kLevels);
  }

 protected:
  Spec draw_spec(uint64_t seed, int level) const override {
    const Rules& rules = kLevels[static_cast<size_t>(level)];
    Random random = task_random("moving_shapes", seed, level, Stream::spec);
    Spec spec;
    const bool held_out = random.chance(kHoldOutShare);
    if (held_out) spec.hold_out = "colour-shape";
    if (rules.varied) spec.ground = random.pick(kTints);
    if (rules.varied) spec.noise_seed = random.next_u64() | 1;
    const auto count = static_cast<size_t>(random.integer(rules.min_count, rules.max_count));
    std::vector<int> starts = {1, 2, 3};
    random.shuffle(starts);
    starts.insert(starts.begin(), 0);
    for (int failures = 0; spec.movers.size() < count;) {
      const int start = rules.appears ? starts[spec.movers.size()] : 0;
      const Mover mover = draw_mover(rules, start, held_out && spec.movers.empty(), random);
      const auto clashes = [&](const Mover& m) {
        return meet(m, mover) ||
               (m.figure.color == mover.figure.color && m.figure.shape == mover.figure.shape);
      };
      if (std::none_of(spec.movers.begin(), spec.movers.end(), clashes)) {
        spec.movers.push_back(mover);
      } else if (++failures % 100 == 0) {
        spec.movers.clear();
      }
    }
    return spec;
  }

  Part draw(const Spec& spec) const override {
    Video video;
    for (int frame = 0; frame < kNumFrames; ++frame) {
      Canvas canvas(kSide, kSide, spec.ground);
      for (const Mover& m : spec.movers)
        if (frame >= m.first_frame) melete::draw(canvas, m.at(frame));
      if (spec.noise_seed) canvas.add_noise(mix_seed(spec.noise_seed, static_cast<uint64_t>(frame)), 16);
      video.frames.push_back(canvas.image());
      video.times_s.push_back(frame * 0.5);
    }
    return video;
  }

  std::string transcribe(const Spec& spec) const override {
    std::vector<std::string> paths;
    for (const Mover& m : by_appearance(spec))
      paths.push_back(path(m) + " " + kWays[static_cast<size_t>(m.way)]);
    return joined(paths, "\n");
  }

  std::optional<Question> ask(const Spec& spec, int level, Random& random) const override {
    const Mover& mover = random.pick(spec.movers);
    switch (random.integer(0, 7)) {
      case 0:
      case 1: return direction(spec, mover);
      case 2: return moves_so(spec, mover, random);
      case 3: return attribute(spec, mover, random);
      case 4: return count(spec, level, random);
      case 5:
      case 6: return order(spec, level, random);
      default: return faster(spec, level, random);
    }
  }

 private:
  static Mover draw_mover(const Rules& rules, int start, bool held_pair, Random& random) {
    Mover m;
    m.first_frame = start;
    m.way =
        rules.max_count > 1 && random.chance(1.0 / 3) ? Way::still : static_cast<Way>(random.integer(0, 3));
    const int travel = kSide - 2 * rules.radius - 4, steps = kNumFrames - 1 - start;
    const int fastest = std::min(travel / steps, 16), slowest = rules.varied ? 5 : std::min(11, fastest);
    m.step = m.way == Way::still ? 0 : static_cast<int>(random.integer(slowest, fastest));
    do {
      m.figure.color = static_cast<int>(random.integer(0, kNumColors - 1));
      m.figure.shape = static_cast<int>(random.integer(0, kNumShapes - 1));
    } while (is_held_pair(m.figure.color, m.figure.shape) != held_pair);
    m.figure.radius = rules.radius;
    const int low = rules.radius + 2, high = kSide - low, path = m.step * steps;
    const auto within = [&](bool forward, bool backward) {
      return static_cast<int>(random.integer(low + backward * path, high - forward * path));
    };
    m.figure.x = within(m.way == Way::right, m.way == Way::left);
    m.figure.y = within(m.way == Way::down, m.way == Way::up);
    return m;
  }

  static std::vector<Mover> by_appearance(const Spec& spec) {
    std::vector<Mover> sorted = spec.movers;
    std::sort(sorted.begin(), sorted.end(), [](const Mover& a, const Mover& b) {
      return std::tuple(a.first_frame, kFrame.bin_y(a.figure.y), a.figure.x) <
             std::tuple(b.first_frame, kFrame.bin_y(b.figure.y), b.figure.x);
    });
    return sorted;
  }

  // "red circle<|loc_..|><|loc_..|><|loc_..|><|loc_..|>": from start to end.
  static std::string path(const Mover& m) {
    return m.figure.name() + kFrame.loc(m.figure.center()) + kFrame.loc(m.at(kNumFrames - 1).center());
  }

  static std::string paths(const std::vector<Mover>& movers, bool with_way) {
    std::vector<std::string> all;
    for (const Mover& m : movers)
      all.push_back(path(m) + (with_way ? std::string(" ") + kWays[static_cast<size_t>(m.way)] : ""));
    return joined(all, with_way ? ", " : " ");
  }

  static std::string the(const Spec& spec, const Mover& m) {
    return spec.movers.size() == 1 ? "the shape" : "the " + m.figure.name();
  }

  // Facts: "way", "colour", "shape", "start" and "speed" of one shape, each colour and shape word, and of the
  // whole clip "ways" and "movers", where knowing some tells of a count.
  static std::string fact(const char* of, const Mover& m) { return of + m.figure.name(); }

  static void describe(Question& q, const Mover& m) {
    for (const std::string& told :
         {fact("colour of ", m), fact("shape of ", m), color_of(m), shape_of(m), std::string("movers")})
      q.tells.push_back(told);
  }

  static Question ask_way(const Spec& spec, const Mover& m, Question q) {
    q.asks = {fact("way of ", m)};
    q.tells = {"ways"};
    if (spec.movers.size() > 1) describe(q, m);  // a lone shape is not named
    return q;
  }

  // The gold is this shape's colour or its shape; a word that was told before would be a good guess.
  static Question ask_value(const Mover& m, bool color, Question q) {
    q.asks = {fact(color ? "colour of " : "shape of ", m), color ? color_of(m) : shape_of(m)};
    q.tells = {"movers"};
    return q;
  }

  static std::string color_of(const Mover& m) { return kPalette[static_cast<size_t>(m.figure.color)].name; }
  static std::string shape_of(const Mover& m) { return kShapeNames[static_cast<size_t>(m.figure.shape)]; }

  static Question start(std::string kind, std::string text, std::string gold, const std::vector<Mover>& seen,
                        const std::string& why, const std::string& check) {
    Question q;
    q.kind = std::move(kind);
    q.text = std::move(text);
    q.gold = std::move(gold);
    for (const Mover& m : seen) {
      Mark mark = kFrame.point(m.figure.name(), m.figure.center());
      const Mark end = kFrame.point("", m.at(kNumFrames - 1).center());
      mark.kind = Mark::Kind::track;
      mark.at[2] = end.at[0];
      mark.at[3] = end.at[1];
      q.marks.push_back(mark);
    }
    const std::string full =
        cat(paths(seen, true), ".", why.empty() ? "" : " " + why + ".", " So ", q.gold, ".");
    q.traces = {"", (seen.empty() ? "none" : paths(seen, false)) + " = " + q.gold, full,
                cat(full, " Check: ", check, ".")};
    return q;
  }

  // How the locations of the first and last frame compare.
  static std::string change(const Mover& m) {
    const Figure end = m.at(kNumFrames - 1);
    const bool down = m.way == Way::up || m.way == Way::down;
    const int from = down ? kFrame.bin_y(m.figure.y) : kFrame.bin_x(m.figure.x),
              to = down ? kFrame.bin_y(end.y) : kFrame.bin_x(end.x);
    return cat(down ? "y " : "x ", from, from < to ? " < " : from > to ? " > " : " = ", to);
  }

  static Question direction(const Spec& spec, const Mover& m) {
    return ask_way(spec, m,
                   start("direction", "Which way does " + the(spec, m) + " move?",
                         kWays[static_cast<size_t>(m.way)], {m}, "", change(m)));
  }

  static std::optional<Question> moves_so(const Spec& spec, const Mover& m, Random& random) {
    if (m.way == Way::still) return std::nullopt;
    const bool yes = random.chance(0.5);
    const auto way = yes ? m.way : static_cast<Way>((static_cast<int64_t>(m.way) + random.integer(1, 3)) % 4);
    return ask_way(
        spec, m,
        start("is_direction", "Does " + the(spec, m) + " move " + kWays[static_cast<size_t>(way)] + "?",
              yes_or_no(yes), {m}, "", change(m)));
  }

  static std::optional<Question> attribute(const Spec& spec, const Mover& m, Random& random) {
    const bool color = random.chance(0.5);
    const auto same_way = [&](const Mover& o) { return o.way == m.way; };
    if (std::count_if(spec.movers.begin(), spec.movers.end(), same_way) != 1) return std::nullopt;
    const std::string which =
        m.way == Way::still ? " that stands still" : cat(" that moves ", kWays[static_cast<size_t>(m.way)]);
    const std::string noun = spec.movers.size() == 1 ? "" : which;
    const char* const kind = color ? "colour" : "shape";
    Question q = ask_value(
        m, color,
        start(kind, color ? "What colour is the shape" + noun + "?" : "What is the shape" + noun + "?",
              color ? color_of(m) : shape_of(m), {m}, "", change(m)));
    if (!noun.empty())
      for (const std::string& told : {fact("way of ", m), std::string("ways")}) q.tells.push_back(told);
    return q;
  }

  static std::optional<Question> count(const Spec& spec, int level, Random& random) {
    if (level == 0) return std::nullopt;
    const auto shown = by_appearance(spec);
    if (random.chance(0.4) && level > 2) {
      Question q = start("count", "How many shapes are there at the end?", std::to_string(shown.size()),
                         shown, "", cat(shown.size(), " paths"));
      q.asks = {"movers"};
      return q;
    }
    std::vector<Mover> moving;
    std::copy_if(shown.begin(), shown.end(), std::back_inserter(moving),
                 [](const Mover& m) { return m.way != Way::still; });
    Question q = start("count", "How many shapes move?", std::to_string(moving.size()), moving, "",
                       cat(shown.size() - moving.size(), " stand still"));
    q.asks = {"ways"};
    for (const Mover& m : shown) q.tells.push_back(fact("way of ", m));
    q.traces[2] = cat(paths(shown, true), ". So ", q.gold, ".");
    q.traces[3] = cat(q.traces[2], " Check: ", shown.size() - moving.size(), " still, ", shown.size(), " - ",
                      shown.size() - moving.size(), " = ", q.gold, ".");
    return q;
  }

  static std::optional<Question> order(const Spec& spec, int level, Random& random) {
    if (!kLevels[static_cast<size_t>(level)].appears) return std::nullopt;
    const std::vector<Mover> sorted = by_appearance(spec);
    std::vector<std::string> names;
    for (const Mover& m : sorted) names.push_back(m.figure.name());
    const std::string why = "In order: " + joined(names, ", ");
    if (random.chance(0.5)) {
      const bool first = random.chance(0.5), color = random.chance(0.5);
      const Mover& found = first ? sorted.front() : sorted.back();
      Question q = start("order",
                         cat(color ? "What colour is the shape" : "What is the shape", " that appears ",
                             first ? "first" : "last", "?"),
                         color ? color_of(found) : shape_of(found), sorted, why,
                         cat(first ? "first " : "last ", found.figure.name()));
      q = ask_value(found, color, std::move(q));
      q.tells.push_back(fact("start of ", found));
      return q;
    }
    const Mover &a = random.pick(sorted), &b = random.pick(sorted);
    if (a.first_frame == b.first_frame) return std::nullopt;
    Question q =
        start("before", cat("Does the ", a.figure.name(), " appear before the ", b.figure.name(), "?"),
              yes_or_no(a.first_frame < b.first_frame), sorted, why,
              cat("the ", (a.first_frame < b.first_frame ? b : a).figure.name(), " is later"));
    for (const Mover& m : {a, b}) {
      q.asks.push_back(fact("start of ", m));
      describe(q, m);
    }
    return q;
  }

  static std::optional<Question> faster(const Spec& spec, int level, Random& random) {
    const Mover &a = random.pick(spec.movers), &b = random.pick(spec.movers);
    if (!kLevels[static_cast<size_t>(level)].varied || a.way == Way::still || b.way == Way::still)
      return std::nullopt;
    if (std::max(a.step, b.step) < 1.5 * std::min(a.step, b.step)) return std::nullopt;
    Question q = start("faster", cat("Is the ", a.figure.name(), " faster than the ", b.figure.name(), "?"),
                       yes_or_no(a.step > b.step), {a, b}, cat("Steps ", a.step, " and ", b.step),
                       cat("the ", (a.step > b.step ? b : a).figure.name(), " is slower"));
    for (const Mover& m : {a, b}) {
      q.asks.push_back(fact("speed of ", m));
      q.tells.push_back(fact("way of ", m));  // not still
      describe(q, m);
    }
    q.tells.push_back("ways");
    return q;
  }
};

MELETE_REGISTER_TASK("moving_shapes", MovingShapes);

}  // namespace
}  // namespace melete
