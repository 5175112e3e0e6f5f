// Coloured shapes on a plain ground: count, attributes, existence, comparison, relation, place and extremes.
//
// Picture: 168 x 168, so 36 tokens. The first levels hold one to three shapes, since binding many at once
// hides the signal of a single one; "count to six" is the level on which counting is reported. Hold-out
// "colour-shape": three pairs (scene.cc) that no other split shows or names.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "task/scene_task.h"
#include "task/shape_questions.h"
#include "task/verify.h"

namespace melete {
namespace {

constexpr double kSide = 168;
constexpr Frame kFrame{kSide, kSide};

struct Rules {
  const char* name;
  int min_count, max_count, min_radius, max_radius;
  bool varied;     // turned shapes on tinted grounds
  double spacing;  // least distance of centres, in sums of radii
  int noise;       // amplitude, of 255
};
constexpr std::array<Rules, 6> kLevels = {
    {{"one shape", 1, 1, 22, 34, false, 1.15, 0},
     {"one or two shapes", 1, 2, 20, 32, false, 1.15, 0},
     {"one to three shapes", 1, 3, 17, 28, false, 1.15, 0},
     {"count to six", 1, 6, 13, 22, false, 1.15, 0},
     {"count to six, turned and tinted", 1, 6, 11, 24, true, 1.1, 0},
     {"up to ten, overlapping, with noise", 3, 10, 10, 20, true, 0.8, 20}}};

struct Spec {
  std::vector<Figure> figures;  // in drawing order
  Color ground = kWhite;
  int noise = 0;
  uint64_t noise_seed = 0;
  std::string hold_out;

  std::string canonical() const {
    std::string text = cat(int{ground.red}, ",", int{ground.green}, ",", int{ground.blue});
    for (const Figure& f : figures)
      text += cat("|", f.name(), " ", f.x, " ", f.y, " ", f.radius, " ", f.turn_degrees);
    return text;
  }
};

// Draws place and size; false if 200 tries found no room.
bool place(Figure& figure, const std::vector<Figure>& others, const Rules& rules, Random& random) {
  for (int attempt = 0; attempt < 200; ++attempt) {
    figure.radius = static_cast<int>(random.integer(rules.min_radius, rules.max_radius));
    const int margin = figure.radius * (rules.varied ? 13 : 11) / 10 + 1;  // a turned corner reaches further
    figure.x = static_cast<int>(random.integer(margin, static_cast<int>(kSide) - margin));
    figure.y = static_cast<int>(random.integer(margin, static_cast<int>(kSide) - margin));
    const bool clear = std::none_of(others.begin(), others.end(), [&](const Figure& o) {
      return std::hypot(o.x - figure.x, o.y - figure.y) < rules.spacing * (o.radius + figure.radius);
    });
    if (clear) return true;
  }
  return false;
}

// Values for the figures of one scene: a few of 0 .. num_values - 1, one of them often much commoner than the
// others, so that every count up to the number of figures comes up.
struct Pool {
  std::vector<int> values;
  double common_share;

  Pool(int num_values, int num_figures, Random& random)
      : values(static_cast<size_t>(num_values)), common_share(random.uniform()) {
    std::iota(values.begin(), values.end(), 0);
    random.shuffle(values);
    const int64_t most = std::min(num_figures, 5);
    const int64_t size = std::max(random.integer(1, most), random.integer(1, most));
    values.resize(static_cast<size_t>(size));
  }
  int draw(Random& random) const { return random.chance(common_share) ? values[0] : random.pick(values); }
};

Spec draw_shapes(uint64_t seed, int level) {
  const Rules& rules = kLevels[static_cast<size_t>(level)];
  Random random = task_random("shapes", seed, level, Stream::spec);
  Spec spec;
  const bool held_out = random.chance(kHoldOutShare);
  if (held_out) spec.hold_out = "colour-shape";
  spec.noise = rules.noise;
  spec.noise_seed = mix_seed(seed, 3);
  if (rules.varied) spec.ground = random.pick(kTints);
  const int count = static_cast<int>(random.integer(rules.min_count, rules.max_count));
  const Pool colors(kNumColors, count, random), shapes(kNumShapes, count, random);
  while (static_cast<int>(spec.figures.size()) < count) {
    Figure figure;
    const bool must_be_held = held_out && spec.figures.empty();
    for (int attempt = 0; attempt == 0 || is_held_pair(figure.color, figure.shape) != must_be_held;
         ++attempt) {
      // A pool may hold nothing else, so later tries leave it.
      figure.color = attempt < 8 && !must_be_held ? colors.draw(random)
                                                  : static_cast<int>(random.integer(0, kNumColors - 1));
      figure.shape = attempt < 8 && !must_be_held ? shapes.draw(random)
                                                  : static_cast<int>(random.integer(0, kNumShapes - 1));
    }
    if (rules.varied) figure.turn_degrees = static_cast<int>(random.integer(-20, 20));
    if (place(figure, spec.figures, rules, random)) {
      spec.figures.push_back(figure);
    } else {
      spec.figures.clear();  // no room left: start over, the count stays as drawn
    }
  }
  return spec;
}

class Shapes final : public SceneTask<Spec> {
 public:
  TaskInfo info() const override {
    return with_levels({"shapes", "count, name, compare and find coloured shapes", "vision"}, kLevels);
  }

  double verify(const Question& question, std::string_view answer) const override {
    if (question.kind != "box" && question.kind != "point") return Task::verify(question, answer);
    std::array<double, 4> box;
    for (size_t i = 0; i < 4; ++i) box[i] = question.marks.at(0).at[i];
    return finds_place(answer, box, question.kind == "box") ? 1.0 : 0.0;
  }

 protected:
  Part draw(const Spec& spec) const override {
    Canvas canvas(static_cast<int64_t>(kSide), static_cast<int64_t>(kSide), spec.ground);
    for (const Figure& figure : spec.figures) melete::draw(canvas, figure);
    if (spec.noise) canvas.add_noise(spec.noise_seed, spec.noise);
    return canvas.image();
  }

  Spec draw_spec(uint64_t seed, int level) const override { return draw_shapes(seed, level); }

  std::string transcribe(const Spec& spec) const override {
    std::vector<std::string> labels;
    for (const Figure& figure : in_reading_order(spec.figures, kFrame))
      labels.push_back(label_of(figure, kFrame));
    return joined(labels, " ");
  }

  // One share a kind, counting twice; kinds that the scene is too small for fail and are drawn again.
  std::optional<Question> ask(const Spec& spec, int level, Random& random) const override {
    const ShapeScene scene{kFrame, in_reading_order(spec.figures, kFrame), !spec.hold_out.empty(),
                           level == 0};
    const auto index = static_cast<size_t>(random.integer(0, static_cast<int64_t>(kShapeKinds.size()) + 1));
    const std::string_view kind = index < kShapeKinds.size()    ? kShapeKinds[index]
                                  : index == kShapeKinds.size() ? "count"
                                                                : "count_colour";
    // One shape gives nothing to count: always one, or a coin's side.
    if (level == 0 && kind.starts_with("count")) return std::nullopt;
    return ask_about_shapes(scene, kind, random);
  }
};

MELETE_REGISTER_TASK("shapes", Shapes);

}  // namespace
}  // namespace melete
