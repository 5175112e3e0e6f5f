// Which levels of each task are trained on: a task begins at level 0, and the next level opens once the top
// one is mastered (accuracy over recent answers passes a bar) or after a patience; lower levels are replayed.
//
// Why: many objects at once hide the signal that binds one (a shape's identity stayed at chance after 40,000
// pictures of 1 to 6 objects, while one object a picture is learned in minutes). Many tasks at once hide it
// too: after 30,000 pictures among those of sixteen other tasks shapes were at chance, and 12,000 pictures of
// shapes alone made it 92 %. So a run may begin with some tasks alone.
//
// The state changes only in observe() and end_step(), in the order of the training steps, so a resumed run
// repeats it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "base/result.h"
#include "train/batch.h"

namespace melete {

struct CurriculumConfig {
  bool enabled = true;            // false: every level from the start, equally often
  double bar = 0.85;              // exact-match accuracy of the top level that opens the next one
  int64_t window = 200;           // answers over which the accuracy is averaged (exponentially)
  int64_t patience_steps = 1500;  // the next level opens after this many steps in any case; 0: never
  double top_share = 0.6;         // share of a task's documents at its top level; the rest replays lower ones
  std::string start;              // "shapes=3": these levels are open from the start; 0 unless named
  std::string first;              // "shapes": tasks that are trained alone at first, at level 0
  int64_t first_steps = 1000;     // the others open after this many steps, or once the first are mastered

  template <class Visitor>
  void visit(Visitor&& field) {
    field("enabled", enabled, "start every task at level 0 and widen; false: all levels from the start");
    field("bar", bar, "accuracy at the top level that opens the next one, 0 to 1");
    field("window", window, "answers over which an accuracy is averaged");
    field("patience_steps", patience_steps,
          "open the next level after this many steps in any case; 0: never");
    field("top_share", top_share,
          "share of a task's documents at its top open level; the rest replays lower levels");
    field("start", start, "levels that are open from the start, as in \"shapes=3\"; 0 unless named");
    field("first", first,
          "tasks, separated by commas, that are trained alone at level 0 at first; empty: all begin at once");
    field("first_steps", first_steps,
          "the other tasks begin after this many steps, or earlier once the first are mastered");
  }

  std::string problem() const;
};

// For each task its top open level; equal to its number of levels once all are mastered, -1 while only the
// first tasks are trained.
using OpenLevels = std::vector<int32_t>;

struct TaskLevels {
  std::string name;
  int32_t num_levels = 1;
  int32_t start = 0;  // open from the start, and after a resume
  bool first = false;
};

// Saved by the tasks' names, so that a run can go on with more or fewer tasks; a task that isn't there starts
// at 0.
Json to_json(const OpenLevels& open, const std::vector<TaskLevels>& tasks);
Result<OpenLevels> open_levels_from(const Json& state, const std::vector<TaskLevels>& tasks);

class Curriculum {
 public:
  Curriculum(const CurriculumConfig& config, std::vector<TaskLevels> tasks);

  void observe(int32_t task, int32_t level, AnswerKind kind, bool right);
  void end_step();  // opens levels
  const OpenLevels& open_levels() const { return open_; }

  // Mean over recent answers, and how many answers it stands for (at most about `window`).
  double accuracy(int32_t task, int32_t level, AnswerKind kind) const;
  double support(int32_t task, int32_t level, AnswerKind kind) const;

  const std::vector<TaskLevels>& tasks() const { return tasks_; }

  Json state() const;
  Status load(const Json& state);  // corrupt if it isn't what state() gives

 private:
  struct Mean {
    double hits = 0, weight = 0;
  };
  using Means = std::array<Mean, kNumAnswerKinds>;
  bool mastered(int32_t task, int32_t level) const;
  bool only_first() const;
  void open_all();

  CurriculumConfig config_;
  std::vector<TaskLevels> tasks_;
  OpenLevels open_;
  int64_t first_steps_ = 0;  // taken with the first tasks alone
  std::vector<int64_t> steps_at_level_;
  std::vector<std::vector<Means>> means_;  // [task][level]
};

// Draws the level of one document from a snapshot of open levels.
int32_t pick_level(const CurriculumConfig& config, int32_t open_level, int32_t num_levels, Random& random);

}  // namespace melete
