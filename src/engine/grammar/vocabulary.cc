#include "engine/grammar/vocabulary.h"

#include <algorithm>
#include <numeric>

#include "text/unicode.h"

namespace melete {
namespace {

constexpr size_t kMaxTokenBytes = 1000;

// Characters of a text that all stand for themselves in a JSON string; -1 if some don't.
int32_t plain_length(std::string_view text) {
  int32_t length = 0;
  for (size_t at = 0; at < text.size(); ++length) {
    const Char c = char_at(text, at);
    if (c.code_point < 0x20 || c.code_point == '"' || c.code_point == '\\' || c.code_point == 0x7F) return -1;
    at += c.length;
  }
  return length;
}

// Of sorted texts, no two equal and none empty.
TokenTrie make_trie(const std::vector<std::pair<std::string_view, int32_t>>& texts) {
  TokenTrie trie;
  trie.nodes.emplace_back();
  std::vector<int32_t> path = {0};  // the nodes of the last text
  std::string_view last;
  const auto close = [&](size_t depth) {
    for (; path.size() > depth + 1; path.pop_back())
      trie.nodes[static_cast<size_t>(path.back())].end = static_cast<int32_t>(trie.nodes.size());
  };
  for (const auto& [text, token] : texts) {
    const auto common =
        std::mismatch(last.begin(), last.end(), text.begin(), text.end()).first - last.begin();
    close(static_cast<size_t>(common));
    for (size_t i = static_cast<size_t>(common); i < text.size(); ++i) {
      path.push_back(static_cast<int32_t>(trie.nodes.size()));
      trie.nodes.push_back({0, -1, static_cast<uint16_t>(i + 1), static_cast<uint8_t>(text[i])});
    }
    trie.nodes.back().token = token;
    last = text;
  }
  close(0);
  trie.nodes[0].end = static_cast<int32_t>(trie.nodes.size());
  return trie;
}

}  // namespace

int32_t TokenTrie::child(int32_t node, uint8_t byte) const {
  const int32_t end = nodes[static_cast<size_t>(node)].end;
  for (int32_t i = node + 1; i < end; i = nodes[static_cast<size_t>(i)].end)
    if (nodes[static_cast<size_t>(i)].byte == byte) return i;
  return -1;
}

Vocabulary::Vocabulary(const Tokenizer& tokenizer, std::vector<int32_t> end_tokens)
    : bytes_(static_cast<size_t>(tokenizer.vocab_size())),
      end_tokens_(std::move(end_tokens)),
      num_words_((bytes_.size() + 31) / 32) {
  std::erase_if(end_tokens_, [&](int32_t id) { return id < 0 || id >= tokenizer.vocab_size(); });
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const bool ends = std::find(end_tokens_.begin(), end_tokens_.end(), id) != end_tokens_.end();
    if (ends || tokenizer.is_special(id) || tokenizer.token_bytes(id).size() > kMaxTokenBytes) continue;
    bytes_[static_cast<size_t>(id)] = tokenizer.token_bytes(id);
    if (bytes_[static_cast<size_t>(id)].empty()) continue;
    ids_.push_back(id);
  }
  std::stable_sort(ids_.begin(), ids_.end(), [&](int32_t a, int32_t b) { return bytes_of(a) < bytes_of(b); });
  for (MaskWords& words : slices_) words.resize(num_words_);
  for (size_t i = 0; i < ids_.size(); ++i) {
    const std::string_view text = bytes_of(ids_[i]);
    if (texts_.empty() || texts_.back().bytes != text)
      texts_.push_back({text, static_cast<int32_t>(i), 0, plain_length(text)});
    ++texts_.back().num_ids;
    if (text.size() == 1) single_bytes_[static_cast<uint8_t>(text[0])] = true;
    for (size_t s = 0; s < slices_.size(); ++s)
      if (texts_.back().plain_length >= 0 && texts_.back().plain_length <= kSliceLengths[s])
        slices_[s][static_cast<size_t>(ids_[i]) / 32] |= 1u << (ids_[i] % 32);
  }
}

std::string_view Vocabulary::bytes_of(int32_t id) const {
  return id >= 0 && static_cast<size_t>(id) < bytes_.size() ? bytes_[static_cast<size_t>(id)]
                                                            : std::string_view();
}

std::span<const int32_t> Vocabulary::ids(int32_t token) const {
  const Text& text = texts_[static_cast<size_t>(token)];
  return std::span(ids_).subspan(static_cast<size_t>(text.first_id), static_cast<size_t>(text.num_ids));
}

const TokenTrie& Vocabulary::trie(int slice) const {
  const auto index = static_cast<size_t>(slice + 1);
  std::call_once(made_[index], [&] {
    std::vector<std::pair<std::string_view, int32_t>> outside;
    for (size_t i = 0; i < texts_.size(); ++i) {
      const int32_t length = texts_[i].plain_length;
      if (slice < 0 || length < 0 || length > kSliceLengths[static_cast<size_t>(slice)])
        outside.emplace_back(texts_[i].bytes, static_cast<int32_t>(i));
    }
    tries_[index] = make_trie(outside);
  });
  return tries_[index];
}

}  // namespace melete
