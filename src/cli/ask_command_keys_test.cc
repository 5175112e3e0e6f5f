#include "cli/ask_command_keys.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace melete {
namespace {

std::string told(std::string_view keys, size_t cut) {
  SteeringKeyReader reader;
  std::string all;
  for (const std::string_view piece : {keys.substr(0, cut), keys.substr(cut)})
    for (const Steer& wish : reader.put(piece))
      all += cat(wish.kind == Steer::Kind::answer ? "a"
                 : wish.kind == Steer::Kind::kill ? "k"
                                                  : "p",
                 wish.agent, " ");
  return all;
}

TEST(SteeringKeys, NumbersGoBeforeWhatIsWantedHoweverTheyCome) {
  const std::string_view keys = "a12k0p7ak p 3x4\x1b[A5p\n1234k";
  for (size_t cut = 0; cut <= keys.size(); ++cut) EXPECT_EQ(told(keys, cut), "a-1 k12 p0 a7 p5 ") << cut;
}

TEST(SteeringKeys, AreOffWithoutATerminalOrWhereNobodyWantsThem) {
  SteeringKeys off(false);
  EXPECT_FALSE(off.is_on());
  EXPECT_TRUE(off.wishes().empty());
}

}  // namespace
}  // namespace melete
