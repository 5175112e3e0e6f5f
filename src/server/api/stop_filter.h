// Cuts a text that comes in pieces before the first stop string in it. What may still become one is held
// back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace melete {

class StopFilter {
 public:
  // None of them is empty.
  explicit StopFilter(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  // What may go out now.
  std::string put(std::string_view text);
  // What was held back, at the end of the text.
  std::string finish();
  // The stop string that was found; empty: none.
  const std::string& matched() const { return matched_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  std::string matched_;
};

}  // namespace melete
