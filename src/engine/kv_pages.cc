#include "engine/kv_pages.h"

#include <cstring>
#include <new>
#include <utility>

#include "kernels/weight_memory.h"

namespace melete {
namespace {

constexpr std::align_val_t kPageAlignment{64};

// Huge pages' memory is given back only with all of its region, so pages that may be given up one by one
// don't lie there. Where they lie apart, reading them costs an address translation each 4 KiB.
std::shared_ptr<std::byte> allocate_page(int64_t bytes, bool may_be_given_up) {
  if (!may_be_given_up) return allocate_weights(bytes);
  return {static_cast<std::byte*>(::operator new[](static_cast<size_t>(bytes), kPageAlignment)),
          [](std::byte* p) { ::operator delete[](p, kPageAlignment); }};
}

}  // namespace

KvLayout::KvLayout(const HeadShape& shape, KvType type, std::span<const int64_t> windows)
    : shape_{shape, type} {
  for (const int64_t window : windows) {
    auto group =
        std::find_if(groups_.begin(), groups_.end(), [&](const Group& g) { return g.window == window; });
    if (group == groups_.end()) group = groups_.insert(groups_.end(), Group{window, 0});
    layers_.push_back({group - groups_.begin(), group->num_layers * shape_.bytes()});
    ++group->num_layers;
  }
}

KvPool::~KvPool() { MELETE_CHECK(pages_in_use_ == 0, pages_in_use_, " pages outlive their pool"); }

// Gives up an idle page of another group, or asks for pages back.
bool KvPool::make_room(int64_t group) {
  for (int64_t other = 0; other < layout_.num_groups(); ++other) {
    auto& idle = groups_[static_cast<size_t>(other)].idle;
    if (other == group || idle.empty()) continue;
    idle.pop_back();
    bytes_held_ -= layout_.page_bytes(other);
    return true;
  }
  return reclaim_ && reclaim_();
}

KvPage* KvPool::take(int64_t group, const KvPage* source) {
  auto& idle = groups_[static_cast<size_t>(group)].idle;
  const int64_t bytes = layout_.page_bytes(group);
  while (idle.empty()) {
    if (bytes_held_ + bytes <= max_bytes_) {
      bytes_held_ += bytes;
      idle.push_back(std::make_unique<KvPage>());
      idle.back()->bytes = allocate_page(bytes, layout_.num_groups() > 1);
    } else if (!make_room(group)) {
      return nullptr;
    }
  }
  KvPage* page = idle.back().release();
  idle.pop_back();
  // Attention multiplies unwritten places by zero weights; what an earlier sequence left might not be finite.
  if (source == nullptr) {
    std::memset(page->bytes.get(), 0, static_cast<size_t>(bytes));
  } else {
    std::memcpy(page->bytes.get(), source->bytes.get(), static_cast<size_t>(bytes));
  }
  page->references = 1;
  page->group = group;
  ++pages_in_use_;
  bytes_in_use_ += bytes;
  return page;
}

void KvPool::release(int64_t group, KvPage* page) {
  MELETE_CHECK(page->references > 0);
  count_cached(*page, -1);
  if (--page->references > 0) return count_cached(*page, 1);
  page->cached = false;
  groups_[static_cast<size_t>(group)].idle.emplace_back(page);
  --pages_in_use_;
  bytes_in_use_ -= layout_.page_bytes(group);
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
  table.bytes[index] = page == nullptr ? nullptr : page->bytes.get();
}

bool KvSequence::make_writable(int64_t group, int64_t index) {
  Table& table = tables_[static_cast<size_t>(group)];
  const auto at = static_cast<size_t>(index);
  const bool exists = at < table.pages.size();
  if (exists && table.pages[at]->references == 1) return true;
  KvPage* page = exists ? pool_->copy(group, *table.pages[at]) : pool_->acquire(group);
  if (page == nullptr) return false;
  if (exists) {
    pool_->release(group, table.pages[at]);
  } else {
    table.pages.push_back(nullptr);
    table.bytes.push_back(nullptr);
  }
  set_page(table, at, page);
  return true;
}

Status KvSequence::reserve(int64_t count) {
  for (int64_t group = 0; group < layout().num_groups(); ++group) {
    for (int64_t index = length_ / kPagePositions; index < pages_for(length_ + count); ++index) {
      if (make_writable(group, index)) continue;
      drop_after(pages_for(length_));
      return exhausted("[engine] the key-value cache must have room for ", count, " more positions, got ",
                       pool_->bytes_in_use() >> 20, " MiB of ", pool_->max_bytes() >> 20,
                       " MiB in use; release sequences, or allow the cache more memory");
    }
  }
  return ok_status();
}

std::byte* KvSequence::page_at(int64_t layer, int64_t position) {
  KvPage* page = this->page(layout().group_of(layer), position / kPagePositions);
  return page->bytes.get() + layout().offset_of(layer);
}

const std::byte* const* KvSequence::pages(int64_t layer) const {
  return tables_[static_cast<size_t>(layout().group_of(layer))].bytes.data();
}

void KvSequence::advance(int64_t count) {
  length_ += count;
  for (int64_t group = 0; group < layout().num_groups(); ++group) {
    if (layout().window(group) == 0) continue;
    Table& table = tables_[static_cast<size_t>(group)];
    const int64_t keep = layout().first_page(group, length_ / kPagePositions * kPagePositions);
    for (int64_t index = std::min<int64_t>(keep, std::ssize(table.pages)) - 1; index >= 0; --index) {
      KvPage* page = table.pages[static_cast<size_t>(index)];
      if (page == nullptr) break;
      pool_->release(group, page);
      set_page(table, static_cast<size_t>(index), nullptr);
    }
  }
}

void KvSequence::truncate(int64_t length) {
  MELETE_CHECK(length >= 0 && length <= length_, length, " of ", length_);
  length_ = length;
  drop_after(pages_for(length));
}

void KvSequence::drop_after(int64_t num_pages) {
  for (size_t group = 0; group < tables_.size(); ++group) {
    Table& table = tables_[group];
    while (std::ssize(table.pages) > num_pages) {
      if (table.pages.back() != nullptr) pool_->release(static_cast<int64_t>(group), table.pages.back());
      table.pages.pop_back();
      table.bytes.pop_back();
    }
  }
}

KvPage* KvSequence::page(int64_t group, int64_t index) const {
  return tables_[static_cast<size_t>(group)].pages[static_cast<size_t>(index)];
}

void KvSequence::exchange(int64_t group, int64_t index, KvPage* page) {
  KvPage* own = this->page(group, index);
  if (own == page) return;
  pool_->share(page);
  pool_->release(group, own);
  set_page(tables_[static_cast<size_t>(group)], static_cast<size_t>(index), page);
}

void KvSequence::assume(int64_t length, std::vector<std::vector<KvPage*>> pages) {
  MELETE_CHECK(length_ == 0 && std::ssize(pages) == layout().num_groups());
  for (size_t group = 0; group < pages.size(); ++group) {
    Table& table = tables_[group];
    MELETE_CHECK(table.pages.empty() && std::ssize(pages[group]) == pages_for(length), pages[group].size());
    table.pages = std::move(pages[group]);
    table.bytes.resize(table.pages.size());
    for (size_t i = 0; i < table.pages.size(); ++i) set_page(table, i, table.pages[i]);
  }
  length_ = length;
}

}  // namespace melete
