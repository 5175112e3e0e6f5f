#include "engine/kv_pages.h"

#include <algorithm>
#include <utility>

namespace melete {
namespace {

int64_t pages_for(int64_t positions) { return (positions + kPagePositions - 1) / kPagePositions; }

}  // namespace

KvLayout::KvLayout(const HeadShape& shape, std::span<const int64_t> windows) : shape_(shape) {
  for (const int64_t window : windows) {
    auto group =
        std::find_if(groups_.begin(), groups_.end(), [&](const Group& g) { return g.window == window; });
    if (group == groups_.end()) group = groups_.insert(groups_.end(), Group{window, 0});
    layers_.push_back({group - groups_.begin(), group->num_layers * shape_.page_floats()});
    ++group->num_layers;
  }
}

KvPage* KvPool::acquire(int64_t group) {
  auto& idle = idle_[static_cast<size_t>(group)];
  const auto floats = static_cast<size_t>(layout_.page_floats(group));
  if (idle.empty()) {
    const auto bytes = static_cast<int64_t>(floats * sizeof(float));
    if (bytes_ + bytes > max_bytes_) return nullptr;
    bytes_ += bytes;
    pages_.push_back(std::make_unique<KvPage>());
    pages_.back()->floats = std::make_unique<float[]>(floats);
    idle.push_back(pages_.back().get());
  }
  KvPage* page = idle.back();
  idle.pop_back();
  // Attention multiplies unwritten places by zero weights; what an earlier sequence left might not be finite.
  std::fill_n(page->floats.get(), floats, 0.0f);
  page->references = 1;
  ++pages_in_use_;
  return page;
}

void KvPool::release(int64_t group, KvPage* page) {
  MELETE_CHECK(page->references > 0);
  if (--page->references > 0) return;
  idle_[static_cast<size_t>(group)].push_back(page);
  --pages_in_use_;
}

KvSequence::KvSequence(KvPool& pool)
    : pool_(&pool), tables_(static_cast<size_t>(pool.layout().num_groups())) {}

KvSequence::~KvSequence() { drop_after(0); }

KvSequence::KvSequence(KvSequence&& other) noexcept
    : pool_(other.pool_), length_(std::exchange(other.length_, 0)), tables_(std::move(other.tables_)) {
  other.tables_.clear();
}

KvSequence& KvSequence::operator=(KvSequence&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(length_, other.length_);
  std::swap(tables_, other.tables_);
  return *this;
}

KvSequence KvSequence::fork() const {
  KvSequence child(*pool_);
  child.length_ = length_;
  child.tables_ = tables_;
  for (Table& table : child.tables_) {
    for (KvPage* page : table.pages) {
      if (page != nullptr) pool_->share(page);
    }
  }
  return child;
}

void KvSequence::set_page(Table& table, size_t index, KvPage* page) {
  table.pages[index] = page;
  table.floats[index] = page == nullptr ? nullptr : page->floats.get();
}

bool KvSequence::make_writable(int64_t group, int64_t index) {
  Table& table = tables_[static_cast<size_t>(group)];
  const auto at = static_cast<size_t>(index);
  if (at < table.pages.size() && table.pages[at]->references == 1) return true;
  KvPage* page = pool_->acquire(group);
  if (page == nullptr) return false;
  if (at == table.pages.size()) {
    table.pages.push_back(nullptr);
    table.floats.push_back(nullptr);
  } else {
    KvPage* shared = table.pages[at];
    std::copy_n(shared->floats.get(), pool_->layout().page_floats(group), page->floats.get());
    pool_->release(group, shared);
  }
  set_page(table, at, page);
  return true;
}

Status KvSequence::reserve(int64_t count) {
  for (int64_t group = 0; group < pool_->layout().num_groups(); ++group) {
    for (int64_t index = length_ / kPagePositions; index < pages_for(length_ + count); ++index) {
      if (make_writable(group, index)) continue;
      drop_after(pages_for(length_));
      return exhausted("[engine] the key-value cache must have room for ", count, " more positions, got ",
                       pool_->pages_in_use(),
                       " pages in use; release sequences, or allow the cache more memory");
    }
  }
  return ok_status();
}

float* KvSequence::page_at(int64_t layer, int64_t position) {
  const KvLayout& layout = pool_->layout();
  KvPage* page = tables_[static_cast<size_t>(layout.group_of(layer))]
                     .pages[static_cast<size_t>(position / kPagePositions)];
  return page->floats.get() + layout.offset_of(layer);
}

const float* const* KvSequence::pages(int64_t layer) const {
  return tables_[static_cast<size_t>(pool_->layout().group_of(layer))].floats.data();
}

int64_t KvSequence::first_key(int64_t layer, int64_t position) const {
  const int64_t window = pool_->layout().window(pool_->layout().group_of(layer));
  return window > 0 ? std::max<int64_t>(0, position - window + 1) : 0;
}

void KvSequence::advance(int64_t count) {
  length_ += count;
  for (int64_t group = 0; group < pool_->layout().num_groups(); ++group) {
    const int64_t window = pool_->layout().window(group);
    if (window == 0) continue;
    Table& table = tables_[static_cast<size_t>(group)];
    const int64_t keep = std::max<int64_t>(0, length_ - window + 1) / kPagePositions;
    for (int64_t index = std::min(keep, static_cast<int64_t>(table.pages.size())) - 1; index >= 0; --index) {
      KvPage* page = table.pages[static_cast<size_t>(index)];
      if (page == nullptr) break;
      pool_->release(group, page);
      set_page(table, static_cast<size_t>(index), nullptr);
    }
  }
}

void KvSequence::drop_after(int64_t num_pages) {
  for (size_t group = 0; group < tables_.size(); ++group) {
    Table& table = tables_[group];
    while (static_cast<int64_t>(table.pages.size()) > num_pages) {
      if (table.pages.back() != nullptr) pool_->release(static_cast<int64_t>(group), table.pages.back());
      table.pages.pop_back();
      table.floats.pop_back();
    }
  }
}

}  // namespace melete
