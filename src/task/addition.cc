// Addition of two whole numbers, answered at once or column by column from the right with carries.
//
// Digits are single tokens, so a trace states one column a step, "8+5=13 7+6+1=14 4+3+1=8"; the full trace
// follows each by the sum's digits so far, "8+5=13 3, 7+6+1=14 43, 4+3+1=8 843", whose last is the answer.
// Levels: numbers of up to 3, 4 and 6 digits; each length is drawn equally often. Hold-out: a summand in
// 640..659.
#include <algorithm>

#include "base/random.h"
#include "task/task.h"

namespace melete {
namespace {

constexpr std::array<int, 3> kMaxDigits = {3, 4, 6};

int64_t draw_number(Random& random, int max_digits) {
  int64_t high = 1;
  for (int64_t digits = random.integer(1, max_digits); digits > 0; --digits) high *= 10;
  return random.integer(high == 10 ? 0 : high / 10, high - 1);
}

struct Columns {
  std::string terse, full;
};

Columns columns_of(int64_t a, int64_t b) {
  Columns text;
  std::string digits;
  for (int64_t carry = 0, first = 1; a > 0 || b > 0 || first; a /= 10, b /= 10, first = 0) {
    const int64_t sum = a % 10 + b % 10 + carry;
    const std::string step = cat(a % 10, '+', b % 10, carry ? "+1" : "", '=', sum);
    if (!text.terse.empty()) text.terse += ' ';
    text.terse += step;
    carry = sum / 10;
    const bool last = a < 10 && b < 10;
    digits = cat(last ? sum : sum % 10, digits);
    text.full += cat(step, ' ', digits, last ? "" : ", ");
  }
  return text;
}

class Addition final : public Task {
 public:
  TaskInfo info() const override {
    return {"addition", "add two whole numbers", "text", static_cast<int>(kMaxDigits.size())};
  }

  Episode make(uint64_t seed, int level, int num_questions) const override {
    MELETE_CHECK(level >= 0 && level < info().num_levels && num_questions >= 1, "level=", level);
    Random random(seed, stable_hash("addition") + static_cast<uint64_t>(level));
    const int64_t a = draw_number(random, kMaxDigits[static_cast<size_t>(level)]);
    const int64_t b = draw_number(random, kMaxDigits[static_cast<size_t>(level)]);

    Question question;
    const std::array<std::string, 5> texts = {
        cat("What is ", a, " + ", b, "?"), cat(a, " + ", b, " ="), cat("Add ", a, " and ", b, "."),
        cat("What is ", a, " plus ", b, "?"), cat("Work out ", a, " + ", b, ".")};
    question.text = random.pick(texts);
    question.gold = cat(a + b);
    question.kind = "add";
    const Columns columns = columns_of(a, b);
    question.traces = {"", columns.terse, columns.full,
                       cat(columns.full, ". Check: ", a + b, '-', b, '=', a)};

    Episode episode;
    // The order of the summands is no new fact, so both orders share a split.
    episode.spec_hash = stable_hash(cat("addition|", std::min(a, b), '|', std::max(a, b)));
    for (const int64_t n : {a, b})
      if (n >= 640 && n <= 659) episode.hold_out = "summand 640-659";
    episode.questions.push_back(std::move(question));
    return episode;
  }
};

MELETE_REGISTER_TASK("addition", Addition);

}  // namespace
}  // namespace melete
