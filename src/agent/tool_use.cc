#include "agent/tool_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/random.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

std::string shown(const Json& value) { return json_text(value).substr(0, 200); }

// The parameters of a definition; null if it gives none.
const Json* parameters_of(const Json& definition) {
  const Json& function = tool_function(definition);
  const auto found = function.find("parameters");
  return found == function.end() || found->is_null() ? nullptr : &*found;
}

Status check_tool(const Json& definition, const std::string& where) {
  const std::string name = tool_name(definition);
  if (!is_valid_name(name))
    return invalid_argument("[", where, "] must have a name of 1 to 128 letters, digits and _.:/-, got ",
                            shown(definition), "; give it one");
  if (name == "self" || name == "user" || name == "commentary")
    return invalid_argument("[", where, "] must not have the name of a recipient, got ", name, "; rename it");
  const Json* parameters = parameters_of(definition);
  if (!parameters) return ok_status();
  if (!parameters->is_object())
    return invalid_argument("[", where, ".parameters] must be a JSON schema of an object, got ",
                            shown(*parameters), "; give one, or leave it out");
  const auto type = parameters->find("type");
  if (type != parameters->end() && *type != "object")
    return invalid_argument("[", where, ".parameters.type] must be \"object\", got ", shown(*type),
                            "; arguments are always an object");
  return ok_status();
}

// The schema with references into itself moved to where it stands in a larger one. Only what stands where a
// schema may is one: names of properties and values of enum are left as they are.
Json moved(const Json& schema, const std::string& to) {
  if (schema.is_array()) {
    Json list = Json::array();
    for (const Json& item : schema) list.push_back(moved(item, to));
    return list;
  }
  if (!schema.is_object()) return schema;
  Json result = Json::object();
  for (const auto& [key, value] : schema.items()) {
    const bool has_names = key == "properties" || key == "$defs" || key == "definitions";
    if (key == "$ref" && value.is_string() && value.get_ref<const std::string&>().starts_with('#')) {
      result[key] = to + value.get_ref<const std::string&>().substr(1);
    } else if (has_names && value.is_object()) {
      result[key] = Json::object();
      for (const auto& [name, inner] : value.items()) result[key][name] = moved(inner, to);
    } else if (key == "enum" || key == "const" || key == "default" || key == "examples") {
      result[key] = value;
    } else {
      result[key] = moved(value, to);
    }
  }
  return result;
}

// What the arguments of a tool are of.
Json arguments_schema(const Json& definition) {
  const Json* parameters = parameters_of(definition);
  if (!parameters) return {{"type", "object"}, {"properties", Json::object()}};
  Json schema = *parameters;
  if (schema.contains("type")) return schema;
  for (const char* key : {"anyOf", "oneOf", "allOf", "$ref"})
    if (schema.contains(key))
      return {{"allOf", Json::array({Json{{"type", "object"}}, moved(schema, "#/allOf/1")})}};
  schema["type"] = "object";
  return schema;
}

// Sorted keys at every depth, whole numbers as such.
nlohmann::json canonical(const Json& value) {
  nlohmann::json made = value;
  if (value.is_array())
    for (size_t i = 0; i < value.size(); ++i) made[i] = canonical(value[i]);
  if (value.is_object())
    for (const auto& [key, inner] : value.items()) made[key] = canonical(inner);
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (number == std::floor(number) && std::fabs(number) < 1e15) return static_cast<int64_t>(number);
  }
  return made;
}

}  // namespace

Status check_tools(const std::vector<Json>& tools, const ToolChoice& choice) {
  std::set<std::string> names;
  for (size_t i = 0; i < tools.size(); ++i) {
    const std::string where = cat("tools[", i, "]");
    MELETE_RETURN_IF_ERROR(check_tool(tools[i], where));
    if (!names.insert(tool_name(tools[i])).second)
      return invalid_argument("[", where, "] must have a name of its own, got ", tool_name(tools[i]),
                              " a second time; rename it");
  }
  if (choice.is_held() && tools.empty())
    return invalid_argument("[tool_choice] must be automatic or none without tools, got ",
                            choice.kind == ToolChoice::Kind::named ? choice.name : "required",
                            "; define the tools, or leave it out");
  if (choice.kind == ToolChoice::Kind::named && !names.contains(choice.name))
    return invalid_argument("[tool_choice] must name one of the tools, got ", choice.name,
                            "; name one, or define it");
  return ok_status();
}

Result<GrammarSource> held_call_grammar(const std::vector<Json>& tools, const ToolChoice& choice) {
  MELETE_RETURN_IF_ERROR(check_tools(tools, choice));
  MELETE_CHECK(choice.is_held(), "only a call that must come has a grammar");
  Json calls = Json::array(), definitions = Json::object();
  for (size_t i = 0; i < tools.size(); ++i) {
    const std::string name = tool_name(tools[i]);
    if (choice.kind == ToolChoice::Kind::named && name != choice.name) continue;
    const Json arguments = arguments_schema(tools[i]);
    if (const Status status = Grammar::check({GrammarKind::json_schema, json_text(arguments)}); !status.ok())
      return Error{status.error().kind, cat("[tools[", i, "].parameters] ", status.error().message)};
    const std::string place = std::to_string(i);
    definitions[place] = moved(arguments, "#/$defs/" + place);
    calls.push_back(
        {{"type", "object"},
         {"properties", {{"name", {{"const", name}}}, {"arguments", {{"$ref", "#/$defs/" + place}}}}},
         {"required", {"name", "arguments"}}});
  }
  const Json schema = {{"anyOf", std::move(calls)}, {"$defs", std::move(definitions)}};
  return GrammarSource{GrammarKind::json_schema, json_text(schema)};
}

std::string HeldCall::put(std::string_view text) {
  std::string arguments;
  for (const char c : text) {
    const int64_t depth = depth_;
    if (in_string_) {
      const bool ends = c == '"' && !is_escaped_;
      is_escaped_ = c == '\\' && !is_escaped_;
      // The strings of the outer object are "name", the name and "arguments".
      if (depth_ == 1 && num_strings_ == 1 && !ends) name_ += c;
      if (ends && depth_ == 1) ++num_strings_;
      in_string_ = !ends;
    } else {
      in_string_ = c == '"';
      depth_ += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
    }
    if (std::max(depth, depth_) > 1) arguments += c;
  }
  return arguments;
}

std::optional<ToolCall> parse_held_call(std::string_view text) {
  const auto call = parse_json(text, "call");
  if (!call.ok() || !call->is_object() || !call->contains("name") || !(*call)["name"].is_string() ||
      !call->contains("arguments") || !(*call)["arguments"].is_object())
    return std::nullopt;
  return ToolCall{(*call)["name"].get<std::string>(), (*call)["arguments"]};
}

std::string call_id(uint64_t run, int32_t agent, size_t index) {
  return fmt::format("call_{:016x}", mix_seed(mix_seed(run, static_cast<uint64_t>(agent)), index));
}

std::string calls_key(const std::vector<IssuedCall>& calls) {
  std::vector<std::string> keys;
  for (const IssuedCall& call : calls)
    keys.push_back(cat(call.name, "(", json_text(canonical(call.arguments)), ")"));
  std::sort(keys.begin(), keys.end());
  std::string all;
  for (const std::string& key : keys) all += (all.empty() ? "" : "; ") + key;
  return all;
}

std::vector<Message> call_messages(const std::vector<IssuedCall>& calls) {
  std::vector<Message> messages;
  for (const IssuedCall& call : calls) {
    const bool is_last = messages.size() + 1 == calls.size();
    TextPart text{tool_call_text(call.name, call.arguments), false};
    messages.push_back({Role::assistant, call.name, {std::move(text)}, is_last});
  }
  return messages;
}

Json to_json(const std::vector<IssuedCall>& calls) {
  Json list = Json::array();
  for (const IssuedCall& call : calls)
    list.push_back({{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}});
  return list;
}

std::string call_line(const std::string& name, const Json& arguments) {
  return cat(name, "(", json_text(arguments), ")");
}

}  // namespace melete
