#include "server/api/answer_wire.h"

#include <algorithm>

#include "agent/assistant.h"

namespace melete {

TokenCounts count_tokens(const std::vector<FinishedAnswer>& answers) {
  TokenCounts counts;
  for (const FinishedAnswer& one : answers) {
    const Usage& usage = one.answer.usage;
    counts.prompt = std::max(counts.prompt, usage.prompt_tokens);
    counts.reasoning += usage.reasoning_tokens;
    counts.completion += usage.reasoning_tokens + usage.answer_tokens;
  }
  return counts;
}

Json answer_details(const Answer& answer, const std::string& mode, uint64_t seed) {
  Json details = to_json(answer, mode, seed);
  for (const char* told : {"answer", "reasoning", "tool_calls"}) details.erase(told);
  return details;
}

}  // namespace melete
