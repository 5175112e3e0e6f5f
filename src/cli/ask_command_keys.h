// Keys that steer agents while an answer is made in a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/steer.h"

namespace melete {

inline constexpr const char* kSteeringKeys =
    "while agents contemplate: a has all answer now; 3a, 3k and 3p have agent 3 answer now, end it, or take "
    "its answer";

// What keys mean, as they come in any pieces: [number] a, number k, number p. Any other key begins anew.
class SteeringKeyReader {
 public:
  std::vector<Steer> put(std::string_view keys);

 private:
  std::string number_;
};

// While it lives, keys on standard input are taken as they are pressed and not shown; Ctrl-C stays what it
// is.
class SteeringKeys {
 public:
  // wanted: else, and where there is no terminal on both standard input and error, it does nothing.
  explicit SteeringKeys(bool wanted);
  ~SteeringKeys();
  SteeringKeys(const SteeringKeys&) = delete;
  SteeringKeys& operator=(const SteeringKeys&) = delete;

  bool is_on() const { return is_on_; }
  std::vector<Steer> wishes();  // of the keys pressed since; doesn't wait

 private:
  bool is_on_ = false;
  SteeringKeyReader reader_;
};

}  // namespace melete
