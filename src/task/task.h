// A task: generator, verifier and reference traces of one skill. One file a task, ending in
// MELETE_REGISTER_TASK.
//
// Invariants (contract tests run over every task, seed and level):
//   make(seed, level, n) is pure: same arguments, same bytes; n changes the questions, never the context;
//   verify(question, gold) == 1 and in any accepted spelling; 0 for empty, huge, or another question's
//   answer; traces[0] is empty (answer only); longer verbosities never contradict the gold answer;
//   questions of one episode are independent: none asks for a fact that an earlier one asked or told, so who
//   reads the earlier ones with their answers but not the context knows no more about a later answer than
//   from its own wording. Which questions fit together must not depend on an answer, else being asked would
//   tell it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/registry.h"
#include "media/part.h"

namespace melete {

// A place that a trace points at, in thousandths of the medium: x, y, and for a box the far corner.
struct Mark {
  enum class Kind { point, box, track, span };
  Kind kind = Kind::point;
  std::string label;
  std::array<int, 4> at{};  // 0..1000; span: {begin, end} in thousandths of the sound's length
};

struct Question {
  std::string text;
  std::string gold;                   // canonical answer, as the model should write it
  std::array<std::string, 4> traces;  // reasoning by verbosity: none, terse, full, full with a check
  std::vector<Mark> marks;            // what the traces point at, in order
  std::string kind;                   // sub-skill ("count", "colour", ...) for per-kind accuracy
  // Facts of the context in the task's own words ("row 3"): what the gold depends on, and what else wording
  // and gold give away.
  std::vector<std::string> asks = {}, tells = {};
};

struct Episode {
  std::vector<Part> context;        // the picture, clip, sound or table; empty for pure text
  std::vector<Question> questions;  // at least one; independent of each other
  std::string transcript;           // scene transcript: every object in reading order; may be empty
  uint64_t spec_hash = 0;           // of the canonical spec, decides the split
  std::string hold_out;             // name of the hold-out this spec belongs to, or empty
};

enum class Split { train, dev, test, hold_out };
// hold_out wins; else spec_hash % 1000 < 10 test, < 20 dev, the rest train.
Split split_of(const Episode& episode);

struct TaskInfo {
  std::string name;                           // as registered
  std::string summary;                        // one line for `melete task list`
  std::string family;                         // loss share and tables: vision, audio, video, data, text
  int num_levels = 1;                         // levels 0 .. num_levels - 1, easiest first
  std::vector<std::string> level_names = {};  // what each level holds; empty, or num_levels entries
};

// `info` with the levels of a task's table, whose rows begin with a name.
template <class Levels>
TaskInfo with_levels(TaskInfo info, const Levels& levels) {
  info.num_levels = static_cast<int>(std::size(levels));
  for (const auto& level : levels) info.level_names.emplace_back(level.name);
  return info;
}

class Task {
 public:
  virtual ~Task() = default;
  virtual TaskInfo info() const = 0;
  // Empty if make() works here, else what is missing (a program, a font) and what to do about it. Callers ask
  // it before the first make(), which CHECKs.
  virtual std::string problem() const { return {}; }
  // CHECKs 0 <= level < num_levels and num_questions >= 1; may return fewer questions than asked for.
  virtual Episode make(uint64_t seed, int level, int num_questions = 1) const = 0;
  // The split of make(seed, level, n), whatever n. Tasks override it where the spec is cheaper than its
  // drawing.
  virtual Split split_at(uint64_t seed, int level) const { return split_of(make(seed, level, 1)); }
  // In [0, 1]. The default compares normalised text (task/verify.h).
  virtual double verify(const Question& question, std::string_view answer) const;
};

}  // namespace melete

#define MELETE_REGISTER_TASK(name, Class)                                   \
  static const ::melete::Registration<::melete::Task> registration_##Class( \
      name, [] { return std::make_unique<Class>(); })
