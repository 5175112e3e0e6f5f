// Spoken digits ("four zero seven") and whole numbers ("four hundred seven"): which, how many, the first, the
// last.
//
// The answer's canonical spelling is digits without spaces, "407"; "4 0 7" and "four zero seven" are
// accepted. Levels: one digit, one or two, one to three, numbers from 10 to 999, digits and numbers in all
// voices and loud noise. Hold-outs: two voices (task/spoken.h).
#include <array>

#include "task/number_words.h"
#include "task/spoken.h"
#include "task/verify.h"

namespace melete {
namespace {

struct Level {
  const char* name;
  int max_digits;           // 0: no digit lists
  double share_of_numbers;  // whole numbers rather than lists of digits
  SpokenRange range;
};

const std::array<Level, 5> kLevels = {{
    {"one digit", 1, 0.0, {130, 200, false, 25, 40, 64}},
    {"one or two digits", 2, 0.0, {130, 210, false, 20, 40, 16}},
    {"one to three digits", 3, 0.0, {130, 210, false, 20, 40, 6}},
    {"numbers from 10 to 999", 0, 1.0, {140, 210, false, 15, 40, 6}},
    {"all voices, loud noise", 3, 0.3, {120, 240, true, 0, 30, 6}},
}};

// What is said: a list of digits, or a number whose words differ ("four hundred seven").
struct Said {
  std::string digits;
  bool is_number = false;
  std::string words() const { return is_number ? spell_number(std::stoll(digits)) : spell_digits(digits); }
};

Said draw_said(Random& random, const Level& level) {
  if (random.chance(level.share_of_numbers)) {
    const int64_t hundred = random.integer(0, 3) > 0 ? 100 : 10;  // three digits three times as often as two
    return {cat(random.integer(hundred, hundred * 10 - 1)), true};
  }
  std::string digits;
  for (int64_t left = random.integer(1, level.max_digits); left > 0; --left)
    digits += static_cast<char>('0' + random.integer(0, 9));
  return {digits, false};
}

using Texts = std::vector<const char*>;

Question which_question(Random& random, const Said& said, bool only_one) {
  const Texts one = {"Which digit was said?", "What digit do you hear?", "Write down the digit."};
  const Texts list = {"Which digits were said?", "What digits do you hear?", "Write down the digits."};
  const Texts number = {"Which number was said?", "What number do you hear?", "Write down the number."};
  const std::string words = said.words(), &digits = said.digits;
  const std::string full = cat("I hear: ", words, '.');
  return {random.pick(said.is_number ? number
                      : only_one     ? one
                                     : list),
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

// Which digits is asked first more often than not, since everything else follows from it.
std::vector<Question> draw_questions(Random& random, const Said& said, int level, int count) {
  std::vector<int> kinds = {1, 2, 3};
  if (said.is_number) kinds = {2, 3};
  random.shuffle(kinds);
  kinds.insert(kinds.begin() + (random.chance(0.7) ? 0 : 1), 0);
  if (level == 0) kinds = {0};
  std::vector<Question> questions;
  for (const int kind : kinds) {
    if (std::ssize(questions) == count) break;
    if (kind == 0) questions.push_back(which_question(random, said, level == 0));
    if (kind == 1) questions.push_back(count_question(random, said));
    if (kind >= 2) questions.push_back(end_question(random, said, kind == 2));
  }
  return questions;
}

class SpokenDigits final : public Task {
 public:
  TaskInfo info() const override {
    TaskInfo info{"spoken_digits",
                  "tell which digits or number a voice says",
                  "audio",
                  static_cast<int>(kLevels.size()),
                  {}};
    for (const Level& level : kLevels) info.level_names.emplace_back(level.name);
    return info;
  }
  std::string problem() const override { return Speech::shared().problem(); }
  Split split_at(uint64_t seed, int level) const override {
    Random random = random_of(seed, level);
    Said said;
    return split_of(draw(random, level, said));
  }

  Episode make(uint64_t seed, int level, int num_questions) const override {
    MELETE_CHECK(level >= 0 && level < info().num_levels && num_questions >= 1, "level=", level);
    Random random = random_of(seed, level);
    Said said;
    const SpokenClip clip = draw(random, level, said);
    Episode episode;
    episode.context.emplace_back(record(random, kLevels[static_cast<size_t>(level)].range, clip));
    episode.questions = draw_questions(random, said, level, num_questions);
    episode.transcript = clip.utterance.text;
    episode.spec_hash = clip.spec_hash();
    episode.hold_out = clip.hold_out;
    return episode;
  }

  double verify(const Question& question, std::string_view answer) const override {
    return same_answer(question.gold, answer) || read_digits(answer) == question.gold ? 1.0 : 0.0;
  }

 private:
  static Random random_of(uint64_t seed, int level) {
    return Random(seed, stable_hash("spoken_digits") + static_cast<uint64_t>(level));
  }
  static SpokenClip draw(Random& random, int level, Said& said) {
    const Level& chosen = kLevels[static_cast<size_t>(level)];
    return draw_clip(random, chosen.range, [&](Random& each) {
      said = draw_said(each, chosen);
      return said.words();
    });
  }
};

MELETE_REGISTER_TASK("spoken_digits", SpokenDigits);

}  // namespace
}  // namespace melete
