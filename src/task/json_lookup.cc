// Look-ups and aggregates in a small JSON document: a list of objects, or an object of objects by key.
//
// Levels: task/records.h; the document is one object a line. Hold-out: documents about tools.
#include "base/json.h"
#include "task/records.h"

namespace melete {
namespace {

Json object_of(const Records& records, size_t row) {
  Json object = Json::object();
  for (const auto& column : records.columns) {
    if (column.numeric()) {
      object[column.name] = column.numbers[row];
    } else {
      object[column.name] = column.words[row];
    }
  }
  return object;
}

// One record a line, as people and log files write them; nlohmann's dump would give one line or a line a
// value.
std::string json_of(const Records& records, bool keyed) {
  std::string text = keyed ? "{\n" : "[\n";
  for (size_t row = 0; row < records.keys.size(); ++row) {
    const Json values = object_of(records, row);
    if (keyed) {
      text += ' ' + json_text(records.keys[row]) + ": " + json_text(values);
    } else {
      Json object = {{records.key_name, records.keys[row]}};
      object.update(values);
      text += ' ' + json_text(object);
    }
    text += row + 1 < records.keys.size() ? ",\n" : "\n";
  }
  return text + (keyed ? "}\n" : "]\n");
}

class JsonLookup final : public Task {
 public:
  TaskInfo info() const override {
    return {"json_lookup", "look up and add up values of a JSON document", "data", kRecordLevels};
  }

  Episode make(uint64_t seed, int level, int num_questions) const override {
    MELETE_CHECK(level >= 0 && level < kRecordLevels && num_questions >= 1, "level=", level);
    Random random(seed, stable_hash("json_lookup") + static_cast<uint64_t>(level));
    const Records records = draw_records(random, level);
    Episode episode;
    const std::string json = json_of(records, random.chance(0.5));
    episode.spec_hash = stable_hash("json_lookup|" + json);
    episode.hold_out = records.hold_out;
    episode.context.emplace_back(json);
    episode.questions = draw_record_questions(random, records, level, num_questions);
    return episode;
  }
};

MELETE_REGISTER_TASK("json_lookup", JsonLookup);

}  // namespace
}  // namespace melete
