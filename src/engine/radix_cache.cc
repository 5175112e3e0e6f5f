#include "engine/radix_cache.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace melete {
namespace {

int64_t common_length(std::span<const PositionKey> a, std::span<const PositionKey> b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

}  // namespace

std::vector<PositionKey> position_keys(const Prompt& prompt) {
  static std::atomic<uint64_t> num_unknown{0};
  std::vector<PositionKey> keys;
  keys.reserve(prompt.tokens.size());
  for (const int32_t id : prompt.tokens) keys.push_back({0, static_cast<uint64_t>(id)});
  for (const MediaSpan& span : prompt.spans) {
    const auto& hash = prompt.media[static_cast<size_t>(span.media_index)]->hash;
    PositionKey medium;
    std::memcpy(&medium.high, hash.data(), 8);
    std::memcpy(&medium.low, hash.data() + 8, 8);
    const bool known = medium != PositionKey{};
    medium.high = (medium.high | uint64_t{1} << 63) & ~(uint64_t{1} << 62);
    // Of a medium without a hash nothing is known, so it equals none.
    if (!known) medium = {uint64_t{3} << 62, ++num_unknown << 32};
    for (int64_t i = 0; i < span.num_tokens; ++i)
      keys[static_cast<size_t>(span.begin + i)] = {
          medium.high, medium.low + static_cast<uint64_t>(span.media_row + i) * 0x9E3779B97F4A7C15u};
  }
  return keys;
}

RadixCache::RadixCache(KvPool& pool, int64_t max_bytes) : pool_(pool), max_bytes_(max_bytes) {
  pool_.set_reclaim([this] { return reclaim(); });
}

RadixCache::~RadixCache() {
  clear();
  pool_.set_reclaim(nullptr);
}

// The child that has the longest beginning in common with keys, and its length. Children are sorted, so it is
// a neighbour of where keys would stand.
std::pair<RadixCache::Node*, int64_t> RadixCache::closest(const Node& parent,
                                                          std::span<const PositionKey> keys) const {
  const auto page = keys.first(std::min<size_t>(keys.size(), kPagePositions));
  auto after = parent.children.lower_bound({page.begin(), page.end()});
  std::pair<Node*, int64_t> best{nullptr, 0};
  const auto consider = [&](Node* node) {
    const int64_t length = common_length(node->keys, page);
    if (length > best.second) best = {node, length};
  };
  if (after != parent.children.end()) consider(after->second.get());
  if (after != parent.children.begin()) consider(std::prev(after)->second.get());
  return best;
}

// The nodes that keys lead through; the last may agree only with its first positions.
std::vector<RadixCache::Node*> RadixCache::path_to(std::span<const PositionKey> keys,
                                                   int64_t& matched) const {
  std::vector<Node*> path;
  matched = 0;
  const Node* at = &root_;
  while (true) {
    const auto [child, length] = closest(*at, keys.subspan(static_cast<size_t>(matched)));
    if (child == nullptr) return path;
    path.push_back(child);
    matched += length;
    if (length < kPagePositions) return path;
    at = child;
  }
}

bool RadixCache::can_resume(std::span<Node* const> path, int64_t length) const {
  const KvLayout& layout = pool_.layout();
  for (int64_t group = 0; group < layout.num_groups(); ++group) {
    if (layout.window(group) == 0) continue;
    for (int64_t page = layout.first_page(group, length); page * kPagePositions < length; ++page) {
      if (path[static_cast<size_t>(page)]->pages[static_cast<size_t>(group)] == nullptr) return false;
    }
  }
  return true;
}

KvSequence RadixCache::resume(std::span<Node* const> path, int64_t length) {
  const KvLayout& layout = pool_.layout();
  const int64_t num_pages = (length + kPagePositions - 1) / kPagePositions;
  std::vector<std::vector<KvPage*>> pages(static_cast<size_t>(layout.num_groups()));
  for (int64_t group = 0; group < layout.num_groups(); ++group) {
    auto& list = pages[static_cast<size_t>(group)];
    list.resize(static_cast<size_t>(num_pages));
    const int64_t first = layout.first_page(group, length / kPagePositions * kPagePositions);
    for (int64_t i = num_pages - 1; i >= first; --i) {
      KvPage* page = path[static_cast<size_t>(i)]->pages[static_cast<size_t>(group)];
      if (page == nullptr) break;
      pool_.share(page);
      list[static_cast<size_t>(i)] = page;
    }
  }
  KvSequence sequence(pool_);
  sequence.assume(length, std::move(pages));
  return sequence;
}

RadixCache::Found RadixCache::find(std::span<const PositionKey> keys, int64_t most) {
  int64_t matched = 0;
  const std::vector<Node*> path = path_to(keys, matched);
  const int64_t limit = std::min({matched, most, std::ssize(keys)});
  int64_t length = limit;
  while (length > 0 && !can_resume(path, length)) length = (length - 1) / kPagePositions * kPagePositions;
  statistics_.asked_positions += std::ssize(keys);
  statistics_.found_positions += length;
  const int64_t used = (length + kPagePositions - 1) / kPagePositions;
  for (int64_t i = 0; i < used; ++i) touch(*path[static_cast<size_t>(i)]);
  return {resume(path, length), limit / kPagePositions * kPagePositions};
}

RadixCache::Node* RadixCache::add(Node& parent, std::vector<PositionKey> keys) {
  auto node = std::make_unique<Node>();
  node->parent = &parent;
  node->keys = keys;
  node->pages.resize(static_cast<size_t>(pool_.layout().num_groups()));
  node->used = ++clock_;
  Node* added = node.get();
  if (&parent != &root_ && parent.children.empty()) leaves_.erase(&parent);
  parent.children.emplace(std::move(keys), std::move(node));
  leaves_.insert(added);
  ++statistics_.nodes;
  return added;
}

void RadixCache::merge_pages(Node& node, KvSequence& sequence, int64_t index) {
  for (int64_t group = 0; group < pool_.layout().num_groups(); ++group) {
    KvPage* theirs = sequence.page(group, index);
    KvPage*& ours = node.pages[static_cast<size_t>(group)];
    if (theirs == nullptr) continue;
    if (ours != nullptr) {
      sequence.exchange(group, index, ours);
      continue;
    }
    pool_.share(theirs);
    pool_.set_cached(theirs, true);
    ours = theirs;
    ++statistics_.pages;
    statistics_.bytes += pool_.layout().page_bytes(group);
  }
}

void RadixCache::insert(KvSequence& sequence, std::span<const PositionKey> keys, bool with_rest) {
  MELETE_CHECK(std::ssize(keys) <= sequence.length(), keys.size(), " of ", sequence.length());
  Node* at = &root_;
  for (int64_t begin = 0; begin < std::ssize(keys); begin += kPagePositions) {
    const auto rest = keys.subspan(static_cast<size_t>(begin));
    const auto own = rest.first(std::min<size_t>(rest.size(), kPagePositions));
    const bool full = own.size() == kPagePositions;
    if (!full && !with_rest) break;
    auto [child, length] = closest(*at, own);
    if (child != nullptr && length < std::ssize(own) && length == std::ssize(child->keys)) {
      // A shorter end of another sequence, of which this page has everything.
      remove(*child);
      child = nullptr;
    }
    if (child == nullptr || length < std::ssize(own)) child = add(*at, {own.begin(), own.end()});
    // A node that goes on further has positions that this sequence's page lacks.
    if (child->keys.size() == own.size()) merge_pages(*child, sequence, begin / kPagePositions);
    touch(*child);
    at = child;
  }
  while (statistics_.bytes > max_bytes_ && !leaves_.empty()) remove(**leaves_.begin());
}

void RadixCache::touch(Node& node) {
  const bool is_leaf = leaves_.erase(&node) > 0;
  node.used = ++clock_;
  if (is_leaf) leaves_.insert(&node);
}

void RadixCache::release_pages(Node& node, bool windows_only) {
  for (int64_t group = 0; group < pool_.layout().num_groups(); ++group) {
    KvPage*& page = node.pages[static_cast<size_t>(group)];
    if (page == nullptr || (windows_only && pool_.layout().window(group) == 0)) continue;
    pool_.set_cached(page, false);
    pool_.release(group, page);
    page = nullptr;
    --statistics_.pages;
    statistics_.bytes -= pool_.layout().page_bytes(group);
  }
}

// Only of leaves.
void RadixCache::remove(Node& node) {
  release_pages(node, false);
  leaves_.erase(&node);
  --statistics_.nodes;
  ++statistics_.evicted_nodes;
  Node* parent = node.parent;
  parent->children.erase(parent->children.find(node.keys));
  if (parent != &root_ && parent->children.empty()) leaves_.insert(parent);
}

// Whether giving up its pages gives memory back.
bool RadixCache::frees(const Node& node, bool windows_only) const {
  for (int64_t group = 0; group < pool_.layout().num_groups(); ++group) {
    const KvPage* page = node.pages[static_cast<size_t>(group)];
    if (page == nullptr || (windows_only && pool_.layout().window(group) == 0)) continue;
    if (page->references == 1) return true;
  }
  return false;
}

// The least recently used node whose windows' pages nothing else holds.
RadixCache::Node* RadixCache::oldest_with_windows() {
  Node* oldest = nullptr;
  std::vector<Node*> open{&root_};
  while (!open.empty()) {
    Node* node = open.back();
    open.pop_back();
    if (node != &root_ && (oldest == nullptr || node->used < oldest->used) && frees(*node, true))
      oldest = node;
    for (const auto& [keys, child] : node->children) open.push_back(child.get());
  }
  return oldest;
}

bool RadixCache::reclaim() {
  for (Node* leaf : leaves_) {
    if (!frees(*leaf, false)) continue;
    remove(*leaf);
    return true;
  }
  Node* node = oldest_with_windows();
  if (node == nullptr) return false;
  release_pages(*node, true);
  return true;
}

void RadixCache::clear() {
  while (!leaves_.empty()) remove(**leaves_.begin());
  restored_.clear();
}

RadixStatistics RadixCache::statistics() const { return statistics_; }

void RadixCache::for_each(const std::function<void(const NodeView&)>& visit) const {
  struct Pending {
    const Node* node;
    int64_t parent;
  };
  const auto by_use = [](const Pending& a, const Pending& b) { return a.node->used < b.node->used; };
  std::vector<Pending> order;
  const auto append_children = [&](const Node& node, int64_t number) {
    const auto begin = std::ssize(order);
    for (const auto& [keys, child] : node.children) order.push_back({child.get(), number});
    std::sort(order.begin() + begin, order.end(), by_use);
  };
  append_children(root_, -1);
  for (size_t i = 0; i < order.size(); ++i) {
    const Node* node = order[i].node;
    visit({order[i].parent, node->keys, node->pages});
    append_children(*node, static_cast<int64_t>(i));
  }
}

bool RadixCache::restore(const NodeView& view) {
  Node* parent = view.parent < 0 ? &root_ : nullptr;
  if (view.parent >= 0 && view.parent < std::ssize(restored_))
    parent = restored_[static_cast<size_t>(view.parent)];
  bool fits = parent != nullptr && (parent == &root_ || parent->keys.size() == kPagePositions) &&
              !view.keys.empty() && view.keys.size() <= kPagePositions;
  for (int64_t group = 0; group < pool_.layout().num_groups(); ++group)
    fits = fits && (pool_.layout().window(group) > 0 || view.pages[static_cast<size_t>(group)] != nullptr);
  if (fits) {
    const auto [child, length] = closest(*parent, view.keys);
    fits = child == nullptr || length < std::min(std::ssize(child->keys), std::ssize(view.keys));
  }
  Node* node = fits ? add(*parent, {view.keys.begin(), view.keys.end()}) : nullptr;
  for (size_t group = 0; group < view.pages.size(); ++group) {
    if (view.pages[group] == nullptr) continue;
    if (node == nullptr) {
      pool_.release(static_cast<int64_t>(group), view.pages[group]);
      continue;
    }
    node->pages[group] = view.pages[group];
    pool_.set_cached(view.pages[group], true);
    ++statistics_.pages;
    statistics_.bytes += pool_.layout().page_bytes(static_cast<int64_t>(group));
  }
  restored_.push_back(node);
  return fits;
}

}  // namespace melete
