// multiplication, word_problems and spoken_arithmetic: answers are worked out again from the text, and every
// equation that any trace states holds.
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "task/task.h"

namespace melete {
namespace {

std::vector<std::smatch> matches(const std::string& text, const std::regex& pattern) {
  return {std::sregex_iterator(text.begin(), text.end(), pattern), std::sregex_iterator()};
}

int64_t evaluate(int64_t a, char sign, int64_t b) {
  return sign == '+' ? a + b : sign == '-' ? a - b : sign == '*' ? a * b : b == 0 || a % b != 0 ? -1 : a / b;
}

TEST(Arithmetic, EveryEquationInATraceHolds) {
  const std::regex equation("([0-9]+)([-+*/])([0-9]+)(\\+([0-9]+))?=([0-9]+)");
  for (const char* name :
       {"addition", "multiplication", "word_problems", "spoken_arithmetic", "csv_lookup", "json_lookup"}) {
    const auto task = Registry<Task>::instance().make(name);
    if (!task->problem().empty()) continue;
    int equations = 0;
    for (int level = 0; level < task->info().num_levels; ++level) {
      for (uint64_t seed = 0; seed < (task->info().family == "audio" ? 10u : 100u); ++seed) {
        for (const Question& question : task->make(seed, level, 4).questions) {
          for (const std::string& trace : question.traces) {
            for (const auto& match : matches(trace, equation)) {
              const int64_t left = evaluate(std::stoll(match[1]), match[2].str()[0], std::stoll(match[3]));
              EXPECT_EQ(left + (match[5].matched ? std::stoll(match[5]) : 0), std::stoll(match[6]))
                  << name << ": " << trace;
              ++equations;
            }
          }
        }
      }
    }
    EXPECT_GT(equations, 20) << name;
  }
}

TEST(Multiplication, GoldIsTheProductAndEndsTheTrace) {
  const auto task = Registry<Task>::instance().make("multiplication");
  for (int level = 0; level < task->info().num_levels; ++level) {
    for (uint64_t seed = 0; seed < 300; ++seed) {
      const Question question = task->make(seed, level).questions.at(0);
      const auto numbers = matches(question.text, std::regex("[0-9]+"));
      ASSERT_EQ(numbers.size(), 2u) << question.text;
      EXPECT_EQ(question.gold, std::to_string(std::stoll(numbers[0].str()) * std::stoll(numbers[1].str())))
          << question.text;
      EXPECT_TRUE(question.traces[2].ends_with('=' + question.gold)) << question.traces[2];
    }
  }
}

// By one digit, the steps' last digits, read backwards after the last step's tens, spell the product.
TEST(Multiplication, CarriesReachTheNextDigit) {
  const auto task = Registry<Task>::instance().make("multiplication");
  const std::regex step("[0-9]\\*[0-9](\\+[0-9])?=([0-9]+)");
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const Question question = task->make(seed, 1).questions.at(0);
    std::string written, carry;
    for (const auto& match : matches(question.traces[1], step)) {
      const std::string product = match[2];
      EXPECT_EQ(match[1].str(), carry.empty() ? "" : "+" + carry) << question.traces[1];
      written.insert(0, product.substr(product.size() - 1));
      carry = product.substr(0, product.size() - 1);
    }
    EXPECT_EQ(std::stoll(carry + written), std::stoll(question.gold)) << question.traces[1];
  }
}

// Works the sentences out in any order until nothing new is known; changes of one person are told in order.
std::map<std::string, int64_t> solve(const std::string& story) {
  const std::regex given("(\\w+) has (\\d+) \\w+\\."),
      more("(\\w+) has (\\d+) (more|fewer) \\w+ than (\\w+)\\."),
      times("(\\w+) has (\\d+) times as many \\w+ as (\\w+)\\."),
      both("(\\w+) has as many \\w+ as (\\w+) and (\\w+) together\\."), gets("(\\w+) gets (\\d+) more\\."),
      gives("(\\w+) gives (\\d+) away\\.");
  std::map<std::string, int64_t> known;
  for (const auto& m : matches(story, given)) known[m[1]] = std::stoll(m[2]);
  for (const auto& m : matches(story, gets)) known[m[1]] += std::stoll(m[2]);
  for (const auto& m : matches(story, gives)) known[m[1]] -= std::stoll(m[2]);
  for (int round = 0; round < 6; ++round) {
    for (const auto& m : matches(story, more))
      if (known.contains(m[4])) known[m[1]] = known[m[4]] + (m[3] == "more" ? 1 : -1) * std::stoll(m[2]);
    for (const auto& m : matches(story, times))
      if (known.contains(m[3])) known[m[1]] = known[m[3]] * std::stoll(m[2]);
    for (const auto& m : matches(story, both))
      if (known.contains(m[2]) && known.contains(m[3])) known[m[1]] = known[m[2]] + known[m[3]];
  }
  return known;
}

TEST(WordProblems, AnswersFollowFromTheStory) {
  const auto task = Registry<Task>::instance().make("word_problems");
  for (int level = 0; level < task->info().num_levels; ++level) {
    std::set<std::string> golds;
    for (uint64_t seed = 0; seed < 400; ++seed) {
      const Question question = task->make(seed, level).questions.at(0);
      const auto asked = matches(question.text, std::regex("(does|of) ([A-Z]\\w+)( have)?( now)?\\?"));
      ASSERT_EQ(asked.size(), 1u) << question.text;
      EXPECT_EQ(question.gold, std::to_string(solve(question.text)[asked[0][2]])) << question.text;
      EXPECT_EQ(std::count(question.traces[1].begin(), question.traces[1].end(), '='), level + 1)
          << question.traces[1];
      golds.insert(question.gold);
    }
    EXPECT_GT(golds.size(), 20u) << "answers must vary, or the question alone gives them away";
  }
}

TEST(SpokenArithmetic, AnswersFollowFromWhatIsSaid) {
  const auto task = Registry<Task>::instance().make("spoken_arithmetic");
  if (!task->problem().empty()) GTEST_SKIP() << task->problem();
  const std::vector<std::string> digits = {"zero", "one", "two",   "three", "four",
                                           "five", "six", "seven", "eight", "nine"};
  const std::regex sum("^(what is )?(\\w+) (plus|minus|times) (\\w+)$");
  for (const int level : {0, 1, 3}) {
    for (uint64_t seed = 0; seed < 30; ++seed) {
      const Episode episode = task->make(seed, level, 4);
      EXPECT_EQ(split_of(episode), task->split_at(seed, level));
      std::smatch m;
      ASSERT_TRUE(std::regex_match(episode.transcript, m, sum)) << episode.transcript;
      const auto value = [&](const std::string& word) {
        return std::find(digits.begin(), digits.end(), word) - digits.begin();
      };
      const int64_t a = value(m[2]), b = value(m[4]);
      const int64_t answer = m[3] == "plus" ? a + b : m[3] == "minus" ? a - b : a * b;
      for (const Question& question : episode.questions) {
        const std::string expected = question.kind == "answer"  ? std::to_string(answer)
                                     : question.kind == "first" ? std::to_string(a)
                                     : question.kind == "last"  ? std::to_string(b)
                                                                : m[3].str();
        EXPECT_EQ(question.gold, expected) << episode.transcript << ' ' << question.text;
      }
    }
  }
}

}  // namespace
}  // namespace melete
