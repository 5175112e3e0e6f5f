#include "base/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace melete {
namespace {

volatile sig_atomic_t signalled = 0;
std::atomic<void (*)()> before_end{nullptr};

void on_signal(int number) {
  if (signalled) {
    if (const auto act = before_end.load()) act();
    ::signal(number, SIG_DFL);
    ::raise(number);
    return;
  }
  signalled = 1;
  constexpr char kText[] = "\nstopping at the next safe point; press Ctrl-C again to end at once\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText, sizeof kText - 1);
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

void before_ending_at_once(void (*act)()) { before_end = act; }

bool interrupted() { return signalled != 0; }

}  // namespace melete
