#include "text/tool_call.h"

#include <algorithm>

#include "text/scan.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

constexpr std::string_view kParameterOpen = "<atem:parameter name=\"";
constexpr std::string_view kParameterClose = "</atem:parameter>";
constexpr std::string_view kInvokeOpen = "<atem:invoke name=\"";
constexpr std::string_view kInvokeClose = "</atem:invoke>";
constexpr std::string_view kCallsOpen = "<atem:function_calls>";
constexpr std::string_view kCallsClose = "</atem:function_calls>";
constexpr int kMaxRefs = 8;

// NAME"> off the front.
std::optional<std::string> take_name(std::string_view& text) {
  const size_t quote = text.find('"');
  if (quote == std::string_view::npos || quote == 0) return std::nullopt;
  const std::string_view name = text.substr(0, quote);
  if (name.find_first_of("<>\n") != std::string_view::npos) return std::nullopt;
  text.remove_prefix(quote);
  if (!take(text, "\">")) return std::nullopt;
  return std::string(name);
}

// The text up to the first closing tag after which the call can go on: a value may quote a closing tag.
std::optional<std::string> take_value(std::string_view& text) {
  for (size_t close = text.find(kParameterClose); close != std::string_view::npos;
       close = text.find(kParameterClose, close + 1)) {
    std::string_view after = text.substr(close + kParameterClose.size());
    skip_spaces(after);
    if (!after.starts_with(kParameterOpen) && !after.starts_with(kInvokeClose)) continue;
    const std::string value(text.substr(0, close));
    text = after;
    return value;
  }
  return std::nullopt;
}

const Json* member(const Json* value, const std::string& key) {
  if (!value || !value->is_object()) return nullptr;
  const auto found = value->find(key);
  return found == value->end() ? nullptr : &*found;
}

// Follows "$ref": "#/a/b" within `root`.
const Json* resolve(const Json* schema, const Json& root) {
  for (int hops = 0; hops < kMaxRefs; ++hops) {
    const Json* ref = member(schema, "$ref");
    if (!ref || !ref->is_string()) return schema;
    const std::string path = ref->get<std::string>();
    if (!path.starts_with("#/")) return schema;
    const Json* found = &root;
    for (size_t begin = 2; begin <= path.size() && found;) {
      const size_t end = std::min(path.find('/', begin), path.size());
      found = member(found, path.substr(begin, end - begin));
      begin = end + 1;
    }
    if (!found) return schema;
    schema = found;
  }
  return schema;
}

// Whether a value of this schema may be a string. An unreadable schema says nothing.
bool may_be_string(const Json* schema, const Json& root, int depth) {
  schema = resolve(schema, root);
  if (!schema || !schema->is_object() || depth > kMaxRefs) return false;
  if (const Json* type = member(schema, "type")) {
    if (type->is_string()) return *type == "string";
    if (type->is_array()) return std::find(type->begin(), type->end(), Json("string")) != type->end();
  }
  for (const char* key : {"anyOf", "oneOf", "allOf"})
    if (const Json* choices = member(schema, key); choices && choices->is_array())
      for (const Json& choice : *choices)
        if (may_be_string(&choice, root, depth + 1)) return true;
  if (const Json* values = member(schema, "enum"); values && values->is_array())
    return std::any_of(values->begin(), values->end(), [](const Json& v) { return v.is_string(); });
  const Json* constant = member(schema, "const");
  return constant && constant->is_string();
}

}  // namespace

bool are_of_tools(const std::vector<ToolCall>& calls, const std::vector<Json>& tools) {
  return tools.empty() || std::all_of(calls.begin(), calls.end(), [&](const ToolCall& call) {
           return std::any_of(tools.begin(), tools.end(),
                              [&](const Json& tool) { return tool_name(tool) == call.name; });
         });
}

Json typed_argument(const std::string& text, const std::string& tool, const std::string& parameter,
                    const std::vector<Json>& tools) {
  const Json* schema = nullptr;
  const Json* root = nullptr;
  for (const Json& definition : tools)
    if (tool_name(definition) == tool) {
      root = member(&tool_function(definition), "parameters");
      schema = member(member(root, "properties"), parameter);
    }
  if (schema && may_be_string(schema, *root, 0)) return text;
  const auto parsed = parse_json(text, "tool parameter");
  return parsed.ok() && !(parsed->is_string() && !schema) ? *parsed : Json(text);
}

namespace {

std::optional<ToolCall> take_invoke(std::string_view& text, const std::vector<Json>& tools) {
  if (!take(text, kInvokeOpen)) return std::nullopt;
  const auto name = take_name(text);
  if (!name || !is_valid_name(*name)) return std::nullopt;
  ToolCall call{*name, Json::object()};
  for (skip_spaces(text); !take(text, kInvokeClose); skip_spaces(text)) {
    if (!take(text, kParameterOpen)) return std::nullopt;
    const auto key = take_name(text);
    const auto value = key ? take_value(text) : std::nullopt;
    if (!value || call.arguments.contains(*key)) return std::nullopt;
    call.arguments[*key] = typed_argument(*value, *name, *key, tools);
  }
  return call;
}

}  // namespace

std::optional<std::vector<ToolCall>> parse_tool_calls(std::string_view body, const std::vector<Json>& tools) {
  std::vector<ToolCall> calls;
  skip_spaces(body);
  if (!take(body, kCallsOpen)) return std::nullopt;
  for (skip_spaces(body); !take(body, kCallsClose); skip_spaces(body)) {
    auto call = take_invoke(body, tools);
    if (!call) return std::nullopt;
    calls.push_back(std::move(*call));
  }
  skip_spaces(body);
  if (!body.empty() || calls.empty()) return std::nullopt;
  return calls;
}

}  // namespace melete
