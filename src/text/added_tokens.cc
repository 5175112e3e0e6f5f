#include "text/added_tokens.h"

#include <algorithm>

#include "text/unicode.h"

namespace melete {
namespace {

size_t after_spaces(std::string_view text, size_t pos) {
  while (pos < text.size()) {
    const Char c = char_at(text, pos);
    if (!c.is(kSpace)) break;
    pos += c.length;
  }
  return pos;
}

size_t before_spaces(std::string_view text, size_t pos, size_t floor) {
  while (pos > floor) {
    const Char c = char_before(text, pos);
    if (!c.is(kSpace)) break;
    pos -= c.length;
  }
  return std::max(pos, floor);
}

bool beside_word(std::string_view text, size_t begin, size_t end) {
  return (begin > 0 && char_before(text, begin).is(kWord)) ||
         (end < text.size() && char_at(text, end).is(kWord));
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)), nodes_(1) {
  for (size_t i = 0; i < tokens_.size(); ++i) {
    int32_t node = 0;
    for (const char c : tokens_[i].content) {
      const auto [found, is_new] = nodes_[static_cast<size_t>(node)].next.try_emplace(
          static_cast<uint8_t>(c), static_cast<int32_t>(nodes_.size()));
      node = found->second;
      if (is_new) nodes_.emplace_back();
    }
    if (node != 0) nodes_[static_cast<size_t>(node)].token = static_cast<int32_t>(i);
  }
}

int32_t AddedTokenMatcher::longest_at(std::string_view text, size_t pos) const {
  int32_t node = 0, longest = -1;
  for (; pos < text.size(); ++pos) {
    const auto& next = nodes_[static_cast<size_t>(node)].next;
    const auto found = next.find(static_cast<uint8_t>(text[pos]));
    if (found == next.end()) break;
    node = found->second;
    if (const int32_t token = nodes_[static_cast<size_t>(node)].token; token >= 0) longest = token;
  }
  return longest;
}

bool AddedTokenMatcher::find(std::string_view text, size_t floor, size_t search, Match& match) const {
  while (search < text.size()) {
    const int32_t index = longest_at(text, search);
    if (index < 0) {
      ++search;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<size_t>(index)];
    size_t begin = search, end = search + token.content.size();
    search = end;
    if (token.single_word && beside_word(text, begin, end)) continue;
    if (token.lstrip) begin = before_spaces(text, begin, floor);
    if (token.rstrip) end = after_spaces(text, end);
    match = {static_cast<size_t>(index), begin, end};
    return true;
  }
  return false;
}

}  // namespace melete
