// A suite: questions of one task and level, none of which was trained on, ready to be asked.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/assistant.h"
#include "task/task.h"

namespace melete {

struct SuiteSpec {
  std::string task;
  int level = 0;
  std::string kind;  // only questions of this sub-skill; empty: all
  Split split = Split::test;

  std::string name() const { return kind.empty() ? task : task + ":" + kind; }
};

struct SuiteItem {
  Question question;
  Message message;        // medium and question
  Message blind_message;  // the question alone
};

struct DrawPlan {
  int64_t count = 500;
  uint64_t first_seed = 0;
  std::function<bool()> stop_requested = [] { return false; };
  std::function<void(int64_t)> on_draw = [](int64_t num_items) {};  // after every episode looked at
};

// A suite of fewer distinct questions says too little to be one.
constexpr int64_t kFewestItems = 20;

struct Suite {
  SuiteSpec spec;
  std::shared_ptr<const Task> task;
  std::vector<SuiteItem> items;
  bool has_context = false;  // else the blind question is the question
  // Share that the most frequent answer of each kind of question gets right.
  double majority() const;
};

// `task` or `task:kind`, without a level, for every level up to the task's last. Errors: not_found (no such
// task).
Result<std::vector<SuiteSpec>> parse_suites(const std::vector<std::string>& names, int max_level);

// Up to `count` distinct questions of the split, one an episode; fewer, but at least kFewestItems, where many
// draws in a row give nothing new. A pure function of spec, count and first_seed. Errors: unavailable
// (Task::problem), not_found (no such task, or fewer questions), invalid_argument (a level that the task
// lacks), cancelled, those of preprocess().
Result<Suite> make_suite(const SuiteSpec& spec, const DrawPlan& plan, const Assistant& assistant);

}  // namespace melete
