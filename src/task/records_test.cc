// csv_lookup and json_lookup: every answer is worked out again from the document's text.
#include "task/records.h"

#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <numeric>
#include <regex>
#include <set>
#include <sstream>

#include "base/json.h"

namespace melete {
namespace {

using Row = std::map<std::string, std::string>;

struct Document {
  std::string key_name;
  std::vector<Row> rows;
};

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  return cells;
}

Document parse_csv(const std::string& text) {
  std::istringstream stream(text);
  std::string line;
  std::getline(stream, line);
  const auto header = split(line);
  Document document{header[0], {}};
  while (std::getline(stream, line)) {
    const auto cells = split(line);
    EXPECT_EQ(cells.size(), header.size()) << text;
    Row row;
    for (size_t i = 0; i < header.size(); ++i) row[header[i]] = cells.at(i);
    document.rows.push_back(row);
  }
  return document;
}

std::string shown(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

Document parse_document(const std::string& text) {
  const auto json = parse_json(text, "test");
  EXPECT_TRUE(json.ok()) << text;
  Document document;
  for (const auto& [key, object] : json->items()) {
    Row row;
    if (json->is_object()) row["(key)"] = key;
    for (const auto& [name, value] : object.items()) {
      row[name] = shown(value);
      if (json->is_array() && document.key_name.empty()) document.key_name = name;
    }
    document.rows.push_back(row);
  }
  if (json->is_object()) document.key_name = "(key)";
  return document;
}

const Row& row_with(const Document& document, const std::string& column, const std::string& value) {
  for (const Row& row : document.rows)
    if (row.at(column) == value) return row;
  ADD_FAILURE() << "no row with " << column << ' ' << value;
  return document.rows[0];
}

// Column and, if the question names one, value or key, by looking for the document's own words in the
// question.
std::string solve(const Document& document, const Question& question) {
  std::set<std::string> words;
  std::vector<std::string> in_order;
  const std::regex word("[A-Za-z0-9]+");
  for (auto it = std::sregex_iterator(question.text.begin(), question.text.end(), word);
       it != std::sregex_iterator(); ++it) {
    words.insert(it->str());
    in_order.push_back(it->str());
  }
  std::string column, key;
  for (const auto& [name, unused] : document.rows[0])
    if (name != document.key_name && words.contains(name)) column = name;
  int64_t number = -1;
  for (const std::string& each : words)
    if (std::isdigit(static_cast<unsigned char>(each[0]))) number = std::stoll(each);
  if (question.kind == "cell" || question.kind == "word cell") {
    for (const Row& row : document.rows)
      if (words.contains(row.at(document.key_name))) return row.at(column);
    return "no such row";
  }
  if (question.kind == "several cells") {
    std::string lines;
    for (const std::string& each : in_order)
      for (const Row& row : document.rows)
        if (row.at(document.key_name) == each)
          lines += cat(lines.empty() ? "" : "\n", each, ' ', row.at(column));
    return lines;
  }
  if (question.kind == "row of value")
    return row_with(document, column, std::to_string(number)).at(document.key_name);
  std::vector<int64_t> values;
  for (const Row& row : document.rows) values.push_back(std::stoll(row.at(column)));
  if (question.kind == "total")
    return std::to_string(std::accumulate(values.begin(), values.end(), int64_t{0}));
  if (question.kind == "count")
    return std::to_string(
        std::count_if(values.begin(), values.end(), [&](int64_t value) { return value > number; }));
  const int64_t best = question.kind == "highest" ? *std::max_element(values.begin(), values.end())
                                                  : *std::min_element(values.begin(), values.end());
  return row_with(document, column, std::to_string(best)).at(document.key_name);
}

void expect_answers(const std::string& name, Document (*parse)(const std::string&)) {
  const auto task = Registry<Task>::instance().make(name);
  std::map<std::string, int> kinds;
  for (int level = 0; level < task->info().num_levels; ++level) {
    for (uint64_t seed = 0; seed < 200; ++seed) {
      const Episode episode = task->make(seed, level, 4);
      const Document document = parse(std::get<std::string>(episode.context.at(0)));
      std::set<std::string> texts;
      for (const Question& question : episode.questions) {
        EXPECT_EQ(question.gold, solve(document, question))
            << std::get<std::string>(episode.context[0]) << question.text;
        EXPECT_TRUE(texts.insert(question.text).second) << "asked twice: " << question.text;
        ++kinds[question.kind];
      }
    }
  }
  for (const char* kind :
       {"cell", "word cell", "several cells", "row of value", "highest", "lowest", "total", "count"})
    EXPECT_GT(kinds[kind], 100) << kind;
}

TEST(Records, CsvAnswersFollowFromTheTable) { expect_answers("csv_lookup", parse_csv); }
TEST(Records, JsonAnswersFollowFromTheDocument) { expect_answers("json_lookup", parse_document); }

TEST(Records, CountsInTracesListWhatIsCounted) {
  const auto task = Registry<Task>::instance().make("csv_lookup");
  for (uint64_t seed = 0; seed < 300; ++seed) {
    for (const Question& question : task->make(seed, 2, 4).questions) {
      if (question.kind != "count") continue;
      std::istringstream listed(question.traces[1].substr(0, question.traces[1].find("count")));
      const auto shown = std::distance(std::istream_iterator<std::string>(listed), {});
      EXPECT_EQ(std::to_string(shown), question.gold) << question.text << ' ' << question.traces[1];
    }
  }
}

TEST(Records, SumsInTracesAddUp) {
  const auto task = Registry<Task>::instance().make("csv_lookup");
  const std::regex sum("([0-9]+)\\+([0-9]+)=([0-9]+)");
  int sums = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    for (const Question& question : task->make(seed, 2, 4).questions) {
      if (question.kind != "total") continue;
      std::string last;
      for (auto it = std::sregex_iterator(question.traces[3].begin(), question.traces[3].end(), sum);
           it != std::sregex_iterator(); ++it, ++sums) {
        EXPECT_EQ(std::stoll((*it)[1]) + std::stoll((*it)[2]), std::stoll((*it)[3])) << question.traces[3];
        last = (*it)[3];
      }
      EXPECT_EQ(last, question.gold) << question.traces[3];
    }
  }
  EXPECT_GT(sums, 100);
}

}  // namespace
}  // namespace melete
