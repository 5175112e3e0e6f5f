// Word problems whose quantities form a directed acyclic graph: "Ben has 3 more apples than Ann." Small
// numbers, one to four operations, every operation needed for the answer. After iGSM (arXiv:2407.20311), with
// plain sentences.
//
// Levels: number of operations; from the third on the sentences are shuffled and one of them may be of no
// use. Hold-out: problems about stamps.
#include <algorithm>
#include <array>

#include "base/random.h"
#include "task/task.h"

namespace melete {
namespace {

using Words = std::vector<std::string>;

constexpr int kLevels = 4;
constexpr int64_t kMaxValue = 40;
const Words kNames = {"Ann", "Ben", "Cara", "Dan", "Eva", "Finn", "Gus", "Hana", "Ida", "Jon", "Kim", "Leo"};
const Words kThings = {"apples", "books", "coins", "cards", "shells", "pens", "balls", "eggs"};
constexpr const char* kHeldOutThing = "stamps";
constexpr double kHoldOutShare = 0.02;

// One person's number of things: given, or worked out from earlier ones.
struct Quantity {
  std::string name, sentence;
  std::string step;  // "4+3=7"; empty if given
  std::string undo;  // "7-3=4"
  int64_t value = 0;
};

struct Problem {
  std::vector<Quantity> quantities;  // in an order in which they can be worked out; the last one is asked for
  Words sentences;                   // as told
  std::string thing;
};

Quantity given(const std::string& name, const std::string& thing, int64_t value) {
  return {name, cat(name, " has ", value, ' ', thing, '.'), "", "", value};
}

// A quantity from the newest one, which keeps every operation on the way to the answer. Value 0 if out of
// range.
Quantity derived(Random& random, const std::string& name, const std::string& thing,
                 const std::vector<Quantity>& known) {
  const Quantity& from = known.back();
  const int64_t v = from.value, k = random.integer(1, 9), factor = random.integer(2, 3);
  switch (random.integer(0, known.size() > 1 ? 3 : 2)) {
    case 0:
      return {name, cat(name, " has ", k, " more ", thing, " than ", from.name, '.'),
              cat(v, '+', k, '=', v + k), cat(v + k, '-', k, '=', v), v + k};
    case 1:
      return {name, cat(name, " has ", k, " fewer ", thing, " than ", from.name, '.'),
              cat(v, '-', k, '=', v - k), cat(v - k, '+', k, '=', v), v - k};
    case 2:
      return {name, cat(name, " has ", factor, " times as many ", thing, " as ", from.name, '.'),
              cat(v, '*', factor, '=', v * factor), cat(v * factor, '/', factor, '=', v), v * factor};
    default: {
      const Quantity& other = known[static_cast<size_t>(random.integer(0, std::ssize(known) - 2))];
      const int64_t sum = v + other.value;
      return {name, cat(name, " has as many ", thing, " as ", from.name, " and ", other.name, " together."),
              cat(v, '+', other.value, '=', sum), cat(sum, '-', other.value, '=', v), sum};
    }
  }
}

Problem draw_comparison(Random& random, int num_operations, const std::string& thing) {
  Words names = kNames;
  random.shuffle(names);
  Problem problem{{given(names[0], thing, random.integer(2, 12))}, {}, thing};
  while (std::ssize(problem.quantities) <= num_operations) {
    Quantity next = derived(random, names[problem.quantities.size()], thing, problem.quantities);
    if (next.value >= 1 && next.value <= kMaxValue) problem.quantities.push_back(std::move(next));
  }
  for (const Quantity& quantity : problem.quantities) problem.sentences.push_back(quantity.sentence);
  if (num_operations >= 3) {
    if (random.chance(0.5))
      problem.sentences.push_back(given(names.back(), thing, random.integer(2, 12)).sentence);
    random.shuffle(problem.sentences);
  }
  return problem;
}

// One person whose number changes: "Ann gets 3 more."
Problem draw_changes(Random& random, int num_operations, const std::string& thing) {
  const std::string& name = random.pick(kNames);
  Problem problem{{given(name, thing, random.integer(2, 20))}, {}, thing};
  while (std::ssize(problem.quantities) <= num_operations) {
    const int64_t v = problem.quantities.back().value, k = random.integer(1, 9);
    if (random.chance(0.5)) {
      problem.quantities.push_back({name, cat(name, " gets ", k, " more."), cat(v, '+', k, '=', v + k),
                                    cat(v + k, '-', k, '=', v), v + k});
    } else if (v > k) {
      problem.quantities.push_back({name, cat(name, " gives ", k, " away."), cat(v, '-', k, '=', v - k),
                                    cat(v - k, '+', k, '=', v), v - k});
    }
  }
  for (const Quantity& quantity : problem.quantities) problem.sentences.push_back(quantity.sentence);
  return problem;
}

std::array<std::string, 4> traces_of(const Problem& problem) {
  std::string terse, full;
  for (const Quantity& quantity : problem.quantities) {
    const std::string work = quantity.step.empty() ? cat(quantity.value) : quantity.step;
    terse += cat(terse.empty() ? "" : ". ", quantity.name, ' ', work);
    full += cat(full.empty() ? "" : "\n", quantity.sentence, ' ', quantity.name, ": ", work);
  }
  const Quantity& asked = problem.quantities.back();
  return {"", terse, full, cat(full, "\nCheck: ", asked.undo)};
}

class WordProblems final : public Task {
 public:
  TaskInfo info() const override {
    return {"word_problems",
            "work out a small story with numbers",
            "text",
            kLevels,
            {"one operation", "two operations", "three operations, shuffled", "four operations, shuffled"}};
  }

  Episode make(uint64_t seed, int level, int num_questions) const override {
    MELETE_CHECK(level >= 0 && level < kLevels && num_questions >= 1, "level=", level);
    Random random(seed, stable_hash("word_problems") + static_cast<uint64_t>(level));
    const bool held_out = random.chance(kHoldOutShare);
    const std::string thing = held_out ? kHeldOutThing : random.pick(kThings);
    const bool compares = random.chance(0.6);
    const Problem problem =
        compares ? draw_comparison(random, level + 1, thing) : draw_changes(random, level + 1, thing);
    std::string story;
    for (const std::string& sentence : problem.sentences) story += sentence + ' ';
    const std::string& name = problem.quantities.back().name;
    const std::array<std::string, 2> asks = {
        cat("How many ", thing, " does ", name, " have", compares ? "?" : " now?"),
        cat("What is the number of ", thing, " of ", name, compares ? "?" : " now?")};
    Episode episode;
    episode.spec_hash = stable_hash("word_problems|" + story + name);
    if (held_out) episode.hold_out = "problems about stamps";
    episode.questions.push_back({story + random.pick(asks),
                                 cat(problem.quantities.back().value),
                                 traces_of(problem),
                                 {},
                                 compares ? "compare" : "change"});
    return episode;
  }
};

MELETE_REGISTER_TASK("word_problems", WordProblems);

}  // namespace
}  // namespace melete
