#include "kernels/attention.h"

#include <algorithm>

#include "kernels/kernel_table.h"

namespace melete {
namespace {

// Rows of a tile may be up to kMaxRows - 1 positions apart, and pages round outwards.
int64_t tile_scratch(const HeadShape& shape, int64_t num_keys) {
  const int64_t keys = num_keys + AttentionWork::kMaxRows + 2 * kPagePositions;
  return AttentionWork::kMaxRows * (shape.padded() + keys);
}

int64_t count_pages(int64_t positions) { return (positions + kPagePositions - 1) / kPagePositions; }

// A run of rows over the same pages.
struct RowRun {
  int64_t begin = 0, end = 0;
};

RowRun run_at(std::span<const AttentionRow> rows, int64_t begin, int64_t most) {
  RowRun run{begin, begin + 1};
  const auto size = static_cast<int64_t>(rows.size());
  while (run.end < size && run.end - begin < most &&
         rows[static_cast<size_t>(run.end)].pages == rows[static_cast<size_t>(begin)].pages)
    ++run.end;
  return run;
}

// All rows [begin, end) for one kv head, cut into tiles of (row, query head) pairs.
void attend(const KernelTable& table, const HeadShape& shape, ConstMatrix q,
            std::span<const AttentionRow> rows, RowRun range, int64_t kv_head, int64_t page_offset,
            float scale, float* scratch, float* o) {
  const int64_t share = shape.heads / shape.kv_heads;
  const int64_t tile_rows = std::max<int64_t>(1, table.attention_rows / share);
  AttentionWork work{};
  work.k_offset = page_offset + kv_head * shape.head_page();
  work.v_offset = work.k_offset + kPagePositions * shape.head_dim;
  work.head_dim = shape.head_dim;
  work.scale = scale;
  work.scratch = scratch;
  for (int64_t begin = range.begin; begin < range.end;) {
    const RowRun run = run_at(rows.first(static_cast<size_t>(range.end)), begin, tile_rows);
    work.pages = rows[static_cast<size_t>(begin)].pages;
    const int64_t pairs = (run.end - run.begin) * share;
    for (int64_t pair = 0; pair < pairs;) {
      work.rows = static_cast<int32_t>(std::min<int64_t>(table.attention_rows, pairs - pair));
      for (int32_t r = 0; r < work.rows; ++r, ++pair) {
        const int64_t row = run.begin + pair / share, head = kv_head * share + pair % share;
        work.q[r] = q.data + row * q.cols + head * shape.head_dim;
        work.o[r] = o + row * q.cols + head * shape.head_dim;
        work.first_key[r] = rows[static_cast<size_t>(row)].first_key;
        work.last_key[r] = rows[static_cast<size_t>(row)].last_key;
      }
      table.attention(work);
    }
    begin = run.end;
  }
}

// Cuts `count` pieces of work into at most `slots` tasks, each with its own slice of scratch.
template <class Body>
void for_slots(ThreadPool& pool, int64_t count, int64_t slots, Body body) {
  const int64_t tasks = std::min(count, slots);
  pool.run(tasks, [&](int64_t task) {
    for (int64_t i = count * task / tasks; i < count * (task + 1) / tasks; ++i) body(task, i);
  });
}

}  // namespace

void write_page(const HeadShape& shape, const float* k, const float* v, int64_t place, float* page) {
  for (int64_t g = 0; g < shape.kv_heads; ++g) {
    float* keys = page + g * shape.head_page();
    float* values = keys + kPagePositions * shape.head_dim + place * shape.padded();
    for (int64_t d = 0; d < shape.head_dim; ++d) {
      keys[kPagePositions * d + place] = k[g * shape.head_dim + d];
      values[d] = v[g * shape.head_dim + d];
    }
  }
}

int64_t attention_scratch(const HeadShape& shape, int64_t num_keys, int threads) {
  return tile_scratch(shape, num_keys) * 4 * threads;
}

void attention(ThreadPool& pool, const HeadShape& shape, ConstMatrix q, std::span<const AttentionRow> rows,
               int64_t page_offset, float scale, std::span<float> scratch, Matrix o) {
  MELETE_CHECK(q.cols == shape.heads * shape.head_dim && o.cols == q.cols && o.rows == q.rows &&
                   static_cast<int64_t>(rows.size()) == q.rows && shape.heads % shape.kv_heads == 0,
               q.rows, " x ", q.cols, " for ", rows.size(), " rows");
  const KernelTable& table = kernel_table();
  int64_t keys = 0, work = 0;
  for (const AttentionRow& row : rows) {
    keys = std::max(keys, row.last_key - row.first_key + 1);
    work += row.last_key - row.first_key + 1;
  }
  const int64_t slice = tile_scratch(shape, keys);
  int64_t slots = static_cast<int64_t>(scratch.size()) / slice;
  MELETE_CHECK(slots >= 1, scratch.size(), " floats for ", keys, " keys");
  if (work * q.cols < (1 << 15)) slots = 1;
  // Blocks of rows that don't split a tile of the longest run, times kv heads.
  const int64_t block = std::max<int64_t>(1, table.attention_rows / (shape.heads / shape.kv_heads)) * 4;
  const int64_t blocks = (q.rows + block - 1) / block;
  for_slots(pool, blocks * shape.kv_heads, slots, [&](int64_t slot, int64_t piece) {
    const RowRun range{piece / shape.kv_heads * block,
                       std::min((piece / shape.kv_heads + 1) * block, q.rows)};
    attend(table, shape, q, rows, range, piece % shape.kv_heads, page_offset, scale,
           scratch.data() + slot * slice, o.data);
  });
}

int64_t segment_pages(const HeadShape& shape, std::span<const int64_t> lengths) {
  int64_t pages = 0;
  for (const int64_t length : lengths) pages += count_pages(length);
  return pages * shape.page_floats();
}

void segment_attention(ThreadPool& pool, const HeadShape& shape, ConstMatrix q, ConstMatrix k, ConstMatrix v,
                       std::span<const int64_t> lengths, float scale, std::span<float> pages,
                       std::span<float> scratch, Matrix o) {
  MELETE_CHECK(static_cast<int64_t>(pages.size()) >= segment_pages(shape, lengths), pages.size());
  std::fill(pages.begin(), pages.end(), 0.0f);
  std::vector<const float*> page_list;
  std::vector<AttentionRow> rows(static_cast<size_t>(q.rows));
  int64_t row = 0, page = 0;
  for (const int64_t length : lengths)
    page_list.resize(page_list.size() + static_cast<size_t>(count_pages(length)));
  for (const int64_t length : lengths) {
    const float* const* first = page_list.data() + page;
    for (int64_t i = 0; i < length; ++i, ++row) {
      float* at = pages.data() + (page + i / kPagePositions) * shape.page_floats();
      page_list[static_cast<size_t>(page + i / kPagePositions)] = at;
      write_page(shape, k.data + row * k.cols, v.data + row * v.cols, i % kPagePositions, at);
      rows[static_cast<size_t>(row)] = {first, 0, length - 1};
    }
    page += count_pages(length);
  }
  MELETE_CHECK(row == q.rows, row, " of ", q.rows);
  attention(pool, shape, q, rows, 0, scale, scratch, o);
}

}  // namespace melete
