#include "kernels/attention.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "kernels/attention_table.h"
#include "kernels/cpu.h"

namespace melete {

const AttentionTable& attention_table() {
#if defined(__x86_64__)
  switch (active_isa()) {
    case Isa::avx512_vnni: return attention_table_avx512_vnni();
    case Isa::avx512: return attention_table_avx512();
    case Isa::avx2: return attention_table_avx2();
    case Isa::scalar: break;
  }
#endif
  return attention_table_scalar();
}

namespace {

// Rows that one task prepares at least: fewer cost less than a run of the pool does.
constexpr int64_t kPreparedRows = 2;
// Pairs whose blocks one task folds at least.
constexpr int64_t kFoldedPairs = 16;

int64_t count_pages(int64_t positions) { return (positions + kPagePositions - 1) / kPagePositions; }

}  // namespace

// One call of attention(): tasks are (bundle, kv head), or (bundle, block, kv head) if there are too few of
// those for the threads.
class AttentionRun {
 public:
  AttentionRun(const AttentionPlan& plan, const PageShape& shape, ConstMatrix q, int64_t offset, float scale,
               std::span<float> scratch, Matrix o)
      : plan_(plan), shape_(shape), q_(q), offset_(offset), scale_(scale), scratch_(scratch), o_(o) {
    MELETE_CHECK(static_cast<int64_t>(scratch.size()) >= plan.scratch_floats(shape.type), scratch.size());
  }

  // Writes the rows' keys and values and rounds their queries.
  void prepare(ThreadPool& pool, std::span<const PageWrite> writes) {
    MELETE_CHECK(writes.empty() || std::ssize(writes) == q_.rows, writes.size(), " for ", q_.rows);
    if (writes.empty() && !is_integer(shape_.type)) return;
    pool.for_ranges(q_.rows, kPreparedRows, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        if (!writes.empty()) {
          const PageWrite& write = writes[static_cast<size_t>(row)];
          write_page(shape_, write.k, write.v, write.place, write.part);
        }
        if (is_integer(shape_.type)) round_queries(row);
      }
    });
  }

  void run(ThreadPool& pool) {
    const int64_t bundles = std::ssize(plan_.bundles_), blocks = std::ssize(plan_.blocks_);
    const bool small = plan_.keys_seen_ * q_.cols < (1 << 15);
    const int64_t units = (plan_.by_block_ ? blocks : bundles) * heads().kv_heads;
    const int64_t tasks = std::min<int64_t>(units, small ? 1 : num_slots());
    pool.run(tasks, [&](int64_t i) {
      // A prompt's last rows see most keys: what takes longest begins first. Blocks are taken in the order
      // that find_ahead() expects.
      const int64_t task = plan_.by_block_ ? i : tasks - 1 - i;
      float* slot = scratch_.data() + task * slot_floats();
      for (int64_t unit = units * task / tasks; unit < units * (task + 1) / tasks; ++unit)
        run_unit(unit / heads().kv_heads, unit % heads().kv_heads, slot);
    });
    if (!plan_.by_block_) return;
    for (const Bundle& bundle : plan_.bundles_) {
      const int64_t pairs = (bundle.row_end - bundle.row_begin) * share();
      pool.for_ranges(pairs * heads().kv_heads, kFoldedPairs, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) fold_blocks(bundle, i / pairs, i % pairs);
      });
    }
  }

 private:
  using Bundle = AttentionPlan::Bundle;

  const HeadShape& heads() const { return plan_.shape_; }
  int64_t share() const { return heads().heads / heads().kv_heads; }
  int64_t stride() const { return attention_state_floats(heads().padded()); }
  int64_t bundle_floats() const { return plan_.bundle_rows_ * share() * stride(); }
  int64_t num_slots() const { return plan_.num_slots(); }
  int64_t slot_floats() const { return plan_.slot_floats(); }

  // A (row, head) pair's query, rounded, where AttentionWork expects it.
  float* rounded_query(int64_t pair) {
    const int64_t size = rounded_query_floats(heads().padded());
    return scratch_.data() + std::ssize(scratch_) - (pair + 1) * size;
  }

  void round_queries(int64_t row) {
    const int64_t width = heads().head_dim, first = row * heads().heads;
    for (int64_t pair = first; pair < first + heads().heads; ++pair)
      round_query(q_.data + pair * width, width, rounded_query(pair));
  }

  void round_query(const float* q, int64_t width, float* to) const {
    float* after = to + heads().padded() / 2;
    if (shape_.type == KvType::int8) {
      const int64_t block = rotated_together(width);
      float rotated[kMostRotated];
      if (block > 1) table_.rotate(q, width, rotated);
      const float* from = block > 1 ? rotated : q;
      const float scale = table_.scale(from, width, 127);
      to[(width + 3) / 4 - 1] = 0;
      const int32_t sum = table_.round_bytes(from, width, scale, reinterpret_cast<int8_t*>(to));
      after[0] = scale / static_cast<float>(block);
      after[1] = std::bit_cast<float>(-128 * sum);
    } else {
      to[(width + 1) / 2 - 1] = 0;
      after[0] = table_.scale(q, width, key_limit(width));
      table_.round_words(q, width, after[0], reinterpret_cast<int16_t*>(to));
    }
  }

  const float* query(int64_t row, int64_t head) {
    const int64_t pair = row * heads().heads + head;
    return is_integer(shape_.type) ? rounded_query(pair) : q_.data + pair * heads().head_dim;
  }

  // index: of a bundle, or of a block.
  void run_unit(int64_t index, int64_t kv_head, float* slot) {
    float* work = slot + (plan_.by_block_ ? 0 : 2 * bundle_floats());
    if (plan_.by_block_) {
      attend_block(bundle_of(index), index, kv_head, partial(index, kv_head), work);
      return;
    }
    const Bundle& bundle = plan_.bundles_[static_cast<size_t>(index)];
    float* block_states = slot + bundle_floats();
    const int64_t end = bundle.first_block + bundle.block_end - bundle.block_begin;
    const int64_t pairs = (bundle.row_end - bundle.row_begin) * share();
    for (int64_t block = bundle.first_block; block < end; ++block) {
      attend_block(bundle, block, kv_head, block == bundle.first_block ? slot : block_states, work);
      for (int64_t pair = 0; block != bundle.first_block && pair < pairs; ++pair) {
        const float* state = block_states + pair * stride();
        if (sees_keys(state)) table_.fold(shape_.type, slot + pair * stride(), &state, 1, heads().padded());
      }
    }
    for (int64_t pair = 0; pair < pairs; ++pair) finish(bundle, kv_head, pair, slot);
  }

  const Bundle& bundle_of(int64_t block) const {
    const auto after =
        std::upper_bound(plan_.bundles_.begin(), plan_.bundles_.end(), block,
                         [](int64_t b, const Bundle& bundle) { return b < bundle.first_block; });
    return *(after - 1);
  }

  // States of one block and kv head, if blocks are tasks.
  float* partial(int64_t block, int64_t kv_head) {
    return scratch_.data() + num_slots() * slot_floats() +
           (block * heads().kv_heads + kv_head) * bundle_floats();
  }

  void attend_block(const Bundle& bundle, int64_t block, int64_t kv_head, float* states,
                    float* work_scratch) {
    const int64_t pairs = (bundle.row_end - bundle.row_begin) * share();
    std::fill_n(states, pairs * stride(), 0.0f);
    for (int64_t pair = 0; pair < pairs; ++pair)
      states[pair * stride() + heads().padded()] = -std::numeric_limits<float>::infinity();
    AttentionWork work{};
    work.type = shape_.type;
    work.k_offset = offset_ + kv_head * shape_.head_bytes();
    work.scales_offset = work.k_offset + shape_.scales_offset();
    work.v_offset = work.k_offset + shape_.values_offset();
    work.head_dim = heads().head_dim;
    work.scale = scale_;
    work.scratch = work_scratch;
    const auto& [group_begin, group_end] = plan_.blocks_[static_cast<size_t>(block)];
    for (int64_t group = group_begin; group < group_end; ++group)
      attend_group(bundle, plan_.groups_[static_cast<size_t>(group)], kv_head, states, work);
  }

  // The group's (row, head) pairs, cut into tiles.
  void attend_group(const Bundle& bundle, const AttentionPlan::Group& group, int64_t kv_head, float* states,
                    AttentionWork& work) {
    const int64_t pairs = (group.end - group.begin) * share();
    work.was_fetched = false;
    for (int64_t pair = 0; pair < pairs;) {
      work.rows = static_cast<int32_t>(std::min<int64_t>(table_.rows, pairs - pair));
      int64_t first = INT64_MAX, last = 0;
      for (int32_t r = 0; r < work.rows; ++r, ++pair) {
        const int64_t row = plan_.members_[static_cast<size_t>(group.begin + pair / share())];
        const int64_t head = pair % share();
        const auto& seen = plan_.rows_[static_cast<size_t>(row)];
        work.q[r] = query(row, kv_head * share() + head);
        work.state[r] = states + ((row - bundle.row_begin) * share() + head) * stride();
        work.first_key[r] = seen.first_key;
        work.last_key[r] = seen.last_key;
        first = std::min(first, seen.first_key);
        last = std::max(last, seen.last_key);
      }
      work.page_begin = std::max(group.page_begin, first / kPagePositions);
      work.page_end = std::min(group.page_end, last / kPagePositions + 1);
      work.pages = plan_.pages_.data() + group.pages + work.page_begin - group.page_begin;
      find_ahead(group, kv_head, work);
      table_.attend(work);
      work.was_fetched = true;
    }
  }

  // What most often follows, if blocks are tasks: the next kv head, after the last one the next group.
  void find_ahead(const AttentionPlan::Group& group, int64_t kv_head, AttentionWork& work) const {
    work.ahead = work.pages;
    work.ahead_offset = 0;
    if (!plan_.by_block_) return;
    if (kv_head + 1 < heads().kv_heads) {
      work.ahead_offset = shape_.head_bytes();
      return;
    }
    const auto* next = &group + 1;
    if (next == plan_.groups_.data() + plan_.groups_.size()) return;
    if (next->page_end - next->page_begin < work.page_end - work.page_begin) return;
    work.ahead = plan_.pages_.data() + next->pages;
    work.ahead_offset = -kv_head * shape_.head_bytes();
  }

  // Whether the row of a block's state saw any of its keys.
  bool sees_keys(const float* state) const { return state[heads().padded() + 1] != 0; }

  // pair: of the bundle's (row, head of this kv head) pairs.
  void fold_blocks(const Bundle& bundle, int64_t kv_head, int64_t pair) {
    const int64_t end = bundle.first_block + bundle.block_end - bundle.block_begin;
    float* total = partial(bundle.first_block, kv_head);
    for (int64_t block = bundle.first_block + 1; block < end;) {
      const float* states[kMostFolded];
      int64_t count = 0;
      for (; block < end && count < kMostFolded; ++block) {
        states[count] = partial(block, kv_head) + pair * stride();
        if (sees_keys(states[count])) ++count;
      }
      table_.fold(shape_.type, total + pair * stride(), states, count, heads().padded());
    }
    finish(bundle, kv_head, pair, total);
  }

  void finish(const Bundle& bundle, int64_t kv_head, int64_t pair, const float* states) {
    const int64_t row = bundle.row_begin + pair / share(), head = kv_head * share() + pair % share();
    table_.finish(states + pair * stride(), heads().head_dim,
                  o_.data + row * o_.cols + head * heads().head_dim);
  }

  const AttentionTable& table_ = attention_table();
  const AttentionPlan& plan_;
  const PageShape& shape_;
  ConstMatrix q_;
  int64_t offset_;
  float scale_;
  std::span<float> scratch_;
  Matrix o_;
};

void attention(ThreadPool& pool, const AttentionPlan& plan, const PageShape& shape,
               std::span<const PageWrite> writes, ConstMatrix q, int64_t offset, float scale,
               std::span<float> scratch, Matrix o) {
  MELETE_CHECK(q.cols == shape.heads.heads * shape.heads.head_dim && o.cols == q.cols && o.rows == q.rows &&
                   plan.num_rows() == q.rows,
               q.rows, " x ", q.cols, " for ", plan.num_rows(), " rows");
  AttentionRun run(plan, shape, q, offset, scale, scratch, o);
  run.prepare(pool, writes);
  run.run(pool);
}

void segment_attention(ThreadPool& pool, const HeadShape& shape, ConstMatrix q, ConstMatrix k, ConstMatrix v,
                       std::span<const int64_t> lengths, float scale, std::vector<float>& scratch, Matrix o) {
  const PageShape page_shape{shape, KvType::f32};
  const int64_t page_floats = page_shape.bytes() / 4;
  int64_t num_pages = 0;
  for (const int64_t length : lengths) num_pages += count_pages(length);
  if (std::ssize(scratch) < num_pages * page_floats)
    scratch.resize(static_cast<size_t>(num_pages * page_floats));
  std::fill_n(scratch.begin(), num_pages * page_floats, 0.0f);
  std::vector<const std::byte*> pages;
  for (int64_t page = 0; page < num_pages; ++page)
    pages.push_back(reinterpret_cast<const std::byte*>(scratch.data() + page * page_floats));
  std::vector<AttentionRow> rows;
  int64_t first_page = 0;
  for (const int64_t length : lengths) {
    for (int64_t i = 0; i < length; ++i) {
      const auto row = std::ssize(rows);
      auto* page =
          reinterpret_cast<std::byte*>(scratch.data() + (first_page + i / kPagePositions) * page_floats);
      write_page(page_shape, k.data + row * k.cols, v.data + row * v.cols, i % kPagePositions, page);
      rows.push_back({pages.data() + first_page, 0, length - 1});
    }
    first_page += count_pages(length);
  }
  MELETE_CHECK(std::ssize(rows) == q.rows, rows.size(), " of ", q.rows);
  const AttentionPlan plan(shape, rows, pool.num_threads());
  std::vector<float> work(static_cast<size_t>(plan.scratch_floats(page_shape.type)));
  attention(pool, plan, page_shape, {}, q, 0, scale, work, o);
}

}  // namespace melete
