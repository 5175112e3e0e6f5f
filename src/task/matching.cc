// Matching: a list of pairs of words, and whether the two words of each pair are the same.
//
// Whether two words are equal correlates with neither of them, so a model that meets one such decision a
// document stays at chance; with a dozen a document it learns them like recall does. The traces of the drawn
// tasks compare in the same words. Hold-out: lists that begin with "ring".
#include <array>

#include "base/random.h"
#include "task/scene.h"
#include "task/task.h"

namespace melete {
namespace {

struct Level {
  const char* name;
  int64_t min_pairs, max_pairs;
  bool counts;  // asks for the number of equal pairs
};
constexpr std::array<Level, 2> kLevels = {{{"6 to 14 pairs", 6, 14, false}, {"count 1 to 6", 1, 6, true}}};

// Words are compared with words of their kind.
using Words = std::vector<std::string>;
std::vector<Words> word_kinds() {
  Words colors, shapes;
  for (const NamedColor& color : kPalette) colors.emplace_back(color.name);
  for (const char* name : kShapeNames) shapes.emplace_back(name);
  return {colors,
          shapes,
          {"apple", "pear", "plum", "bread", "milk", "cheese", "egg", "rice", "tea", "cake", "fish", "corn"},
          {"cat", "dog", "cow", "horse", "bird", "fox", "bear", "duck", "goat", "mouse", "frog", "sheep"},
          {"Ann", "Ben", "Cara", "Dan", "Eva", "Finn", "Gus", "Hana", "Ida", "Jon", "Kim", "Leo"}};
}

struct Pair {
  std::string first, second;
  bool same() const { return first == second; }
  std::string text() const { return first + ' ' + second; }
};

Pair draw_pair(Random& random, const std::vector<Words>& kinds) {
  // Colours and shapes, which pictures need, are two pairs in three.
  const Words& words =
      kinds[static_cast<size_t>(random.chance(2.0 / 3) ? random.integer(0, 1) : random.integer(2, 4))];
  const std::string first = random.pick(words);
  if (random.chance(0.5)) return {first, first};
  std::string second = first;
  while (second == first) second = random.pick(words);
  return {first, second};
}

class Matching final : public Task {
 public:
  TaskInfo info() const override {
    return with_levels({"matching", "tell which pairs of words are the same word twice", "data"}, kLevels);
  }

  // One question: a second one would ask again what the first gave away.
  Episode make(uint64_t seed, int level, int num_questions) const override {
    MELETE_CHECK(level >= 0 && level < std::ssize(kLevels) && num_questions >= 1, "level=", level);
    static const std::vector<Words> kKinds = word_kinds();
    const Level& size = kLevels[static_cast<size_t>(level)];
    Random random(seed, stable_hash("matching") + static_cast<uint64_t>(level));
    std::vector<Pair> pairs;
    for (int64_t i = random.integer(size.min_pairs, size.max_pairs); i > 0; --i)
      pairs.push_back(draw_pair(random, kKinds));
    std::vector<std::string> given, judged, counted;
    int64_t number = 0;
    for (const Pair& pair : pairs) {
      given.push_back(pair.text());
      judged.push_back(pair.text() + (pair.same() ? " yes" : " no"));
      counted.push_back(pair.text() + (pair.same() ? cat(' ', ++number) : " no"));
    }
    Episode episode;
    const std::string text = joined(given, ", ");
    episode.spec_hash = stable_hash("matching|" + text);
    if (pairs[0].first == "ring") episode.hold_out = "first word";
    episode.context.emplace_back(text + "\n");
    const std::string list = joined(size.counts ? counted : judged, ", ");
    Question question;
    question.kind = size.counts ? "count" : "pairs";
    question.text =
        size.counts
            ? random.pick(Words{"How many pairs are equal?", "Count the equal pairs.",
                                "In how many pairs is a word twice?"})
            : random.pick(Words{"Compare each pair.", "Which pairs are equal?", "Is each pair equal?"});
    question.gold = size.counts ? cat(number) : list;
    const std::string full = size.counts ? cat(list, ". So ", number, ".") : list + ".";
    question.traces = {"", list, full, cat(full, " Check: ", number, " of ", std::ssize(pairs), ".")};
    episode.questions.push_back(std::move(question));
    return episode;
  }
};

MELETE_REGISTER_TASK("matching", Matching);

}  // namespace
}  // namespace melete
