// Matching: a list of coloured shapes in words, each compared with a colour, a shape or both.
//
// Whether two words are equal correlates with neither of them, so a model that meets one such decision a
// document stays at chance; with a dozen a document it learns them as it learns recall. The traces are those
// of the drawn shapes (shape_questions.cc) without places. Hold-out: lists that begin with a ring.
#include <array>

#include "base/random.h"
#include "task/sought_figures.h"
#include "task/task.h"

namespace melete {
namespace {

struct Level {
  const char* name;
  int64_t min_figures, max_figures;
  bool counts;  // asks for a number or for yes or no, else for every comparison
};
constexpr std::array<Level, 2> kLevels = {
    {{"compare each of 4 to 12", 4, 12, false}, {"count among 1 to 8, or find", 1, 8, true}}};

// One that is sought, or one that isn't though half of the time one of its words is.
Figure draw_figure(Random& random, const Sought& sought, bool match) {
  Figure figure;
  do {
    figure.color = static_cast<int>(random.integer(0, kNumColors - 1));
    figure.shape = static_cast<int>(random.integer(0, kNumShapes - 1));
    if (sought.color != Sought::kAny && random.chance(0.5)) figure.color = sought.color;
    if (sought.shape != Sought::kAny && random.chance(0.5)) figure.shape = sought.shape;
  } while (sought.matches(figure) != match);
  return figure;
}

// "red star red red yes, blue ring blue red no", or with the running count for yes.
std::string compared(const std::vector<Figure>& figures, const Sought& sought, bool counting) {
  std::vector<std::string> each;
  int64_t number = 0;
  for (const Figure& figure : figures)
    each.push_back(cat(figure.name(), ' ', sought.compared(figure), ' ',
                       !sought.matches(figure) ? "no"
                       : counting              ? cat(++number)
                                               : "yes"));
  return joined(each, ", ");
}

class Matching final : public Task {
 public:
  TaskInfo info() const override {
    return with_levels({"matching", "tell which shapes of a list are of a colour or kind", "data"}, kLevels);
  }

  // One question: a second one would ask again what the first gave away.
  Episode make(uint64_t seed, int level, int num_questions) const override {
    MELETE_CHECK(level >= 0 && level < std::ssize(kLevels) && num_questions >= 1, "level=", level);
    const Level& size = kLevels[static_cast<size_t>(level)];
    Random random(seed, stable_hash("matching") + static_cast<uint64_t>(level));
    const int64_t kind = random.integer(0, 2);
    Sought sought;
    if (kind != 1) sought.color = static_cast<int>(random.integer(0, kNumColors - 1));
    if (kind != 0) sought.shape = static_cast<int>(random.integer(0, kNumShapes - 1));
    const bool finds = size.counts && random.chance(0.3), none = finds && random.chance(0.5);
    std::vector<Figure> figures;
    std::vector<std::string> names;
    for (int64_t i = random.integer(size.min_figures, size.max_figures); i > 0; --i)
      names.push_back(figures.emplace_back(draw_figure(random, sought, !none && random.chance(0.5))).name());
    Episode episode;
    const std::string text = joined(names, ", ");
    const std::string of = kind == 0   ? color_name(sought.color)
                           : kind == 1 ? shape_name(sought.shape)
                                       : Figure{sought.color, sought.shape}.name();
    episode.spec_hash = stable_hash(cat("matching|", text, "|", of));
    if (shape_name(figures[0].shape) == std::string("ring")) episode.hold_out = "first shape";
    episode.context.emplace_back(text + "\n");
    episode.questions.push_back(ask(random, figures, sought, of, size, finds));
    return episode;
  }

 private:
  static Question ask(Random& random, const std::vector<Figure>& figures, const Sought& sought,
                      const std::string& of, const Level& size, bool finds) {
    const auto number = std::ssize(sought.among(figures));
    Question question;
    question.kind = finds ? "exist" : size.counts ? "count" : "each";
    using Texts = std::vector<std::string>;
    question.text =
        random.pick(finds         ? Texts{"Is there one that is " + of + "?", "Is one " + of + "?"}
                    : size.counts ? Texts{"How many are " + of + "?", "Count those that are " + of + "."}
                                  : Texts{"Compare each with " + of + ".", "Which are " + of + "?"});
    const std::string list = compared(figures, sought, size.counts && !finds);
    question.gold = finds ? yes_or_no(number > 0) : size.counts ? cat(number) : list;
    const std::string full = size.counts ? cat(list, ". So ", question.gold, ".") : list + ".";
    question.traces = {"", list, full, cat(full, " Check: ", number, " of ", std::ssize(figures), ".")};
    return question;
  }
};

MELETE_REGISTER_TASK("matching", Matching);

}  // namespace
}  // namespace melete
