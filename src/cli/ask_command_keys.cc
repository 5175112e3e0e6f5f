#include "cli/ask_command_keys.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>

#include "base/interrupt.h"

namespace melete {
namespace {

// What the terminal was before, for whoever ends the program: also the second Ctrl-C.
termios terminal_before{};

void restore_terminal() { ::tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal_before); }

}  // namespace

std::vector<Steer> SteeringKeyReader::put(std::string_view keys) {
  std::vector<Steer> wishes;
  for (const char key : keys) {
    if (key >= '0' && key <= '9' && number_.size() < 3) {
      number_ += key;
      continue;
    }
    const int32_t agent = number_.empty() ? Steer::kAll : std::stoi(number_);
    if (key == 'a') wishes.push_back({Steer::Kind::answer, agent});
    if (key == 'k' && !number_.empty()) wishes.push_back({Steer::Kind::kill, agent});
    if (key == 'p' && !number_.empty()) wishes.push_back({Steer::Kind::pin, agent});
    number_.clear();
  }
  return wishes;
}

SteeringKeys::SteeringKeys(bool wanted) {
  if (!wanted || ::isatty(STDERR_FILENO) != 1 || ::tcgetattr(STDIN_FILENO, &terminal_before) != 0) return;
  termios keys = terminal_before;
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  keys.c_cc[VMIN] = 1;
  keys.c_cc[VTIME] = 0;
  before_ending_at_once(restore_terminal);
  is_on_ = ::tcsetattr(STDIN_FILENO, TCSADRAIN, &keys) == 0;
}

SteeringKeys::~SteeringKeys() {
  if (is_on_) restore_terminal();
  before_ending_at_once(nullptr);
}

std::vector<Steer> SteeringKeys::wishes() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  std::array<char, 64> keys;
  if (!is_on_ || ::poll(&input, 1, 0) != 1 || !(input.revents & POLLIN)) return {};
  const ssize_t length = ::read(STDIN_FILENO, keys.data(), keys.size());
  return length > 0 ? reader_.put({keys.data(), static_cast<size_t>(length)}) : std::vector<Steer>();
}

}  // namespace melete
