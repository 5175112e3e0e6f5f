#include "base/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>

namespace melete {
namespace {

void interrupt_once() {
  catch_interrupts();
  const bool before = interrupted();
  ::raise(SIGINT);
  std::_Exit(!before && interrupted() ? 7 : 1);
}

void interrupt_twice() {
  catch_interrupts();
  ::raise(SIGINT);
  ::raise(SIGINT);
  std::_Exit(1);
}

void interrupt_with_an_act() {
  before_ending_at_once([] { std::_Exit(9); });
  interrupt_twice();
}

TEST(InterruptDeathTest, TheFirstSignalOnlySetsTheFlag) {
  EXPECT_EXIT(interrupt_once(), testing::ExitedWithCode(7), "next safe point");
}

TEST(InterruptDeathTest, TheSecondEndsTheProcess) {
  EXPECT_EXIT(interrupt_twice(), testing::KilledBySignal(SIGINT), "next safe point");
}

TEST(InterruptDeathTest, TheSecondFirstDoesWhatIsWanted) {
  EXPECT_EXIT(interrupt_with_an_act(), testing::ExitedWithCode(9), "next safe point");
}

}  // namespace
}  // namespace melete
