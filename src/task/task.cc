#include "task/task.h"

#include "task/verify.h"

namespace melete {

Split split_of(const Episode& episode) {
  if (!episode.hold_out.empty()) return Split::hold_out;
  const uint64_t slot = episode.spec_hash % 1000;
  return slot < 10 ? Split::test : slot < 20 ? Split::dev : Split::train;
}

double Task::verify(const Question& question, std::string_view answer) const {
  return same_answer(question.gold, answer) ? 1.0 : 0.0;
}

}  // namespace melete
