// Reads tool calls written as <atem:function_calls> markup.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace melete {

struct ToolCall {
  std::string name;
  Json arguments;  // an object
};

// The calls of a message to a tool; nothing if any part of it is malformed. `tools` are definitions: a
// parameter that its schema lets be a string stays the raw text, others are read as JSON if they are JSON.
// Without a schema, what reads as JSON is JSON unless it is a quoted string.
std::optional<std::vector<ToolCall>> parse_tool_calls(std::string_view body, const std::vector<Json>& tools);

// Whether each is a call of one of the tools; without tools, of any name.
bool are_of_tools(const std::vector<ToolCall>& calls, const std::vector<Json>& tools);

// The value that `text` stands for as that parameter of that tool, by the rule above.
Json typed_argument(const std::string& text, const std::string& tool, const std::string& parameter,
                    const std::vector<Json>& tools);

}  // namespace melete
