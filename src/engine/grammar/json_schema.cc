#include "engine/grammar/json_schema.h"

#include <algorithm>
#include <map>

#include "engine/grammar/json_rules.h"
#include "engine/grammar/number_ranges.h"
#include "engine/grammar/schema_counts.h"
#include "engine/grammar/schema_merge.h"
#include "engine/grammar/schema_text.h"

namespace melete {
namespace {

constexpr std::string_view kTypeNames[] = {"object",  "array",   "string", "number",
                                           "integer", "boolean", "null"};

constexpr int kMaxDepth = 150;

// A JSON pointer's token.
std::string escaped(std::string name) {
  for (const auto& [from, to] : {std::pair('~', "~0"), std::pair('/', "~1")})
    for (size_t at = 0; (at = name.find(from, at)) != std::string::npos; at += 2) name.replace(at, 1, to);
  return name;
}

bool has_any(const Json& schema, std::initializer_list<const char*> keys) {
  return std::any_of(keys.begin(), keys.end(), [&](const char* key) { return schema.contains(key); });
}

bool is_of_type(const Json& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  if (type == "integer") return value.is_number_integer();
  return type == "boolean" ? value.is_boolean() : value.is_null();
}

Result<std::vector<std::string>> names_of(const Json& list, const char* key, const std::string& where) {
  std::vector<std::string> names;
  for (const Json& name : list.is_array() ? list : Json::array({list})) {
    if (!name.is_string())
      return invalid_argument("[schema] ", key, " must be a list of strings, got ", json_text(name), " at ",
                              where, "; correct it");
    names.push_back(name.get<std::string>());
  }
  return names;
}

class SchemaCompiler {
 public:
  explicit SchemaCompiler(const Json& root) : document_(root), rules_(builder_) {}

  Result<std::shared_ptr<const Automaton>> compile(const ByteSet& allowed) {
    MELETE_ASSIGN_OR_RETURN(const Expr whole, reference("#", "#"));
    while (!open_.empty()) {
      const std::string pointer = open_.back();
      open_.pop_back();
      MELETE_ASSIGN_OR_RETURN(const Json* schema, document_.find(pointer, pointer));
      MELETE_ASSIGN_OR_RETURN(const Expr body, schema_expression(*schema, pointer));
      builder_.define(references_.at(pointer), body);
    }
    return builder_.finish(whole->rule, allowed, "schema");
  }

 private:
  // The rule of a place; its body is compiled later, so that schemas may refer to themselves.
  Result<Expr> reference(const Json& pointer, const std::string& where) {
    MELETE_RETURN_IF_ERROR(document_.find(pointer, where));
    const std::string name = pointer.get<std::string>();
    const auto [entry, is_new] = references_.try_emplace(name, -1);
    if (is_new) {
      entry->second = builder_.add_rule(name);
      open_.push_back(name);
    }
    return call(entry->second);
  }

  Result<Expr> schema_expression(const Json& given, const std::string& where) {
    if (depth_ > kMaxDepth)
      return invalid_argument("[schema] schemas must be at most ", kMaxDepth, " deep, got more at ", where,
                              "; let a schema refer to itself only inside an object or array");
    ++depth_;
    Result<Expr> made = expression_of(given, where);
    --depth_;
    return made;
  }

  Result<Expr> expression_of(const Json& given, const std::string& where) {
    MELETE_ASSIGN_OR_RETURN(const Json schema, document_.flatten(given, where));
    if (schema.is_boolean()) return schema.get<bool>() ? rules_.value() : choice({});
    if (schema.contains("$ref")) return reference(schema["$ref"], where);
    if (schema.contains("anyOf")) return any_of(schema, where);
    if (schema.contains("enum") || schema.contains("const")) return values(schema, where);
    MELETE_ASSIGN_OR_RETURN(const auto types, types_of(schema, where));
    if (types.empty()) return rules_.value();
    std::vector<Expr> ways;
    for (const std::string& type : types) {
      MELETE_ASSIGN_OR_RETURN(Expr way, of_type(type, schema, where));
      ways.push_back(std::move(way));
    }
    return choice(std::move(ways));
  }

  Result<Expr> any_of(const Json& schema, const std::string& where) {
    const Json& branches = schema["anyOf"];
    if (!branches.is_array() || branches.empty())
      return invalid_argument("[schema] anyOf and oneOf must be lists of schemas, got ", branches.type_name(),
                              " at ", where, "; give a list");
    Json rest = schema;
    rest.erase("anyOf");
    std::vector<Expr> ways;
    for (size_t i = 0; i < branches.size(); ++i) {
      const std::string place = cat(where, "/anyOf/", i);
      const bool alone = !SchemaDocument::has_assertions(rest, /*besides_ref=*/false);
      const Json both = alone ? branches[i] : Json{{"allOf", Json::array({rest, branches[i]})}};
      MELETE_ASSIGN_OR_RETURN(Expr way, schema_expression(both, place));
      ways.push_back(std::move(way));
    }
    return choice(std::move(ways));
  }

  Result<std::vector<std::string>> types_of(const Json& schema, const std::string& where) {
    std::vector<std::string> types;
    if (schema.contains("type")) {
      MELETE_ASSIGN_OR_RETURN(types, names_of(schema["type"], "type", where));
      for (const std::string& type : types)
        if (std::find(std::begin(kTypeNames), std::end(kTypeNames), type) == std::end(kTypeNames))
          return invalid_argument(
              "[schema] type must be object, array, string, number, integer, boolean or null, got ", type,
              " at ", where, "; choose one of them");
      if (types.empty()) types.emplace_back("");  // a contradiction: nothing matches
      return types;
    }
    if (has_any(schema, {"properties", "required", "additionalProperties"})) types.emplace_back("object");
    if (has_any(schema, {"items", "prefixItems", "minItems", "maxItems"})) types.emplace_back("array");
    if (has_any(schema, {"minLength", "maxLength", "pattern", "format"})) types.emplace_back("string");
    if (has_any(schema, {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}))
      types.emplace_back("number");
    return types;
  }

  Result<Expr> values(const Json& schema, const std::string& where) {
    for (const auto& [key, value] : schema.items()) {
      Json alone = Json::object();
      alone[key] = 0;
      if (key != "type" && key != "enum" && key != "const" && SchemaDocument::has_assertions(alone, false))
        return invalid_argument("[schema] enum and const must stand without keywords but type, got ", key,
                                " at ", where, "; leave out the values that it excludes, and it");
    }
    const Json only = schema.contains("const") ? Json::array({schema["const"]}) : schema["enum"];
    if (!only.is_array())
      return invalid_argument("[schema] enum must be a list, got ", json_text(only), " at ", where,
                              "; give a list");
    MELETE_ASSIGN_OR_RETURN(const auto types, types_of(schema, where));
    std::vector<Expr> ways;
    for (const Json& value : only) {
      const bool fits =
          std::any_of(types.begin(), types.end(), [&](auto& type) { return is_of_type(value, type); });
      if (fits || types.empty()) ways.push_back(rules_.literal(value));
    }
    return choice(std::move(ways));
  }

  Result<Expr> of_type(const std::string& type, const Json& schema, const std::string& where) {
    if (type == "object") return object(schema, where);
    if (type == "array") return array(schema, where);
    if (type == "string") return schema_string(schema, where, rules_);
    if (type == "number" || type == "integer") return number(schema, where, type == "integer");
    if (type == "boolean") return choice({bytes("true"), bytes("false")});
    return type == "null" ? bytes("null") : choice({});
  }

  Result<Expr> number(const Json& schema, const std::string& where, bool is_integer) {
    std::optional<DecimalBound> bounds[2];
    const char* keys[2][2] = {{"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}};
    for (int side = 0; side < 2; ++side) {
      for (int exclusive = 0; exclusive < 2; ++exclusive) {
        const char* key = keys[side][exclusive];
        if (!schema.contains(key)) continue;
        if (bounds[side] || !schema[key].is_number())
          return invalid_argument("[schema] ", key, " must be a number, and the only one of ", keys[side][0],
                                  " and ", keys[side][1], ", got ", json_text(schema[key]), " at ", where,
                                  "; leave one out");
        bounds[side] = decimal_bound(schema[key], exclusive != 0);
        if (!bounds[side])
          return invalid_argument("[schema] ", key, " must have at most ", kMaxIntegerDigits,
                                  " digits before the point "
                                  "and ",
                                  kMaxFractionDigits, " behind it, got ", json_text(schema[key]), " at ",
                                  where, "; give a rounder number");
      }
    }
    if (!bounds[0] && !bounds[1]) return is_integer ? rules_.integer() : rules_.number();
    return numbers_between(bounds[0], bounds[1], is_integer);
  }

  // Objects and arrays are rules of their own: the depth of calls is then that of the document.
  Expr as_rule(const std::string& where, const Expr& body) { return call(builder_.add_rule(where, body)); }

  Result<Expr> object(const Json& schema, const std::string& where) {
    if (!has_any(schema, {"properties", "required", "additionalProperties"})) return rules_.object();
    const Json none = Json::object();
    const Json& properties = schema.contains("properties") ? schema["properties"] : none;
    if (!properties.is_object())
      return invalid_argument("[schema] properties must be an object, got ", properties.type_name(), " at ",
                              where, "; give one");
    MELETE_ASSIGN_OR_RETURN(
        const auto required,
        names_of(schema.contains("required") ? schema["required"] : Json::array(), "required", where));
    const Json others = schema.contains("additionalProperties") ? schema["additionalProperties"]
                        : schema.contains("properties")         ? Json(false)
                                                                : Json(true);
    MELETE_ASSIGN_OR_RETURN(const Expr other, schema_expression(others, where + "/additionalProperties"));
    ListShape members;
    members.gaps = true;
    std::vector<std::string> names;
    const auto add = [&](const std::string& name, Expr value) {
      const bool is_required = std::find(required.begin(), required.end(), name) != required.end();
      members.items.emplace_back(rules_.member(bytes(json_string(name)), std::move(value)), is_required);
      names.push_back(name);
    };
    for (const auto& [name, property] : properties.items()) {
      MELETE_ASSIGN_OR_RETURN(Expr value,
                              schema_expression(property, where + "/properties/" + escaped(name)));
      if (property != Json(false)) add(name, std::move(value));
    }
    for (const std::string& name : required) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      // With closed properties nobody says what the member is: any value.
      add(name, properties.contains(name)                 ? choice({})
                : schema.contains("additionalProperties") ? other
                                                          : rules_.value());
    }
    for (const auto& [name, property] : properties.items())
      if (property == Json(false)) names.push_back(name);
    if (others != Json(false)) members.rest = rules_.member(rules_.string_except(names), other);
    return as_rule(where, rules_.object_of(std::move(members)));
  }

  Result<Expr> array(const Json& schema, const std::string& where) {
    if (!has_any(schema, {"items", "prefixItems", "minItems", "maxItems"})) return rules_.array();
    MELETE_ASSIGN_OR_RETURN(const Counts count, schema_counts(schema, "minItems", "maxItems", where));
    const Json none = Json::array();
    const Json& first = schema.contains("prefixItems") ? schema["prefixItems"] : none;
    if (!first.is_array())
      return invalid_argument("[schema] prefixItems must be a list of schemas, got ", first.type_name(),
                              " at ", where, "; give a list");
    if (schema.contains("items") && schema["items"].is_array())
      return invalid_argument("[schema] items must be a schema, got a list at ", where,
                              "; call it prefixItems");
    ListShape items;
    for (size_t i = 0; i < first.size() && (count.max < 0 || std::ssize(items.items) < count.max); ++i) {
      MELETE_ASSIGN_OR_RETURN(Expr item, schema_expression(first[i], cat(where, "/prefixItems/", i)));
      items.items.emplace_back(std::move(item), static_cast<int64_t>(i) < count.min);
    }
    const auto num_first = std::ssize(items.items);
    items.rest_min = std::max<int64_t>(0, count.min - num_first);
    items.rest_max = count.max < 0 ? kUnbounded : count.max - num_first;
    const Json others = schema.contains("items") ? schema["items"] : Json(true);
    MELETE_ASSIGN_OR_RETURN(const Expr other, schema_expression(others, where + "/items"));
    items.rest = other;
    return as_rule(where, rules_.array_of(std::move(items)));
  }

  SchemaDocument document_;
  AutomatonBuilder builder_;
  JsonRules rules_;
  std::map<std::string, int32_t> references_;
  std::vector<std::string> open_;  // references without a body
  int depth_ = 0;
};

}  // namespace

Result<std::shared_ptr<const Automaton>> json_schema_automaton(const Json& schema, const ByteSet& allowed) {
  return SchemaCompiler(schema).compile(allowed);
}

}  // namespace melete
