#include "server/api/openapi.h"

#include "base/ascii.h"
#include "base/build_info.h"

namespace melete {
namespace {

Json content(const Json& schema) { return {{"application/json", {{"schema", schema}}}}; }

// {id} and the like of a path.
Json parameters_of(const std::string& path) {
  Json parameters = Json::array();
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

}  // namespace

Json openapi_json(const std::vector<Route>& routes) {
  Json paths = Json::object();
  for (const Route& route : routes) {
    Json ok = {{"description", "the answer"}};
    if (!route.response.is_null()) ok["content"] = content(route.response);
    Json operation = {{"operationId", operation_id(route)}, {"summary", route.summary}};
    if (const Json parameters = parameters_of(route.path); !parameters.empty())
      operation["parameters"] = parameters;
    if (!route.request.is_null())
      operation["requestBody"] = {{"required", true}, {"content", content(route.request)}};
    operation["responses"] = {
        {"200", std::move(ok)},
        {"default",
         {{"description", "an error"}, {"content", content({{"$ref", "#/components/schemas/Error"}})}}}};
    operation["x-access"] = route.access == Access::anyone ? "anyone" : "user";
    paths[route.path][lower_ascii(route.method)] = std::move(operation);
  }
  const Json text = {{"type", "string"}}, text_or_null = {{"type", {"string", "null"}}};
  return {{"openapi", "3.1.0"},
          {"info", {{"title", "Melete"}, {"version", build_version()}}},
          {"paths", std::move(paths)},
          {"components",
           {{"schemas",
             {{"Error",
               {{"type", "object"},
                {"required", {"error"}},
                {"properties",
                 {{"error",
                   {{"type", "object"},
                    {"required", {"message", "type", "param", "code"}},
                    {"properties",
                     {{"message", text},
                      {"type", text},
                      {"param", text_or_null},
                      {"code", text_or_null}}}}}}}}}}}}}};
}

}  // namespace melete
