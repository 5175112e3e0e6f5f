// A suite: questions of one task and level, none of which was trained on, ready to be asked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/assistant.h"
#include "task/task.h"

namespace melete {

struct SuiteSpec {
  std::string task;
  int level = 0;
  std::string kind;                  // only questions of this sub-skill; empty: all
  Split split = Split::test;

  std::string name() const { return kind.empty() ? task : task + ":" + kind; }
};

struct SuiteItem {
  Question question;
  Message message;                   // medium and question
  Message blind_message;             // the question alone
};

struct Suite {
  SuiteSpec spec;
  std::shared_ptr<const Task> task;
  std::vector<SuiteItem> items;
  bool has_context = false;          // else the blind question is the question
  // Share that the most frequent answer of each kind of question gets right.
  double majority() const;
};

// `task` or `task:kind`, without a level, for every level up to the task's last. Errors: not_found (no such task).
Result<std::vector<SuiteSpec>> parse_suites(const std::vector<std::string>& names, int max_level);

// The first `count` episodes of the split, one question each; a pure function of spec, count and first_seed.
// Errors: unavailable (Task::problem), not_found (no question of that kind), those of preprocess().
Result<Suite> make_suite(const SuiteSpec& spec, int64_t count, uint64_t first_seed, const Assistant& assistant);

}  // namespace melete
