// Recall: a short list of names and numbers, and a question that finds many of them again by name.
//
// The plainest look-up there is, asked so often that a model forms the heads that find a word's earlier place
// and read on from there (induction heads, 2209.11895): after some 50,000 asked names accuracy jumps from
// chance to nearly one, and tables, labels and scenes, which need the same, follow. With one or two asked
// names a document that takes twenty times the tokens. Hold-out: lists that begin with "kite".
#include <algorithm>
#include <array>
#include <numeric>

#include "base/random.h"
#include "task/task.h"

namespace melete {
namespace {

struct Level {
  const char* name;
  int64_t min_names, max_names, max_number, min_asked, max_asked;
  bool mixed_styles;  // the question may be laid out otherwise than the list
};
constexpr std::array<Level, 3> kLevels = {{{"3 to 4 names, digits", 3, 4, 9, 6, 12, false},
                                           {"3 to 6 names, up to 99", 3, 6, 99, 1, 8, true},
                                           {"6 to 12 names, up to 99", 6, 12, 99, 1, 8, true}}};

const std::vector<std::string> kNames = {
    "apple",  "pear",  "plum", "bread",  "milk",   "cheese", "egg",   "rice",   "tea",  "cake", "fish",
    "corn",   "cat",   "dog",  "cow",    "horse",  "bird",   "fox",   "bear",   "duck", "goat", "mouse",
    "frog",   "sheep", "red",  "blue",   "green",  "black",  "white", "yellow", "Ann",  "Ben",  "Cara",
    "Dan",    "Eva",   "Finn", "Gus",    "Hana",   "Ida",    "Jon",   "Kim",    "Leo",  "Alba", "Brook",
    "Castle", "Dover", "Eden", "Ford",   "Grove",  "Hill",   "Isle",  "Kirk",   "Lake", "Mill", "box",
    "cup",    "bag",   "jar",  "circle", "square", "kite"};

struct List {
  std::vector<std::string> names;
  std::vector<int64_t> numbers;
};

// How names, or names with numbers, are written one after another.
enum class Style { lines, commas };

std::string joined(const std::vector<std::string>& items, Style style) {
  std::string text;
  for (const std::string& item : items)
    text += cat(text.empty() ? "" : style == Style::lines ? "\n" : ", ", item);
  return text;
}

List draw_list(Random& random, const Level& level) {
  List list;
  list.names = kNames;
  random.shuffle(list.names);
  list.names.resize(static_cast<size_t>(random.integer(level.min_names, level.max_names)));
  while (list.numbers.size() < list.names.size()) list.numbers.push_back(random.integer(1, level.max_number));
  return list;
}

class Recall final : public Task {
 public:
  TaskInfo info() const override {
    return with_levels({"recall", "find the names of a list again and say their numbers", "data"}, kLevels);
  }

  // One question, which asks for many names: a second one would ask again what the first gave away.
  Episode make(uint64_t seed, int level, int num_questions) const override {
    MELETE_CHECK(level >= 0 && level < std::ssize(kLevels) && num_questions >= 1, "level=", level);
    const Level& size = kLevels[static_cast<size_t>(level)];
    Random random(seed, stable_hash("recall") + static_cast<uint64_t>(level));
    const List list = draw_list(random, size);
    const Style style = random.chance(0.5) ? Style::lines : Style::commas;
    std::vector<std::string> pairs;
    for (size_t i = 0; i < list.names.size(); ++i) pairs.push_back(cat(list.names[i], ' ', list.numbers[i]));
    const std::string text = joined(pairs, style);
    Episode episode;
    episode.spec_hash = stable_hash("recall|" + text);
    if (list.names[0] == "kite") episode.hold_out = "first name";
    episode.context.emplace_back(text + "\n");
    const Style asked_style = size.mixed_styles ? (random.chance(0.5) ? Style::lines : Style::commas) : style;
    episode.questions.push_back(ask(random, list, pairs, asked_style, size));
    return episode;
  }

 private:
  static Question ask(Random& random, const List& list, const std::vector<std::string>& pairs, Style style,
                      const Level& size) {
    const bool one = size.mixed_styles && random.chance(0.3);
    const int64_t count = one ? 1 : random.integer(size.min_asked, size.max_asked);
    std::vector<size_t> order(pairs.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::vector<std::string> names, found;
    for (size_t n = 0; n < static_cast<size_t>(count); ++n) {
      if (n % order.size() == 0) random.shuffle(order);
      names.push_back(list.names[order[n % order.size()]]);
      found.push_back(pairs[order[n % order.size()]]);
    }
    Question question;
    const std::array<std::string, 3> texts = {"Look up", "Find", "Give the number of"};
    question.text = cat(random.pick(texts), style == Style::lines ? "\n" : " ", joined(names, style));
    const std::string lines = joined(found, style);
    question.gold = one ? cat(list.numbers[order[0]]) : lines;
    question.kind = one ? "one" : "several";
    question.traces = {"", lines, lines + ".", cat(lines, ". Check: ", found.back(), ".")};
    return question;
  }
};

MELETE_REGISTER_TASK("recall", Recall);

}  // namespace
}  // namespace melete
