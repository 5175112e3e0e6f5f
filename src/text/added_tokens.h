// Added tokens of a tokenizer.json: found in text before BPE, leftmost first and then longest, as
// `tokenizers` does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace melete {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool single_word = false;  // not beside a word character
  bool lstrip = false;       // takes white space before it along
  bool rstrip = false;       // takes white space after it along
  bool normalized = true;    // matched after normalization
  bool special = false;
  bool ordinary =
      false;  // part of the vocabulary for any text; all others are control text, which users can't write
};

class AddedTokenMatcher {
 public:
  AddedTokenMatcher() = default;
  explicit AddedTokenMatcher(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }

  // Calls on_text(piece) and on_token(id) in order over all of `text`. Time: text times the longest token at
  // most.
  template <class OnText, class OnToken>
  void split(std::string_view text, OnText&& on_text, OnToken&& on_token) const {
    size_t begin = 0, search = 0;
    Match match;
    while (!tokens_.empty() && find(text, begin, search, match)) {
      if (match.begin > begin) on_text(text.substr(begin, match.begin - begin));
      on_token(tokens_[match.token].id);
      begin = search = match.end;
    }
    if (begin < text.size()) on_text(text.substr(begin));
  }

 private:
  struct Match {
    size_t token = 0, begin = 0, end = 0;
  };
  struct Node {
    int32_t token = -1;
    std::unordered_map<uint8_t, int32_t> next;
  };

  // The next match at or after `search`, stripped of white space down to `floor`.
  bool find(std::string_view text, size_t floor, size_t search, Match& match) const;
  int32_t longest_at(std::string_view text, size_t pos) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_;
};

}  // namespace melete
