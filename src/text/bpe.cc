#include "text/bpe.h"

#include <bit>
#include <cstddef>
#include <queue>
#include <tuple>

namespace melete {
namespace {

constexpr size_t kShort = 64;  // symbols up to which a quadratic scan beats a heap

uint64_t key_of(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

uint64_t hash_of(uint64_t key) {
  key *= 0x9E3779B97F4A7C15ULL;
  return key ^ (key >> 32);
}

}  // namespace

MergeTable::MergeTable(const std::vector<Merge>& merges)
    : slots_(std::bit_ceil(merges.size() * 2 + 2)), mask_(slots_.size() - 1) {
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const uint64_t key = key_of(merges[rank].left, merges[rank].right);
    uint64_t slot = hash_of(key) & mask_;
    while (slots_[slot].rank >= 0 && slots_[slot].key != key) slot = (slot + 1) & mask_;
    slots_[slot] = {key, static_cast<int32_t>(rank), merges[rank].result};
  }
}

const MergeTable::Entry* MergeTable::find(int32_t left, int32_t right) const {
  const uint64_t key = key_of(left, right);
  for (uint64_t slot = hash_of(key) & mask_;; slot = (slot + 1) & mask_) {
    const Entry& entry = slots_[slot];
    if (entry.rank < 0) return nullptr;
    if (entry.key == key) return &entry;
  }
}

namespace {

void merge_short(const MergeTable& merges, std::vector<int32_t>& symbols) {
  const MergeTable::Entry* pairs[kShort];
  for (size_t i = 0; i + 1 < symbols.size(); ++i) pairs[i] = merges.find(symbols[i], symbols[i + 1]);
  for (size_t count = symbols.size(); count > 1;) {
    size_t best = count;
    for (size_t i = 0; i + 1 < count; ++i)
      if (pairs[i] && (best == count || pairs[i]->rank < pairs[best]->rank)) best = i;
    if (best == count) break;
    symbols[best] = pairs[best]->result;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    --count;
    for (size_t i = best + 1; i + 1 < count; ++i) pairs[i] = pairs[i + 1];
    if (best > 0) pairs[best - 1] = merges.find(symbols[best - 1], symbols[best]);
    if (best + 1 < count) pairs[best] = merges.find(symbols[best], symbols[best + 1]);
  }
}

void merge_long(const MergeTable& merges, std::vector<int32_t>& symbols) {
  const auto size = static_cast<int32_t>(symbols.size());
  std::vector<int32_t> previous(symbols.size()), next(symbols.size());
  using Candidate = std::tuple<int32_t, int32_t, int32_t, int32_t>;  // rank, position, left, right
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;
  const auto consider = [&](int32_t at) {
    if (at < 0 || next[static_cast<size_t>(at)] >= size) return;
    const int32_t left = symbols[static_cast<size_t>(at)];
    const int32_t right = symbols[static_cast<size_t>(next[static_cast<size_t>(at)])];
    if (const auto* entry = merges.find(left, right)) candidates.emplace(entry->rank, at, left, right);
  };
  for (int32_t i = 0; i < size; ++i)
    previous[static_cast<size_t>(i)] = i - 1, next[static_cast<size_t>(i)] = i + 1;
  for (int32_t i = 0; i < size; ++i) consider(i);
  while (!candidates.empty()) {
    const auto [rank, at, left, right] = candidates.top();
    candidates.pop();
    const int32_t after = next[static_cast<size_t>(at)];
    const bool is_stale = symbols[static_cast<size_t>(at)] != left || after >= size ||
                          symbols[static_cast<size_t>(after)] != right;
    if (is_stale) continue;
    symbols[static_cast<size_t>(at)] = merges.find(left, right)->result;
    symbols[static_cast<size_t>(after)] = -1;
    const int32_t beyond = next[static_cast<size_t>(after)];
    next[static_cast<size_t>(at)] = beyond;
    if (beyond < size) previous[static_cast<size_t>(beyond)] = at;
    consider(previous[static_cast<size_t>(at)]);
    consider(at);
  }
  std::erase(symbols, -1);
}

}  // namespace

void apply_merges(const MergeTable& merges, std::vector<int32_t>& symbols) {
  symbols.size() <= kShort ? merge_short(merges, symbols) : merge_long(merges, symbols);
}

Bpe::Bpe(std::vector<std::string> token_bytes, const std::vector<Merge>& merges, bool ignore_merges)
    : token_bytes_(std::move(token_bytes)),
      merges_(merges),
      known_(token_bytes_.size()),
      whole_(token_bytes_.size()) {
  byte_ids_.fill(-1);
  for (size_t id = 0; id < token_bytes_.size(); ++id) {
    const std::string& bytes = token_bytes_[id];
    if (bytes.size() == 1) byte_ids_[static_cast<uint8_t>(bytes[0])] = static_cast<int32_t>(id);
    if (!bytes.empty()) known_.add(bytes, static_cast<int32_t>(id));
    whole_[id].store(ignore_merges ? static_cast<int32_t>(id) : kUnknown, std::memory_order_relaxed);
  }
}

void Bpe::encode(std::string_view piece, std::vector<int32_t>& ids) const {
  const int32_t known = known_.find(piece);
  if (known < 0) return merge(piece, ids);
  std::atomic<int32_t>& whole = whole_[static_cast<size_t>(known)];
  const int32_t id = whole.load(std::memory_order_relaxed);
  if (id >= 0) return ids.push_back(id);
  const size_t begin = ids.size();
  merge(piece, ids);
  if (id == kUnknown) whole.store(ids.size() == begin + 1 ? ids.back() : kSeveral, std::memory_order_relaxed);
}

void Bpe::merge(std::string_view piece, std::vector<int32_t>& ids) const {
  std::vector<int32_t> symbols;
  symbols.reserve(piece.size());
  for (const char c : piece)
    if (const int32_t id = byte_ids_[static_cast<uint8_t>(c)]; id >= 0) symbols.push_back(id);
  apply_merges(merges_, symbols);
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

}  // namespace melete
