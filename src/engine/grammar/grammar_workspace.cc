#include "engine/grammar/grammar_workspace.h"

#include <algorithm>

namespace melete {
namespace {

// Places looked at for one mask; beyond it only tokens of one byte are tried, so that the time is bounded and
// the text can still go on.
constexpr int64_t kMaxMaskWork = 1'000'000;
constexpr int64_t kMaxStateBytes = int64_t{64} << 20, kMaxMaskBytes = int64_t{64} << 20;

void allow(std::span<const int32_t> ids, MaskWords& words) {
  for (const int32_t id : ids) words[static_cast<size_t>(id) / 32] |= 1u << (id % 32);
}

}  // namespace

// Calls visit(token, state after it) for every token of the trie that the grammar goes along with.
template <class Visit>
void GrammarWorkspace::walk(const TokenTrie& trie, int32_t state, Visit visit) {
  path_.assign(1, state);
  int64_t work = 0;
  const auto size = static_cast<int32_t>(trie.nodes.size());
  for (int32_t i = 1; i < size;) {
    const TrieNode& node = trie.nodes[static_cast<size_t>(i)];
    const bool is_late = work > kMaxMaskWork && node.depth > 1;
    const int32_t after =
        is_late ? Recognizer::kDead : recognizer_.next(path_[node.depth - size_t{1}], node.byte);
    if (after == Recognizer::kDead) {
      i = node.end;
      continue;
    }
    work += recognizer_.cost(after);
    path_.resize(node.depth + size_t{1});
    path_[node.depth] = after;
    if (node.token >= 0) visit(node.token, after);
    ++i;
  }
}

void GrammarWorkspace::allow_ends(MaskWords& words) const { allow(vocabulary_->end_tokens(), words); }

const GrammarWorkspace::Mask& GrammarWorkspace::whole_mask(int32_t state) {
  if (const auto found = masks_.find(state); found != masks_.end()) return found->second;
  if (mask_bytes_ > kMaxMaskBytes) {
    masks_.clear();
    mask_bytes_ = 0;
  }
  const int32_t run = recognizer_.free_run(state);
  const auto& lengths = Vocabulary::kSliceLengths;
  const auto slice =
      static_cast<int>(std::upper_bound(lengths.begin(), lengths.end(), run) - lengths.begin()) - 1;
  MaskWords words =
      slice >= 0 ? vocabulary_->slice(static_cast<size_t>(slice)) : MaskWords(vocabulary_->num_words());
  int64_t max_distance = 0;
  int32_t along = state;
  for (int32_t i = 0; slice >= 0 && i < lengths[static_cast<size_t>(slice)]; ++i) {
    along = recognizer_.next(along, 'a');
    max_distance = std::max<int64_t>(max_distance, recognizer_.distance(along));
  }
  walk(vocabulary_->trie(slice), state, [&](int32_t token, int32_t after) {
    allow(vocabulary_->ids(token), words);
    max_distance = std::max<int64_t>(max_distance, recognizer_.distance(after));
  });
  if (recognizer_.accepts(state)) allow_ends(words);
  mask_bytes_ += static_cast<int64_t>(words.size() * sizeof(uint32_t)) + 64;
  return masks_[state] = {std::make_shared<const MaskWords>(std::move(words)), max_distance};
}

// Only what can still be completed in time; if nothing can, the shortest way.
std::shared_ptr<const MaskWords> GrammarWorkspace::closing_mask(int32_t state, int64_t tokens_left) {
  MaskWords words(vocabulary_->num_words());
  if (recognizer_.accepts(state)) allow_ends(words);
  bool any = recognizer_.accepts(state);
  walk(vocabulary_->trie(-1), state, [&](int32_t token, int32_t after) {
    const int64_t distance = recognizer_.distance(after);
    if (distance + 2 > tokens_left && shortest_locked(after) + 2 > tokens_left) return;
    allow(vocabulary_->ids(token), words);
    any = true;
  });
  if (any) return std::make_shared<const MaskWords>(std::move(words));
  const int32_t target = after_longest_token(state);
  const int64_t least = shortest_locked(target);
  walk(vocabulary_->trie(-1), state, [&](int32_t token, int32_t after) {
    if (shortest_locked(after) <= least) allow(vocabulary_->ids(token), words);
  });
  return std::make_shared<const MaskWords>(std::move(words));
}

std::shared_ptr<const MaskWords> GrammarWorkspace::mask(int32_t state, int64_t tokens_left) {
  const std::lock_guard lock(mutex_);
  const Mask& whole = whole_mask(state);
  // A byte is at least a token, so this many tokens always suffice.
  return whole.max_distance + 2 <= tokens_left ? whole.words : closing_mask(state, tokens_left);
}

// The state after the longest token that begins the canonical completion.
int32_t GrammarWorkspace::after_longest_token(int32_t state) {
  const TokenTrie& trie = vocabulary_->trie(-1);
  int32_t node = 0, after = state, best = Recognizer::kDead;
  while (!recognizer_.accepts(after)) {
    const uint8_t byte = recognizer_.canonical_byte(after);
    node = trie.child(node, byte);
    if (node < 0) break;
    after = recognizer_.next(after, byte);
    if (after == Recognizer::kDead) break;
    if (trie.nodes[static_cast<size_t>(node)].token >= 0) best = after;
  }
  return best;
}

int64_t GrammarWorkspace::shortest_locked(int32_t state) {
  std::vector<int32_t> chain;
  int64_t count = 0;
  for (;;) {
    if (recognizer_.accepts(state)) break;
    if (const auto known = shortest_.find(state); known != shortest_.end()) {
      count = known->second;
      break;
    }
    chain.push_back(state);
    const int32_t after = after_longest_token(state);
    if (after == Recognizer::kDead) {  // the recognizer's limit of places: there is no way
      count = INT32_MAX;
      break;
    }
    state = after;
  }
  for (; !chain.empty(); chain.pop_back()) shortest_[chain.back()] = ++count;
  return count;
}

int64_t GrammarWorkspace::shortest_tokens(int32_t state) {
  const std::lock_guard lock(mutex_);
  return shortest_locked(state);
}

int32_t GrammarWorkspace::after(int32_t state, std::string_view text) {
  const std::lock_guard lock(mutex_);
  for (const char c : text) state = recognizer_.next(state, static_cast<uint8_t>(c));
  return state;
}

bool GrammarWorkspace::accepts(int32_t state) {
  const std::lock_guard lock(mutex_);
  return recognizer_.accepts(state);
}

bool GrammarWorkspace::is_full() {
  const std::lock_guard lock(mutex_);
  return recognizer_.bytes_held() > kMaxStateBytes;
}

int32_t GrammarWorkspace::import(GrammarWorkspace& other, int32_t state) {
  const std::scoped_lock lock(mutex_, other.mutex_);
  return recognizer_.import(other.recognizer_, state);
}

}  // namespace melete
