#include "task/records.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace melete {
namespace {

using Words = std::vector<std::string>;

struct Theme {
  const char* key_name;
  Words keys, numeric;
  const char* word_column;
  Words words;
};

const Words kColours = {"red", "blue", "green", "yellow", "black", "white"};
const std::array<Theme, 4> kThemes = {{
    {"item",
     {"apple", "pear", "plum", "bread", "milk", "cheese", "egg", "rice", "tea", "cake", "fish", "corn"},
     {"price", "stock", "weight"},
     "colour",
     kColours},
    {"name",
     {"Ann", "Ben", "Cara", "Dan", "Eva", "Finn", "Gus", "Hana", "Ida", "Jon", "Kim", "Leo"},
     {"age", "score", "size"},
     "city",
     {"Rome", "Paris", "Oslo", "Lima", "Cairo", "Delhi"}},
    {"animal",
     {"cat", "dog", "cow", "horse", "bird", "fox", "bear", "duck", "goat", "mouse", "frog", "sheep"},
     {"age", "weight", "speed"},
     "colour",
     kColours},
    {"town",
     {"Alba", "Brook", "Castle", "Dover", "Eden", "Ford", "Grove", "Hill", "Isle", "Kirk", "Lake", "Mill"},
     {"buses", "parks", "schools"},
     "river",
     {"Ash", "Elm", "Oak", "Pine"}},
}};
const Theme kHeldOutTheme = {
    "tool",
    {"hammer", "saw", "drill", "rope", "nail", "axe", "file", "lamp", "brush", "tape", "pump", "knife"},
    {"price", "stock", "weight"},
    "colour",
    kColours};
constexpr double kHoldOutShare = 0.03;

struct Size {
  int64_t min_rows, max_rows, min_numeric, max_numeric, max_value;
  double word_column_share;
};
constexpr std::array<Size, kRecordLevels> kSizes = {
    {{3, 3, 1, 1, 20, 0.5}, {3, 5, 1, 2, 50, 0.5}, {5, 8, 2, 2, 99, 0.7}, {8, 12, 2, 3, 99, 0.5}}};

constexpr int64_t kMostCells = 5;  // of one question

std::vector<int64_t> draw_distinct(Random& random, size_t count, int64_t high) {
  std::vector<int64_t> all(static_cast<size_t>(high));
  std::iota(all.begin(), all.end(), 1);
  random.shuffle(all);
  all.resize(count);
  return all;
}

template <class T>
std::vector<T> draw_some(Random& random, std::vector<T> values, size_t count) {
  random.shuffle(values);
  values.resize(count);
  return values;
}

// A line for each row: key, value, and what `remark(row)` adds. A key that begins a line is the token that
// stands in the document, so reading on from it is a copy; what is asked is then found again in these lines.
template <class Remark>
std::string listed(const Records& records, const RecordColumn& column, Remark remark) {
  std::string text;
  for (size_t row = 0; row < records.keys.size(); ++row)
    text += cat(row > 0 ? "\n" : "", records.keys[row], ' ', column.cell(row), remark(row));
  return text;
}

std::string listed(const Records& records, const RecordColumn& column) {
  return listed(records, column, [](size_t) { return ""; });
}

// The same lines with the value first, for finding a row by its value.
std::string listed_by_value(const Records& records, const RecordColumn& column) {
  std::string text;
  for (size_t row = 0; row < records.keys.size(); ++row)
    text += cat(row > 0 ? "\n" : "", column.cell(row), ' ', records.keys[row]);
  return text;
}

// What a question reads: one cell, or a whole column.
struct Asked {
  Question question;
  const RecordColumn* column = nullptr;
  size_t row = kWholeColumn;
  static constexpr size_t kWholeColumn = SIZE_MAX;

  bool shares_a_cell(const Asked& other) const {
    return column == other.column && (row == other.row || row == kWholeColumn || other.row == kWholeColumn);
  }
};

Asked cell_question(Random& random, const Records& records) {
  const auto& column = random.pick(records.columns);
  const auto row = static_cast<size_t>(random.integer(0, static_cast<int64_t>(records.keys.size()) - 1));
  const std::string &key = records.keys[row], cell = column.cell(row);
  const std::array<std::string, 4> texts = {
      cat("What is the ", column.name, " of ", key, "?"), cat("Look up the ", column.name, " of ", key, "."),
      cat("Which ", column.name, " does ", key, " have?"), cat(key, ": what ", column.name, "?")};
  const std::string found = cat(key, ' ', cell), full = cat(listed(records, column), '\n', found, ".");
  return {{random.pick(texts),
           cell,
           {"", found, full, cat(full, " Check: ", column.name, ' ', cell, ".")},
           {},
           column.numeric() ? "cell" : "word cell"},
          &column,
          row};
}

const RecordColumn& pick_numeric(Random& random, const Records& records) {
  std::vector<const RecordColumn*> numeric;
  for (const auto& column : records.columns)
    if (column.numeric()) numeric.push_back(&column);
  return *random.pick(numeric);
}

Asked row_question(Random& random, const Records& records) {
  const auto& column = pick_numeric(random, records);
  const auto row = static_cast<size_t>(random.integer(0, static_cast<int64_t>(records.keys.size()) - 1));
  const std::string &key = records.keys[row], &asked = records.key_name;
  const int64_t value = column.numbers[row];
  const std::array<std::string, 3> texts = {cat("Which ", asked, " has ", column.name, ' ', value, "?"),
                                            cat("Find the ", asked, " with ", column.name, ' ', value, "."),
                                            cat("What ", asked, " has a ", column.name, " of ", value, "?")};
  const std::string found = cat(value, ' ', key),
                    full = cat(listed_by_value(records, column), '\n', found, ".");
  return {{random.pick(texts),
           key,
           {"", found, full, cat(full, " Check: ", key, ' ', value, ".")},
           {},
           "row of value"},
          &column};
}

// Several cells of one column at once.
Asked cells_question(Random& random, const Records& records) {
  const auto& column = random.pick(records.columns);
  std::vector<size_t> rows(records.keys.size());
  std::iota(rows.begin(), rows.end(), size_t{0});
  const auto count = static_cast<size_t>(random.integer(2, std::min<int64_t>(std::ssize(rows), kMostCells)));
  rows = draw_some(random, std::move(rows), count);
  std::string names, found;
  for (size_t i = 0; i < count; ++i) {
    const std::string& key = records.keys[rows[i]];
    names += cat(i == 0 ? "" : i + 1 < count ? ", " : " and ", key);
    found += cat(i == 0 ? "" : "\n", key, ' ', column.cell(rows[i]));
  }
  const std::array<std::string, 3> texts = {cat("What is the ", column.name, " of ", names, "?"),
                                            cat("Look up the ", column.name, " of ", names, "."),
                                            cat("List the ", column.name, " of ", names, ".")};
  const std::string full = cat(listed(records, column), '\n', found, ".");
  return {{random.pick(texts),
           found,
           {"", found, full,
            cat(full, " Check: ", static_cast<int64_t>(count), " of ", std::ssize(records.keys), ".")},
           {},
           "several cells"},
          &column};
}

Asked extreme_question(Random& random, const Records& records, bool highest) {
  const auto& column = pick_numeric(random, records);
  const auto& numbers = column.numbers;
  const auto found = highest ? std::max_element(numbers.begin(), numbers.end())
                             : std::min_element(numbers.begin(), numbers.end());
  const std::string &key = records.keys[static_cast<size_t>(found - numbers.begin())],
                    &asked = records.key_name;
  const char* word = highest ? "highest" : "lowest";
  const std::array<std::string, 3> texts = {
      cat("Which ", asked, " has the ", word, ' ', column.name, "?"),
      cat("Find the ", asked, " with the ", word, ' ', column.name, "."),
      cat("What ", asked, " has the ", word, ' ', column.name, "?")};
  int64_t best = numbers[0];
  const auto against_best = [&](size_t row) {
    const int64_t value = numbers[row], before = best;
    if (row == 0) return std::string();
    if ((value > before) == highest) best = value;
    return cat(value > before ? " > " : " < ", before);
  };
  const std::string full =
      cat(listed(records, column, against_best), '\n', word, ' ', *found, ": ", key, ".");
  std::string values;
  for (const int64_t value : numbers) values += cat(value, ' ');
  return {{random.pick(texts),
           key,
           {"", cat(values, word, ' ', *found), full,
            cat(full, " Check: no ", highest ? "higher" : "lower", " than ", *found, ".")},
           {},
           word},
          &column};
}

// "3+9=12 12+5=17", from the first row down or from the last row up.
std::string running_sum(std::vector<int64_t> numbers, bool from_last) {
  if (from_last) std::reverse(numbers.begin(), numbers.end());
  std::string text;
  int64_t sum = numbers[0];
  for (size_t i = 1; i < numbers.size(); ++i) {
    text += cat(i > 1 ? " " : "", sum, '+', numbers[i], '=', sum + numbers[i]);
    sum += numbers[i];
  }
  return text;
}

Asked sum_question(Random& random, const Records& records) {
  const auto& column = pick_numeric(random, records);
  const int64_t sum = std::accumulate(column.numbers.begin(), column.numbers.end(), int64_t{0});
  const std::array<std::string, 3> texts = {
      cat("What is the total ", column.name, "?"),
      cat("Add up the ", column.name, " of every ", records.key_name, "."),
      cat("What is the sum of ", column.name, "?")};
  const std::string terse = running_sum(column.numbers, false);
  const std::string full = cat(listed(records, column), '\n', terse, ".");
  return {{random.pick(texts),
           cat(sum),
           {"", terse, full, cat(full, " Check: ", running_sum(column.numbers, true), ".")},
           {},
           "total"},
          &column};
}

Asked count_question(Random& random, const Records& records) {
  const auto& column = pick_numeric(random, records);
  auto sorted = column.numbers;
  std::sort(sorted.rbegin(), sorted.rend());
  // The wanted count is drawn first, so that it is spread evenly; the limit follows from it.
  const int64_t count = random.integer(0, static_cast<int64_t>(sorted.size()) - 1);
  const int64_t limit = sorted[static_cast<size_t>(count)];
  const std::array<std::string, 2> texts = {
      cat("How many have a ", column.name, " over ", limit, "?"),
      cat("Count each ", records.key_name, " with ", column.name, " over ", limit, ".")};
  std::string terse;
  for (const int64_t value : column.numbers)
    if (value > limit) terse += cat(value, ' ');
  const auto is_over = [&](size_t row) { return column.numbers[row] > limit ? " yes" : " no"; };
  const std::string full = cat(listed(records, column, is_over), "\ncount ", count, ".");
  return {{random.pick(texts),
           cat(count),
           {"", cat(terse, "count ", count), full,
            cat(full, " Check: not over ", limit, ": ", static_cast<int64_t>(sorted.size()) - count, ".")},
           {},
           "count"},
          &column};
}

}  // namespace

Records draw_records(Random& random, int level) {
  const Size& size = kSizes[static_cast<size_t>(level)];
  const bool held_out = random.chance(kHoldOutShare);
  const Theme& theme = held_out ? kHeldOutTheme : random.pick(kThemes);
  const auto num_rows = static_cast<size_t>(random.integer(size.min_rows, size.max_rows));
  const auto num_numeric = static_cast<size_t>(random.integer(size.min_numeric, size.max_numeric));
  Records records{theme.key_name, draw_some(random, theme.keys, num_rows), {}, held_out ? "theme tools" : ""};
  for (const std::string& name : draw_some(random, theme.numeric, num_numeric))
    records.columns.push_back({name, draw_distinct(random, num_rows, size.max_value), {}});
  if (random.chance(size.word_column_share)) {
    RecordColumn column{theme.word_column, {}, {}};
    for (size_t row = 0; row < num_rows; ++row) column.words.push_back(random.pick(theme.words));
    records.columns.push_back(std::move(column));
    random.shuffle(records.columns);
  }
  return records;
}

std::vector<Question> draw_record_questions(Random& random, const Records& records, int level, int count) {
  std::vector<Asked> questions;
  // A table has few facts: the number of draws is bounded, and fewer questions than asked for may come back.
  for (int draw = 0; draw < 4 * count && std::ssize(questions) < count; ++draw) {
    Asked question;
    switch (random.integer(0, level == 0 ? 6 : 9)) {
      case 3: question = row_question(random, records); break;
      case 4: question = extreme_question(random, records, true); break;
      case 5: question = extreme_question(random, records, false); break;
      case 6: question = cells_question(random, records); break;
      case 7: question = sum_question(random, records); break;
      case 8:
      case 9: question = count_question(random, records); break;
      default: question = cell_question(random, records);
    }
    const bool known = std::any_of(questions.begin(), questions.end(),
                                   [&](const Asked& other) { return other.shares_a_cell(question); });
    if (!known) questions.push_back(std::move(question));
  }
  std::vector<Question> result;
  for (Asked& asked : questions) result.push_back(std::move(asked.question));
  return result;
}

}  // namespace melete
