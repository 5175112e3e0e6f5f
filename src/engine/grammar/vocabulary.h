// The texts of a model's tokens as a grammar needs them: a trie of their bytes, and the tokens that hold
// nothing but characters that stand for themselves in a JSON string, by length.
//
// The second kind is most of any vocabulary, and inside a string all of it is allowed at once, so that only
// the rest has to be looked at (the slices of llguidance).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/grammar/automaton.h"
#include "text/tokenizer.h"

namespace melete {

using MaskWords = std::vector<uint32_t>;  // bit id % 32 of word id / 32

// Depth first: a node's children follow it, the subtree ends before `end`.
struct TrieNode {
  int32_t end = 0;
  int32_t token = -1;  // an index of Vocabulary::texts that ends here
  uint16_t depth = 0;  // bytes from the root
  uint8_t byte = 0;
};

// nodes[0] is the root, the empty text.
struct TokenTrie {
  std::vector<TrieNode> nodes;
  int32_t child(int32_t node, uint8_t byte) const;  // -1: none
};

class Vocabulary {
 public:
  // Special tokens and tokens without bytes are left out; so are those longer than 1,000 bytes. end_tokens:
  // what may follow a complete text.
  Vocabulary(const Tokenizer& tokenizer, std::vector<int32_t> end_tokens);

  size_t num_words() const { return num_words_; }
  const std::vector<int32_t>& end_tokens() const { return end_tokens_; }
  const ByteSet& single_bytes() const { return single_bytes_; }
  std::string_view bytes_of(int32_t id) const;  // empty: the token can't stand in a text

  // The ids of one text of the trie, all that spell it.
  std::span<const int32_t> ids(int32_t token) const;

  // Slices of the plain tokens: those of at most kSliceLengths[slice] characters.
  static constexpr std::array<int32_t, 5> kSliceLengths = {1, 2, 4, 8, 16};
  const MaskWords& slice(size_t slice) const { return slices_[slice]; }
  // The tokens outside of the slice; all tokens for -1.
  const TokenTrie& trie(int slice) const;

 private:
  struct Text {
    std::string_view bytes;  // of bytes_
    int32_t first_id = 0, num_ids = 0;
    int32_t plain_length = -1;  // characters; -1: not all stand for themselves
  };

  std::vector<std::string> bytes_;  // of each id
  std::vector<Text> texts_;         // sorted, no two equal
  std::vector<int32_t> ids_;
  std::vector<int32_t> end_tokens_;
  ByteSet single_bytes_{};
  size_t num_words_ = 0;
  std::array<MaskWords, kSliceLengths.size()> slices_;
  mutable std::array<TokenTrie, kSliceLengths.size() + 1> tries_;  // made when they are asked for
  mutable std::array<std::once_flag, kSliceLengths.size() + 1> made_;
};

}  // namespace melete
