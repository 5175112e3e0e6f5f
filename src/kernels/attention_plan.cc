// AttentionPlan: which rows read which pages together.
//
// A block's chunks are taken in order. In each, rows whose pages agree form a group; as long as the groups
// stay the same, their pages join into one run that is read with one load of the queries.
#include <algorithm>
#include <array>

#include "kernels/attention.h"
#include "kernels/attention_table.h"

namespace melete {
namespace {

constexpr int64_t kBlockKeys = kBlockPages * kPagePositions;

// Pages of one chunk that some rows agree on; null where none of them looks.
struct ChunkGroup {
  std::array<const std::byte*, kChunkPages> pages{};
};

struct PageRange {
  int64_t begin, end;
};

PageRange pages_within(const AttentionRow& row, int64_t begin, int64_t end) {
  return {std::max(begin, row.first_key / kPagePositions), std::min(end, row.last_key / kPagePositions + 1)};
}

// Adds the row if it shares a page with the group and differs in none.
bool join(ChunkGroup& group, const AttentionRow& row, PageRange range, int64_t chunk_begin) {
  bool shares = false;
  for (int64_t page = range.begin; page < range.end; ++page) {
    const std::byte* held = group.pages[static_cast<size_t>(page - chunk_begin)];
    if (held != nullptr && held != row.pages[page]) return false;
    shares = shares || held != nullptr;
  }
  if (!shares) return false;
  for (int64_t page = range.begin; page < range.end; ++page)
    group.pages[static_cast<size_t>(page - chunk_begin)] = row.pages[page];
  return true;
}

// Each row's group in one chunk, -1 for rows that don't look at it.
struct ChunkPartition {
  std::vector<int32_t> group_of;
  std::vector<ChunkGroup> groups;

  void fill(std::span<const AttentionRow> rows, int64_t chunk_begin) {
    group_of.assign(rows.size(), -1);
    groups.clear();
    for (size_t i = 0; i < rows.size(); ++i) {
      const PageRange range = pages_within(rows[i], chunk_begin, chunk_begin + kChunkPages);
      if (range.begin >= range.end) continue;
      size_t g = 0;
      while (g < groups.size() && !join(groups[g], rows[i], range, chunk_begin)) ++g;
      if (g == groups.size()) {
        groups.emplace_back();
        for (int64_t page = range.begin; page < range.end; ++page) {
          MELETE_CHECK(rows[i].pages[page] != nullptr, "page ", page, " of row ", i);
          groups.back().pages[static_cast<size_t>(page - chunk_begin)] = rows[i].pages[page];
        }
      }
      group_of[i] = static_cast<int32_t>(g);
    }
  }
};

}  // namespace

AttentionPlan::AttentionPlan(const HeadShape& shape, std::span<const AttentionRow> rows, int threads)
    : shape_(shape), threads_(threads) {
  MELETE_CHECK(shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0, shape.heads, " over ",
               shape.kv_heads);
  bundle_rows_ = std::clamp<int64_t>(192 * shape.kv_heads / shape.heads, 8, 64);
  bundle_rows_ = std::min(bundle_rows_, std::max<int64_t>(1, std::ssize(rows)));
  rows_.reserve(rows.size());
  for (const AttentionRow& row : rows) {
    MELETE_CHECK(row.first_key >= 0 && row.first_key <= row.last_key, row.first_key, " to ", row.last_key);
    rows_.push_back({row.first_key, row.last_key});
    keys_seen_ += row.last_key - row.first_key + 1;
  }
  for (int64_t begin = 0; begin < num_rows(); begin += bundle_rows_)
    add_bundle(rows, begin, std::min(begin + bundle_rows_, num_rows()));
  const int64_t tasks = std::ssize(bundles_) * shape.kv_heads;
  by_block_ = threads > 1 && tasks < 4 * threads && blocks_.size() > bundles_.size();
}

void AttentionPlan::add_bundle(std::span<const AttentionRow> rows, int64_t begin, int64_t end) {
  int64_t first = INT64_MAX, last = 0;
  for (int64_t row = begin; row < end; ++row) {
    first = std::min(first, rows_[static_cast<size_t>(row)].first_key);
    last = std::max(last, rows_[static_cast<size_t>(row)].last_key);
  }
  bundles_.push_back({begin, end, first / kBlockKeys, last / kBlockKeys + 1, std::ssize(blocks_)});
  for (int64_t block = first / kBlockKeys; block <= last / kBlockKeys; ++block)
    add_block(rows.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)), bundles_.back(),
              block);
}

void AttentionPlan::add_block(std::span<const AttentionRow> rows, const Bundle& bundle, int64_t block) {
  blocks_.push_back({std::ssize(groups_), 0});
  ChunkPartition now, open;
  int64_t open_begin = 0;
  std::vector<std::vector<const std::byte*>> open_pages;
  std::vector<int64_t> skipped;  // pages of the first chunk before those of a group
  const auto close = [&] {
    for (size_t g = 0; g < open_pages.size(); ++g) {
      const int64_t page_begin = open_begin + skipped[g];
      const Group group{std::ssize(members_), 0, page_begin, page_begin + std::ssize(open_pages[g]),
                        std::ssize(pages_)};
      groups_.push_back(group);
      for (size_t i = 0; i < rows.size(); ++i) {
        if (open.group_of[i] == static_cast<int32_t>(g))
          members_.push_back(static_cast<int32_t>(bundle.row_begin + static_cast<int64_t>(i)));
      }
      groups_.back().end = std::ssize(members_);
      pages_.insert(pages_.end(), open_pages[g].begin(), open_pages[g].end());
      pages_read_ += std::ssize(open_pages[g]);
    }
    open_pages.clear();
    skipped.clear();
  };
  for (int64_t chunk = block * kBlockPages; chunk < (block + 1) * kBlockPages; chunk += kChunkPages) {
    now.fill(rows, chunk);
    if (open_pages.empty() || now.group_of != open.group_of) {
      close();
      open_begin = chunk;
      open_pages.resize(now.groups.size());
      for (const ChunkGroup& group : now.groups)
        skipped.push_back(std::find_if(group.pages.begin(), group.pages.end(),
                                       [](const std::byte* page) { return page != nullptr; }) -
                          group.pages.begin());
    }
    for (size_t g = 0; g < now.groups.size(); ++g) {
      for (const std::byte* page : now.groups[g].pages) {
        if (page != nullptr) open_pages[g].push_back(page);
      }
    }
    std::swap(open, now);
  }
  close();
  blocks_.back().group_end = std::ssize(groups_);
  for (const AttentionRow& row : rows) {
    const PageRange range = pages_within(row, block * kBlockPages, (block + 1) * kBlockPages);
    pages_seen_ += std::max<int64_t>(0, range.end - range.begin);
  }
}

int64_t AttentionPlan::slot_floats() const {
  const int64_t states =
      bundle_rows_ * (shape_.heads / shape_.kv_heads) * attention_state_floats(shape_.padded());
  return attention_scratch_floats(shape_.padded()) + (by_block_ ? 0 : 2 * states);
}

int64_t AttentionPlan::scratch_floats(KvType type) const {
  const int64_t states =
      bundle_rows_ * (shape_.heads / shape_.kv_heads) * attention_state_floats(shape_.padded());
  const int64_t queries =
      is_integer(type) ? num_rows() * shape_.heads * rounded_query_floats(shape_.padded()) : 0;
  return queries + num_slots() * slot_floats() +
         (by_block_ ? std::ssize(blocks_) * shape_.kv_heads * states : 0);
}

}  // namespace melete
