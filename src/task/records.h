// Small made-up tables (a shop, people, animals, towns) and questions about them, for csv_lookup and
// json_lookup.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "task/task.h"

namespace melete {

// A column is numbers (distinct within the column, so that the largest is one row) or words.
struct RecordColumn {
  std::string name;
  std::vector<int64_t> numbers;    // [rows], or empty
  std::vector<std::string> words;  // [rows], or empty
  bool numeric() const { return !numbers.empty(); }
  std::string cell(size_t row) const { return numeric() ? cat(numbers[row]) : words[row]; }
};

struct Records {
  std::string key_name;               // header of the first column: "item"
  std::vector<std::string> keys;      // [rows], distinct
  std::vector<RecordColumn> columns;  // at least one numeric
  std::string hold_out;               // "theme tools" for tables about tools, else empty
};

constexpr int kRecordLevels = 4;  // 3 rows x 1-2 columns, up to 5 x 2, up to 8 x 3, up to 12 x 3

Records draw_records(Random& random, int level);

// Up to `count` questions, no two of which read the same cell: cell, several cells, row of a value,
// highest, lowest; from level 1 also total and count. All but cell questions read a whole column, so that
// neither their answers nor their texts tell about another's.
std::vector<Question> draw_record_questions(Random& random, const Records& records, int level, int count);

}  // namespace melete
