// Which of several pictures or clips a text speaks of: "picture 2", "image #2", "the second photo", "clip 1".
#pragma once

#include <string>
#include <string_view>

namespace melete {

// Takes text in any pieces.
class NamedFile {
 public:
  void put(std::string_view text);
  void end();  // something other than text follows

  // What was named last, as "picture 2" or "clip 1" (counted by kind, from 1); empty: nothing.
  const std::string& last() const { return last_; }

 private:
  void end_word();

  std::string word_;  // the beginning of the word that goes on
  std::string kind_;  // of the word just before: "picture" or "clip"
  int ordinal_ = 0;   // of the word just before: 2 for "second"
  std::string last_;
};

}  // namespace melete
