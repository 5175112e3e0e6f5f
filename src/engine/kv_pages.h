// The keys and values of all sequences, in reference-counted pages of 16 positions.
//
// Layers with one window form a group, and a page holds one group's layers. A fork shares every page; a page
// is copied only when a sequence writes into one that another still holds, which can only be the last of a
// group. Layers with a window keep the pages that a position from the last page boundary on may still see and
// release the rest. Idea: PagedAttention, 2309.06180.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "kernels/attention.h"

namespace melete {

// Where each layer's keys and values lie.
class KvLayout {
 public:
  // windows: of each layer, 0 for one that sees everything.
  KvLayout(const HeadShape& shape, KvType type, std::span<const int64_t> windows);

  const PageShape& shape() const { return shape_; }
  int64_t num_layers() const { return static_cast<int64_t>(layers_.size()); }
  int64_t num_groups() const { return static_cast<int64_t>(groups_.size()); }
  int64_t window(int64_t group) const { return groups_[static_cast<size_t>(group)].window; }
  int64_t page_bytes(int64_t group) const {
    return groups_[static_cast<size_t>(group)].num_layers * shape_.bytes();
  }
  int64_t group_of(int64_t layer) const { return layers_[static_cast<size_t>(layer)].group; }
  int64_t offset_of(int64_t layer) const { return layers_[static_cast<size_t>(layer)].offset; }

  // The first position, and the page with it, that a query at `position` sees.
  int64_t first_key(int64_t group, int64_t position) const {
    return window(group) > 0 ? std::max<int64_t>(0, position - window(group) + 1) : 0;
  }
  int64_t first_page(int64_t group, int64_t position) const {
    return first_key(group, position) / kPagePositions;
  }

 private:
  struct Group {
    int64_t window = 0, num_layers = 0;
  };
  struct Layer {
    int64_t group = 0, offset = 0;
  };
  PageShape shape_;
  std::vector<Group> groups_;
  std::vector<Layer> layers_;
};

// One page; `bytes` has KvLayout::page_bytes(group), at a multiple of 64.
struct KvPage {
  int64_t references = 0;
  int64_t group = 0;
  bool cached = false;  // one of the references is a cache's
  std::shared_ptr<std::byte> bytes;
};

// The pages of all sequences, up to a limit. Not thread-safe.
class KvPool {
 public:
  KvPool(KvLayout layout, int64_t max_bytes)
      : layout_(std::move(layout)),
        max_bytes_(max_bytes),
        groups_(static_cast<size_t>(layout_.num_groups())) {}
  ~KvPool();
  KvPool(const KvPool&) = delete;
  KvPool& operator=(const KvPool&) = delete;

  const KvLayout& layout() const { return layout_; }
  int64_t max_bytes() const { return max_bytes_; }
  int64_t pages_in_use() const { return pages_in_use_; }
  int64_t bytes_in_use() const { return bytes_in_use_; }
  // Of those, what nothing but a cache holds.
  int64_t cached_pages() const { return cached_pages_; }
  int64_t cached_bytes() const { return cached_bytes_; }

  // Called when the limit is reached: releases some pages that are held only to be found again, or returns
  // false if there are none.
  void set_reclaim(std::function<bool()> reclaim) { reclaim_ = std::move(reclaim); }

  // A page of zeros with one reference, or null if the limit is reached.
  KvPage* acquire(int64_t group) { return take(group, nullptr); }
  // A page with the bytes of another of its group.
  KvPage* copy(int64_t group, const KvPage& page) { return take(group, &page); }
  void share(KvPage* page) {
    count_cached(*page, -1);
    ++page->references;
  }
  void release(int64_t group, KvPage* page);
  // Whether one of the references is a cache's.
  void set_cached(KvPage* page, bool cached) {
    count_cached(*page, -1);
    page->cached = cached;
    count_cached(*page, 1);
  }

 private:
  struct Group {
    std::vector<std::unique_ptr<KvPage>> idle;
  };
  // Adds `sign` pages to those that only a cache holds, if this is one.
  void count_cached(const KvPage& page, int64_t sign) {
    if (!page.cached || page.references != 1) return;
    cached_pages_ += sign;
    cached_bytes_ += sign * layout_.page_bytes(page.group);
  }
  KvPage* take(int64_t group, const KvPage* source);
  bool make_room(int64_t group);

  KvLayout layout_;
  int64_t max_bytes_, bytes_held_ = 0, bytes_in_use_ = 0, pages_in_use_ = 0;
  int64_t cached_pages_ = 0, cached_bytes_ = 0;
  std::vector<Group> groups_;
  std::function<bool()> reclaim_;
};

// One sequence's positions. Must not outlive its pool.
class KvSequence {
 public:
  explicit KvSequence(KvPool& pool);
  KvSequence(KvSequence&& other) noexcept;
  KvSequence& operator=(KvSequence&& other) noexcept;
  KvSequence(const KvSequence&) = delete;
  ~KvSequence();

  int64_t length() const { return length_; }
  const KvLayout& layout() const { return pool_->layout(); }

  // Shares every page.
  KvSequence fork() const;

  // Makes the next `count` positions writable. Errors: exhausted; the sequence is then as it was.
  Status reserve(int64_t count);

  // After reserve(): where a layer's position lies, for write_page(), and the group's pages for AttentionRow.
  std::byte* page_at(int64_t layer, int64_t position);
  const std::byte* const* pages(int64_t layer) const;

  // The first position that a query at `position` sees in this layer.
  int64_t first_key(int64_t layer, int64_t position) const {
    return layout().first_key(layout().group_of(layer), position);
  }

  // Counts `count` reserved positions as written; releases pages that no later position sees.
  void advance(int64_t count);

  // Forgets the positions from `length` on, which mustn't lie before the last page boundary that advance()
  // has passed if a group has a window.
  void truncate(int64_t length);

  // For caches of pages. By page number; null where released.
  KvPage* page(int64_t group, int64_t index) const;
  // Holds `page` in place of its own, which has the same contents.
  void exchange(int64_t group, int64_t index, KvPage* page);
  // An empty sequence takes over `length` positions: of each group ceil(length / 16) pages, null where no
  // later position sees them, with a reference each that becomes its own.
  void assume(int64_t length, std::vector<std::vector<KvPage*>> pages);

 private:
  struct Table {
    std::vector<KvPage*> pages;           // by position / 16, null where released
    std::vector<const std::byte*> bytes;  // the same pages' contents
  };
  void set_page(Table& table, size_t index, KvPage* page);
  bool make_writable(int64_t group, int64_t index);
  void drop_after(int64_t num_pages);

  KvPool* pool_;
  int64_t length_ = 0;
  std::vector<Table> tables_;  // one a group
};

}  // namespace melete
