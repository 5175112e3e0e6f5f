// What every registered task promises, checked over seeds and levels of the whole registry.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "task/number_words.h"
#include "task/task.h"

namespace melete {
namespace {

constexpr uint64_t kNumSeeds = 12;

// Tasks that speak start a program a clip, so they are given fewer seeds.
uint64_t num_seeds(const TaskInfo& facts, uint64_t wanted) {
  return facts.family == "audio" ? std::min<uint64_t>(wanted, 6) : wanted;
}

bool same(const Image& a, const Image& b) {
  return a.width == b.width && a.height == b.height && a.rgb == b.rgb;
}

bool same(const Part& a, const Part& b) {
  if (a.index() != b.index()) return false;
  if (const auto* text = std::get_if<std::string>(&a)) return *text == std::get<std::string>(b);
  if (const auto* image = std::get_if<Image>(&a)) return same(*image, std::get<Image>(b));
  if (const auto* audio = std::get_if<Audio>(&a))
    return audio->rate_hz == std::get<Audio>(b).rate_hz && audio->samples == std::get<Audio>(b).samples;
  const Video &x = std::get<Video>(a), &y = std::get<Video>(b);
  return x.times_s == y.times_s &&
         std::equal(x.frames.begin(), x.frames.end(), y.frames.begin(), y.frames.end(),
                    [](const Image& p, const Image& q) { return same(p, q); });
}

bool same_context(const Episode& a, const Episode& b) {
  return a.spec_hash == b.spec_hash && a.hold_out == b.hold_out && a.transcript == b.transcript &&
         std::equal(a.context.begin(), a.context.end(), b.context.begin(), b.context.end(),
                    [](const Part& p, const Part& q) { return same(p, q); });
}

bool same(const Question& a, const Question& b) {
  const auto same_mark = [](const Mark& x, const Mark& y) {
    return x.kind == y.kind && x.label == y.label && x.at == y.at;
  };
  return a.text == b.text && a.gold == b.gold && a.traces == b.traces && a.kind == b.kind &&
         std::equal(a.marks.begin(), a.marks.end(), b.marks.begin(), b.marks.end(), same_mark);
}

class Contract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    task_ = Registry<Task>::instance().make(GetParam());
    facts_ = task_->info();
  }

  template <class Check>
  void for_each_question(int num_questions, const Check& check) {
    for (int level = 0; level < facts_.num_levels; ++level)
      for (uint64_t seed = 0; seed < num_seeds(facts_, kNumSeeds); ++seed) {
        SCOPED_TRACE(cat(facts_.name, " seed ", seed, " level ", level));
        const Episode episode = task_->make(seed, level, num_questions);
        for (const Question& question : episode.questions) check(episode, question);
      }
  }

  std::unique_ptr<Task> task_;
  TaskInfo facts_;
};

TEST_P(Contract, InfoIsComplete) {
  EXPECT_EQ(facts_.name, GetParam());
  EXPECT_FALSE(facts_.summary.empty());
  EXPECT_TRUE(std::set<std::string>({"vision", "audio", "video", "data", "text"}).count(facts_.family))
      << facts_.family;
  EXPECT_GE(facts_.num_levels, 1);
  if (!facts_.level_names.empty())
    EXPECT_EQ(facts_.level_names.size(), static_cast<size_t>(facts_.num_levels));
  EXPECT_THROW(task_->make(0, facts_.num_levels, 1), Bug);
  EXPECT_THROW(task_->make(0, -1, 1), Bug);
  EXPECT_THROW(task_->make(0, 0, 0), Bug);
}

TEST_P(Contract, MakeIsPureAndTheSplitIgnoresTheQuestions) {
  for (int level = 0; level < facts_.num_levels; ++level)
    for (uint64_t seed = 0; seed < num_seeds(facts_, kNumSeeds); ++seed) {
      SCOPED_TRACE(cat(facts_.name, " seed ", seed, " level ", level));
      const Episode a = task_->make(seed, level, 4),
                    b = Registry<Task>::instance().make(GetParam())->make(seed, level, 4);
      EXPECT_TRUE(same_context(a, b));
      ASSERT_EQ(a.questions.size(), b.questions.size());
      for (size_t i = 0; i < a.questions.size(); ++i) EXPECT_TRUE(same(a.questions[i], b.questions[i]));
      EXPECT_TRUE(same_context(a, task_->make(seed, level, 1)));
      EXPECT_EQ(task_->split_at(seed, level), split_of(a));
    }
}

TEST_P(Contract, QuestionsAreDistinctAndAtMostAsManyAsAskedFor) {
  for (int level = 0; level < facts_.num_levels; ++level)
    for (uint64_t seed = 0; seed < num_seeds(facts_, kNumSeeds); ++seed) {
      const Episode episode = task_->make(seed, level, 5);
      ASSERT_FALSE(episode.questions.empty());
      EXPECT_LE(episode.questions.size(), 5u);
      std::set<std::string> texts;
      for (const Question& question : episode.questions) {
        EXPECT_TRUE(texts.insert(question.text).second) << question.text;
        EXPECT_FALSE(question.kind.empty());
      }
    }
}

TEST_P(Contract, NoQuestionAsksForWhatAnEarlierOneTold) {
  for (int level = 0; level < facts_.num_levels; ++level)
    for (uint64_t seed = 0; seed < num_seeds(facts_, kNumSeeds); ++seed) {
      std::set<std::string> known;
      for (const Question& question : task_->make(seed, level, 5).questions) {
        for (const std::string& fact : question.asks)
          EXPECT_FALSE(known.count(fact)) << facts_.name << " seed " << seed << ": " << fact;
        known.insert(question.asks.begin(), question.asks.end());
        known.insert(question.tells.begin(), question.tells.end());
      }
    }
}

// Words of a normalised text, as " a b c ", so that " b " finds one.
std::string words_of(const std::string& text) {
  std::string words = " ";
  for (const char c : text) {
    const bool part =
        std::isalnum(static_cast<unsigned char>(c)) || c == ':' || c == '<' || c == '_' || c == '|';
    if (part)
      words += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (words.back() != ' ')
      words += ' ';
  }
  return words.back() == ' ' ? words : words + ' ';
}

// How often a later answer stands in the earlier questions and answers, against how often it stands in those
// of another episode that asked the same kinds: what reading the earlier turns tells without the context.
TEST_P(Contract, EarlierQuestionsDoNotTellLaterAnswers) {
  if (!task_->problem().empty()) GTEST_SKIP() << task_->problem();
  struct Later {
    std::string kinds, earlier, gold;
  };
  const uint64_t seeds = facts_.family == "audio" ? 60 : 400;
  for (int level = 0; level < facts_.num_levels; ++level) {
    std::map<std::string, std::vector<Later>> groups;  // by the kinds asked so far
    for (uint64_t seed = 5000; seed < 5000 + seeds; ++seed) {
      std::string kinds, earlier;
      for (const Question& q : task_->make(seed, level, 4).questions) {
        kinds += q.kind + " ";
        if (!earlier.empty()) groups[kinds].push_back({kinds, words_of(earlier), words_of(q.gold)});
        earlier += q.text + " " + q.gold + " ";
      }
    }
    int told = 0, chance = 0, total = 0;
    for (const auto& [kinds, group] : groups)
      for (size_t i = 0; group.size() > 1 && i < group.size(); ++i) {
        const Later& own = group[i];
        ++total;
        told += own.earlier.find(own.gold) != std::string::npos;
        chance += group[(i + 1) % group.size()].earlier.find(own.gold) != std::string::npos;
      }
    if (total < 40) continue;
    const double leak = static_cast<double>(told - chance) / total;
    std::printf("%-15s level %d  told %4.1f %%  by chance %4.1f %%  of %d\n", facts_.name.c_str(), level,
                100.0 * told / total, 100.0 * chance / total, total);
    EXPECT_LE(leak, 0.12 + 0.6 / std::sqrt(total)) << facts_.name << " level " << level;
  }
}

TEST_P(Contract, GoldVerifiesInEveryAcceptedSpelling) {
  for_each_question(4, [&](const Episode&, const Question& q) {
    EXPECT_EQ(task_->verify(q, q.gold), 1.0) << q.text << " -> " << q.gold;
    EXPECT_EQ(task_->verify(q, "  " + q.gold + "\n"), 1.0) << q.text << " -> " << q.gold;
    const bool number =
        !q.gold.empty() && q.gold.size() <= 5 && q.gold.find_first_not_of("0123456789") == std::string::npos;
    // Where the very characters are asked for, another spelling of what they mean is wrong.
    const bool literal = (GetParam() == "ocr" && q.kind != "length") || GetParam() == "instructions";
    if (number && !literal && (q.gold[0] != '0' || q.gold.size() == 1))
      EXPECT_EQ(task_->verify(q, spell_number(std::stoll(q.gold))), 1.0) << q.text << " -> " << q.gold;
    const bool word = !literal && q.gold.size() < 24 &&
                      q.gold.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos;
    if (word) {
      std::string capital = q.gold;
      capital[0] = static_cast<char>(capital[0] - 'a' + 'A');
      EXPECT_EQ(task_->verify(q, capital + "."), 1.0) << q.text << " -> " << capital;
    }
  });
}

TEST_P(Contract, OtherAnswersDoNotVerify) {
  for_each_question(4, [&](const Episode& episode, const Question& q) {
    EXPECT_EQ(task_->verify(q, ""), 0.0) << q.text;
    EXPECT_EQ(task_->verify(q, "   "), 0.0) << q.text;
    EXPECT_EQ(task_->verify(q, std::string(1 << 20, 'x')), 0.0) << q.text;
    EXPECT_EQ(task_->verify(q, q.gold + std::string(1 << 20, ' ') + "x"), 0.0) << q.text;
    if (GetParam() != "small_talk")  // there a reply may hold the gold words in a sentence
      EXPECT_EQ(task_->verify(q, "I don't know what " + q.gold + " means"), 0.0) << q.text;
    for (const Question& other : episode.questions)
      if (task_->verify(other, q.gold) != 1.0)
        EXPECT_EQ(task_->verify(q, other.gold), 0.0) << q.text << " " << other.gold;
  });
}

TEST_P(Contract, TracesGrowAndEndWithTheGold) {
  const bool points = facts_.family == "vision" || facts_.family == "video";
  for_each_question(6, [&](const Episode&, const Question& q) {
    EXPECT_TRUE(q.traces[0].empty());
    EXPECT_LE(q.traces[1].size(), q.traces[2].size()) << q.traces[1] << "\n" << q.traces[2];
    EXPECT_LE(q.traces[2].size(), q.traces[3].size()) << q.traces[2] << "\n" << q.traces[3];
    if (!points) return;
    // The full trace concludes with the answer, and only the check follows it in the longest one.
    const std::string conclusion = "o " + q.gold;
    EXPECT_TRUE(q.traces[2].ends_with(conclusion + ".") || q.traces[2].ends_with(conclusion))
        << q.traces[2] << " -> " << q.gold;
    EXPECT_TRUE(q.traces[3].starts_with(q.traces[2])) << q.traces[3];
    EXPECT_NE(q.traces[3].find("Check: "), std::string::npos) << q.traces[3];
  });
}

// Every token in a visual trace stands for a mark or a place in the picture, and every mark lies inside it.
TEST_P(Contract, MarksLieInsideTheMedium) {
  for_each_question(6, [&](const Episode&, const Question& q) {
    for (const Mark& mark : q.marks) {
      const bool two = mark.kind == Mark::Kind::box || mark.kind == Mark::Kind::track;
      for (size_t i = 0; i < (two ? 4u : 2u); ++i) {
        EXPECT_GE(mark.at[i], 0) << q.text;
        EXPECT_LE(mark.at[i], 1000) << q.text;
      }
      if (mark.kind == Mark::Kind::box)
        EXPECT_TRUE(mark.at[0] < mark.at[2] && mark.at[1] < mark.at[3]) << q.text;
      if (mark.kind == Mark::Kind::span) EXPECT_LT(mark.at[0], mark.at[1]) << q.text;
    }
    if ((facts_.family == "vision" || facts_.family == "video") && !q.marks.empty())
      EXPECT_NE(q.traces[1].find("<|loc_"), std::string::npos) << q.text << ": " << q.traces[1];
  });
}

// A reader of the question alone must stay near chance: over many seeds, no answer of a kind dominates. Free
// text (small talk, instructions) has one right answer by its nature and is left out.
TEST_P(Contract, NoAnswerDominatesItsKind) {
  if (facts_.family == "text" || facts_.family == "audio") return;
  for (int level = 0; level < facts_.num_levels; ++level) {
    std::map<std::string, std::map<std::string, int>> counts;
    for (uint64_t seed = 1000; seed < 1300; ++seed)
      for (const Question& q : task_->make(seed, level, 6).questions) ++counts[q.kind][q.gold];
    for (const auto& [kind, answers] : counts) {
      int total = 0, most = 0;
      std::string majority;
      for (const auto& [gold, count] : answers) {
        total += count;
        if (count > most) majority = gold;
        most = std::max(most, count);
      }
      if (total < 100) continue;
      const double share = static_cast<double>(most) / total, spread = 2.6 * std::sqrt(0.25 / total);
      std::printf("%-15s level %d %-13s majority %-8.8s %4.1f %% of %d\n", facts_.name.c_str(), level,
                  kind.c_str(), majority.c_str(), 100 * share, total);
      EXPECT_LE(share, 0.57 + spread) << facts_.name << " level " << level << " " << kind << ": " << majority;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tasks, Contract, testing::ValuesIn(Registry<Task>::instance().names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace melete
