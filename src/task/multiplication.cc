// Multiplication of two whole numbers, answered at once or digit by digit from the right with carries.
//
// Levels: up to 2 x 1, 3 x 1, 2 x 2 and 3 x 2 digits; a number has fewer digits than it may once in five.
// Hold-out: a factor 37 or 73.
#include <algorithm>

#include "base/random.h"
#include "task/few_specs.h"
#include "task/task.h"

namespace melete {
namespace {

struct Level {
  int max_digits_a, max_digits_b;
};
constexpr std::array<Level, 4> kLevels = {{{2, 1}, {3, 1}, {2, 2}, {3, 2}}};

int64_t draw_number(Random& random, int max_digits) {
  int64_t high = 1;
  const int64_t fewest = random.chance(0.2) ? 1 : max_digits;
  for (int64_t digits = random.integer(fewest, max_digits); digits > 0; --digits) high *= 10;
  return random.integer(high == 10 ? 0 : high / 10, high - 1);
}

// 47 * 8: "7*8=56", "4*8+5=37"
std::vector<std::string> digit_steps(int64_t a, int64_t digit) {
  std::vector<std::string> steps;
  for (int64_t carry = 0, first = 1; a > 0 || first; a /= 10, first = 0) {
    const int64_t product = a % 10 * digit + carry;
    steps.push_back(cat(a % 10, '*', digit, carry ? cat('+', carry) : "", '=', product));
    carry = product / 10;
  }
  return steps;
}

struct Working {
  std::string terse, full;
};

Working by_one_digit(int64_t a, int64_t digit) {
  Working text;
  for (const std::string& step : digit_steps(a, digit)) {
    text.terse += (text.terse.empty() ? "" : " ") + step;
    if (a >= 10) text.full += step + '\n';
  }
  text.full += cat(a, '*', digit, '=', a * digit);
  return text;
}

// One partial product a digit of b, from the right, then their sum.
Working by_two_digits(int64_t a, int64_t b) {
  Working text;
  const int64_t ones = a * (b % 10), tens = a * (b / 10 * 10);
  text.terse =
      cat(a, '*', b % 10, '=', ones, ' ', a, '*', b / 10 * 10, '=', tens, ' ', ones, '+', tens, '=', a * b);
  for (const int64_t part : {b % 10, b / 10 * 10}) {
    for (const std::string& step : digit_steps(a, part >= 10 ? part / 10 : part)) text.full += step + ' ';
    text.full += cat(a, '*', part, '=', a * part, '\n');
  }
  text.full += cat(ones, '+', tens, '=', a * b);
  return text;
}

class Multiplication final : public Task {
 public:
  TaskInfo info() const override {
    return {"multiplication",
            "multiply two whole numbers",
            "text",
            static_cast<int>(kLevels.size()),
            {"up to 2 x 1 digits", "up to 3 x 1 digits", "up to 2 x 2 digits", "up to 3 x 2 digits"}};
  }

  Episode make(uint64_t seed, int level, int num_questions) const override {
    MELETE_CHECK(level >= 0 && level < std::ssize(kLevels) && num_questions >= 1, "level=", level);
    Random random(seed, stable_hash("multiplication") + static_cast<uint64_t>(level));
    const Level& sizes = kLevels[static_cast<size_t>(level)];
    const int64_t first = draw_number(random, sizes.max_digits_a),
                  second = draw_number(random, sizes.max_digits_b);
    const int64_t a = std::max(first, second), b = std::min(first, second);
    const auto [x, y] = random.chance(0.5) ? std::pair(a, b) : std::pair(b, a);

    Question question;
    const std::array<std::string, 5> texts = {
        cat("What is ", x, " * ", y, "?"), cat(x, " * ", y, " ="), cat("Multiply ", x, " by ", y, "."),
        cat("What is ", x, " times ", y, "?"), cat("Work out ", x, " * ", y, ".")};
    question.text = random.pick(texts);
    question.gold = cat(a * b);
    question.kind = "multiply";
    const Working working = b < 10 ? by_one_digit(a, b) : by_two_digits(a, b);
    const std::string check = b == 0 ? "times 0 is 0" : cat(a * b, '/', b, '=', a);
    question.traces = {"", working.terse, working.full, cat(working.full, "\nCheck: ", check)};

    Episode episode;
    // The order of the factors is no new fact, so both orders share a split.
    episode.spec_hash = hash_of_few(cat("multiplication|", b, '|', a));
    for (const int64_t n : {a, b})
      if (n == 37 || n == 73) episode.hold_out = "factor 37 or 73";
    episode.questions.push_back(std::move(question));
    return episode;
  }
};

MELETE_REGISTER_TASK("multiplication", Multiplication);

}  // namespace
}  // namespace melete
