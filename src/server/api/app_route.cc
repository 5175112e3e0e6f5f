#include "server/api/app_route.h"

#include <charconv>

namespace melete {

std::function<void(ExchangePtr)> on_worker(const AppServices& services, AppHandler handler) {
  return [&services, handler](ExchangePtr exchange) {
    const Status status = services.workers.submit(
        {[&services, handler, exchange] { exchange->respond(handler(services, *exchange).take()); }});
    if (!status.ok()) exchange->respond(openai_response(api_error(status.error())));
  };
}

Json read_json_body(Exchange& exchange, std::optional<ApiError>& problem) {
  if (exchange.request.body.empty()) return Json::object();
  return take_json(exchange.request.body, problem).value_or(nullptr);
}

std::optional<int64_t> query_number(const std::map<std::string, std::string>& query, const std::string& name,
                                    int64_t least, int64_t most, std::optional<ApiError>& problem) {
  const auto found = query.find(name);
  if (found == query.end()) return std::nullopt;
  const std::string& text = found->second;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= least && value <= most)
    return value;
  problem = ApiError{400, cat("must be a number of ", least, " to ", most, ", got ", in_quotes(text)), name,
                     "invalid_value"};
  return std::nullopt;
}

Json schema_named(const std::string& name) { return {{"$ref", "#/components/schemas/" + name}}; }

Json list_schema(const std::string& name, const std::string& item) {
  return {{"type", "object"},
          {"required", Json::array({name})},
          {"properties", {{name, {{"type", "array"}, {"items", schema_named(item)}}}}}};
}

}  // namespace melete
