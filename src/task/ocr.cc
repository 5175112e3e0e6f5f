// Reading a line of text in a picture: the whole line, single characters, its length.
//
// Levels go from two to four capitals and digits to short phrases. Characters that look alike in some family
// (O and 0, I, l and 1) never appear. A trace points at each character (later: word) from left to right.
// Hold-out "font".
#include <algorithm>
#include <cctype>
#include <cmath>

#include "task/scene_task.h"

namespace melete {
namespace {

constexpr double kSide = 168;
constexpr Frame kFrame{kSide, kSide};

struct Rules {
  const char* name;
  int min_length, max_length;  // characters, or words
  bool words, mixed_case;
  int max_px, noise;
};
constexpr std::array<Rules, 5> kLevels = {{{"2-4 capitals and digits", 2, 4, false, false, 56, 0},
                                           {"3-6 capitals and digits", 3, 6, false, false, 44, 0},
                                           {"one short word", 1, 1, true, false, 44, 0},
                                           {"4-8 letters of both cases and digits", 4, 8, false, true, 36, 0},
                                           {"two or three words, turned, noise", 2, 3, true, false, 26, 16}}};

constexpr std::string_view kCapitals = "ABCDEFGHJKLMNPQRTUVWXYZ2346789";
constexpr std::string_view kMixed =
    "ABCDEFGHJKLMNPQRTUVWXYZ2346789abdefghkmnqrty";  // no pair that differs in size only
constexpr std::array<const char*, 40> kWords = {
    "sun",  "moon", "tree", "rain", "snow", "wind", "lake", "hill", "road", "door",
    "salt", "milk", "cake", "fish", "bird", "lion", "bear", "frog", "ship", "boat",
    "hand", "foot", "book", "lamp", "ring", "gold", "iron", "sand", "star", "leaf",
    "rose", "corn", "blue", "warm", "cold", "fast", "slow", "high", "deep", "kind"};
constexpr std::array<Color, 5> kTextColors = {
    {{25, 25, 30}, {150, 20, 25}, {20, 60, 160}, {15, 100, 45}, {95, 30, 120}}};

struct Spec {
  int level = 0, font = 0, size_px = 40, x = 84, y = 84, turn_degrees = 0;
  bool bold = false, italic = false;
  std::vector<std::string> pieces;  // what a trace points at: characters or words
  Color ink = kInk, ground = kWhite;
  uint64_t noise_seed = 0;
  std::string hold_out;
  // Laid out from the rest:
  Font fitted;
  Point middle;               // of the whole line
  std::vector<Point> places;  // of the pieces

  const Rules& rules() const { return kLevels[static_cast<size_t>(level)]; }
  std::string text() const { return joined(pieces, rules().words ? " " : ""); }
  std::string canonical() const {
    return cat(text(), "|", font, bold, italic, " ", size_px, " ", x, " ", y, " ", turn_degrees, " ",
               int{ink.red}, " ", int{ground.red});
  }
  Font text_font(double size) const { return {kFontFamilies[static_cast<size_t>(font)], size, bold, italic}; }
};

class Ocr final : public SceneTask<Spec> {
 public:
  TaskInfo info() const override {
    return with_levels({"ocr", "read a line of text in a picture", "vision"}, kLevels);
  }

  // What was read must be exact, letter case included where the line mixes both.
  double verify(const Question& question, std::string_view answer) const override {
    if (question.kind == "length") return Task::verify(question, answer);
    const auto outside = [](char c) {
      return std::isspace(static_cast<unsigned char>(c)) || c == '"' || c == '\'' || c == '.';
    };
    while (!answer.empty() && outside(answer.front())) answer.remove_prefix(1);
    while (!answer.empty() && outside(answer.back())) answer.remove_suffix(1);
    const auto equal = [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    };
    const bool lower = std::any_of(question.gold.begin(), question.gold.end(),
                                   [](unsigned char c) { return std::islower(c); });
    const bool upper = std::any_of(question.gold.begin(), question.gold.end(),
                                   [](unsigned char c) { return std::isupper(c); });
    if (lower && upper) return answer == question.gold ? 1.0 : 0.0;
    return std::equal(answer.begin(), answer.end(), question.gold.begin(), question.gold.end(), equal) ? 1.0
                                                                                                       : 0.0;
  }

 protected:
  Spec draw_spec(uint64_t seed, int level) const override {
    Random random = task_random("ocr", seed, level, Stream::spec);
    Spec spec;
    spec.level = level;
    const Rules& rules = spec.rules();
    const bool held_out = random.chance(kHoldOutShare);
    if (held_out) spec.hold_out = "font";
    spec.font = draw_font(random, held_out, level == 0);
    spec.bold = random.chance(0.4);
    spec.italic = level > 1 && random.chance(0.15);
    spec.ink = random.pick(kTextColors);
    spec.ground = random.pick(kTints);
    const int64_t length = random.integer(rules.min_length, rules.max_length);
    for (int64_t i = 0; i < length; ++i)
      spec.pieces.push_back(rules.words ? std::string(random.pick(kWords))
                                        : std::string(1, random.pick(rules.mixed_case ? kMixed : kCapitals)));
    spec.turn_degrees = rules.noise ? static_cast<int>(random.integer(-8, 8)) : 0;
    if (rules.noise) spec.noise_seed = random.next_u64() | 1;
    spec.size_px = static_cast<int>(rules.max_px * random.uniform(0.75, 1.0));
    // About the widest that this many characters can be; draw() makes it fit exactly.
    const double width = 0.72 * spec.size_px * static_cast<double>(spec.text().size());
    const int room_x = std::max(0, static_cast<int>((kSide - 12 - width) / 2)),
              room_y = static_cast<int>(kSide / 2 - spec.size_px * 0.6 - 8);
    spec.x += static_cast<int>(random.integer(-room_x, room_x));
    spec.y += static_cast<int>(random.integer(-room_y, room_y) * (spec.turn_degrees ? 0.6 : 1.0));
    return spec;
  }

  // The line is made as wide as fits and moved inwards where it would reach over the edge; a piece lies
  // between the widths of what stands before and up to it.
  void lay_out(Spec& spec) const override {
    const double natural = measure_text(spec.text(), spec.text_font(spec.size_px)).width, room = kSide - 14;
    spec.fitted = spec.text_font(natural > room ? spec.size_px * room / natural : spec.size_px);
    const double whole = measure_text(spec.text(), spec.fitted).width, half = whole / 2 + 5;
    spec.middle = {std::clamp(static_cast<double>(spec.x), half, std::max(half, kSide - half)),
                   static_cast<double>(spec.y)};
    std::string upto;
    for (const std::string& piece : spec.pieces) {
      upto += (spec.rules().words && !upto.empty() ? " " : "") + piece;
      const double along =
          measure_text(upto, spec.fitted).width - measure_text(piece, spec.fitted).width / 2 - whole / 2;
      spec.places.push_back(
          {spec.middle.x + along * std::cos(turn(spec)), spec.middle.y + along * std::sin(turn(spec))});
    }
  }

  Part draw(const Spec& spec) const override {
    Canvas canvas(static_cast<int64_t>(kSide), static_cast<int64_t>(kSide), spec.ground);
    canvas.draw_text(spec.text(), spec.fitted, spec.middle, spec.ink, turn(spec));
    if (spec.noise_seed) canvas.add_noise(spec.noise_seed, spec.rules().noise);
    return canvas.image();
  }

  std::string transcribe(const Spec& spec) const override { return pointed(spec); }

  std::optional<Question> ask(const Spec& spec, int level, Random& random) const override {
    static const std::vector<std::string> kTexts = {"What does the picture say?", "Read the text.",
                                                    "What is written here?"};
    const int64_t kind = random.integer(0, 7);
    const bool words = spec.rules().words;
    const std::string text = spec.text();
    const size_t num_pieces = spec.pieces.size();
    if (kind < 3) return asked(spec, "read", random.pick(kTexts), text, "", 0, num_pieces);
    if (kind == 3)
      return asked(spec, "first", "What is the first character?", text.substr(0, 1),
                   "first: " + text.substr(0, 1), 0, 1);
    if (kind == 4)
      return asked(spec, "last", "What is the last character?", text.substr(text.size() - 1),
                   "last: " + text.substr(text.size() - 1), num_pieces - 1, num_pieces);
    if (kind == 5 && !words)
      return asked(spec, "length", "How many characters are there?", std::to_string(num_pieces), "", 0,
                   num_pieces);
    if (kind == 5 && num_pieces > 1)
      return asked(spec, "length", "How many words are there?", std::to_string(num_pieces), "", 0,
                   num_pieces);
    if (kind == 6 && num_pieces > 1) {
      const auto i = static_cast<size_t>(random.integer(0, static_cast<int64_t>(num_pieces) - 2));
      if (std::count(spec.pieces.begin(), spec.pieces.end(), spec.pieces[i]) > 1) return std::nullopt;
      return asked(spec, "next", "What comes right after " + spec.pieces[i] + "?", spec.pieces[i + 1],
                   "after " + spec.pieces[i] + ": " + spec.pieces[i + 1], i, i + 2);
    }
    if (kind == 7) return has(spec, random);
    return std::nullopt;
  }

 private:
  static double turn(const Spec& spec) { return spec.turn_degrees * 3.14159265358979 / 180; }

  static std::string pointed(const Spec& spec) {
    std::vector<std::string> parts;
    for (size_t i = 0; i < spec.pieces.size(); ++i)
      parts.push_back(spec.pieces[i] + kFrame.loc(spec.places[i]));
    return joined(parts, " ");
  }

  // About the pieces from `begin` up to `end`.
  static Question asked(const Spec& spec, std::string kind, std::string text, std::string gold,
                        const std::string& step, size_t begin, size_t end) {
    Question q;
    q.kind = std::move(kind);
    q.text = std::move(text);
    q.gold = std::move(gold);
    for (size_t i = 0; i < spec.pieces.size(); ++i)
      q.marks.push_back(kFrame.point(spec.pieces[i], spec.places[i]));
    for (size_t i = begin; i < end; ++i) q.asks.push_back(cat("piece ", i));
    const std::string parts = pointed(spec), then = step.empty() ? "" : " " + step + ".";
    const std::string full = cat("From the left: ", parts, ".", then, " So ", q.gold);
    q.traces = {
        "", parts + " = " + q.gold, full,
        cat(full, "\nCheck: ", spec.pieces.size(), spec.rules().words ? " words" : " characters", ".")};
    return q;
  }

  static std::optional<Question> has(const Spec& spec, Random& random) {
    if (spec.rules().words) return std::nullopt;
    const bool yes = random.chance(0.5);
    const std::string piece = yes ? random.pick(spec.pieces)
                                  : std::string(1, random.pick(spec.rules().mixed_case ? kMixed : kCapitals));
    if ((std::find(spec.pieces.begin(), spec.pieces.end(), piece) != spec.pieces.end()) != yes)
      return std::nullopt;
    return asked(spec, "exist", "Is there the character " + piece + "?", yes_or_no(yes),
                 piece + (yes ? " is there" : " is not there"), 0, spec.pieces.size());
  }
};

MELETE_REGISTER_TASK("ocr", Ocr);

}  // namespace
}  // namespace melete
