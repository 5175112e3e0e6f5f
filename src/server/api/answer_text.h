// How the text of a run's answer is told, on any surface.
#pragma once

#include "server/api/choice_text.h"
#include "server/generation/served_model.h"

namespace melete {

// All but stop strings.
ChoiceText::Options text_options(const ServedModel& model, const std::string& mode, const Request& run);

}  // namespace melete
