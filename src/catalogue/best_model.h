// Which of the models on this machine a program takes when none is named.
#pragma once

#include <cstdint>
#include <vector>

#include "catalogue/models_folder.h"

namespace melete {

// The models of the folder that are made to answer (they come with a chat template, or are of the Muse
// family) and whose files take at most `max_bytes`, the one with the most parameters first. Files that can't
// be read are left out.
std::vector<LocalModel> models_that_answer(const ModelsFolder& folder, int64_t max_bytes);

}  // namespace melete
