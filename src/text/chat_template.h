// The text files that sit beside a checkpoint for other programs (transformers, vLLM, SGLang).
#pragma once

#include <string>
#include <string_view>

namespace melete {

// chat_template.jinja: the format of text/conversation.h for apply_chat_template. Media are one placeholder
// each
// (<|patch|>, <|video|>, <|audio|>), which the processor expands. Variables: messages, tools,
// reasoning_effort ("low"
// .. "xhigh"; absent or "none": no strength line), enable_thinking (false: the answer begins at once) and
// add_generation_prompt. A message may have reasoning_content and tool_calls (assistant), recipient and
// ends_turn as in Message, and name (tool).
std::string_view chat_template();

// tokenizer_config.json for tokenizers trained here.
std::string tokenizer_config_json();

}  // namespace melete
