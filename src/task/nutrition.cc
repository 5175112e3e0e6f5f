// A nutrition label: amounts per serving, and the kcal of several servings, a package or a weight.
//
// Values are invented. A trace points at the row it reads and multiplies in one step. Hold-outs: "font", and
// "kcal 340-390", an energy per serving that no other split shows.
#include <algorithm>

#include "task/scene_task.h"

namespace melete {
namespace {

struct Rules {
  const char* name;
  int num_nutrients;  // besides the energy
  int kcal_step, max_kcal;
  int max_servings;      // asked for; 1: look-ups only
  bool package, weight;  // rows "servings" and "serving"
  int side, text_px, noise;
};
constexpr std::array<Rules, 5> kLevels = {
    {{"2-3 rows, look-ups", 2, 10, 400, 1, false, false, 168, 20, 0},
     {"2-3 rows, up to 4 servings of round energy", 2, 10, 200, 4, false, false, 168, 19, 0},
     {"4 rows, up to 9 servings", 3, 5, 400, 9, false, false, 168, 17, 0},
     {"5 rows, servings a package", 3, 5, 400, 9, true, false, 224, 18, 0},
     {"6 rows, package and weight, noise", 3, 1, 400, 9, true, true, 224, 16, 12}}};

constexpr std::array<const char*, 6> kNutrients = {"Fat", "Sugar", "Salt", "Fibre", "Protein", "Starch"};
constexpr int kHeldLow = 340, kHeldHigh = 390;

struct Row {
  std::string name;
  int amount = 0;
  std::string unit;
};

struct Spec {
  int level = 0, font = 0, kcal = 0;
  std::vector<Row> rows;            // top to bottom
  size_t energy = 0;                // its row
  int servings = 0, serving_g = 0;  // 0: not on the label
  bool title = true;
  Color ground = kWhite;
  uint64_t noise_seed = 0;
  std::string hold_out;

  const Rules& rules() const { return kLevels[static_cast<size_t>(level)]; }
  Frame frame() const { return {static_cast<double>(rules().side), static_cast<double>(rules().side)}; }
  std::string canonical() const {
    std::string text = cat(level, " ", font, title, int{ground.red});
    for (const Row& row : rows) text += cat("|", row.name, " ", row.amount, row.unit);
    return text;
  }
  // The middle of the amount's text, near the right edge.
  Point at(size_t row) const {
    const double lines = static_cast<double>(rows.size() + title), height = (rules().side - 16) / lines;
    return {rules().side - 12 - rules().text_px * 1.5, 8 + height * (static_cast<double>(row + title) + 0.5)};
  }
};

class Nutrition final : public SceneTask<Spec> {
 public:
  TaskInfo info() const override {
    return with_levels({"nutrition", "read a nutrition label and work out kcal", "vision"}, kLevels);
  }

 protected:
  Spec draw_spec(uint64_t seed, int level) const override {
    Random random = task_random("nutrition", seed, level, Stream::spec);
    Spec spec;
    spec.level = level;
    const Rules& rules = spec.rules();
    const bool held_font = random.chance(kHoldOutShare),
               held_kcal = !held_font && rules.max_kcal >= kHeldHigh && random.chance(kHoldOutShare);
    if (held_font || held_kcal) spec.hold_out = held_font ? "font" : "kcal 340-390";
    spec.font = draw_font(random, held_font, level <= 1);
    do {
      spec.kcal = static_cast<int>(random.integer(20 / rules.kcal_step, rules.max_kcal / rules.kcal_step)) *
                  rules.kcal_step;
    } while ((spec.kcal >= kHeldLow && spec.kcal <= kHeldHigh) != held_kcal);
    if (rules.noise) spec.noise_seed = random.next_u64() | 1;
    if (level > 1) spec.ground = random.pick(kTints);
    std::vector<std::string> nutrients(kNutrients.begin(), kNutrients.end());
    random.shuffle(nutrients);
    const int64_t count = level <= 1 ? random.integer(1, rules.num_nutrients) : rules.num_nutrients;
    for (int64_t i = 0; i < count; ++i)
      spec.rows.push_back({nutrients[static_cast<size_t>(i)], static_cast<int>(random.integer(1, 40)), "g"});
    spec.energy = level == 0 ? static_cast<size_t>(random.integer(0, count)) : 0;
    spec.rows.insert(spec.rows.begin() + static_cast<int64_t>(spec.energy), {"Energy", spec.kcal, "kcal"});
    if (rules.weight) {
      spec.serving_g = static_cast<int>(random.integer(2, 12)) * 10;
      spec.rows.insert(spec.rows.begin(), {"Serving", spec.serving_g, "g"});
      ++spec.energy;
    }
    if (rules.package) {
      spec.servings = static_cast<int>(random.integer(2, rules.max_servings));
      spec.rows.insert(spec.rows.begin(), {"Servings", spec.servings, ""});
      ++spec.energy;
    }
    spec.title = level > 0 || spec.rows.size() < 3;
    return spec;
  }

  Part draw(const Spec& spec) const override {
    const Rules& rules = spec.rules();
    const double side = rules.side;
    Canvas canvas(rules.side, rules.side, spec.ground);
    canvas.stroke_rect({4, 4, side - 8, side - 8}, 2, kInk);
    Font font{kFontFamilies[static_cast<size_t>(spec.font)], static_cast<double>(rules.text_px), false,
              false};
    for (const Row& row : spec.rows) {  // a wide family must not run one text into the other
      const double needed = measure_text(cat(row.name, row.amount, row.unit), font).width, room = side - 34;
      if (needed > room) font.size_px *= room / needed;
    }
    if (spec.title) {
      Font bold = font;
      bold.bold = true;
      const double y = 2 * spec.at(0).y - spec.at(1).y;
      canvas.draw_text_left("One serving", bold, 11, y, kInk);
      canvas.stroke_line({6, (y + spec.at(0).y) / 2}, {side - 6, (y + spec.at(0).y) / 2}, 2.5, kInk);
    }
    for (size_t i = 0; i < spec.rows.size(); ++i) {
      const double y = spec.at(i).y;
      const Row& row = spec.rows[i];
      canvas.draw_text_left(row.name, font, 11, y, kInk);
      const std::string amount = cat(row.amount, row.unit.empty() ? "" : " ", row.unit);
      canvas.draw_text_left(amount, font, side - 11 - measure_text(amount, font).width, y, kInk);
      if (i > 0)
        canvas.stroke_line({8, (y + spec.at(i - 1).y) / 2}, {side - 8, (y + spec.at(i - 1).y) / 2}, 0.7,
                           {150, 150, 155});
    }
    if (spec.noise_seed) canvas.add_noise(spec.noise_seed, rules.noise);
    return canvas.image();
  }

  std::string transcribe(const Spec& spec) const override { return readings(spec, "\n"); }

  std::optional<Question> ask(const Spec& spec, int level, Random& random) const override {
    const Rules& rules = spec.rules();
    const auto any = [&] {
      return static_cast<size_t>(
          random.integer(static_cast<int64_t>(spec.energy), static_cast<int64_t>(spec.rows.size()) - 1));
    };
    const int64_t kind = random.integer(-1, rules.max_servings > 1 ? 7 : 3);
    if (kind == -1) return reverse(spec, any());
    if (kind == 0) return energy(spec, random);
    if (kind <= 2) return nutrient(spec, random);
    if (kind == 3) return compare(spec, any(), any());
    if (kind == 4 && spec.servings)
      return product(spec, "package", "How many kcal are in the whole package?", spec.servings, "");
    const int count = static_cast<int>(random.integer(2, rules.max_servings));
    if (kind == 5 && spec.serving_g) {
      const int grams = count * spec.serving_g;
      return product(spec, "weight", cat("How many kcal are in ", grams, " g?"), count,
                     cat(grams, " / ", spec.serving_g, " = ", count));
    }
    return product(spec, "servings", cat("How many kcal are in ", count, " servings?"), count, "");
  }

 private:
  static std::string lower(std::string name) {
    name[0] = static_cast<char>(name[0] - 'A' + 'a');
    return name;
  }

  static std::string reading(const Spec& spec, size_t i) {
    return cat(spec.rows[i].name, spec.frame().loc(spec.at(i)), " ", spec.rows[i].amount);
  }

  static std::string readings(const Spec& spec, const char* separator = " ") {
    std::vector<std::string> all;
    for (size_t i = 0; i < spec.rows.size(); ++i) all.push_back(reading(spec, i));
    return joined(all, separator);
  }

  static Question start(const Spec& spec, std::string kind, std::string text, std::string gold,
                        const std::vector<size_t>& rows) {
    Question q;
    q.kind = std::move(kind);
    q.text = std::move(text);
    q.gold = std::move(gold);
    for (const size_t i : rows) {
      q.marks.push_back(spec.frame().point(spec.rows[i].name, spec.at(i)));
      q.asks.push_back("row " + spec.rows[i].name);
    }
    return q;
  }

  static Question single(const Spec& spec, std::string kind, std::string text, size_t i) {
    Question q = start(spec, std::move(kind), std::move(text), std::to_string(spec.rows[i].amount), {i});
    const std::string full = cat(readings(spec), ". ", spec.rows[i].name, " ", q.gold, ". So ", q.gold, ".");
    q.traces = {"", reading(spec, i), full,
                cat(full, " Check: it is row ", i + 1, " of ", spec.rows.size(), ".")};
    return q;
  }

  static Question energy(const Spec& spec, Random& random) {
    static const std::vector<std::string> kTexts = {"How many kcal are in one serving?",
                                                    "What is the energy of one serving in kcal?"};
    return single(spec, "energy", random.pick(kTexts), spec.energy);
  }

  static Question nutrient(const Spec& spec, Random& random) {
    const auto i = static_cast<size_t>(random.integer(0, static_cast<int64_t>(spec.rows.size()) - 1));
    const Row& row = spec.rows[i];
    if (row.unit == "kcal") return energy(spec, random);
    if (row.name == "Servings") return single(spec, "lookup", "How many servings are in the package?", i);
    if (row.name == "Serving") return single(spec, "lookup", "How many grams is one serving?", i);
    return single(spec, "lookup", "How many grams of " + lower(row.name) + " are in one serving?", i);
  }

  static std::optional<Question> reverse(const Spec& spec, size_t i) {
    const Row& row = spec.rows[i];
    const auto same = [&](const Row& r) { return r.amount == row.amount && r.unit == row.unit; };
    if (row.unit != "g" || std::count_if(spec.rows.begin(), spec.rows.end(), same) != 1) return std::nullopt;
    Question q = start(spec, "reverse", cat("What is there ", row.amount, " g of?"), lower(row.name), {i});
    const std::string full = cat(readings(spec), ". ", row.amount, " ", row.name, ". So ", q.gold, ".");
    q.traces = {"", cat(row.amount, spec.frame().loc(spec.at(i)), " ", row.name), full,
                cat(full, " Check: it is row ", i + 1, " of ", spec.rows.size(), ".")};
    return q;
  }

  static std::optional<Question> compare(const Spec& spec, size_t i, size_t j) {
    const Row &a = spec.rows[i], &b = spec.rows[j];
    if (a.unit != "g" || b.unit != "g" || a.amount == b.amount) return std::nullopt;
    Question q = start(spec, "more", cat("Is there more ", lower(a.name), " than ", lower(b.name), "?"),
                       yes_or_no(a.amount > b.amount), {i, j});
    const std::string both = reading(spec, i) + " " + reading(spec, j);
    const std::string full =
        cat(both, ". ", a.amount, a.amount > b.amount ? " > " : " < ", b.amount, ". So ", q.gold, ".");
    q.traces = {"", both + " = " + q.gold, full,
                cat(full, " Check: ", b.amount, a.amount > b.amount ? " < " : " > ", a.amount, ".")};
    return q;
  }

  // kcal times `count`; `first` is the step that gave the count, or empty.
  static Question product(const Spec& spec, std::string kind, std::string text, int count,
                          const std::string& first) {
    const int total = spec.kcal * count;
    std::vector<size_t> seen = {spec.energy};
    std::string head = reading(spec, spec.energy);
    if (kind != "servings") {
      const size_t row = kind == "package" ? 0 : 1;
      head = reading(spec, row) + " " + head;
      seen.insert(seen.begin(), row);
    }
    Question q = start(spec, std::move(kind), std::move(text), std::to_string(total), seen);
    const std::string steps = cat(first, first.empty() ? "" : ", ", spec.kcal, " x ", count, " = ", total);
    const std::string full =
        cat(head, " kcal a serving. ", count, " servings: ", steps, ". So ", q.gold, ".");
    q.traces = {"", cat(head, ", ", steps), full,
                cat(full, " Check: ", total, " / ", count, " = ", spec.kcal, ".")};
    return q;
  }
};

MELETE_REGISTER_TASK("nutrition", Nutrition);

}  // namespace
}  // namespace melete
