// A table drawn as a picture: look up a cell by row and column, or by its value, compare, find the largest,
// add.
//
// The first level is two or three rows of a word and a digit in large print. A trace points at the cells it
// reads. Hold-out "font".
#include <algorithm>

#include "task/scene_task.h"

namespace melete {
namespace {

struct Rules {
  const char* name;
  int min_rows, max_rows, num_columns;  // columns of numbers
  bool header, sums;
  int max_value, side, text_px, noise;
};
constexpr std::array<Rules, 6> kLevels = {
    {{"2-3 rows of a word and a digit, large print", 2, 3, 1, false, false, 9, 168, 36, 0},
     {"2-3 rows of a word and a number", 2, 3, 1, false, false, 99, 168, 24, 0},
     {"header, 2-3 rows, one column", 2, 3, 1, true, false, 99, 168, 20, 0},
     {"header, 2-3 rows, two columns", 2, 3, 2, true, false, 99, 168, 17, 0},
     {"header, 3-4 rows, two columns, sums", 3, 4, 2, true, true, 99, 224, 18, 0},
     {"header, 4-6 rows, three columns, sums, noise", 4, 6, 3, true, true, 999, 224, 15, 12}}};

constexpr std::array<const char*, 20> kNames = {"cat", "dog", "fox", "owl", "bee", "cow", "hen",
                                                "pig", "ant", "bat", "cup", "hat", "pen", "box",
                                                "key", "bag", "bed", "car", "map", "jar"};
constexpr std::array<const char*, 6> kHeads = {"age", "size", "cost", "mass", "rank", "score"};

// The fact that a question for the largest number asks: any row's numbers tell of it.
constexpr const char* kOrder = "order";

struct Spec {
  int level = 0, font = 0;
  bool bold = false, lines = true;
  Color ground = kWhite, header_ground = {215, 220, 235};
  std::vector<std::string> names, heads;
  std::vector<std::vector<int>> values;  // [row][column]
  uint64_t noise_seed = 0;
  std::string hold_out;

  const Rules& rules() const { return kLevels[static_cast<size_t>(level)]; }
  size_t rows() const { return names.size(); }
  size_t columns() const { return heads.size(); }
  Frame frame() const { return {static_cast<double>(rules().side), static_cast<double>(rules().side)}; }

  std::string canonical() const {
    std::string text =
        cat(level, " ", font, bold, lines, int{ground.red}, int{header_ground.red}, " ", joined(heads, " "));
    for (size_t r = 0; r < rows(); ++r) {
      text += "|" + names[r];
      for (const int value : values[r]) text += cat(" ", value);
    }
    return text;
  }

  // The cell of a row (the header's row comes first where there is one) and a column (names are column 0).
  Rect cell(size_t row, size_t column) const {
    const double side = rules().side, margin = 6;
    const double height = (side - 2 * margin) / static_cast<double>(rows() + rules().header),
                 width = (side - 2 * margin) / static_cast<double>(columns() + 1);
    return {margin + width * static_cast<double>(column), margin + height * static_cast<double>(row), width,
            height};
  }
  Point at(size_t row, size_t column) const { return cell(row + rules().header, column + 1).center(); }
  Point name_at(size_t row) const { return cell(row + rules().header, 0).center(); }
};

class TableImage final : public SceneTask<Spec> {
 public:
  TaskInfo info() const override {
    return with_levels({"table_image", "look up and add numbers in a drawn table", "vision"}, kLevels);
  }

 protected:
  Spec draw_spec(uint64_t seed, int level) const override {
    Random random = task_random("table_image", seed, level, Stream::spec);
    Spec spec;
    spec.level = level;
    const Rules& rules = spec.rules();
    const bool held_out = random.chance(kHoldOutShare);
    if (held_out) spec.hold_out = "font";
    spec.font = draw_font(random, held_out, level <= 2);
    spec.bold = random.chance(0.3);
    if (level > 1) spec.lines = random.chance(0.7);
    if (level > 2) spec.ground = random.pick(kTints);
    if (level > 2) spec.header_ground = random.pick(kTints);
    if (rules.noise) spec.noise_seed = random.next_u64() | 1;
    spec.names.assign(kNames.begin(), kNames.end());
    spec.heads.assign(kHeads.begin(), kHeads.end());
    random.shuffle(spec.names);
    random.shuffle(spec.heads);
    spec.names.resize(static_cast<size_t>(random.integer(rules.min_rows, rules.max_rows)));
    spec.heads.resize(static_cast<size_t>(rules.num_columns));
    std::vector<int> used;
    for (size_t r = 0; r < spec.rows(); ++r) {
      spec.values.emplace_back();
      while (spec.values.back().size() < spec.columns()) {
        const int value = static_cast<int>(random.integer(1, random.chance(0.3) ? 9 : rules.max_value));
        if (std::find(used.begin(), used.end(), value) != used.end())
          continue;  // so that a number names its row
        used.push_back(value);
        spec.values.back().push_back(value);
      }
    }
    return spec;
  }

  Part draw(const Spec& spec) const override {
    const Rules& rules = spec.rules();
    Canvas canvas(rules.side, rules.side, spec.ground);
    Font font{kFontFamilies[static_cast<size_t>(spec.font)], static_cast<double>(rules.text_px), spec.bold,
              false};
    const size_t header = rules.header;
    if (header) {
      const Rect first = spec.cell(0, 0);
      canvas.fill_rect(
          {first.left, first.top, first.width * static_cast<double>(spec.columns() + 1), first.height},
          spec.header_ground);
      Font head_font = font;
      head_font.bold = true;
      head_font.size_px *= 0.85;
      canvas.draw_text("name", head_font, first.center(), kInk);
      for (size_t c = 0; c < spec.columns(); ++c)
        canvas.draw_text(spec.heads[c], head_font, spec.cell(0, c + 1).center(), kInk);
    }
    for (size_t r = 0; r < spec.rows(); ++r) {
      canvas.draw_text(spec.names[r], font, spec.name_at(r), kInk);
      for (size_t c = 0; c < spec.columns(); ++c)
        canvas.draw_text(std::to_string(spec.values[r][c]), font, spec.at(r, c), kInk);
    }
    if (spec.lines)
      for (size_t r = 0; r < spec.rows() + header; ++r)
        for (size_t c = 0; c <= spec.columns(); ++c) canvas.stroke_rect(spec.cell(r, c), 1, {120, 120, 130});
    if (spec.noise_seed) canvas.add_noise(spec.noise_seed, rules.noise);
    return canvas.image();
  }

  std::string transcribe(const Spec& spec) const override {
    std::vector<std::string> rows;
    for (size_t r = 0; r < spec.rows(); ++r) {
      rows.push_back(spec.names[r] + spec.frame().loc(spec.name_at(r)));
      for (size_t c = 0; c < spec.columns(); ++c)
        rows.back() += cat(" ", spec.rules().header ? spec.heads[c] + " " : "", spec.values[r][c]);
    }
    return joined(rows, "\n");
  }

  std::optional<Question> ask(const Spec& spec, int level, Random& random) const override {
    const auto row = [&] {
      return static_cast<size_t>(random.integer(0, static_cast<int64_t>(spec.rows()) - 1));
    };
    const size_t a = row(), b = row(),
                 c = static_cast<size_t>(random.integer(0, static_cast<int64_t>(spec.columns()) - 1));
    const int64_t kind = random.integer(0, 9);
    if (kind < 5) return lookup(spec, a, c, random);
    if (kind < 7) return reverse(spec, a, c);
    if (kind < 8) return extreme(spec, c, random.chance(0.5));
    if (spec.rules().sums && kind == 9) return sum(spec, c);
    if (a == b) return std::nullopt;
    return more(spec, a, b, c);
  }

 private:
  static std::string cell(const Spec& spec, size_t r, size_t c) {
    return cat(spec.names[r], spec.frame().loc(spec.at(r, c)), " ", spec.values[r][c]);
  }

  static std::string column(const Spec& spec, size_t c) {
    std::vector<std::string> cells;
    for (size_t r = 0; r < spec.rows(); ++r) cells.push_back(cell(spec, r, c));
    return joined(cells, " ");
  }

  static std::string of_column(const Spec& spec, size_t c) {
    return spec.rules().header ? "In column " + spec.heads[c] + ": " : "";
  }

  static Question start(const Spec& spec, std::string kind, std::string text, std::string gold,
                        const std::vector<size_t>& rows, size_t c) {
    Question q;
    q.kind = std::move(kind);
    q.text = std::move(text);
    q.gold = std::move(gold);
    for (const size_t r : rows) {
      q.marks.push_back(spec.frame().point(spec.names[r], spec.at(r, c)));
      q.asks.push_back(cat("row ", r));
    }
    q.tells = {kOrder};
    return q;
  }

  static std::vector<size_t> all_rows(const Spec& spec) {
    std::vector<size_t> rows(spec.rows());
    for (size_t r = 0; r < rows.size(); ++r) rows[r] = r;
    return rows;
  }

  static Question lookup(const Spec& spec, size_t r, size_t c, Random& random) {
    const std::string name = spec.names[r], head = spec.heads[c];
    const std::vector<std::string> plain = {"What number is next to " + name + "?",
                                            "Which number stands beside " + name + "?"};
    const std::vector<std::string> headed = {"What is the " + head + " of " + name + "?",
                                             "Give the " + head + " of " + name + "."};
    Question q = start(spec, "lookup", random.pick(spec.rules().header ? headed : plain),
                       std::to_string(spec.values[r][c]), {r}, c);
    const std::string full =
        cat(of_column(spec, c), column(spec, c), ". ", name, " ", q.gold, ". So ", q.gold, ".");
    q.traces = {"", cell(spec, r, c), full, cat(full, " Check: ", cell(spec, r, c), ".")};
    return q;
  }

  static Question reverse(const Spec& spec, size_t r, size_t c) {
    const int value = spec.values[r][c];
    const std::string text = spec.rules().header ? cat("Whose ", spec.heads[c], " is ", value, "?")
                                                 : cat("Which word is next to ", value, "?");
    Question q = start(spec, "reverse", text, spec.names[r], {r}, c);
    std::vector<std::string> by_value;
    for (size_t i = 0; i < spec.rows(); ++i)
      by_value.push_back(cat(spec.values[i][c], spec.frame().loc(spec.at(i, c)), " ", spec.names[i]));
    const std::string full =
        cat(of_column(spec, c), joined(by_value, " "), ". ", value, " ", q.gold, ". So ", q.gold, ".");
    q.traces = {"", by_value[r], full, cat(full, " Check: ", cell(spec, r, c), ".")};
    return q;
  }

  static Question extreme(const Spec& spec, size_t c, bool largest) {
    size_t best = 0;
    for (size_t r = 1; r < spec.rows(); ++r)
      if ((spec.values[r][c] > spec.values[best][c]) == largest) best = r;
    const std::string what =
        cat(largest ? "largest " : "smallest ", spec.rules().header ? spec.heads[c] : "number");
    Question q =
        start(spec, "extreme", "Which one has the " + what + "?", spec.names[best], all_rows(spec), c);
    q.asks = {kOrder};
    q.tells = {cat("row ", best)};
    const std::string full = cat(of_column(spec, c), column(spec, c), ". The ", what, " is ",
                                 spec.values[best][c], ". So ", q.gold, ".");
    q.traces = {"", column(spec, c) + " = " + q.gold, full, cat(full, " Check: ", cell(spec, best, c), ".")};
    return q;
  }

  static Question more(const Spec& spec, size_t a, size_t b, size_t c) {
    const int x = spec.values[a][c], y = spec.values[b][c];
    const std::string what = spec.rules().header ? spec.heads[c] : "number";
    Question q =
        start(spec, "more",
              cat("Is the ", what, " of ", spec.names[a], " larger than that of ", spec.names[b], "?"),
              yes_or_no(x > y), {a, b}, c);
    const std::string both = cell(spec, a, c) + " " + cell(spec, b, c);
    const std::string full =
        cat(of_column(spec, c), both, ". ", x, x > y ? " > " : " < ", y, ". So ", q.gold, ".");
    q.traces = {"", both + " = " + q.gold, full, cat(full, " Check: ", y, x > y ? " < " : " > ", x, ".")};
    return q;
  }

  static Question sum(const Spec& spec, size_t c) {
    int total = 0;
    std::string steps;
    for (size_t r = 0; r < spec.rows(); ++r) {
      if (r > 0)
        steps += cat(r > 1 ? ", " : "", total, " + ", spec.values[r][c], " = ", total + spec.values[r][c]);
      total += spec.values[r][c];
    }
    Question q = start(spec, "sum", "What is the sum of the column " + spec.heads[c] + "?",
                       std::to_string(total), all_rows(spec), c);
    const std::string full = cat(of_column(spec, c), column(spec, c), ". ", steps, ". So ", q.gold, ".");
    q.traces = {"", cat(column(spec, c), ", ", steps), full,
                cat(full, " Check: ", total, " - ", spec.values.back()[c], " = ",
                    total - spec.values.back()[c], ".")};
    return q;
  }
};

MELETE_REGISTER_TASK("table_image", TableImage);

}  // namespace
}  // namespace melete
