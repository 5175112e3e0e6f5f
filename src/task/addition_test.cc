#include <gtest/gtest.h>

#include <regex>

#include "task/task.h"

namespace melete {
namespace {

std::vector<int64_t> numbers_in(const std::string& text) {
  std::vector<int64_t> numbers;
  const std::regex number("[0-9]+");
  for (auto it = std::sregex_iterator(text.begin(), text.end(), number); it != std::sregex_iterator(); ++it)
    numbers.push_back(std::stoll(it->str()));
  return numbers;
}

TEST(Addition, GoldIsTheSumOfTheNumbersInTheQuestion) {
  const auto task = Registry<Task>::instance().make("addition");
  for (int level = 0; level < task->info().num_levels; ++level) {
    const int64_t limit = level == 0 ? 1'000 : level == 1 ? 10'000 : 1'000'000;
    for (uint64_t seed = 0; seed < 300; ++seed) {
      const Question question = task->make(seed, level).questions.at(0);
      const auto numbers = numbers_in(question.text);
      ASSERT_EQ(numbers.size(), 2u) << question.text;
      EXPECT_LT(std::max(numbers[0], numbers[1]), limit);
      EXPECT_EQ(question.gold, std::to_string(numbers[0] + numbers[1])) << question.text;
    }
  }
}

// Every step of the trace adds up, carries reach the next column, and the steps' last digits spell the
// answer.
TEST(Addition, TraceWorksColumnByColumn) {
  const auto task = Registry<Task>::instance().make("addition");
  const std::regex step("([0-9])\\+([0-9])(\\+1)?=([0-9]+)");
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const Question question = task->make(seed, 0).questions.at(0);
    auto numbers = numbers_in(question.text);
    std::string written;
    int64_t carry = 0, last = 0;
    const std::string& trace = question.traces[1];
    for (auto it = std::sregex_iterator(trace.begin(), trace.end(), step); it != std::sregex_iterator();
         ++it) {
      EXPECT_EQ(std::stoll((*it)[1]), numbers[0] % 10);
      EXPECT_EQ(std::stoll((*it)[2]), numbers[1] % 10);
      EXPECT_EQ((*it)[3].matched, carry == 1) << trace;
      last = std::stoll((*it)[4]);
      EXPECT_EQ(last, numbers[0] % 10 + numbers[1] % 10 + carry);
      carry = last / 10;
      written.insert(0, std::to_string(last % 10));
      numbers = {numbers[0] / 10, numbers[1] / 10};
    }
    EXPECT_EQ(numbers[0] + numbers[1], 0) << trace;
    EXPECT_EQ((carry ? "1" : "") + written, question.gold) << trace;
    EXPECT_TRUE(question.traces[2].ends_with(' ' + question.gold)) << question.traces[2];
    EXPECT_LE(question.traces[2].size(), 45u) << "a trace of three columns must stay short";
  }
}

TEST(Addition, BothOrdersOfTheSummandsShareASplit) {
  const auto task = Registry<Task>::instance().make("addition");
  std::map<std::pair<int64_t, int64_t>, uint64_t> hashes;
  for (uint64_t seed = 0; seed < 20'000; ++seed) {
    const Episode episode = task->make(seed, 0);
    const auto numbers = numbers_in(episode.questions[0].text);
    const auto pair = std::minmax(numbers[0], numbers[1]);
    const auto [found, fresh] = hashes.emplace(std::pair(pair.first, pair.second), episode.spec_hash);
    EXPECT_EQ(found->second, episode.spec_hash);
    EXPECT_EQ(episode.hold_out.empty(),
              (numbers[0] < 640 || numbers[0] > 659) && (numbers[1] < 640 || numbers[1] > 659));
  }
}

}  // namespace
}  // namespace melete
