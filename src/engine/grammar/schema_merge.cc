#include "engine/grammar/schema_merge.h"

#include <algorithm>
#include <array>
#include <set>

namespace melete {
namespace {

constexpr std::array<std::string_view, 21> kAssertions = {
    "type",    "enum",        "const",    "properties", "required",         "additionalProperties",
    "items",   "prefixItems", "minItems", "maxItems",   "minLength",        "maxLength",
    "pattern", "format",      "minimum",  "maximum",    "exclusiveMinimum", "exclusiveMaximum",
    "anyOf",   "oneOf",       "allOf"};
constexpr std::array<std::string_view, 12> kSilent = {"title",    "description", "default",  "examples",
                                                      "$schema",  "$id",         "$comment", "deprecated",
                                                      "readOnly", "writeOnly",   "$defs",    "definitions"};
constexpr int kMaxMergeDepth = 32;
constexpr size_t kMaxBranches = 256;
constexpr int64_t kMaxMergedValues = 2'000'000;

template <class List>
bool holds(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

Json all_of(const Json& a, const Json& b) { return {{"allOf", Json::array({a, b})}}; }

Error unmergeable(const std::string& key, const std::string& where) {
  return invalid_argument("[schema] allOf must have schemas that can be merged, got two with ", key, " at ",
                          where, "; write one schema that says both");
}

std::vector<Json> as_list(const Json& type) {
  return type.is_array() ? type.get<std::vector<Json>>() : std::vector<Json>{type};
}

// What both lists of types allow; an integer is a number.
Json common_types(const Json& a, const Json& b) {
  Json common = Json::array();
  for (const Json& x : as_list(a)) {
    for (const Json& y : as_list(b)) {
      if (x == y || (x == "integer" && y == "number")) common.push_back(x);
      if (x == "number" && y == "integer") common.push_back(y);
    }
  }
  return common;
}

Json common_values(const Json& a, const Json& b) {
  Json common = Json::array();
  for (const Json& x : a)
    if (std::find(b.begin(), b.end(), x) != b.end()) common.push_back(x);
  return common;
}

Result<Json> product(const Json& a, const Json& b, const std::string& where) {
  if (a.size() * b.size() > kMaxBranches)
    return exhausted("[schema] anyOf must have at most ", kMaxBranches, " combinations, got ",
                     a.size() * b.size(), " at ", where, "; write fewer");
  Json ways = Json::array();
  for (const Json& x : a)
    for (const Json& y : b) ways.push_back(all_of(x, y));
  return ways;
}

// One keyword that both schemas have.
Result<Json> merge_values(const std::string& key, const Json& a, const Json& b, const std::string& where) {
  if (a == b || holds(kSilent, key)) return a;
  if (key == "type") return common_types(a, b);
  if (key == "enum" && a.is_array() && b.is_array()) return common_values(a, b);
  if (key == "anyOf" && a.is_array() && b.is_array()) return product(a, b, where);
  if (key == "items" || key == "additionalProperties") return all_of(a, b);
  const bool numbers = a.is_number() && b.is_number();
  if (numbers && (key.rfind("min", 0) == 0 || key == "exclusiveMinimum")) return std::max(a, b);
  if (numbers && (key.rfind("max", 0) == 0 || key == "exclusiveMaximum")) return std::min(a, b);
  if (key == "required" && a.is_array() && b.is_array()) {
    Json both = a;
    for (const Json& name : b)
      if (std::find(both.begin(), both.end(), name) == both.end()) both.push_back(name);
    return both;
  }
  return unmergeable(key, where);
}

// A property that only one schema names is, for the other, one of its additional ones.
Json merge_properties(const Json& a, const Json& b) {
  const Json none = Json::object();
  const auto properties = [&](const Json& s) -> const Json& {
    return s.contains("properties") ? s["properties"] : none;
  };
  const auto add = [](Json& to, const std::string& name, const Json& schema, const Json& named,
                      const Json& other) {
    if (named.contains(name))
      to[name] = all_of(schema, named[name]);
    else
      to[name] =
          other.contains("additionalProperties") ? all_of(schema, other["additionalProperties"]) : schema;
  };
  Json merged = Json::object();
  for (const auto& [name, schema] : properties(a).items()) add(merged, name, schema, properties(b), b);
  for (const auto& [name, schema] : properties(b).items())
    if (!merged.contains(name)) add(merged, name, schema, none, a);
  return merged;
}

// const as the enum of one value.
Json with_enum(Json schema) {
  if (!schema.contains("const")) return schema;
  const Json only = Json::array({schema["const"]});
  schema["enum"] =
      schema.contains("enum") && schema["enum"].is_array() ? common_values(only, schema["enum"]) : only;
  schema.erase("const");
  return schema;
}

int64_t num_values(const Json& json) {
  int64_t count = 1;
  for (const Json& inner : json) {
    if (inner.is_structured())
      count += num_values(inner);
    else
      ++count;
  }
  return count;
}

std::string joined(const auto& names) {
  std::string all;
  for (const std::string_view name : names) all += cat(all.empty() ? "" : ", ", name);
  return all;
}

std::string unescaped(std::string token) {  // of a JSON pointer
  for (const auto& [from, to] : {std::pair("~1", "/"), std::pair("~0", "~")})
    for (size_t at = 0; (at = token.find(from, at)) != std::string::npos; ++at) token.replace(at, 2, to);
  return token;
}

}  // namespace

Result<Json> merge_schemas(const Json& first, const Json& second, const std::string& where) {
  if (first.is_boolean()) return first.get<bool>() ? second : first;
  if (second.is_boolean()) return second.get<bool>() ? first : second;
  const Json a = with_enum(first), b = with_enum(second);
  const auto is_tuple = [](const Json& s) { return s.contains("prefixItems"); };
  if ((is_tuple(a) && (is_tuple(b) || b.contains("items"))) || (is_tuple(b) && a.contains("items")))
    return unmergeable("prefixItems", where);
  Json merged = a;
  for (const auto& [key, value] : b.items()) {
    if (key == "properties") continue;
    if (!merged.contains(key)) {
      merged[key] = value;
      continue;
    }
    MELETE_ASSIGN_OR_RETURN(merged[key], merge_values(key, a[key], value, where));
  }
  if (a.contains("properties") || b.contains("properties")) merged["properties"] = merge_properties(a, b);
  return merged;
}

Status SchemaDocument::check_keywords(const Json& schema, const std::string& where) {
  if (schema.is_boolean()) return ok_status();
  if (!schema.is_object())
    return invalid_argument("[schema] a schema must be an object, true or false, got ", schema.type_name(),
                            " at ", where, "; correct it");
  for (const auto& [key, value] : schema.items()) {
    if (key == "$ref" || holds(kAssertions, key) || holds(kSilent, key)) continue;
    return invalid_argument("[schema] keywords must be of those supported, got ", key, " at ", where,
                            "; leave it out, or use $ref, ", joined(kAssertions), " (", joined(kSilent),
                            " say nothing about values)");
  }
  return ok_status();
}

bool SchemaDocument::has_assertions(const Json& schema, bool besides_ref) {
  if (!schema.is_object()) return true;
  return std::any_of(schema.items().begin(), schema.items().end(), [&](const auto& entry) {
    return holds(kAssertions, entry.key()) || (!besides_ref && entry.key() == "$ref");
  });
}

Result<const Json*> SchemaDocument::find(const Json& reference, const std::string& where) const {
  const auto wrong = [&] {
    return invalid_argument("[schema] $ref must point into the same document, such as #/$defs/name, got ",
                            json_text(reference), " at ", where, "; define it there");
  };
  if (!reference.is_string()) return wrong();
  const std::string pointer = reference.get<std::string>();
  if (pointer.empty() || pointer[0] != '#' || (pointer.size() > 1 && pointer[1] != '/')) return wrong();
  const Json* at = &root_;
  for (size_t begin = 2; begin <= pointer.size();) {
    const size_t end = std::min(pointer.find('/', begin), pointer.size());
    const std::string token = unescaped(pointer.substr(begin, end - begin));
    if (at->is_object() && at->contains(token)) {
      at = &(*at)[token];
    } else if (at->is_array() && !token.empty() && token.size() < 9 &&
               token.find_first_not_of("0123456789") == std::string::npos && std::stoul(token) < at->size()) {
      at = &(*at)[std::stoul(token)];
    } else {
      return wrong();
    }
    begin = end + 1;
  }
  return at;
}

Result<Json> SchemaDocument::flatten_all_of(Json schema, const std::string& where, int depth) const {
  const Json parts = schema["allOf"];
  schema.erase("allOf");
  if (!parts.is_array() || parts.empty())
    return invalid_argument("[schema] allOf must be a list of schemas, got ", parts.type_name(), " at ",
                            where, "; give a list");
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string place = cat(where, "/allOf/", i);
    MELETE_ASSIGN_OR_RETURN(Json part, flatten(parts[i], place, depth + 1));
    if (part.is_object() && part.contains("$ref")) {
      MELETE_ASSIGN_OR_RETURN(const Json* target, find(part["$ref"], place));
      MELETE_ASSIGN_OR_RETURN(part, flatten(*target, part["$ref"].get<std::string>(), depth + 1));
    }
    MELETE_ASSIGN_OR_RETURN(schema, merge_schemas(schema, part, place));
    if (schema.is_boolean()) return schema;
  }
  return schema;
}

Result<Json> SchemaDocument::flatten(const Json& given, const std::string& where, int depth) const {
  MELETE_RETURN_IF_ERROR(check_keywords(given, where));
  if (given.is_boolean()) return given;
  if (depth > kMaxMergeDepth)
    return invalid_argument("[schema] a schema must not be a part of itself, got that at ", where,
                            "; refer to it inside an object or array");
  work_ += num_values(given);
  if (work_ > kMaxMergedValues)
    return exhausted("[schema] references must stay few, got more than ", kMaxMergedValues,
                     " values to merge at ", where, "; simplify it");
  Json schema = given;
  if (schema.contains("oneOf")) {
    const Json one_of = schema["oneOf"];
    schema.erase("oneOf");
    MELETE_ASSIGN_OR_RETURN(schema, merge_schemas(schema, Json{{"anyOf", one_of}}, where));
  }
  if (schema.contains("$ref") && has_assertions(schema, /*besides_ref=*/true)) {
    const Json reference = Json{{"$ref", schema["$ref"]}};
    schema.erase("$ref");
    if (!schema.contains("allOf")) schema["allOf"] = Json::array();
    if (schema["allOf"].is_array()) schema["allOf"].push_back(reference);
  }
  return schema.contains("allOf") ? flatten_all_of(std::move(schema), where, depth) : schema;
}

}  // namespace melete
