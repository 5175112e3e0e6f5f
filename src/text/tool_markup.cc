#include "text/tool_markup.h"

#include <algorithm>

namespace melete {
namespace {

void append_spaced(const Json& value, std::string& out) {
  if (!value.is_structured()) {
    out += json_text(value);
    return;
  }
  out += value.is_array() ? '[' : '{';
  bool is_first = true;
  for (const auto& item : value.items()) {
    if (!is_first) out += ", ";
    is_first = false;
    if (value.is_object()) out += json_text(Json(item.key())) + ": ";
    append_spaced(item.value(), out);
  }
  out += value.is_array() ? ']' : '}';
}

}  // namespace

std::string spaced_json(const Json& value) {
  std::string out;
  append_spaced(value, out);
  return out;
}

const Json& tool_function(const Json& definition) {
  const auto found = definition.is_object() ? definition.find("function") : definition.end();
  return definition.is_object() && found != definition.end() ? *found : definition;
}

std::string tool_name(const Json& definition) {
  const Json& function = tool_function(definition);
  if (!function.is_object()) return {};
  const auto found = function.find("name");
  return found != function.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string tool_call_text(std::string_view name, const Json& arguments) {
  std::string text = cat("<atem:function_calls>\n<atem:invoke name=\"", name, "\">\n");
  if (arguments.is_object())
    for (const auto& item : arguments.items())
      text += cat("<atem:parameter name=\"", item.key(), "\">",
                  item.value().is_string() ? item.value().get<std::string>() : spaced_json(item.value()),
                  "</atem:parameter>\n");
  return text + "</atem:invoke>\n</atem:function_calls>";
}

std::string tool_output_text(std::string_view name, std::string_view output) {
  return cat("<tool_output name=\"", name, "\">\n", output, "\n</tool_output>");
}

bool is_valid_name(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("_.:/-").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), is_allowed);
}

}  // namespace melete
