#include "agent/vote.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace melete {
namespace {

TEST(ModeEValue, AgreesWithClosedForms) {
  EXPECT_NEAR(mode_e_value(0, 0), 1.0, 1e-9);
  // n_c = 1, n_r = 0: 4/pi * 2 * integral_{pi/4}^{pi/2} sin^2 = 1 + 2/pi.
  EXPECT_NEAR(mode_e_value(1, 0), 1 + 2 / M_PI, 1e-8);
  EXPECT_NEAR(mode_e_value(1, 1), 1.0 / 2, 1e-9);  // 4/pi * 4 * integral sin^2 cos^2 = 1/2
  EXPECT_NEAR(mode_e_value(4, 0), 8.61913, 1e-4);  // an integration in another variable
  EXPECT_NEAR(mode_e_value(5, 0), 15.64176, 1e-4);
  EXPECT_NEAR(mode_e_value(6, 0), 28.78267, 1e-4);
}

TEST(ModeEValue, IsAFairGameUnderTheNull) {
  // E[next e-value] = current value when the two are equally likely: the martingale that bounds false
  // certificates.
  for (int64_t a = 0; a < 6; ++a)
    for (int64_t b = 0; b < 6; ++b)
      EXPECT_NEAR((mode_e_value(a + 1, b) + mode_e_value(a, b + 1)) / 2, mode_e_value(a, b), 1e-9)
          << a << " " << b;
}

TEST(Vote, CertifiesUnanimousVotesAsTheBoundSays) {
  Vote vote(0.2);  // needs 2 / 0.2 = 10: five unanimous votes (15.6), not four (8.6)
  for (int i = 0; i < 4; ++i) vote.put("7");
  EXPECT_FALSE(vote.certified());
  vote.put("7");
  EXPECT_TRUE(vote.certified());
  vote.put("8");
  vote.put("8");
  EXPECT_FALSE(vote.certified());
}

TEST(Vote, FalseCertificatesStayBelowDelta) {
  // Two answers, equally likely: whichever is certified at any time up to 40 votes is a false mode half of
  // the time at most.
  int false_certificates = 0;
  constexpr int kRuns = 1000;
  for (int run = 0; run < kRuns; ++run) {
    Random random(5, static_cast<uint64_t>(run));
    Vote vote(0.1);
    for (int i = 0; i < 40; ++i) {
      vote.put(random.chance(0.49) ? "wrong" : "right");
      if (vote.certified()) {
        false_certificates += vote.candidates()[static_cast<size_t>(vote.leader())].key == "wrong";
        break;
      }
    }
  }
  EXPECT_LE(false_certificates, kRuns / 10);
}

TEST(Vote, LocksOnlyWhenNothingCanChange) {
  Vote vote(0.1);
  EXPECT_FALSE(vote.locked(0));
  for (const char* key : {"a", "b", "a", "", "a"}) vote.put(key);
  EXPECT_EQ(vote.leader(), 0);
  EXPECT_FALSE(vote.locked(2));
  EXPECT_TRUE(vote.locked(1));
}

}  // namespace
}  // namespace melete
