// Spoken digits ("four zero seven") and whole numbers ("four hundred seven"): which, how many, the first, the
// last.
//
// The answer's canonical spelling is digits without spaces, "407"; "4 0 7" and "four zero seven" are
// accepted. One question a clip, since every other answer follows from which digits were said. Levels: one to
// three digits in plain quiet voices; the same in some noise, with questions about their number and order;
// numbers from 10 to 999; both in all voices; the same in loud noise. Hold-outs: two voices (task/spoken.h).
#include <array>

#include "task/number_words.h"
#include "task/spoken_task.h"
#include "task/verify.h"

namespace melete {
namespace {

struct Level {
  const char* name;
  double share_of_numbers;  // whole numbers rather than lists of one to three digits
  double share_of_which;    // of questions that ask for all digits
  SpokenRange range;
};

const std::array<Level, 5> kLevels = {{
    {"one to three digits, quiet", 0.0, 1.0, {145, 195, false, 45, 60}},
    {"one to three digits, faint noise", 0.0, 0.6, {130, 210, false, 20, 40}},
    {"numbers from 10 to 999", 1.0, 0.7, {140, 210, false, 15, 40}},
    {"digits and numbers, all voices", 0.5, 0.7, {120, 240, true, 15, 40}},
    {"all voices, loud noise", 0.5, 0.7, {120, 240, true, 0, 20}},
}};
constexpr int64_t kMaxDigits = 3;

// What is said: a list of digits, or a number whose words differ ("four hundred seven").
struct Said {
  std::string digits;
  bool is_number = false;
  std::string words() const { return is_number ? spell_number(std::stoll(digits)) : spell_digits(digits); }
  // Short lists are few and drawn as often as long ones, so each of them is heard in more styles.
  int64_t num_styles() const { return is_number || digits.size() > 2 ? 10 : digits.size() == 2 ? 40 : 200; }
};

Said draw_digits(Random& random, const Level& level) {
  if (random.chance(level.share_of_numbers)) {
    const int64_t hundred = random.integer(0, 3) > 0 ? 100 : 10;  // three digits three times as often as two
    return {cat(random.integer(hundred, hundred * 10 - 1)), true};
  }
  std::string digits;
  for (int64_t left = random.integer(1, kMaxDigits); left > 0; --left)
    digits += static_cast<char>('0' + random.integer(0, 9));
  return {digits, false};
}

using Texts = std::vector<const char*>;

Question which_question(Random& random, const Said& said) {
  const Texts list = {"Which digits were said?", "Which digits does the voice say?",
                      "What digits do you hear?", "Write down the digits."};
  const Texts number = {"Which number was said?", "What number do you hear?", "Write down the number."};
  const std::string words = said.words(), &digits = said.digits;
  const std::string full = cat("I hear: ", words, '.');
  return {random.pick(said.is_number ? number : list),
          digits,
          {"", words, full, cat(full, " As digits: ", digits, '.')},
          {},
          said.is_number ? "number" : "digits"};
}

Question count_question(Random& random, const Said& said) {
  const Texts texts = {"How many digits were said?", "How many digits do you hear?", "Count the digits."};
  const std::string words = said.words(), full = cat("I hear: ", words, ". Digits: ", said.digits, '.');
  return {random.pick(texts),
          cat(said.digits.size()),
          {"", words, full, cat(full, " That makes ", said.digits.size(), '.')},
          {},
          "count"};
}

Question end_question(Random& random, const Said& said, bool first) {
  const Texts texts = first ? Texts{"What is the first digit?", "Which digit comes first?", "First digit?"}
                            : Texts{"What is the last digit?", "Which digit comes last?", "Last digit?"};
  const std::string gold(1, first ? said.digits.front() : said.digits.back());
  const std::string words = said.words(), full = cat("I hear: ", words, ". Digits: ", said.digits, '.');
  return {random.pick(texts),
          gold,
          {"", words, full, cat(full, first ? " First: " : " Last: ", gold, '.')},
          {},
          first ? "first" : "last"};
}

Question draw_question(Random& random, const Said& said, const Level& level) {
  if (random.chance(level.share_of_which)) return which_question(random, said);
  const int64_t kind = random.integer(said.is_number ? 1 : 0, 2);
  return kind == 0 ? count_question(random, said) : end_question(random, said, kind == 1);
}

class SpokenDigits final : public SpokenTask<Said> {
 public:
  TaskInfo info() const override {
    return with_levels({"spoken_digits", "tell which digits or number a voice says", "audio"}, kLevels);
  }
  double verify(const Question& question, std::string_view answer) const override {
    return same_answer(question.gold, answer) || read_digits(answer) == question.gold ? 1.0 : 0.0;
  }

 protected:
  const SpokenRange& range_of(int level) const override { return kLevels[static_cast<size_t>(level)].range; }
  Said draw_said(Random& random, int level) const override {
    return draw_digits(random, kLevels[static_cast<size_t>(level)]);
  }
  SpokenText text_of(const Said& said, int) const override { return {said.words(), said.num_styles()}; }
  Question ask(Random& random, const Said& said, int level) const override {
    return draw_question(random, said, kLevels[static_cast<size_t>(level)]);
  }
};

MELETE_REGISTER_TASK("spoken_digits", SpokenDigits);

}  // namespace
}  // namespace melete
