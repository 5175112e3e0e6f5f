#include "base/text_distance.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

TEST(TextDistance, CountsEdits) {
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("steps", "setps"), 1u);
  EXPECT_EQ(edit_distance("same", "same"), 0u);
}

TEST(TextDistance, SuggestsOnlyWhatIsNear) {
  EXPECT_EQ(did_you_mean("stesp", {"rate", "steps"}), "; did you mean 'steps'?");
  EXPECT_EQ(did_you_mean("Steps", {"rate", "steps"}), "; did you mean 'steps'?");
  EXPECT_EQ(did_you_mean("banana", {"rate", "steps"}), "");
  EXPECT_EQ(did_you_mean(std::string(100000, 'x'), {"rate"}), "");
}

}  // namespace
}  // namespace melete
