// What constraints of one grammar share: the states that texts have come to, and their masks. Kept apart from
// grammar.h since nobody else needs it.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "engine/grammar/recognizer.h"
#include "engine/grammar/vocabulary.h"

namespace melete {

// Locks itself: safe to use from many threads.
class GrammarWorkspace {
 public:
  GrammarWorkspace(std::shared_ptr<const Automaton> automaton, std::shared_ptr<const Vocabulary> vocabulary)
      : recognizer_(std::move(automaton)), vocabulary_(std::move(vocabulary)) {}

  int32_t start() const { return recognizer_.start(); }
  // kDead if the text leads out of the grammar.
  int32_t after(int32_t state, std::string_view text);
  bool accepts(int32_t state);

  // The tokens that may follow. tokens_left: what may still be written, the end token included.
  std::shared_ptr<const MaskWords> mask(int32_t state, int64_t tokens_left);

  // Tokens of a short completion: the bytes of Recognizer::canonical_byte, cut into the longest tokens.
  int64_t shortest_tokens(int32_t state);

  bool is_full();
  int32_t import(GrammarWorkspace& other, int32_t state);

 private:
  struct Mask {
    std::shared_ptr<const MaskWords> words;
    int64_t max_distance = 0;  // bytes to a complete text after the token that leads farthest away
  };

  const Mask& whole_mask(int32_t state);
  std::shared_ptr<const MaskWords> closing_mask(int32_t state, int64_t tokens_left);
  int64_t shortest_locked(int32_t state);
  int32_t after_longest_token(int32_t state);
  void allow_ends(MaskWords& words) const;
  template <class Visit>
  void walk(const TokenTrie& trie, int32_t state, Visit visit);

  std::mutex mutex_;
  Recognizer recognizer_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  std::unordered_map<int32_t, Mask> masks_;
  std::unordered_map<int32_t, int64_t> shortest_;
  int64_t mask_bytes_ = 0;
  std::vector<int32_t> path_;  // states along the trie
};

}  // namespace melete
