// A logits case (model/logits_cases.h) as the prompt that the engine takes.
#pragma once

#include "base/result.h"
#include "model/logits_cases.h"
#include "text/prompt.h"

namespace melete {

class Engine;

// One medium an image, video or clip; one span a run of placeholders.
Prompt prompt_of(const LogitsCase& given);

// Logits after every position, and the greedy continuation if the case asks for one. Errors: those of Engine.
Result<LogitsResult> run_logits_case(Engine& engine, const LogitsCase& given);

// The reverse of prompt_of, as a file of one case without logits: NAME.input_ids and the media inputs.
// Errors: the disk's.
Status write_prompt(const std::filesystem::path& path, const std::string& name, const Prompt& prompt);

}  // namespace melete
