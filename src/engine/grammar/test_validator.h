// A validator of JSON values, written from the specification and apart from the grammars that it tests. It
// knows the keywords that the tests use.
#pragma once

#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "base/json.h"

namespace melete {

inline bool validates(const Json& value, const Json& schema, const Json& root);

inline bool validates_type(const Json& value, const std::string& type) {
  if (type == "integer")
    return value.is_number_integer() ||
           (value.is_number() && value.get<double>() == std::floor(value.get<double>()));
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "boolean") return value.is_boolean();
  return value.is_null();
}

inline int64_t num_characters(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

inline bool validates_object(const Json& value, const Json& schema, const Json& root) {
  for (const Json& name : schema.value("required", Json::array()))
    if (!value.contains(name.get<std::string>())) return false;
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, inner] : value.items()) {
    if (properties.contains(name) && !validates(inner, properties[name], root)) return false;
    if (!properties.contains(name) && schema.contains("additionalProperties") &&
        !validates(inner, schema["additionalProperties"], root))
      return false;
  }
  return true;
}

inline bool validates_array(const Json& value, const Json& schema, const Json& root) {
  const Json first = schema.value("prefixItems", Json::array());
  for (size_t i = 0; i < value.size(); ++i) {
    if (i < first.size() ? !validates(value[i], first[i], root)
                         : schema.contains("items") && !validates(value[i], schema["items"], root))
      return false;
  }
  const auto size = static_cast<int64_t>(value.size());
  return size >= schema.value("minItems", int64_t{0}) && size <= schema.value("maxItems", int64_t{1} << 40);
}

inline bool validates_string(const Json& value, const Json& schema) {
  const auto text = value.get<std::string>();
  const int64_t length = num_characters(text);
  if (length < schema.value("minLength", int64_t{0}) || length > schema.value("maxLength", int64_t{1} << 40))
    return false;
  const std::string format = schema.value("format", "");
  const auto like = [&](const char* pattern) { return std::regex_match(text, std::regex(pattern)); };
  if (format == "date") return like(R"(\d{4}-[01]\d-[0-3]\d)");
  if (format == "date-time")
    return like(R"(\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d\d:\d\d))");
  if (format == "uuid") return like("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  if (format == "email") return like(R"([^@\s]+@[^@\s]+\.[^@\s.]+)");
  return !schema.contains("pattern") ||
         std::regex_search(text, std::regex(schema["pattern"].get<std::string>()));
}

inline bool validates_number(const Json& value, const Json& schema) {
  const double x = value.get<double>();
  return x >= schema.value("minimum", -1e300) && x <= schema.value("maximum", 1e300) &&
         x > schema.value("exclusiveMinimum", -1e301) && x < schema.value("exclusiveMaximum", 1e301);
}

inline bool validates(const Json& value, const Json& schema, const Json& root) {
  if (schema.is_boolean()) return schema.get<bool>();
  if (schema.contains("$ref")) {
    const auto pointer = schema["$ref"].get<std::string>().substr(1);
    if (!validates(value, root.at(Json::json_pointer(pointer)), root)) return false;
  }
  const Json types = schema.value("type", Json::array());
  const Json list = types.is_array() ? types : Json::array({types});
  const auto fits = [&](const Json& type) { return validates_type(value, type.get<std::string>()); };
  if (!list.empty() && std::none_of(list.begin(), list.end(), fits)) return false;
  const auto holds = [&](const Json& part) { return validates(value, part, root); };
  for (const char* key : {"anyOf", "oneOf"})
    if (schema.contains(key) && std::none_of(schema[key].begin(), schema[key].end(), holds)) return false;
  if (schema.contains("allOf") && !std::all_of(schema["allOf"].begin(), schema["allOf"].end(), holds))
    return false;
  if (schema.contains("enum") &&
      std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
    return false;
  if (schema.contains("const") && schema["const"] != value) return false;
  if (value.is_object()) return validates_object(value, schema, root);
  if (value.is_array()) return validates_array(value, schema, root);
  if (value.is_string()) return validates_string(value, schema);
  return !value.is_number() || validates_number(value, schema);
}

}  // namespace melete
