// instructions and small_talk: what counts as following, and what doesn't.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "task/task.h"

namespace melete {
namespace {

std::vector<std::string> all(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), regex); it != std::sregex_iterator(); ++it)
    found.push_back(it->str());
  return found;
}

std::string join(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

// The answer by a second way; empty for kinds whose rule is checked elsewhere.
std::string solve(const Question& question) {
  const std::string& text = question.text;
  const auto colon = text.find(": ");
  const std::string list = colon == std::string::npos ? "" : text.substr(colon + 2);
  auto numbers = all(text, "[0-9]+");
  auto words = all(list, "[a-z]+");
  const auto by_value = [](const std::string& a, const std::string& b) {
    return std::stoi(a) < std::stoi(b);
  };
  if (question.kind == "sort" || question.kind == "extreme") {
    std::sort(numbers.begin(), numbers.end(), by_value);
    if (text.find("large to small") != std::string::npos || text.find("largest") != std::string::npos)
      std::reverse(numbers.begin(), numbers.end());
    return question.kind == "sort" ? join(numbers, ", ") : numbers[0];
  }
  if (question.kind == "sort words") {
    std::sort(words.begin(), words.end());
    return join(words, ", ");
  }
  if (question.kind == "count words") return std::to_string(words.size());
  if (question.kind == "join") return join(words, text.find('+') != std::string::npos ? "+" : "-");
  if (question.kind == "repeat") {
    const std::string word = all(text, "(Say|Repeat|Write) [a-z]+")[0];
    return join(std::vector<std::string>(static_cast<size_t>(std::stoi(numbers.at(0))),
                                         word.substr(word.find(' ') + 1)),
                " ");
  }
  if (question.kind == "reverse") {
    std::string letters = question.gold;
    std::reverse(letters.begin(), letters.end());
    return std::count(text.begin(), text.end(), ' ') > 0 && text.find(letters) != std::string::npos
               ? question.gold
               : "not in the question";
  }
  return {};
}

TEST(Instructions, AnswersFollowFromTheText) {
  const auto task = Registry<Task>::instance().make("instructions");
  std::map<std::string, int> kinds;
  for (int level = 0; level < task->info().num_levels; ++level) {
    for (uint64_t seed = 0; seed < 400; ++seed) {
      const Question question = task->make(seed, level).questions.at(0);
      ++kinds[question.kind];
      const std::string expected = solve(question);
      EXPECT_EQ(question.gold, expected.empty() ? question.gold : expected) << question.text;
      EXPECT_EQ(task->verify(question, question.gold), 1.0) << question.text;
    }
  }
  EXPECT_EQ(kinds.size(), 15u);
  for (const auto& [kind, count] : kinds) EXPECT_GT(count, 50) << kind;
}

TEST(Instructions, FormIsPartOfTheAnswer) {
  const auto task = Registry<Task>::instance().make("instructions");
  Question capitals{"Write cat in capital letters.", "CAT", {}, {}, "capitals"};
  EXPECT_EQ(task->verify(capitals, "CAT."), 1.0);
  EXPECT_EQ(task->verify(capitals, "cat"), 0.0);
  EXPECT_EQ(task->verify(capitals, "Cat"), 0.0);
  Question json{"", R"({"name":"Ann","age":7})", {}, {}, "json"};
  EXPECT_EQ(task->verify(json, R"({ "age": 7, "name": "Ann" })"), 1.0);
  for (const char* wrong : {R"({"name":"Ann","age":"7"})", R"({"name":"Ann"})", R"({"name":"Ann","age":7)",
                            "name Ann, age 7", ""})
    EXPECT_EQ(task->verify(json, wrong), 0.0) << wrong;
  Question repeat{"", "cat cat cat", {}, {}, "repeat"};
  EXPECT_EQ(task->verify(repeat, "cat cat"), 0.0);
}

std::string topic_of(const Question& question) {
  return question.traces[1].substr(std::string("About: ").size());
}

std::map<std::string, Question> one_of_each_topic() {
  const auto task = Registry<Task>::instance().make("small_talk");
  std::map<std::string, Question> topics;
  for (int level = 0; level < task->info().num_levels; ++level)
    for (uint64_t seed = 0; seed < 400; ++seed) {
      const Question question = task->make(seed, level).questions.at(0);
      topics.emplace(topic_of(question), question);
    }
  return topics;
}

TEST(SmallTalk, EachAnswerFitsItsOwnTopicOnly) {
  const auto task = Registry<Task>::instance().make("small_talk");
  const auto topics = one_of_each_topic();
  EXPECT_EQ(topics.size(), 15u);
  for (int level = 0; level < task->info().num_levels; ++level)
    for (uint64_t seed = 0; seed < 200; ++seed) {
      const Question answer = task->make(seed, level).questions.at(0);
      EXPECT_EQ(task->verify(answer, answer.gold), 1.0) << answer.text;
      for (const auto& [other, question] : topics)
        if (other != topic_of(answer))
          EXPECT_EQ(task->verify(question, answer.gold), 0.0) << question.text << ' ' << answer.gold;
      EXPECT_EQ((answer.text + answer.gold).find('{'), std::string::npos) << answer.text << answer.gold;
    }
}

TEST(SmallTalk, WhoGivesANameIsCalledByIt) {
  const auto task = Registry<Task>::instance().make("small_talk");
  const Question ada{"Hello, I am Ada", "Hello Ada! How can I help?", {}, {}, "courtesy"};
  EXPECT_EQ(task->verify(ada, "Hi Ada."), 1.0);
  for (const char* wrong : {"Hello!", "Hello Ben!", "Hello Ada and Ben!", "Ada", "Goodbye, Ada!"})
    EXPECT_EQ(task->verify(ada, wrong), 0.0) << wrong;
  const Question nobody{"Hello", "Hello! How can I help?", {}, {}, "courtesy"};
  EXPECT_EQ(task->verify(nobody, "Hi!"), 1.0);
  EXPECT_EQ(task->verify(nobody, "Hello Ada!"), 0.0);
}

TEST(SmallTalk, OtherWordsAreAcceptedAndFalsePromisesAreNot) {
  const auto task = Registry<Task>::instance().make("small_talk");
  const auto topics = one_of_each_topic();
  const std::multimap<std::string, std::string> right = {{"who", "My name is Melete."},
                                                         {"web", "Sorry, I cannot go online."},
                                                         {"mail", "I\u2019m not able to send mail"},
                                                         {"web", "I can\u2019t browse"},
                                                         {"no picture", "I don't see any picture."}};
  for (const auto& [topic, answer] : right) EXPECT_EQ(task->verify(topics.at(topic), answer), 1.0) << answer;
  const std::multimap<std::string, std::string> wrong = {
      {"who", "I am a person."},           {"greeting", "This"},
      {"web", "I browse the web."},        {"mail", "The mail is sent."},
      {"no picture", "Three red shapes."}, {"clock", "It is 7:30."},
      {"doctor", "Take two pills."},       {"who", std::string(5000, ' ') + "Melete"}};
  for (const auto& [topic, answer] : wrong)
    EXPECT_EQ(task->verify(topics.at(topic), answer), 0.0) << topic << ": " << answer.substr(0, 40);
}

// A model that never read its most everyday words would be a bad talker.
TEST(SmallTalk, TrainingReadsEverydayWords) {
  const auto task = Registry<Task>::instance().make("small_talk");
  std::set<std::string> read;
  for (uint64_t seed = 0; seed < 20'000; ++seed) {
    const Episode episode = task->make(seed, 0);
    if (split_of(episode) == Split::train) read.insert(episode.questions.at(0).text);
  }
  for (const char* text : {"Hello", "Hi", "Good morning", "Who are you?", "What is your name?",
                           "What can you do?", "Thank you", "Thanks", "Bye", "Goodbye", "How are you?"})
    EXPECT_TRUE(read.contains(text)) << text;
}

// Few test questions would measure nothing, and one answer to most of them would be a blind guess.
TEST(TextTasks, TestQuestionsAreManyAndTheirAnswersVary) {
  for (const char* name : {"small_talk", "instructions", "multiplication", "addition", "word_problems"}) {
    const auto task = Registry<Task>::instance().make(name);
    for (int level = 0; level < task->info().num_levels; ++level) {
      std::set<std::pair<uint64_t, std::string>> tested;
      std::map<std::string, int> golds;
      for (uint64_t seed = 0; tested.size() < 120 && seed < 20'000; ++seed) {
        const Episode episode = task->make(seed, level);
        if (split_of(episode) != Split::test) continue;
        const Question& question = episode.questions.at(0);
        if (tested.emplace(episode.spec_hash, question.text).second) ++golds[question.gold];
      }
      int most = 0;
      for (const auto& [gold, count] : golds) most = std::max(most, count);
      EXPECT_GE(tested.size(), 100u) << name << " level " << level;
      EXPECT_LT(most, 0.2 * static_cast<double>(tested.size())) << name << " level " << level;
    }
  }
}

}  // namespace
}  // namespace melete
