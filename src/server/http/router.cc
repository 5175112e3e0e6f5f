#include "server/http/router.h"

#include <algorithm>

namespace melete {
namespace {

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  for (size_t begin = 1; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool is_parameter(const std::string& part) { return part.size() > 2 && part.front() == '{'; }

}  // namespace

const char* name_of(Access access) {
  switch (access) {
    case Access::anyone: return "anyone";
    case Access::generate: return "generate";
    case Access::data: return "data";
    case Access::chat: return "chat";
    case Access::person: return "person";
    case Access::admin: return "admin";
  }
  MELETE_CHECK(false);
}

void Router::add(Route route) {
  for (const Route& other : routes_)
    MELETE_CHECK(other.method != route.method || other.path != route.path, route.method, " ", route.path,
                 " is there twice");
  const std::vector<std::string_view> parts = parts_of(route.path);
  patterns_.push_back({{parts.begin(), parts.end()}});
  routes_.push_back(std::move(route));
}

bool Router::matches(const Pattern& pattern, const std::vector<std::string_view>& parts,
                     std::map<std::string, std::string>& parameters) {
  if (pattern.parts.size() != parts.size()) return false;
  parameters.clear();
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string& part = pattern.parts[i];
    if (is_parameter(part) && !parts[i].empty())
      parameters[part.substr(1, part.size() - 2)] = parts[i];
    else if (part != parts[i])
      return false;
  }
  return true;
}

std::optional<HttpResponse> Router::enter(const Route& route, Exchange& exchange) const {
  const std::optional<HttpProblem> problem = gate_(route, exchange);
  if (!problem) {
    exchange.route = &route;
    if (route.access == Access::anyone) exchange.max_body_bytes = kMaxStrangersBytes;
    return std::nullopt;
  }
  HttpResponse response = errors_(exchange.request.path, *problem);
  if (problem->status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"melete\"");
  return response;
}

std::optional<HttpResponse> Router::admit(Exchange& exchange) {
  HttpRequest& request = exchange.request;
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  const std::vector<std::string_view> parts = parts_of(request.path);
  std::string allowed;
  for (size_t i = 0; i < routes_.size(); ++i) {
    if (!matches(patterns_[i], parts, request.parameters)) continue;
    if (routes_[i].method == method) return enter(routes_[i], exchange);
    allowed += (allowed.empty() ? "" : ", ") + routes_[i].method;
    if (routes_[i].method == "GET") allowed += ", HEAD";
  }
  if (allowed.empty())
    return errors_(request.path,
                   {404, cat("there is nothing at ", request.path, "; see /openapi.json for what there is")});
  HttpResponse response;
  if (request.method == "OPTIONS")
    response = {204, "", "", {}};
  else
    response =
        errors_(request.path,
                {405, cat(request.path, " takes ", allowed, ", got ", request.method, "; use one of them")});
  response.headers.emplace_back("Allow", allowed);
  return response;
}

void Router::handle(ExchangePtr exchange) {
  if (exchange->route == nullptr) {
    std::optional<HttpResponse> refusal = admit(*exchange);
    if (refusal) return exchange->respond(*std::move(refusal));
  }
  const Route& route = *exchange->route;
  route.handle(std::move(exchange));
}

}  // namespace melete
