// A tree of the key-value pages of prompts and answers, so that a prompt whose beginning was seen before
// isn't computed again.
//
// A node holds one page of each group: 16 positions, or fewer for the end of a sequence, which has no
// children. Layers with a window have pages only where some sequence ended, so a prefix can be taken up only
// where the pages that its next position sees are there. Least recently used leaves go first when memory is
// short. What is found has the bits that computing it would give (kernels/matrix.h). Idea: RadixAttention,
// 2312.07104.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "engine/kv_pages.h"
#include "text/prompt.h"

namespace melete {

// What stands at one position: a token (high 0, low its id), or a row of a medium, by the medium's hash. A
// position's keys and values depend on these up to it and on nothing else.
struct PositionKey {
  uint64_t high = 0, low = 0;
  auto operator<=>(const PositionKey&) const = default;
};

// Of the prompt's tokens; it has passed check_prompt().
std::vector<PositionKey> position_keys(const Prompt& prompt);

struct RadixStatistics {
  int64_t nodes = 0, pages = 0, bytes = 0;           // held now; pages may be held by sequences too
  int64_t asked_positions = 0, found_positions = 0;  // over all find()
  int64_t evicted_nodes = 0;
};

// Must not outlive its pool, whose reclaim function it becomes. Not thread-safe.
class RadixCache {
 public:
  // max_bytes: of all pages held, whether sequences hold them too or not.
  RadixCache(KvPool& pool, int64_t max_bytes);
  ~RadixCache();
  RadixCache(const RadixCache&) = delete;
  RadixCache& operator=(const RadixCache&) = delete;

  struct Found {
    KvSequence sequence;  // its length says how much was found; its next position can be reserved
    int64_t known_positions =
        0;  // whole pages that would have been found but for windows' pages that are gone
  };
  // The longest prefix of keys, of at most `most` positions, that can be taken up.
  Found find(std::span<const PositionKey> keys, int64_t most);

  // Remembers a sequence's first keys.size() positions, at most its length; keys are of all of them.
  // with_rest: also the last page if it isn't full, after which the sequence must not be written to without
  // reserve(). Where the tree has an equal page, the sequence takes that one and gives up its own.
  void insert(KvSequence& sequence, std::span<const PositionKey> keys, bool with_rest);

  // Forgets some pages that no sequence holds; false if there are none.
  bool reclaim();
  void clear();

  RadixStatistics statistics() const;
  int64_t max_bytes() const { return max_bytes_; }

  // For saving and loading: nodes, parents before children, least recently used first among siblings'
  // subtrees' roots; `parent` and `node` number them from 0, -1 is the root. pages: of each group, null where
  // there is none.
  struct NodeView {
    int64_t parent;
    std::span<const PositionKey> keys;
    std::span<KvPage* const> pages;
  };
  void for_each(const std::function<void(const NodeView&)>& visit) const;
  // Adds a node below the node numbered `parent` in the order of these calls since clear(); the tree takes
  // over the references. Returns false, having released them, if the node can't stand there.
  bool restore(const NodeView& node);

 private:
  struct Node {
    Node* parent = nullptr;
    std::vector<PositionKey> keys;
    std::vector<KvPage*> pages;  // one a group
    std::map<std::vector<PositionKey>, std::unique_ptr<Node>> children;
    uint64_t used = 0;
  };
  struct ByUse {
    bool operator()(const Node* a, const Node* b) const { return a->used < b->used; }
  };
  std::pair<Node*, int64_t> closest(const Node& parent, std::span<const PositionKey> keys) const;
  std::vector<Node*> path_to(std::span<const PositionKey> keys, int64_t& matched) const;
  bool can_resume(std::span<Node* const> path, int64_t length) const;
  KvSequence resume(std::span<Node* const> path, int64_t length);
  Node* add(Node& parent, std::vector<PositionKey> keys);
  void merge_pages(Node& node, KvSequence& sequence, int64_t index);
  void touch(Node& node);
  void remove(Node& node);
  void release_pages(Node& node, bool windows_only);
  bool frees(const Node& node, bool windows_only) const;
  Node* oldest_with_windows();

  KvPool& pool_;
  int64_t max_bytes_;
  Node root_;
  std::set<Node*, ByUse> leaves_;  // `used` is distinct
  uint64_t clock_ = 0;
  std::vector<Node*> restored_;
  RadixStatistics statistics_;
};

}  // namespace melete
