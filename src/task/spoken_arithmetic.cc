// A voice asks a small sum ("three plus four"); the answer is a number.
//
// One question a clip, since the operands and the answer give each other away. Levels: adding two digits in
// plain quiet voices; adding and taking away digits; numbers up to 60; all three operations in all voices and
// noise. Hold-outs: two voices (task/spoken.h).
#include <array>

#include "task/number_words.h"
#include "task/spoken_task.h"

namespace melete {
namespace {

struct Level {
  const char* name;
  int64_t max_first, max_second;
  int num_operations;      // of kOperations
  bool asks_in_words;      // "what is three plus four" as well
  double share_of_answer;  // of questions that ask for the answer rather than for what is said
  int64_t num_styles;
  SpokenRange range;
};

const std::array<Level, 4> kLevels = {{
    {"adding digits, quiet", 9, 9, 1, false, 1.0, 60, {145, 195, false, 45, 60}},
    {"adding and taking away digits", 9, 9, 2, true, 0.8, 20, {140, 210, false, 20, 40}},
    {"numbers up to 60", 60, 9, 2, true, 0.8, 10, {150, 220, false, 15, 40}},
    {"three operations, all voices, noise", 9, 9, 3, true, 0.8, 20, {140, 230, true, 0, 30}},
}};

struct Operation {
  const char* word;
  char sign;
};
constexpr std::array<Operation, 3> kOperations = {{{"plus", '+'}, {"minus", '-'}, {"times", '*'}}};

struct Sum {
  int64_t a = 0, b = 0;
  Operation operation = kOperations[0];
  bool in_words = false;

  int64_t value() const { return operation.sign == '+' ? a + b : operation.sign == '-' ? a - b : a * b; }
  std::string words() const {
    return cat(in_words ? "what is " : "", spell_number(a), ' ', operation.word, ' ', spell_number(b));
  }
  std::string equation() const { return cat(a, operation.sign, b, '=', value()); }
};

Sum draw_sum(Random& random, const Level& level) {
  Sum sum;
  sum.operation = kOperations[static_cast<size_t>(random.integer(0, level.num_operations - 1))];
  sum.a = random.integer(0, level.max_first);
  sum.b = random.integer(0, level.max_second);
  if (sum.operation.sign == '-' && sum.b > sum.a) std::swap(sum.a, sum.b);
  sum.in_words = level.asks_in_words && random.chance(0.5);
  return sum;
}

using Texts = std::vector<const char*>;

Question draw_question(Random& random, const Sum& sum, int kind) {
  const Texts answer = {"What is the answer?", "Answer the spoken question.",
                        "Work out what the voice asks."};
  const Texts first = {"Which number is said first?", "What is the first number?"};
  const Texts second = {"Which number is said last?", "What is the last number?"};
  const Texts operation = {"Is it plus, minus or times?", "Which operation is said?"};
  const std::string full = cat("I hear: ", sum.words(), ". ");
  if (kind == 0) {
    const std::string check = sum.operation.sign == '-'   ? cat(sum.value(), '+', sum.b, '=', sum.a)
                              : sum.operation.sign == '+' ? cat(sum.b, '+', sum.a, '=', sum.value())
                                                          : cat(sum.b, '*', sum.a, '=', sum.value());
    return {random.pick(answer),
            cat(sum.value()),
            {"", sum.equation(), cat(full, sum.equation(), '.'),
             cat(full, sum.equation(), ". Check: ", check, '.')},
            {},
            "answer"};
  }
  const std::string gold = kind == 1 ? cat(sum.a) : kind == 2 ? cat(sum.b) : sum.operation.word;
  const std::string result = cat(kind == 1 ? "First: " : kind == 2 ? "Last: " : "Operation: ", gold, '.');
  return {random.pick(kind == 1   ? first
                      : kind == 2 ? second
                                  : operation),
          gold,
          {"", sum.words(), cat(full, result),
           cat(full, result, " In signs: ", sum.a, sum.operation.sign, sum.b, '.')},
          {},
          kind == 1   ? "first"
          : kind == 2 ? "last"
                      : "operation"};
}

class SpokenArithmetic final : public SpokenTask<Sum> {
 public:
  TaskInfo info() const override {
    return with_levels({"spoken_arithmetic", "answer a small sum that a voice asks", "audio"}, kLevels);
  }

 protected:
  const SpokenRange& range_of(int level) const override { return kLevels[static_cast<size_t>(level)].range; }
  Sum draw_said(Random& random, int level) const override {
    return draw_sum(random, kLevels[static_cast<size_t>(level)]);
  }
  SpokenText text_of(const Sum& sum, int level) const override {
    return {sum.words(), kLevels[static_cast<size_t>(level)].num_styles};
  }
  Question ask(Random& random, const Sum& sum, int level) const override {
    const Level& chosen = kLevels[static_cast<size_t>(level)];
    const bool asks_for_answer = random.chance(chosen.share_of_answer);
    const int64_t last_kind = chosen.num_operations > 1 ? 3 : 2;
    return draw_question(random, sum, asks_for_answer ? 0 : static_cast<int>(random.integer(1, last_kind)));
  }
};

MELETE_REGISTER_TASK("spoken_arithmetic", SpokenArithmetic);

}  // namespace
}  // namespace melete
