// Tool calls as the public families write them. Nothing, and never an error, for text that isn't a call: the
// caller shows it then.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "text/tool_call.h"

namespace melete {

// JSON: {"name": ..., "arguments" or "parameters": {...}} (Hermes, Qwen, Llama 3), one, a list, or several
// one after the other (also with ';' between); {"function": {...}} around it; arguments as a text of JSON.
std::optional<std::vector<ToolCall>> parse_json_calls(std::string_view body, bool may_lack_ends = true);

// Python: name(key=value, ...), one a line, in a list, in print(); without keys in the order of the tool's
// schema (Gemma's tool_code, Llama 3's built-in tools: a ".call" behind the name is left out).
std::optional<std::vector<ToolCall>> parse_python_calls(std::string_view body,
                                                        const std::vector<Json>& tools);

// <function=NAME>, with <parameter=KEY>VALUE</parameter> inside (Qwen3-Coder, Qwen3.5) or JSON arguments
// (Llama 3.1's own).
std::optional<std::vector<ToolCall>> parse_function_tags(std::string_view body,
                                                         const std::vector<Json>& tools);

// Any of them, with a code fence around it or without. may_lack_ends: JSON without its last brackets is one
// too.
std::optional<std::vector<ToolCall>> parse_any_calls(std::string_view body, const std::vector<Json>& tools,
                                                     bool may_lack_ends = true);

}  // namespace melete
