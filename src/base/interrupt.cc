#include "base/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <cstring>

namespace melete {
namespace {

volatile sig_atomic_t signalled = 0;

void on_signal(int number) {
  if (signalled) {
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

bool interrupted() { return signalled != 0; }

}  // namespace melete
