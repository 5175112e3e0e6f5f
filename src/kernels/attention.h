// Softmax attention over pages of keys and values: causal with a sliding window, and over whole segments.
//
// Query heads h share kv head h / (H / G) (2305.13245). o = sum softmax(scale q.k) v. Shapes: N rows, H
// heads, G kv heads, K head width; q and o are [N, H * K], k and v [N, G * K]. Rows that find the same page
// at the same place of their lists read it together (cascade attention, 2402.05099), whichever sequences they
// belong to: that changes the order of reading, never the order of a row's sums.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/attention_pages.h"
#include "kernels/matrix.h"

namespace melete {

// One query row: `pages` by position / 16; pages wholly before first_key may be null.
struct AttentionRow {
  const std::byte* const* pages = nullptr;
  int64_t first_key = 0, last_key = 0;  // inclusive; at least one key
};

// Which rows read which pages together. Made once for all layers that have the same pages; holds copies of
// the page addresses, so it is good as long as the pages are.
class AttentionPlan {
 public:
  AttentionPlan(const HeadShape& shape, std::span<const AttentionRow> rows, int threads);

  int64_t num_rows() const { return static_cast<int64_t>(rows_.size()); }
  int64_t scratch_floats(KvType type) const;

  // Times that a page is read, summed over pages, and what it were if every row read its own.
  int64_t pages_read() const { return pages_read_; }
  int64_t pages_seen() const { return pages_seen_; }

 private:
  friend class AttentionRun;
  struct Seen {
    int64_t first_key, last_key;
  };
  // Rows members_[begin, end) over pages [page_begin, page_end), whose addresses begin at pages_[pages].
  struct Group {
    int64_t begin, end, page_begin, page_end, pages;
  };
  // What one task works on for one kv head: some neighbouring rows, block after block.
  struct Bundle {
    int64_t row_begin, row_end, block_begin, block_end, first_block;  // first_block: in blocks_
  };
  struct Block {
    int64_t group_begin, group_end;
  };
  // Pieces that a run is cut into at most; single blocks are small, and few.
  int64_t num_slots() const { return int64_t{by_block_ ? 8 : 4} * threads_; }
  int64_t slot_floats() const;
  void add_bundle(std::span<const AttentionRow> rows, int64_t begin, int64_t end);
  void add_block(std::span<const AttentionRow> rows, const Bundle& bundle, int64_t block);

  HeadShape shape_;
  int threads_;
  int64_t bundle_rows_, keys_seen_ = 0, pages_read_ = 0, pages_seen_ = 0;
  bool by_block_ = false;  // tasks are single blocks, folded at the end
  std::vector<Seen> rows_;
  std::vector<Bundle> bundles_;
  std::vector<Block> blocks_;
  std::vector<Group> groups_;
  std::vector<int32_t> members_;
  std::vector<const std::byte*> pages_;
};

// o = attention of every row, after `writes` have been made: one of each row, or none. offset: bytes of this
// layer's part in a page. scratch: plan.scratch_floats(shape.type).
void attention(ThreadPool& pool, const AttentionPlan& plan, const PageShape& shape,
               std::span<const PageWrite> writes, ConstMatrix q, int64_t offset, float scale,
               std::span<float> scratch, Matrix o);

// Every row sees all rows of its segment; lengths sum to N. scratch grows to what the call needs.
void segment_attention(ThreadPool& pool, const HeadShape& shape, ConstMatrix q, ConstMatrix k, ConstMatrix v,
                       std::span<const int64_t> lengths, float scale, std::vector<float>& scratch, Matrix o);

}  // namespace melete
