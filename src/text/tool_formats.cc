#include "text/tool_formats.h"

#include <algorithm>

#include "text/loose_json.h"
#include "text/scan.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

using ToolCalls = std::vector<ToolCall>;

constexpr size_t kMaxCalls = 64;

const Json* member(const Json& value, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (const auto found = value.find(key); found != value.end()) return &*found;
  return nullptr;
}

// An object of arguments, also written as text; none are an empty one.
std::optional<Json> arguments_of(const Json* value) {
  if (!value || value->is_null()) return Json::object();
  if (value->is_object()) return *value;
  if (!value->is_string()) return std::nullopt;
  const auto& text = value->get_ref<const std::string&>();
  if (trimmed(text).empty()) return Json::object();
  auto parsed = parse_loose_json(text);
  return parsed && parsed->is_object() ? parsed : std::nullopt;
}

std::optional<ToolCall> call_of(const Json& value, int depth = 0) {
  if (!value.is_object() || depth > 2) return std::nullopt;
  const Json* function = member(value, {"function", "tool_call", "function_call"});
  if (function && function->is_object()) return call_of(*function, depth + 1);
  const Json* name = member(value, {"name", "tool_name"});
  if (!name && function && function->is_string()) name = function;
  if (!name || !name->is_string() || !is_valid_name(name->get<std::string>())) return std::nullopt;
  auto arguments = arguments_of(member(value, {"arguments", "parameters", "args", "input"}));
  if (!arguments) return std::nullopt;
  return ToolCall{name->get<std::string>(), *std::move(arguments)};
}

bool add_calls(const Json& value, ToolCalls& calls) {
  const std::vector<Json> one =
      value.is_array() ? std::vector<Json>(value.begin(), value.end()) : std::vector{value};
  for (const Json& item : one) {
    auto call = call_of(item);
    if (!call || calls.size() >= kMaxCalls) return false;
    calls.push_back(*std::move(call));
  }
  return true;
}

std::string take_identifier(std::string_view& text) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  };
  const auto end = static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_part) - text.begin());
  std::string name(text.substr(0, end));
  if (!name.empty() && name[0] >= '0' && name[0] <= '9') return {};
  text.remove_prefix(end);
  return name;
}

// The name of the tool's parameter at `index`, or empty.
std::string parameter_name(const std::string& tool, size_t index, const std::vector<Json>& tools) {
  for (const Json& definition : tools) {
    if (tool_name(definition) != tool) continue;
    const Json& function = tool_function(definition);
    const auto parameters = function.find("parameters");
    if (parameters == function.end() || !parameters->is_object()) return {};
    const auto properties = parameters->find("properties");
    if (properties == parameters->end() || !properties->is_object() || index >= properties->size()) return {};
    return std::next(properties->begin(), static_cast<std::ptrdiff_t>(index)).key();
  }
  return {};
}

// name(...) off the front.
std::optional<ToolCall> take_python_call(std::string_view& text, const std::vector<Json>& tools) {
  ToolCall call{take_identifier(text), Json::object()};
  if (call.name.ends_with(".call")) call.name.resize(call.name.size() - 5);
  if (!is_valid_name(call.name) || !take(text, "(")) return std::nullopt;
  for (size_t index = 0;; ++index) {
    skip_spaces(text);
    if (take(text, ")")) return call;
    std::string_view ahead = text;
    std::string key = take_identifier(ahead);
    skip_spaces(ahead);
    if (!key.empty() && take(ahead, "="))
      text = ahead;
    else
      key = parameter_name(call.name, index, tools);
    auto value = take_loose_json(text);
    if (key.empty() || !value || call.arguments.contains(key) || index >= 256) return std::nullopt;
    call.arguments[key] = *std::move(value);
    skip_spaces(text);
    if (!take(text, ",") && !text.starts_with(')')) return std::nullopt;
  }
}

std::optional<ToolCall> take_function_tag(std::string_view& text, const std::vector<Json>& tools) {
  const size_t end = text.starts_with("<function=") ? text.find('>') : std::string_view::npos;
  if (end == std::string_view::npos) return std::nullopt;
  ToolCall call{std::string(trimmed(text.substr(10, end - 10))), Json::object()};
  if (!is_valid_name(call.name)) return std::nullopt;
  text.remove_prefix(end + 1);
  skip_spaces(text);
  if (text.starts_with('{')) {
    auto arguments = take_loose_json(text);
    if (!arguments) return std::nullopt;
    call.arguments = *std::move(arguments);
    skip_spaces(text);
  }
  while (take(text, "<parameter=")) {
    const size_t name_end = text.find('>');
    const size_t close = text.find("</parameter>", name_end);
    if (name_end == std::string_view::npos || close == std::string_view::npos) return std::nullopt;
    const std::string key(trimmed(text.substr(0, name_end)));
    std::string_view value = text.substr(name_end + 1, close - name_end - 1);
    take(value, "\n");
    if (value.ends_with('\n')) value.remove_suffix(1);
    if (key.empty() || call.arguments.contains(key) || call.arguments.size() >= 256) return std::nullopt;
    call.arguments[key] = typed_argument(std::string(value), call.name, key, tools);
    text.remove_prefix(close + 12);
    skip_spaces(text);
  }
  if (!take(text, "</function>") && !text.empty()) return std::nullopt;
  return call;
}

}  // namespace

std::optional<ToolCalls> parse_json_calls(std::string_view body, bool may_lack_ends) {
  ToolCalls calls;
  skip_spaces(body);
  while (!body.empty()) {
    if (!body.starts_with('{') && !body.starts_with('[')) return std::nullopt;
    const auto value = take_loose_json(body, may_lack_ends);
    if (!value || !add_calls(*value, calls)) return std::nullopt;
    skip_spaces(body);
    while (take(body, ";") || take(body, ",")) skip_spaces(body);
  }
  return calls.empty() ? std::nullopt : std::optional(std::move(calls));
}

std::optional<ToolCalls> parse_python_calls(std::string_view body, const std::vector<Json>& tools) {
  ToolCalls calls;
  body = trimmed(body);
  if (body.starts_with('[') && body.ends_with(']')) body = trimmed(body.substr(1, body.size() - 2));
  while (!body.empty()) {
    std::string_view inside = body;
    const bool is_printed = take(inside, "print(");
    if (is_printed) body = inside;
    skip_spaces(body);
    auto call = take_python_call(body, tools);
    if (!call || calls.size() >= kMaxCalls) return std::nullopt;
    calls.push_back(*std::move(call));
    skip_spaces(body);
    if (is_printed && !take(body, ")")) return std::nullopt;
    skip_spaces(body);
    while (take(body, ";") || take(body, ",")) skip_spaces(body);
  }
  return calls.empty() ? std::nullopt : std::optional(std::move(calls));
}

std::optional<ToolCalls> parse_function_tags(std::string_view body, const std::vector<Json>& tools) {
  ToolCalls calls;
  skip_spaces(body);
  while (!body.empty()) {
    auto call = take_function_tag(body, tools);
    if (!call || calls.size() >= kMaxCalls) return std::nullopt;
    calls.push_back(*std::move(call));
    skip_spaces(body);
  }
  return calls.empty() ? std::nullopt : std::optional(std::move(calls));
}

std::optional<ToolCalls> parse_any_calls(std::string_view body, const std::vector<Json>& tools,
                                         bool may_lack_ends) {
  body = trimmed(body);
  if (body.starts_with("```")) {
    const size_t line = body.find('\n');
    if (line == std::string_view::npos) return std::nullopt;
    body = body.substr(line + 1);
    if (body.ends_with("```")) body.remove_suffix(3);
    body = trimmed(body);
  }
  if (auto calls = parse_json_calls(body, may_lack_ends)) return calls;
  if (body.starts_with('<')) return parse_function_tags(body, tools);
  return parse_python_calls(body, tools);
}

}  // namespace melete
