// The keys and values of all sequences, in reference-counted pages of 16 positions.
//
// Layers with one window form a group, and a page holds one group's layers. A fork shares every page; a page
// is copied only when a sequence writes into one that another still holds, which can only be the last of a
// group. Layers with a window keep the pages that a later position may still see and release the rest. Idea:
// PagedAttention, 2309.06180.
#pragma once

#include <cstdint>
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
  KvLayout(const HeadShape& shape, std::span<const int64_t> windows);

  const HeadShape& shape() const { return shape_; }
  int64_t num_groups() const { return static_cast<int64_t>(groups_.size()); }
  int64_t window(int64_t group) const { return groups_[static_cast<size_t>(group)].window; }
  int64_t page_floats(int64_t group) const {
    return groups_[static_cast<size_t>(group)].num_layers * shape_.page_floats();
  }
  int64_t group_of(int64_t layer) const { return layers_[static_cast<size_t>(layer)].group; }
  int64_t offset_of(int64_t layer) const { return layers_[static_cast<size_t>(layer)].offset; }

 private:
  struct Group {
    int64_t window = 0, num_layers = 0;
  };
  struct Layer {
    int64_t group = 0, offset = 0;
  };
  HeadShape shape_;
  std::vector<Group> groups_;
  std::vector<Layer> layers_;
};

// One page; `floats` has KvLayout::page_floats(group) values.
struct KvPage {
  int64_t references = 0;
  std::unique_ptr<float[]> floats;
};

// The pages of all sequences, up to a limit. Not thread-safe.
class KvPool {
 public:
  KvPool(KvLayout layout, int64_t max_bytes)
      : layout_(std::move(layout)), max_bytes_(max_bytes), idle_(static_cast<size_t>(layout_.num_groups())) {}

  const KvLayout& layout() const { return layout_; }
  int64_t pages_in_use() const { return pages_in_use_; }

  // A page of zeros with one reference, or null if the limit is reached.
  KvPage* acquire(int64_t group);
  void share(KvPage* page) { ++page->references; }
  void release(int64_t group, KvPage* page);

 private:
  KvLayout layout_;
  int64_t max_bytes_, bytes_ = 0, pages_in_use_ = 0;
  std::vector<std::unique_ptr<KvPage>> pages_;
  std::vector<std::vector<KvPage*>> idle_;
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

  // Shares every page.
  KvSequence fork() const;

  // Makes the next `count` positions writable. Errors: exhausted; the sequence is then as it was.
  Status reserve(int64_t count);

  // After reserve(): where a layer's position lies, for write_page(), and the group's pages for AttentionRow.
  float* page_at(int64_t layer, int64_t position);
  const float* const* pages(int64_t layer) const;
  int64_t offset_of(int64_t layer) const {
    return pool_->layout().offset_of(layer);
  }  // of the layer in a page

  // The first position that a query at `position` sees in this layer.
  int64_t first_key(int64_t layer, int64_t position) const;

  // Counts `count` reserved positions as written; releases pages that no later position sees.
  void advance(int64_t count);

 private:
  struct Table {
    std::vector<KvPage*> pages;        // by position / 16, null where released
    std::vector<const float*> floats;  // the same pages' floats
  };
  void set_page(Table& table, size_t index, KvPage* page);
  bool make_writable(int64_t group, int64_t index);
  void drop_after(int64_t num_pages);

  KvPool* pool_;
  int64_t length_ = 0;
  std::vector<Table> tables_;  // one a group
};

}  // namespace melete
