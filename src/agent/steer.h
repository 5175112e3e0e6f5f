// What is wanted of a run under way: that its agents answer now from what they have reasoned, that one of
// them ends, or that one of them is the one whose answer is taken.
//
// A log tells when each wish was fulfilled, as a number of the agent's tokens, so that the same wishes, at
// those numbers, give the same run again.
#pragma once

#include <cstdint>
#include <string>

namespace melete {

struct Steer {
  enum class Kind { answer, kill, pin };
  static constexpr int32_t kAll = -1;

  Kind kind = Kind::answer;
  int32_t agent = kAll;  // all of them: of `answer` alone
  // When that agent has so many tokens; below 0: now. Others aren't ended by a pin that has a number: what
  // ended them then is a wish of its own.
  int64_t tokens = -1;
  bool concerns(int32_t id) const { return agent == id || agent == kAll; }
  std::string by = "user";  // what the events say: "user", "deadline", "pinned"
};

}  // namespace melete
