// Drafts: what they copy, and when they stop.
#include "engine/ngram.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

using Ids = std::vector<int32_t>;

Draft drafted(const Ids& history, int64_t most = 8) {
  NgramDrafter drafter;
  drafter.append(history);
  return drafter.draft(most);
}

TEST(Ngram, CopiesTheLatestContinuationOfTheLongestMatch) {
  EXPECT_TRUE(drafted({}).tokens.empty());
  EXPECT_TRUE(drafted({1, 2, 3, 4, 5}).tokens.empty());
  EXPECT_TRUE(drafted({1, 5, 9, 1}).tokens.empty());  // one token is no n-gram
  // 1 2 stood twice: the latest counts.
  EXPECT_EQ(drafted({1, 2, 7, 7, 1, 2, 8, 9, 1, 2}, 2).tokens, (Ids{8, 9}));
  EXPECT_EQ(drafted({1, 2, 7, 7, 1, 2, 8, 9, 1, 2}, 2).match, 2);
  // 3 1 2 stood earlier, but is longer.
  EXPECT_EQ(drafted({3, 1, 2, 7, 6, 5, 1, 2, 8, 3, 1, 2}, 3).tokens, (Ids{7, 6, 5}));
  EXPECT_EQ(drafted({3, 1, 2, 7, 6, 5, 1, 2, 8, 3, 1, 2}, 3).match, 3);
  EXPECT_EQ(drafted({3, 1, 2, 7, 6, 5, 3, 1, 2}, 0).match, 0);
}

TEST(Ngram, APeriodGoesOnPastTheEnd) {
  EXPECT_EQ(drafted({4, 5, 6, 4, 5, 6, 4}, 5).tokens, (Ids{5, 6, 4, 5, 6}));
  EXPECT_EQ(drafted({4, 4, 4}, 3).tokens, (Ids{4, 4, 4}));
}

TEST(Ngram, MediaNeitherMatchNorAreDrafted) {
  EXPECT_TRUE(drafted({-1, -1, -1, -1, -1, -1}).tokens.empty());
  EXPECT_EQ(drafted({1, 2, 5, -1, 6, 1, 2}).tokens, (Ids{5}));
}

TEST(Ngram, StopsWhereDraftsAreRefusedAndTriesAgain) {
  NgramDrafter drafter;
  drafter.append(Ids{1, 2, 3, 4, 5, 1, 2});
  int drafts = 0;
  for (; drafts < 100; ++drafts) {
    const Draft draft = drafter.draft(8);
    if (draft.tokens.empty()) break;
    drafter.report(draft, 0);
  }
  EXPECT_GT(drafts, 2);
  EXPECT_LT(drafts, 40);
  EXPECT_EQ(drafter.num_accepted(), 0);
  // After a pause two tokens are tried, and if they come true the drafts grow again.
  for (int32_t i = 0; i < NgramDrafter::kPause; ++i) drafter.append(1000 + i);
  drafter.append(Ids{1, 2});
  Draft draft = drafter.draft(8);
  EXPECT_EQ(draft.tokens, (Ids{1000, 1001}));
  for (int i = 0; i < 40; ++i) drafter.report(draft, 2);
  draft = drafter.draft(8);
  EXPECT_GT(draft.tokens.size(), 4u);
  EXPECT_GT(drafter.acceptance(2), 0.9);
}

TEST(Ngram, WhatComesAfterARefusalIsNotJudged) {
  NgramDrafter drafter;
  const Draft draft{{1, 2, 3, 4, 5, 6}, 3};
  const double before = drafter.acceptance(3);
  drafter.report(draft, 1);
  EXPECT_NEAR(drafter.acceptance(3), (before + 0.1 * (1 - before)) * 0.9, 1e-12);
  EXPECT_EQ(drafter.num_drafted(), 6);
  EXPECT_EQ(drafter.num_accepted(), 1);
}

}  // namespace
}  // namespace melete
