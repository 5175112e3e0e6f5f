#include "server/api/openapi.h"

#include "base/ascii.h"
#include "base/build_info.h"

namespace melete {
namespace {

// Schemas with a title become components of that name, and what had them refers to them.
Json hoisted(Json schema, Json& named) {
  if (schema.is_structured())
    for (Json& each : schema) each = hoisted(std::move(each), named);
  if (!schema.is_object() || !schema.contains("title") || !schema["title"].is_string()) return schema;
  const std::string name = schema["title"];
  schema.erase("title");
  MELETE_CHECK(!named.contains(name) || named[name] == schema, "two schemas are called ", name);
  named[name] = std::move(schema);
  return {{"$ref", "#/components/schemas/" + name}};
}

Json content(const Json& schema, const std::string& type = "application/json") {
  return {{type, {{"schema", schema}}}};
}

// {id} and the like of a path, and the query's.
Json parameters_of(const Route& route) {
  const std::string& path = route.path;
  Json parameters = Json::array();
  for (const auto& [name, schema] : route.query.items())
    parameters.push_back({{"name", name}, {"in", "query"}, {"schema", schema}});
  for (size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1))
    parameters.push_back({{"name", path.substr(at + 1, path.find('}', at) - at - 1)},
                          {"in", "path"},
                          {"required", true},
                          {"schema", {{"type", "string"}}}});
  return parameters;
}

// "POST", "/v1/chat/completions" -> "post_v1_chat_completions".
std::string operation_id(const Route& route) {
  std::string id;
  for (const char c : route.method + route.path) {
    if (c >= 'A' && c <= 'Z')
      id += static_cast<char>(c + 32);
    else if (c == '/' || c == '.')
      id += '_';
    else if (c != '{' && c != '}')
      id += c;
  }
  return id;
}

// The status of an answer, and what it holds.
std::pair<const char*, Json> success_of(const Route& route) {
  if (route.response.is_null() && route.response_type.empty()) return {"204", {{"description", "done"}}};
  const std::string type = route.response_type.empty() ? "application/json" : route.response_type;
  const Json schema = route.response.is_null() ? Json{{"type", "string"}} : route.response;
  return {"200", {{"description", "the answer"}, {"content", content(schema, type)}}};
}

Json operation_of(const Route& route) {
  Json operation = {{"operationId", operation_id(route)}, {"summary", route.summary}};
  if (const Json parameters = parameters_of(route); !parameters.empty()) operation["parameters"] = parameters;
  if (!route.request.is_null())
    operation["requestBody"] = {{"required", true}, {"content", content(route.request, route.request_type)}};
  auto [status, success] = success_of(route);
  const bool is_anthropic = route.path.starts_with("/v1/messages");
  const Json error = {
      {"$ref", is_anthropic ? "#/components/schemas/AnthropicError" : "#/components/schemas/Error"}};
  operation["responses"] = {{status, std::move(success)},
                            {"default", {{"description", "an error"}, {"content", content(error)}}}};
  operation["x-access"] = name_of(route.access);
  if (route.access == Access::anyone) operation["security"] = Json::array();
  return operation;
}

}  // namespace

Json openapi_json(const std::vector<Route>& routes, const Json& schemas) {
  Json paths = Json::object();
  for (const Route& route : routes) paths[route.path][lower_ascii(route.method)] = operation_of(route);
  Json all = Json::object();
  paths = hoisted(std::move(paths), all);
  for (const auto& [name, schema] : schemas.items()) {
    Json whole = hoisted(schema, all);
    all[name] = std::move(whole);
  }
  all["Error"] = Json::parse(R"({
    "type": "object", "required": ["error"],
    "properties": {"error": {
      "type": "object", "required": ["message", "type", "param", "code"],
      "properties": {
        "message": {"type": "string"},
        "type": {"type": "string"},
        "param": {"type": ["string", "null"]},
        "code": {"type": ["string", "null"]}}}}
  })");
  all["AnthropicError"] = Json::parse(R"({
    "type": "object", "required": ["type", "error"],
    "properties": {
      "type": {"const": "error"},
      "error": {"type": "object", "required": ["type", "message"], "properties": {
        "type": {"type": "string"}, "message": {"type": "string"}}}}
  })");
  const Json none = Json::array();
  return {{"openapi", "3.1.0"},
          {"info", {{"title", "Melete"}, {"version", build_version()}}},
          {"paths", std::move(paths)},
          {"security", Json::array({Json{{"key", none}}, Json{{"xApiKey", none}}, Json{{"session", none}}})},
          {"components",
           {{"securitySchemes",
             {{"key", {{"type", "http"}, {"scheme", "bearer"}}},
              {"xApiKey", {{"type", "apiKey"}, {"in", "header"}, {"name", "x-api-key"}}},
              {"session", {{"type", "apiKey"}, {"in", "cookie"}, {"name", "melete_session"}}}}},
            {"schemas", std::move(all)}}}};
}

}  // namespace melete
