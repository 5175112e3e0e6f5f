// Look-ups and aggregates in a small CSV table with a header; files end in a newline, as programs write them.
//
// Levels: task/records.h. Hold-out: tables about tools.
#include "task/records.h"

namespace melete {
namespace {

std::string csv_of(const Records& records) {
  std::string text = records.key_name;
  for (const auto& column : records.columns) text += ',' + column.name;
  text += '\n';
  for (size_t row = 0; row < records.keys.size(); ++row) {
    text += records.keys[row];
    for (const auto& column : records.columns) text += ',' + column.cell(row);
    text += '\n';
  }
  return text;
}

class CsvLookup final : public Task {
 public:
  TaskInfo info() const override {
    return {"csv_lookup", "look up and add up cells of a CSV table", "data", kRecordLevels};
  }

  Episode make(uint64_t seed, int level, int num_questions) const override {
    MELETE_CHECK(level >= 0 && level < kRecordLevels && num_questions >= 1, "level=", level);
    Random random(seed, stable_hash("csv_lookup") + static_cast<uint64_t>(level));
    const Records records = draw_records(random, level);
    Episode episode;
    const std::string csv = csv_of(records);
    episode.spec_hash = stable_hash("csv_lookup|" + csv);
    episode.hold_out = records.hold_out;
    episode.context.emplace_back(csv);
    episode.questions = draw_record_questions(random, records, level, num_questions);
    return episode;
  }
};

MELETE_REGISTER_TASK("csv_lookup", CsvLookup);

}  // namespace
}  // namespace melete
