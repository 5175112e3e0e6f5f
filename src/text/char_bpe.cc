#include "text/char_bpe.h"

#include <algorithm>
#include <queue>

#include "text/unicode.h"

namespace melete {
namespace {

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  size_t begin = 0;
  for (size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, begin)) {
    out.append(text, begin, at - begin).append(to);
    begin = at + from.size();
  }
  return out.append(text, begin);
}

// A stretch of the text; empty once it is merged into the one before it.
struct Symbol {
  uint32_t begin = 0, size = 0;
  int32_t previous = -1, next = -1;
};

struct Candidate {
  float score = 0;
  int32_t left = 0, right = 0;
  uint32_t size = 0;  // of both symbols when this was considered: less than now means that it is stale

  bool operator<(const Candidate& other) const {
    return score < other.score || (score == other.score && left > other.left);
  }
};

}  // namespace

std::string mark_spaces(std::string_view text) { return replaced(text, " ", kSpaceMark); }
std::string unmark_spaces(std::string_view text) { return replaced(text, kSpaceMark, " "); }

int byte_spelled(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  int byte = 0;
  for (const char c : token.substr(3, 2)) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    byte = byte * 16 + digit;
  }
  return byte;
}

CharBpe::CharBpe(CharBpeEntries entries, const std::vector<Merge>& merges, std::vector<float> scores)
    : entries_(std::move(entries)),
      merges_(merges),
      scores_(std::move(scores)),
      ids_(entries_.spelling.size()) {
  for (size_t id = 0; id < entries_.spelling.size(); ++id) {
    const std::string& spelling = entries_.spelling[id];
    if (spelling.empty()) continue;
    ids_.add(spelling, static_cast<int32_t>(id));
    longest_ = std::max(longest_, spelling.size());
  }
}

int32_t CharBpe::find(std::string_view text) const { return text.size() > longest_ ? -1 : ids_.find(text); }

void CharBpe::append_bytes(std::string_view text, std::vector<int32_t>& ids) const {
  for (const char c : text)
    if (const int32_t id = entries_.byte_ids[static_cast<uint8_t>(c)]; id >= 0) ids.push_back(id);
}

void CharBpe::encode(std::string_view text, std::vector<int32_t>& ids) const {
  scores_.empty() ? encode_ranked(text, ids) : encode_scored(text, ids);
}

void CharBpe::encode_ranked(std::string_view text, std::vector<int32_t>& ids) const {
  std::vector<int32_t> symbols;
  symbols.reserve(text.size());
  for (size_t pos = 0; pos < text.size();) {
    const std::string_view character = text.substr(pos, char_at(text, pos).length);
    if (const int32_t id = find(character); id >= 0)
      symbols.push_back(id);
    else
      append_bytes(character, symbols);
    pos += character.size();
  }
  apply_merges(merges_, symbols);
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

void CharBpe::encode_scored(std::string_view text, std::vector<int32_t>& ids) const {
  std::vector<Symbol> symbols;
  for (size_t pos = 0; pos < text.size();) {
    const auto size = char_at(text, pos).length;
    const auto index = static_cast<int32_t>(symbols.size());
    symbols.push_back({static_cast<uint32_t>(pos), size, index - 1, index + 1});
    pos += size;
  }
  if (symbols.empty()) return;
  symbols.back().next = -1;
  std::priority_queue<Candidate> candidates;
  const auto consider = [&](int32_t left, int32_t right) {
    if (left < 0 || right < 0) return;
    const Symbol& first = symbols[static_cast<size_t>(left)];
    const uint32_t size = first.size + symbols[static_cast<size_t>(right)].size;
    if (const int32_t id = find(text.substr(first.begin, size)); id >= 0)
      candidates.push({scores_[static_cast<size_t>(id)], left, right, size});
  };
  for (size_t i = 1; i < symbols.size(); ++i) consider(static_cast<int32_t>(i) - 1, static_cast<int32_t>(i));
  while (!candidates.empty()) {
    const Candidate best = candidates.top();
    candidates.pop();
    Symbol& left = symbols[static_cast<size_t>(best.left)];
    Symbol& right = symbols[static_cast<size_t>(best.right)];
    if (left.size == 0 || right.size == 0 || left.size + right.size != best.size) continue;
    left.size = best.size;
    right.size = 0;
    left.next = right.next;
    if (right.next >= 0) symbols[static_cast<size_t>(right.next)].previous = best.left;
    consider(left.previous, best.left);
    consider(best.left, left.next);
  }
  for (int32_t at = 0; at >= 0; at = symbols[static_cast<size_t>(at)].next) {
    const std::string_view piece =
        text.substr(symbols[static_cast<size_t>(at)].begin, symbols[static_cast<size_t>(at)].size);
    if (const int32_t id = find(piece); id >= 0)
      ids.push_back(id);
    else
      append_bytes(piece, ids);
  }
}

}  // namespace melete
