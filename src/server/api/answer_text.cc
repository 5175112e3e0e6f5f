#include "server/api/answer_text.h"

namespace melete {

ChoiceText::Options text_options(const ServedModel& model, const std::string& mode, const Request& run) {
  ChoiceText::Options options;
  options.has_many_agents = mode == "contemplating";
  options.may_be_marks = model.chat().is_muse();
  options.tells_commentary = !run.grammar || run.tool_choice.is_held();
  return options;
}

}  // namespace melete
